# test_split.py - convert --split: two files with the same recipe, a fraction of every class, the same bytes
# every time, for every format; nothing is learned from the test rows.
#
#     test_split.py MARGIN
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, expect, fail, need_modules, read, tree, without_leak_check

need_modules("h5py", "numpy")

import h5py
import numpy as np

DATA, USAGE, IO = 3, 2, 4
draw = random.Random(3)


def write(work, name, lines):
    with open(work.at(name), "w") as out:
        out.write("\n".join(lines) + "\n")


def dense(f):
    """The rows of a converted file as tuples, with labels and ids."""
    if isinstance(f["X"], h5py.Dataset):
        x = f["X"][:]
    else:
        g = f["X"]
        x = np.zeros(g.attrs["shape"], "f4")
        for i in range(len(x)):
            part = slice(g["indptr"][i], g["indptr"][i + 1])
            x[i, g["indices"][part]] = g["data"][part]
    y = f["y"][:].tolist() if "y" in f else [None] * len(x)
    ids = f["id"][:].tolist() if "id" in f else [None] * len(x)
    return [(tuple(row.ravel().tolist()), label, name) for row, label, name in zip(x, y, ids)]


def split(work, *arguments, out="out.h5", test="out_test.h5", fraction="0.2"):
    done = expect(work, 0, "convert", "--overwrite", "--split", fraction, *arguments, out)
    with h5py.File(work.at(out)) as a, h5py.File(work.at(test)) as b:
        return dense(a), dense(b), done.stderr


def whole(work, *arguments):
    expect(work, 0, "convert", "--overwrite", *arguments, "whole.h5")
    with h5py.File(work.at("whole.h5")) as f:
        return dense(f)


def check(rows, train, test, fraction=0.2):
    """The rows of both files are all rows, each in its order; every class gives its share."""
    def within(part):
        at = iter(rows)
        return all(any(row == other for other in at) for row in part)
    if sorted(map(repr, train + test)) != sorted(map(repr, rows)) or not within(train) or not within(test):
        fail("the two files are not the rows in their order")
    if len(test) != int(fraction * len(rows) + 0.5):
        fail(f"{len(test)} test rows of {len(rows)}")
    for label in {row[1] for row in rows}:
        all_rows, held = (sum(row[1] == label for row in part) for part in (rows, test))
        if not fraction * all_rows - 1 < held < fraction * all_rows + 1 or held == all_rows:
            fail(f"class {label}: {held} test rows of {all_rows}")


def formats(work):
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 9, (100, 4)), np.array([0] * 60 + [1] * 37 + [7] * 3)
    rng.shuffle(y)
    write(work, "t.csv", ["a,b,c,d,name,label"] +
          [f"{','.join(map(str, row))},n{i},{k}" for i, (row, k) in enumerate(zip(x, y))])
    write(work, "t.svm", [f"{k} " + " ".join(f"{d + 1}:{v}" for d, v in enumerate(row) if v)
                          for row, k in zip(x, y)])
    write(work, "t.tsv", [f"class{k}\t" + " ".join("abcdefghi"[v] * 2 for v in row) for row, k in zip(x, y)])
    np.save(work.at("x.npy"), x.astype("f2"))
    np.save(work.at("y.npy"), y)
    np.savez(work.at("t.npz"), X=x.astype("i4"), y=y)
    write(work, "y.txt", [f"k{k}" for k in y])
    write(work, "part-1.svm", open(work.at("t.svm")).read().splitlines()[:50])
    write(work, "part-2.svm", open(work.at("t.svm")).read().splitlines()[50:])
    ways = (["--id", "name", "t.csv"], ["t.svm"], ["--format", "text", "--bits", "8", "t.tsv"],
            ["x.npy", "y.npy"], ["t.npz"],
            ["--labels", "y.txt", "x.npy"], ["part-1.svm", "part-2.svm"])
    for way in ways:
        rows = whole(work, *way)
        train, test, said = split(work, *way)
        check(rows, train, test)
        before = [open(work.at(name), "rb").read() for name in ("out.h5", "out_test.h5")]
        split(work, *way)
        if before != [open(work.at(name), "rb").read() for name in ("out.h5", "out_test.h5")]:
            fail(f"{way}: the second split gives other bytes")
        if split(work, "--seed", "2", *way)[1] == test:
            fail(f"{way}: --seed changes nothing")
        # The last line is a command that works.
        command = re.search(r"margin (train .*)$", said.splitlines()[-1])
        if not command or "80 rows to train" not in said or "20 rows for the test" not in said:
            fail(f"{way}: the last line is {said!r}")
        split(work, *way)
        expect(work, 0, *shlex.split(command[1]), "--overwrite", "--set", "train.epochs=2")
    with h5py.File(work.at("out.h5")) as f:
        if not isinstance(f["X"], h5py.Group):
            fail("svmlight rows are not sparse")


def learned(work):
    """tf-idf, one-hot values and values to fill in are those of the training rows: the test file is that of
    --like."""
    write(work, "t.tsv", [f"{'ab'[i % 2]}\tw{i % 7} v{i}" for i in range(60)])
    write(work, "t.csv", ["x,city,label"] + [f"{'NA' if i % 5 == 0 else i},c{i % 9},{'ab'[i % 2]}"
                                             for i in range(60)])
    for name, header, how in (("t.tsv", 0, ["--format", "text", "--bits", "9", "--weighting", "tf-idf"]),
                              ("t.csv", 1, ["--header", "yes", "--one-hot", "city", "--missing", "mean"]),
                              ("t.csv", 1, ["--header", "yes", "--one-hot", "city", "--missing", "median"])):
        lines = open(work.at(name)).read().splitlines()
        # Which rows are held depends on labels and seed alone, so a table of the same labels tells them.
        write(work, "numbers.csv", ["n,label"] + [f"{i},{'ab'[i % 2]}" for i in range(60)])
        train, test, _ = split(work, "numbers.csv")
        for rows, out in ((train, "a"), (test, "b")):
            write(work, f"{out}-{name}", lines[:header] + [lines[int(row[0][0]) + header] for row in rows])
        expect(work, 0, "convert", "--overwrite", *how, f"a-{name}", "a.h5")
        expect(work, 0, "convert", "--overwrite", "--like", "a.h5", f"b-{name}", "b.h5")
        split(work, *how, name)
        for one, other in (("a.h5", "out.h5"), ("b.h5", "out_test.h5")):
            if open(work.at(one), "rb").read() != open(work.at(other), "rb").read():
                fail(f"{name} {how}: {other} is not the file of the rows alone")


def limits(work):
    write(work, "few.csv", ["a,label", "1,x", "2,y", "3,z", "4,z", "5,z", "6,z"])
    train, test, _ = split(work, "few.csv", fraction="0.5")
    if {row[1] for row in train} != {b"x", b"y", b"z"} or len(test) != 3:
        fail(f"a class lost all its rows: {train} {test}")
    write(work, "alone.csv", ["a,label", "1,x", "2,y"])
    expect(work, DATA, "convert", "--split", "0.5", "alone.csv", "never.h5",
           says="leaves no row for the test")
    for value in ("0", "1", "-1", "x", "nan"):
        expect(work, USAGE, "convert", f"--split={value}", "few.csv", "never.h5",
               says="a fraction above 0 and below 1")
    expect(work, USAGE, "convert", "--seed", "1", "few.csv", "never.h5", says="--seed needs --split")
    expect(work, USAGE, "convert", "--split-output", "b.h5", "few.csv", "never.h5",
           says="--split-output needs --split")
    expect(work, USAGE, "convert", "--split", "0.5", "--split-output", "never.h5", "few.csv", "never.h5",
           says="both the training and the test rows")
    expect(work, 0, "convert", "--split", "0.5", "--split-output", "given.h5", "few.csv", "c.h5")
    write(work, "d_test.h5", ["mine"])
    done = work.run("convert", "--split", "0.5", "few.csv", "d.h5")
    if (done.returncode == 0 or "d_test.h5: already exists" not in done.stderr
        or Path(work.at("d.h5")).exists()):
        fail(f"an existing test file: {done.stderr}")
    # Without labels, all rows are one class.
    train, test, _ = split(work, "--label", "none", "--drop", "label", "few.csv", fraction="0.34")
    if len(train) != 4 or len(test) != 2:
        fail("rows without labels are not split")


def odd_names(work):
    """The command that is printed works in a shell."""
    write(work, "few.csv", ["a,label"] + [f"{i * 7 % 10},{'xyz'[i % 3]}" for i in range(30)])
    for name in ("my data", "it's mine", "a;b"):
        said = expect(work, 0, "convert", "--split", "0.2", "few.csv", f"{name}.h5").stderr
        command = re.search(r"margin (train .*)$", said.splitlines()[-1])[1]
        expect(work, 0, *shlex.split(command), "--overwrite", "--set", "train.epochs=2")


def unlabelled(work):
    """The command leaves out the rows without a label."""
    write(work, "few.csv", ["a,b,c"] + [f"{i * 7 % 10},{i % 3},{i % 5}" for i in range(30)])
    write(work, "few.txt", ["xyz"[i % 3] if i % 4 else "NA" for i in range(30)])
    for labels in ("few.txt", None):
        more = ["--label", "none", "--labels", labels] if labels else ["--label", "last"]
        said = expect(work, 0, "convert", "--overwrite", *more, "--split", "0.2", "few.csv", "few.h5").stderr
        command = re.search(r"margin (train .*)$", said.splitlines()[-1])[1]
        if ("data.unlabelled=drop" in command) != (labels is not None):
            fail(command)
        expect(work, 0, *shlex.split(command), "--overwrite", "--set", "train.epochs=2")


def together(work):
    """Both files get their names, or none; the outputs are compared by place, not by text."""
    write(work, "few.csv", ["a,label"] + [f"{i},{'xyz'[i % 3]}" for i in range(30)])
    os.mkdir(work.at("both"))
    os.symlink("both", work.at("same"))
    os.symlink("new.h5", work.at("both/link.h5"))
    for output, other in (("both/o.h5", "both/./o.h5"), ("both/o.h5", "same/o.h5"),
                          ("both/new.h5", "both/link.h5"), (work.at("both/o.h5"), "both/o.h5")):
        for more in ([], ["--overwrite"]):
            said = work.run("convert", *more, "--split", "0.2", "--split-output", other, "few.csv", output)
            if (said.returncode not in (USAGE, 3) or os.path.exists(work.at("both/o.h5"))
                or os.path.exists(work.at("both/new.h5"))):
                fail(f"{output} and {other}: exit {said.returncode} {said.stderr}")
            if more and "both the training and the test rows" not in said.stderr:
                fail(f"{output} and {other}: {said.stderr}")
    os.unlink(work.at("both/link.h5"))
    # The second rename fails.
    strace = shutil.which("strace")
    if not strace or subprocess.run([strace, "-o", "/dev/null", "true"], capture_output=True).returncode:
        return
    for before in (False, True):
        if before:
            split(work, "few.csv", out="both/s.h5", test="both/s_test.h5")
        old = tree(work.at("both"))
        done = subprocess.run([strace, "-f", "-o", "/dev/null", "-e", "inject=renameat2:error=EIO:when=2+",
                               work.margin,
                               "convert", "--overwrite", "--split", "0.2", "--seed", "2", "few.csv",
                               "both/s.h5"],
                              cwd=work.path, capture_output=True, text=True, env=without_leak_check())
        if done.returncode != 3 or "the finished file cannot be renamed" not in done.stderr:
            fail(f"a failed rename: exit {done.returncode} {done.stderr}")
        now = tree(work.at("both"))
        if {name: x[0] for name, x in now.items()} != {name: x[0] for name, x in old.items()}:
            fail(
                f"a failed rename leaves {sorted(tree(work.at('both')))}, or other content, of {sorted(old)}"
            )
    killed(work, strace)


def killed(work, strace):
    """A kill between the renames leaves no new file beside an old one. The same command then writes both."""
    names = ("pair/s.h5", "pair/s_test.h5")
    os.mkdir(work.at("pair"))

    def pair(seed):
        expect(work, 0, "convert", "--overwrite", "--split", "0.2", "--seed", seed, "few.csv", names[0])
        return [read(work.at(name)) for name in names]

    new, count, alive = pair("2"), 0, False
    while not alive:
        old, count = pair("1"), count + 1
        how = f"inject=renameat2,renameat,unlinkat:signal=KILL:when={count}"
        command = [strace, "-f", "-o", "/dev/null", "-e", how, str(Path(sys.argv[1]).resolve())]
        command += ["convert", "--overwrite", "--split", "0.2", "--seed", "2", "few.csv", names[0]]
        done = subprocess.run(command, cwd=work.path, capture_output=True, env=without_leak_check())
        alive = not done.returncode
        there = [read(work.at(name)) if os.path.exists(work.at(name)) else None for name in names]
        if not any(all(found in (None, one) for found, one in zip(there, whole)) for whole in (old, new)):
            fail(f"a kill at rename {count} leaves a new file beside an old one")
        if pair("2") != new:
            fail(f"after a kill at rename {count} the same command writes other files")
        if count > 20 or (alive and count < 4):
            fail(f"{count} renames")


with Work(sys.argv[1]) as work:
    for part in (formats, learned, limits, odd_names, unlabelled, together):
        part(work)
print("convert --split gives every class its share, and learns nothing from the test rows")
