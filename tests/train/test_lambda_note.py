# test_lambda_note.py - a run with the default lambda and few rows for each stored value prints a note, and
# the command in the note compares values of lambda.
#
#     test_lambda_note.py MARGIN
import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

NOTE = "the default lambda (0.0001) may not be the best"


def said(work, *options, command=("train",)):
    sets = f"output.directory=run-{command[0]}", "train.epochs=2", *options
    r = work.run(*command, "--overwrite", *[w for o in sets for w in ("--set", o)])
    if r.returncode:
        runs.fail(f"{command} {options}: {r.stderr}")
    return r.stderr


with runs.Work(sys.argv[1]) as work:
    work.data("few.h5", 60, 50, 3, sparse=False)
    work.data("enough.h5", 1000, 50, 3, sparse=False)
    work.data("sparse.h5", 300, 5, 3, sparse=True, declared=60)  # five values in almost every row
    cases = (
        (NOTE, ("data.train=few.h5",)),
        (NOTE, ("data.train=few.h5", "train.solver=sgd")),
        (None, ("data.train=few.h5", "model.C=1")),
        (None, ("data.train=few.h5", "model.C=auto")),
        (None, ("data.train=few.h5", "model.lambda=1e-4")),
        (None, ("data.train=enough.h5",)),
        (None, ("data.train=sparse.h5",)),
    )
    for note, options in cases:
        text = said(work, *options)
        if (NOTE in text) != bool(note) or text.count("margin cv") != bool(note):
            runs.fail(f"{options}: {text}")
    command = re.search(r"margin (cv --lambda \S+),", said(work, "data.train=few.h5"))[1].split()
    text = said(work, "data.train=few.h5", command=command)
    if NOTE in text:
        runs.fail(f"{command}: repeats the note: {text}")
    lines = [line for line in open(work.at("run-cv", "cv.jsonl")) if '"lambda"' in line]
    if len(lines) < 5:
        runs.fail(f"{command}: {lines}")
    print("the note and its command hold")
