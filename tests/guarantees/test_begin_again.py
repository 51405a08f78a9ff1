# test_begin_again.py - what --resume and --overwrite do with existing results: a run knows how it was started
# before its first checkpoint, a finished run is not changed, and an old result is kept until the new one is
# complete.
#
#     test_begin_again.py MARGIN
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs
from runs import expect, tree

TRAIN = ("train", "--quiet", "--set", "data.train=d.h5")
SGD = (*TRAIN, "--set", "train.solver=sgd", "--set", "sgd.eta=0.01", "--set", "train.epochs=2",
       "--set", "train.batch=8")
ENDLESS = ("--set", "train.epochs=1000000", "--set", "train.evaluate_every=0")


def on_a_full_disk(work, *arguments):
    limited = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh", work.margin, *arguments)
    return subprocess.run(limited, cwd=work.path, text=True, capture_output=True)


def killed_before_a_checkpoint(work, name):
    """Copies a finished run, and brings the copy into the state after a kill before the first checkpoint."""
    shutil.copytree(work.at(name), work.at("cut"))
    os.remove(work.at("cut/model.h5"))
    shutil.rmtree(work.at("cut/checkpoints"))


# --init is part of a run's identity, with or without a checkpoint.
def init(work):
    for name, c in (("first", "1"), ("other", "1e-4")):
        expect(work, 0, *TRAIN, "--set", f"output.directory={name}", "--set", f"model.C={c}")
    first, other = ("--init", "first/model.h5"), ("--init", "other/model.h5")
    expect(work, 0, *SGD, *first, "--set", "output.directory=whole")
    expect(work, 0, *SGD, "--set", "output.directory=plain")
    cut = ("--set", "output.directory=cut", "--resume")
    killed_before_a_checkpoint(work, "whole")
    expect(work, 2, *SGD, *cut, says="begun from the weights of first/model.h5: give that model with --init")
    expect(work, 2, *SGD, *other, *cut, says="begun from the weights of first/model.h5")
    shutil.copy(work.at("first/model.h5"), work.at("moved.h5"))
    expect(work, 0, *SGD, "--init", "moved.h5", *cut)  # follows the advice; the file has another name
    if runs.read(work.at("cut/model.h5")) != runs.read(work.at("whole/model.h5")):
        runs.fail("the resumption with the same --init gave another model")
    # When there is a checkpoint, the model is not needed; another model is refused.
    os.remove(work.at("cut/model.h5"))
    expect(work, 2, *SGD, *other, *cut, says="begun from the weights of moved.h5")
    expect(work, 0, *SGD, *cut)
    # The checkpoint names the model too, so begun.h5 and the configuration can be written again, even for a
    # finished run.
    before = {name: content[0] for name, content in tree(work.at("cut")).items()}
    for lost in (("begun.h5",), ("config.yaml",), ("begun.h5", "config.yaml", "model.h5")):
        for name in lost:
            os.remove(work.at("cut", name))
        expect(work, 0, *SGD, *cut, says="cut/begun.h5: is missing or damaged; it is written again"
               if "begun.h5" in lost else "")
        if ("model.h5" not in lost
            and {name: content[0] for name, content in tree(work.at("cut")).items()} != before):
            runs.fail(f"--resume does not write {lost} again")
    for name in ("begun.h5", "config.yaml", "model.h5"):
        if runs.read(work.at("cut", name)) != before[name]:
            runs.fail(f"--resume writes another {name}")
    shutil.rmtree(work.at("cut"))
    killed_before_a_checkpoint(work, "plain")
    expect(work, 2, *SGD, *first, *cut, says="begun without --init: leave --init out")
    expect(work, 2, *SGD, "--set", "train.seed=5", *cut, says="train.seed")
    expect(work, 0, *SGD, *cut)
    shutil.rmtree(work.at("cut"))


# If a finished run or path is resumed, no byte changes, no file is written, and the same result is reported.
def finished(work):
    kinds = {
        "run": TRAIN,
        "sgd": (*SGD, "--set", "data.validation=0.2"),
        "certified": (*TRAIN, "--set", "train.tolerance=1e-3"),
        "steps": (*SGD, "--set", "train.max_steps=3"),
        "path": ("path", "--quiet", "--C", "1e-3:1:10", "--set", "data.train=d.h5",
                 "--set", "data.validation=0.2"),
        "cv": ("cv", "--quiet", "--folds", "3", "--set", "data.train=d.h5"),
    }
    for name, command in kinds.items():
        where = ("--set", f"output.directory={name}-done")
        first = expect(work, 0, *command, *where)
        before = tree(work.at(name + "-done"))
        again = expect(work, 0, *command, *where, "--resume")
        if tree(work.at(name + "-done")) != before:
            runs.fail(f"{name}: resuming the finished run changed files")
        if first.stdout != again.stdout:
            runs.fail(f"{name}: resumed, it prints\n{again.stdout}instead of\n{first.stdout}")


def started(work, directory, *command):
    """Starts a run that does not end. Returns when it has written its first lines."""
    process = work.start(*command, "--set", f"output.directory={directory}")
    for _ in range(6000):
        if process.poll() is not None:
            runs.fail(f"{' '.join(command)} ended: {process.stderr.read()}")
        for config in (work.at(directory, at, "config.yaml") for at in (".", "fold-1")):
            if os.path.exists(config) and b"  epochs: 1000000" in runs.read(config):
                return process
        time.sleep(0.01)
    runs.fail("the run does not start")


# --overwrite keeps the old result until the new one is complete, however often the new run is killed.
def overwrite(work):
    expect(work, 0, *SGD, "--set", "output.directory=o")
    old = {name: runs.read(work.at("o", name)) for name in ("model.h5", "config.yaml", "metrics.jsonl")}
    for _ in range(2):
        process = started(work, "o", *SGD, *ENDLESS, "--overwrite")
        process.kill()
        process.wait()
        kept = {name: runs.read(work.at("o/previous", name)) for name in old}
        if kept != old or os.path.exists(work.at("o/model.h5")):
            runs.fail("the old result is not in previous/")
    expect(work, 0, *SGD, "--set", "output.directory=o", "--set", "model.C=1", "--overwrite")
    if os.path.exists(work.at("o/previous")) or runs.read(work.at("o/model.h5")) == old["model.h5"]:
        runs.fail("previous/ remains after a complete result")
    # The same for a cross-validation: its summary and its folds belong together.
    cv = ("cv", "--quiet", "--folds", "2", *SGD[2:], "--set", "output.directory=v")
    expect(work, 0, *cv)
    old = [runs.read(work.at("v", name)) for name in ("cv.jsonl", "fold-2/model.h5")]
    process = started(work, "v", *cv[:-2], *ENDLESS, "--overwrite")
    expect(work, 2, *cv, "--overwrite", says="is using this directory")
    process.send_signal(signal.SIGKILL)
    process.wait()
    if ([runs.read(work.at("v/previous", name)) for name in ("cv.jsonl", "fold-2/model.h5")] != old
        or os.path.exists(work.at("v/cv.jsonl"))):
        runs.fail("the old cross-validation is not in previous/")
    expect(work, 0, *cv, "--overwrite")
    if os.path.exists(work.at("v/previous")):
        runs.fail("previous/ remains after a complete cross-validation")
    # Files that are not margin's are never deleted.
    with open(work.at("o/notes.txt"), "w") as note:
        note.write("mine")
    os.makedirs(work.at("o/previous"))
    with open(work.at("o/previous/notes.tmp"), "w") as note:
        note.write("mine too")
    before = runs.read(work.at("o/model.h5"))
    expect(work, 3, *SGD, "--set", "output.directory=o",
           "--overwrite", says="o/previous: holds files that margin did not write: move them away")
    if runs.read(work.at("o/model.h5")) != before or not os.path.exists(work.at("o/previous/notes.tmp")):
        runs.fail("--overwrite deleted a file that is not margin's, or touched the result")
    os.rename(work.at("o/previous/notes.tmp"), work.at("notes.txt"))
    expect(work, 0, *SGD, "--set", "output.directory=o", "--overwrite")
    if not os.path.exists(work.at("o/notes.txt")):
        runs.fail("--overwrite deleted a file that is not margin's")


# The points of a killed path do not replace an older complete result. On a full disk, --overwrite fails after
# it has moved the old result.
def unfinished(work):
    at = ("--set", "output.directory=m")
    path = ("path", "--quiet", "--C", "1e-3:1:10", "--set", "data.train=d.h5", "--set", "data.validation=0.2",
            *at)
    expect(work, 0, *path)
    old = runs.read(work.at("m/model.h5"))
    os.mkdir(work.at("m/previous"))
    for name in ("model.h5", "path.jsonl", "metrics.jsonl"):
        shutil.copy(work.at("m", name), work.at("m/previous"))
    for name in ("metrics.jsonl", "path.jsonl"):
        lines = runs.read(work.at("m", name)).splitlines(keepends=True)
        with open(work.at("m", name), "wb") as cut:
            cut.writelines(lines[:2])
    with open(work.at("m/model.h5"), "r+b") as newer:
        newer.write(b"newer")
    full = on_a_full_disk(work, *path, "--overwrite")
    if full.returncode != 3 or runs.read(work.at("m/previous/model.h5")) != old:
        runs.fail(f"--overwrite over an unfinished path, with a full disk: {full.stderr}")
    shutil.rmtree(work.at("m"))
    # If a run has lost begun.h5 and its checkpoints, its configuration is moved together with its results.
    expect(work, 0, *TRAIN, *at)
    os.remove(work.at("m/begun.h5"))
    shutil.rmtree(work.at("m/checkpoints"))
    full = on_a_full_disk(work, *TRAIN, *at, "--overwrite")
    if (full.returncode != 3
        or sorted(os.listdir(work.at("m/previous"))) != ["config.yaml", "metrics.jsonl", "model.h5"]):
        runs.fail(f"--overwrite over a run without begun.h5, with a full disk: {full.stderr}")
    shutil.rmtree(work.at("m"))


# `previous` is replaced only with --overwrite, and only if it is a directory.
def previous(work):
    at = ("--set", "output.directory=m")
    expect(work, 0, *TRAIN, "--set", "output.directory=m/previous")
    expect(work, 2, *TRAIN, *at, says="holds an old result in previous: move it away")
    shutil.copytree(work.at("m"), work.at("c/fold-1"))
    folds = ("cv", "--quiet", "--folds", "2", "--set", "data.train=d.h5", "--set", "output.directory=c",
             "--overwrite")
    expect(work, 2, *folds, says="c/fold-1: holds a run that is not fold 1 of a cross-validation: move it"
                                 " away")
    os.rename(work.at("c/fold-1"), work.at("away"))  # follows the advice
    expect(work, 0, *folds)
    os.rename(work.at("m/previous"), work.at("elsewhere"))
    before = tree(work.at("elsewhere"))
    os.symlink("../elsewhere", work.at("m/previous"))
    expect(work, 0, *TRAIN, *at, "--resume")
    expect(work, 3, *TRAIN, *at, "--overwrite",
           says="m/previous: is not a directory that margin made: move it away")
    os.rename(work.at("m/previous"), work.at("m/previous.new"))
    expect(work, 3, *TRAIN, *at, "--overwrite", says="m/previous.new: is not a directory")
    if tree(work.at("elsewhere")) != before or not os.path.exists(work.at("m/model.h5")):
        runs.fail("a link named previous was followed")


def as_nobody(work):
    """Returns the command that runs a process without privileges; None if there is none."""
    if os.geteuid() != 0:
        return ()
    os.chmod(work.path, 0o777)
    return (("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if shutil.which("setpriv")
            else None)


# If the user may not move or delete all files, --overwrite changes nothing, and the owner can still resume
# the run.
def rights(work):
    nobody = as_nobody(work)
    if not nobody:
        return  # the test needs two users
    os.chmod(work.at("d.h5"), 0o644)
    for how in ("sticky", "checkpoints", "parent"):
        command = (*SGD, "--set", f"output.directory={how}")
        expect(work, 0, *command)
        os.chmod(work.at(how), 0o1777 if how == "sticky" else 0o777)
        if how == "parent":
            os.chmod(work.at(how), 0o755)
        if how != "sticky":  # only the checkpoints must not be changed
            for name in os.listdir(work.at(how)):
                os.chown(work.at(how, name), 65534, -1) if name != "checkpoints" else None
        before = tree(work.at(how))
        done = subprocess.run([*nobody, work.margin, *command, "--overwrite"], cwd=work.path, text=True,
                              capture_output=True)
        says = {"sticky": "belongs to another user, and sticky has the sticky bit",
                "checkpoints": "change the permissions of checkpoints/checkpoints",
                "parent": "parent/lock: cannot be created"}[how]
        if done.returncode != 3 or says not in done.stderr:
            runs.fail(f"{how}: exit {done.returncode}: {done.stderr}")
        expect(work, 0, *command, "--resume")  # by its owner
        if tree(work.at(how)) != before or os.path.exists(work.at(how, "previous.new")):
            runs.fail(f"{how}: a refused --overwrite changed the directory")
        os.chmod(work.at(how), 0o777)
        os.chmod(work.at(how, "checkpoints"), 0o777)  # follows the advice
        done = subprocess.run([*nobody, work.margin, *command, "--overwrite"], cwd=work.path, text=True,
                              capture_output=True)
        if done.returncode:
            runs.fail(f"{how}: after the change of permissions: {done.stderr}")


# A checkpoint that cannot be read is not damaged, so it is neither skipped nor reported as lost.
def unreadable(work):
    nobody = as_nobody(work)
    if nobody is None:
        return

    def train(*more):
        command = [*nobody, work.margin, *SGD, "--set", "output.directory=u",
                   "--set", "checkpoint.every_steps=5", "--set", "checkpoint.keep=3", *more]
        return subprocess.run(command, cwd=work.path, text=True, capture_output=True)

    if train().returncode:
        runs.fail("the run as another user failed")
    model = runs.read(work.at("u/model.h5"))
    os.remove(work.at("u/model.h5"))
    newest = runs.checkpoint(work.at("u"), runs.steps_of(work.at("u"))[0])
    os.chmod(newest, 0)
    done = train("--resume")
    if (done.returncode != 3 or "make it readable, or move it away" not in done.stderr
        or "--overwrite" in done.stderr):
        runs.fail(f"an unreadable checkpoint: exit {done.returncode}: {done.stderr}")
    os.rename(newest, work.at("moved"))
    if train("--resume").returncode or runs.read(work.at("u/model.h5")) != model:
        runs.fail("with the checkpoint moved away, the run does not resume from the one before")


with runs.Work(sys.argv[1]) as work:
    work.data("d.h5", 200, 10, 3, False)
    init(work)
    finished(work)
    overwrite(work)
    unfinished(work)
    previous(work)
    rights(work)
    unreadable(work)
