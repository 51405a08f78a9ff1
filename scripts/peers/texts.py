#!/usr/bin/python3
"""Compares margin with fastText on the words of scripts/make_languages.sh, from the text to the model, and
replaces the section on texts of a page.

    texts.py MARGIN TRAIN.tsv TEST.tsv WORK PAGE

scripts/bench_peers.sh calls it. A line of the files is `label TAB text`. Environment: ROUNDS (5).
"""
import os
import random
import re
import statistics
import sys

from compare import machine
from programs import run, say
from report import seconds, spread, table, times

HEADING = "## Texts next to fastText"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
THREADS = len(os.sched_getaffinity(0))
NOTE = """Made by `scripts/bench_peers.sh` (`scripts/peers/texts.py`) on a machine with {threads} cores
({processor}). {rows:,} words of 21 languages for training and {tests:,} for the test. Both programs use the
n-grams of 1 to 4 characters. Medians of {rounds} rounds, in which the programs take turns, with the least and
the largest value in parentheses.

fastText (Debian's 0.9.2) has its default options except for the n-grams and {threads} threads: 5 epochs, 100
dimensions, 2,000,000 buckets, softmax. It visits texts in the order of the file, so its file is shuffled
first; that is not part of its time. margin has its default options too: Crammer-Singer, and 2^18 features.
"""


def rewrite(source, target):
    """Writes the lines in the format of fastText, in a random order. Returns their number."""
    with open(source, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t", 1) for line in file]
    random.Random(1).shuffle(lines)
    with open(target, "w", encoding="utf-8") as file:
        file.writelines(f"__label__{label} {text}\n" for label, text in lines)
    return len(lines)


class Row:
    def __init__(self, name, *commands):
        self.name, self.commands, self.runs = name, commands, []

    def measure(self, work):
        self.runs.append([run(command, work, None) for command in self.commands])
        say(f"  {self.name}: {self.wall()[-1]:.2f} s")

    def wall(self):
        return [sum(one.wall for one in done) for done in self.runs]

    def peak(self):
        return statistics.median(max(one.memory for one in done) for done in self.runs)


def measure(margin, train, test, work):
    rows = rewrite(train, f"{work}/train.ft")
    tests = rewrite(test, f"{work}/test.ft")
    fast = Row("fastText",
               ["fasttext", "supervised", "-input", f"{work}/train.ft", "-output", f"{work}/fasttext",
                "-minn", "1", "-maxn", "4", "-thread", str(THREADS), "-verbose", "0"])
    ours = Row("margin (default)",
               [margin, "convert", "--format", "text", "--overwrite", "--ngrams", "char:1:4", "--bits", "18",
                train, f"{work}/texts.h5"],
               [margin, "train", "--quiet", "--overwrite", "--set", f"data.train={work}/texts.h5",
                "--set", "model.bias=0", "--set", f"output.directory={work}/texts"])
    for turn in range(ROUNDS):
        say(f"texts, round {turn + 1} of {ROUNDS}")
        for row in (ours, fast):
            row.measure(work)
    told = run([margin, "eval", f"{work}/texts/model.h5", test], work, None).output
    ours.accuracy = float(re.search(r"accuracy +([0-9.]+)%", told)[1])
    told = run(["fasttext", "test", f"{work}/fasttext.bin", f"{work}/test.ft"], work, None).output
    fast.accuracy = 100 * float(re.search(r"P@1\s+([0-9.]+)", told)[1])
    return rows, tests, [ours, fast]


def section(rows, tests, measured):
    best = statistics.median(measured[0].wall())
    yield HEADING + "\n"
    yield NOTE.format(rows=rows, tests=tests, rounds=ROUNDS, threads=THREADS,
                      processor=machine()["processor"])
    convert = seconds(statistics.median(done[0].wall for done in measured[0].runs))
    yield from table(["program", "text to model", "/ margin's", "peak memory", "test accuracy"],
                     [[row.name, spread(row.wall()), times(statistics.median(row.wall()), best),
                       f"{row.peak() / 1e6:.0f} MB", f"{row.accuracy:.2f}%"] for row in measured])
    yield f"`margin convert` takes {convert} of margin's time.\n"


def main():
    margin, train, test, work, page = sys.argv[1:]
    text = "\n".join(section(*measure(margin, train, test, work)))
    with open(page, encoding="utf-8") as file:
        before, _, after = file.read().partition(HEADING)
    if not after:  # the section is new: the one of the Python package stays the last
        before, heading, after = before.partition("## The Python package next to scikit-learn")
        after = heading + after
    else:
        after = "## " + after.partition("\n## ")[2]
    with open(page, "w", encoding="utf-8") as file:
        file.write(f"{before.rstrip()}\n\n{text}\n{after}")


if __name__ == "__main__":
    main()
