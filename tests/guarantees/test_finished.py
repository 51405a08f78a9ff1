# test_finished.py - when a finished run is resumed, it reads its results. A missing or damaged result is
# written again with the same bytes, and there is one warning; if it cannot be written, this is an error. Only
# results that exist are reported.
#
#     test_finished.py MARGIN
import os
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

DATA = ("--quiet", "--set", "data.train=d.h5", "--set", "train.threads=1", "--set", "output.directory=r")
SGD = ("--set", "train.solver=sgd", "--set", "sgd.eta=0.1", "--set", "train.epochs=3",
       "--set", "train.batch=20")
KINDS = {
    "sgd": ("train", *DATA, *SGD),
    "best": ("train", *DATA, *SGD, "--set", "data.validation=0.2"),
    "certified": ("train", *DATA, "--set", "train.tolerance=1e-3"),
    "time": ("train", *DATA, *SGD, "--set", "train.epochs=1000000000", "--set", "train.time_limit=0.05"),
    # the last weights are evaluated after the last checkpoint
    "best, in an epoch": ("train", *DATA, *SGD, "--set", "data.validation=0.2",
                          "--set", "train.max_steps=11"),
    "best, once": ("train", *DATA, *SGD, "--set", "data.validation=0.2", "--set", "train.evaluate_every=0"),
    "best, every second": ("train", *DATA, *SGD, "--set", "data.validation=v.h5",
                           "--set", "train.evaluate_every=2"),
    "dual, once": ("train", *DATA, "--set", "data.validation=v.h5", "--set", "train.max_steps=3",
                   "--set", "train.evaluate_every=0"),
    "path": ("path", *DATA, "--set", "data.validation=0.2", "--C", "1e-2:1:10"),
    "cv": ("cv", *DATA, *SGD, "--folds", "2"),
    "cv of paths": ("cv", *DATA, "--folds", "2", "--C", "1e-2:1:10"),
}
RESULTS = ("model.h5", "path.jsonl", "fold-1/model.h5", "fold-2/path.jsonl")
AGAIN = "it is written again from the checkpoint"


def damage(path):
    with open(path, "r+b") as file:
        file.seek(max(0, os.path.getsize(path) // 2))
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def cut(path):
    os.truncate(path, 0)


def dangle(path):
    os.remove(path)
    os.symlink("/nowhere/at/all", path)


def make_directory(path):
    os.remove(path)
    os.mkdir(path)


def anew(work):
    shutil.rmtree(work.at("r"))
    shutil.copytree(work.at("kept"), work.at("r"))


def expect(work, status, command, says):
    done = work.run(*command, "--resume")
    if done.returncode != status or says not in done.stderr:
        runs.fail(f"{' '.join(command)}: exit {done.returncode}, {status} and '{says}' expected:"
                  f" {done.stderr}")
    return done


def restored(work, name, command, answer):
    for result in (r for r in RESULTS if os.path.exists(work.at("kept", r))):
        for harm in (os.remove, damage, cut, dangle):
            harm(work.at("r", result))
            done = expect(work, 0, command, AGAIN)
            if runs.read(work.at("r", result)) != runs.read(work.at("kept", result)):
                runs.fail(f"{name}: {result} after {harm.__name__}: other bytes")
            if done.stderr.count(AGAIN) != 1 or done.stdout != answer:
                runs.fail(f"{name}: {result} after {harm.__name__}: {done.stderr}{done.stdout}")
            if expect(work, 0, command, "").stderr:
                runs.fail(f"{name}: {result} after {harm.__name__}: written again twice")
            anew(work)
        make_directory(work.at("r", result))
        expect(work, 3, command, f"{result}: is a directory")
        anew(work)


# If a finished run is resumed, no file changes, and nothing in previous/ is deleted.
def unchanged(work, name, command, answer):
    os.makedirs(work.at("r/previous"))
    results = ("cv.jsonl", "path.jsonl", "model.h5")  # an old result of the same command
    old = next(one for one in results if os.path.exists(work.at("r", one)))
    shutil.copy(work.at("r", old), work.at("r/previous", old))
    before = runs.tree(work.at("r"))
    if expect(work, 0, command, "").stdout != answer or runs.tree(work.at("r")) != before:
        runs.fail(f"{name}: resuming a finished run changed a file, or its answer")
    anew(work)


# An intact model of another run is neither taken for this one nor replaced.
def other_model(work, command):
    shutil.copy(work.at("other/model.h5"), work.at("r/model.h5"))
    expect(work, 2, command,
           "r/model.h5: is intact, but not the model of this run: move it away; --resume then writes the"
           " model of this run again")
    if runs.read(work.at("r/model.h5")) != runs.read(work.at("other/model.h5")):
        runs.fail("an intact model of another run was replaced")
    os.rename(work.at("r/model.h5"), work.at("moved.h5"))
    expect(work, 0, command, AGAIN)
    anew(work)


# A time in a line that somebody has edited does not change the training time of the run.
def clock(work, command):
    text = runs.read(work.at("r/metrics.jsonl")).replace(b'"seconds": ', b'"seconds": 1e999, "old": ')
    with open(work.at("r/metrics.jsonl"), "wb") as file:
        file.write(text)
    if "inf s" in expect(work, 0, command, "").stdout:
        runs.fail("a clock of inf was taken from metrics.jsonl")
    anew(work)


# The summary of a cross-validation is computed again from its folds.
def summary(work, command):
    with open(work.at("r/cv.jsonl"), "ab") as file:
        file.write(b"more\n")
    expect(work, 0, command,
           "warning: r/cv.jsonl: does not have the results of these folds, so it is written again")
    if runs.read(work.at("r/cv.jsonl")) != runs.read(work.at("kept/cv.jsonl")):
        runs.fail("cv.jsonl was not written again")
    anew(work)


# A path can be resumed although metrics.jsonl has lost its lines; later, its own times are not refused.
def lost_metrics(work):
    command = (*KINDS["path"], "--set", "checkpoint.keep=100")
    if work.run(*command).returncode:
        runs.fail("the path does not end")
    steps = sorted(os.listdir(work.at("r/checkpoints")))
    if len(steps) < 3:
        runs.fail(f"a path of two points or more has only the checkpoints {steps}")
    os.remove(work.at("r/checkpoints", steps[-1]))
    os.truncate(work.at("r/metrics.jsonl"), 0)
    for _ in range(2):
        done = work.run(*command, "--resume")
        if done.returncode or b'"seconds": -' in runs.read(work.at("r/path.jsonl")):
            runs.fail(f"a path whose metrics.jsonl is empty, resumed: exit {done.returncode}: {done.stderr}")
    shutil.rmtree(work.at("r"))


with runs.Work(sys.argv[1]) as work:
    work.data("d.h5", 200, 10, 3, False)
    work.data("v.h5", 60, 10, 3, False, seed=2)
    if work.run("train", *DATA, "--set", "model.C=1e-4", "--set", "output.directory=other").returncode:
        runs.fail("the other run failed")
    for name, command in KINDS.items():
        done = work.run(*command)
        if done.returncode:
            runs.fail(f"{name}: {done.stderr}")
        shutil.copytree(work.at("r"), work.at("kept"))
        restored(work, name, command, done.stdout)
        unchanged(work, name, command, done.stdout)
        if command[0] in ("train", "path"):
            other_model(work, command)
            if name != "time":  # that run ends at a time limit
                clock(work, command)
        else:
            summary(work, command)
        shutil.rmtree(work.at("r"))
        shutil.rmtree(work.at("kept"))
    lost_metrics(work)
    print("finished runs are what they say")
