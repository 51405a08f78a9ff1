"""docs/metrics.md describes every field that runs write, and no other; values that were not measured are
absent."""
import json
import os
import re
import sys

import runs

PAGE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "docs", "metrics.md")


def read_page():
    """{event: {field}}; the fields of every line are under "". And {field} that only test_mpi can see."""
    found, section, of_ranks = {"": set()}, "", set()
    for line in open(PAGE, encoding="utf-8"):
        head = re.match(r"## (\S+)", line)
        section = head[1] if head else section
        field = re.match(r"\| `(\w+)` \|", line)
        if field:
            found.setdefault(section, set()).add(field[1])
            of_ranks |= {field[1]} if "only with several ranks" in line else set()
    return found, of_ranks


def train(work, name, *options, command="train"):
    more = options if command == "train" else ("--C", "1e-5,1e-3", *options)
    done = work.run(command, "--quiet", f"--set=output.directory={name}", *more)
    if done.returncode:
        runs.fail(f"{name}: {done.stderr}")


def of_runs(work):
    """Runs that together write every field."""
    work.data("d.h5", 300, 6, 3, False)
    work.data("s.h5", 300, 40, 3, True)
    d, s = "--set=data.train=d.h5", "--set=data.train=s.h5"
    train(work, "certified", d, "--set=data.validation=0.2", "--set=data.test=d.h5",
          "--set=train.tolerance=1e-4",
          "--set=model.calibration=sigmoid", "--set=checkpoint.every_epochs=1")
    train(work, "sgd", s, "--set=train.solver=sgd", "--set=train.epochs=3", "--set=data.validation=0.2")
    train(work, "useless", d, "--set=train.epochs=1", "--set=model.lambda=1e9")
    train(work, "path", d, "--set=data.validation=0.2", "--set=data.test=d.h5", command="path")
    train(work, "handover", d, "--set=train.tolerance=1e-8", "--set=model.C=1e4")


def check(what, true):
    if not true:
        runs.fail(what)


def check_epochs(name, lines):
    """The values of a certificate belong together, and are not repeated."""
    epochs = [line for line in lines if line["event"] == "epoch"]
    for line in epochs:
        check(f"{name}: {line}", len({"primal", "dual", "gap"} & line.keys()) in (0, 3))
        if "gap" in line:
            check(f"{name}: {line}", line["primal"] == line["objective"] >= line["train_loss"])
            check(f"{name}: {line}",
                  abs(line["gap"] - (line["primal"] - line["dual"]) / line["primal"]) < 1e-9)
    check(f"{name}: a value is null", not any(value is None for line in lines for value in line.values()))


with runs.Work(sys.argv[1]) as work:
    page, of_ranks = read_page()
    of_runs(work)
    seen = {}
    for name in ("certified", "sgd", "useless", "path", "handover"):
        for file in ("metrics.jsonl", "path.jsonl"):
            if not os.path.exists(work.at(name, file)):
                continue
            lines = [json.loads(line) for line in open(work.at(name, file), encoding="utf-8")]
            for line in lines:
                event = line.get("event", file)
                wanted = page.get(event, set()) | (page[""] if "event" in line else set())
                check(f"{name}/{file}: {event} has {set(line) - wanted}, which docs/metrics.md lacks",
                      set(line) <= wanted)
                check(f"{name}: {line}", "event" not in line or page[""] <= set(line))
                seen.setdefault(event, set()).update(line)
            if file == "metrics.jsonl":
                check_epochs(name, lines)
    for event in page.keys() - {""}:
        missing = page[event] - of_ranks - seen.get(event, set())
        check(f"no run wrote {missing} of {event}", not missing)
print("ok")
