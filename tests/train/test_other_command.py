# test_other_command.py - train, path and cv never replace or delete the result of one another, with no
# option, and the advice works.
#
#     test_other_command.py MARGIN
import os
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs
from runs import expect, tree

DATA = ("--quiet", "--set", "data.train=d.h5", "--set", "train.threads=1", "--set", "train.solver=dual",
        "--set", "train.epochs=3")
HELD = ("--set", "data.validation=0.2")
COMMANDS = {
    "train": [("train", *DATA), ("train", *DATA, "--set", "model.C=auto")],
    "path": [("path", *DATA, *HELD, "--C", "0.1,1"), ("path", *DATA, *HELD, "--lambda", "1e-3,1e-2")],
    "cv": [("cv", *DATA, "--folds", "2"), ("cv", *DATA, "--folds", "2", "--C", "0.1,1")],
}
HOW = ((), ("--resume",), ("--overwrite",))
PAIRS = [(name, other) for name in COMMANDS for other in COMMANDS if other != name]


def at(name):
    return ("--set", f"output.directory={name}")


def refused(work, name, other, place="m", where="m"):
    """All forms of the command `other` refuse the result of `name`, and change nothing."""
    before = tree(work.at("m"))
    for command in COMMANDS[other]:
        for more in HOW:
            says = (f"{place}: already holds the result of {name}, which {other} does not replace:"
                    f" set output.directory, or move {place} away\n")
            done = expect(work, 2, *command, *at(where), *more, says=says)
            if tree(work.at("m")) != before or done.stderr.count("\n") != 1:
                runs.fail(f"{other} {' '.join(more)} in a directory of {name}: files changed, or messages:"
                          f" {done.stderr}")


def whole_results(work):
    for name, other in PAIRS:
        for command in COMMANDS[name]:
            expect(work, 0, *command, *at("m"))
            refused(work, name, other)
            expect(work, 0, *command, *at("m"), "--overwrite")  # its own result is replaced
            expect(work, 0, *COMMANDS[other][0], *at("n"))  # follows the advice: another directory
            os.rename(work.at("m"), work.at("away"))  # follows the advice: the result is moved away
            expect(work, 0, *COMMANDS[other][0], *at("m"))
            for place in ("m", "n", "away"):
                shutil.rmtree(work.at(place))


def parts_of_results(work):
    """A result that has lost files, has not ended, or is an old one that a killed command was going to
    replace."""
    origin = ["begun.h5", "checkpoints"]
    lost = {"train": (["checkpoints"], ["begun.h5"], ["model.h5", "metrics.jsonl"], origin),
            "path": (["checkpoints"], ["begun.h5"], ["path.jsonl", "model.h5"], origin),
            "cv": (["cv.jsonl"], ["fold-1"], ["fold-1/begun.h5", "fold-2/begun.h5"])}
    for name, other in PAIRS:
        for names in lost[name]:
            expect(work, 0, *COMMANDS[name][0], *at("m"))
            for one in names:
                path = work.at("m", one)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
            refused(work, name, other)
            shutil.rmtree(work.at("m"))
        for old in ("previous", "previous.new"):
            expect(work, 0, *COMMANDS[name][0], *at(f"m/{old}"))
            refused(work, name, other, place=f"m/{old}")
            os.rename(work.at("m", old), work.at("away"))  # follows the advice
            expect(work, 0, *COMMANDS[other][0], *at("m"))
            for place in ("m", "away"):
                shutil.rmtree(work.at(place))


def folds(work):
    """A fold of a cross-validation is no result of train or path, although it has the same files."""
    for command in COMMANDS["cv"]:
        expect(work, 0, *command, *at("m"))
        for other in ("train", "path"):
            refused(work, "cv", other, place="m/fold-2", where="m/fold-2")
        shutil.rmtree(work.at("m"))


with runs.Work(sys.argv[1]) as work:
    work.data("d.h5", 120, 8, 3, False)
    for part in (whole_results, parts_of_results, folds):
        part(work)
    print("no command replaces the result of another")
