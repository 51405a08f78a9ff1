# test_folds.py - a directory fold-N may hold a run that is not a fold. cv, train and path do not touch such a
# run, even while somebody trains in it. --overwrite changes nothing before everything that can be refused has
# been checked.
#
#     test_folds.py MARGIN
import fcntl
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs
from runs import expect, tree

DATA = ("--quiet", "--set", "data.train=d.h5", "--set", "train.threads=1")
SGD = (*DATA, "--set", "train.solver=sgd", "--set", "sgd.eta=0.1", "--set", "train.epochs=2",
       "--set", "train.batch=20")
ENDLESS = ("--set", "train.epochs=1000000", "--set", "train.evaluate_every=0",
           "--set", "checkpoint.every_steps=50")
CV = ("cv", "--folds", "3", *SGD)
PATH = ("path", *DATA, "--C", "1e-2:1:10")


def at(name):
    return ("--set", f"output.directory={name}")


# Moves away everything in the directory except folds: follows the advice about the result of another command.
def move_away(work, directory):
    os.makedirs(work.at("moved"))
    for name in os.listdir(work.at(directory)):
        if not name.startswith("fold-"):
            os.rename(work.at(directory, name), work.at("moved", name))
    shutil.rmtree(work.at("moved"))


def wait_for(process, what, there):
    for _ in range(6000):
        if there():
            return
        if process.poll() is not None:
            runs.fail(f"{what} does not come: {process.stderr.read()}")
        time.sleep(0.01)
    runs.fail(f"{what} does not come")


# If a run is active in fold-1 of a directory, commands that begin in the directory do not touch it.
def running(work):
    process = work.start("train", *SGD, *ENDLESS, *at("c/fold-1"))
    wait_for(process, "a checkpoint", lambda: runs.steps_of(work.at("c/fold-1")))
    expect(work, 2, "train", *SGD, *at("c/fold-1"), says=f"process {process.pid} is using this directory")
    for command in (("train", *SGD), PATH):
        expect(work, 0, *command, *at("c"))
        expect(work, 0, *command, *at("c"), "--overwrite")
        move_away(work, "c")
    expect(work, 2, *CV, *at("c"), "--overwrite",
           says="c/fold-1: holds a run that is not fold 1 of a cross-validation: move it away")
    names = sorted(os.listdir(work.at("c/fold-1")))
    process.send_signal(signal.SIGTERM)
    process.wait()
    if (process.returncode != 75
        or names != ["begun.h5", "checkpoints", "config.yaml", "lock", "metrics.jsonl"]):
        runs.fail(f"the run in fold-1 was disturbed: {names}, exit {process.returncode}")
    shutil.rmtree(work.at("c"))


# The same for a run that has ended there, and for a directory of the user's.
def ended(work):
    for n in (1, 2):
        expect(work, 0, "train", *SGD, *at(f"c/fold-{n}"))
    os.makedirs(work.at("c/fold-7"))
    with open(work.at("c/fold-7/notes.txt"), "w") as notes:
        notes.write("mine")
    before = tree(work.at("c"))
    for more in ((), ("--overwrite",), ("--resume",)):
        expect(work, 2, *CV, *at("c"), *more, says="c/fold-1: holds a run that is not fold 1")
        if tree(work.at("c")) != before:
            runs.fail("cv changed a run of its own that stands in fold-1")
    for more in ((), ("--overwrite",), ("--resume",)):
        expect(work, 0, "train", *SGD, *at("c"), *more)
    after = tree(work.at("c"))
    if {name: after.get(name) for name in before} != before:
        runs.fail("train changed runs that stand in fold-1 and fold-2")
    for n in (1, 2):
        os.rename(work.at(f"c/fold-{n}"), work.at(f"moved-{n}"))  # follows the advice
    expect(work, 2, *CV, *at("c"), "--overwrite",
           says="c: already holds the result of train, which cv does not replace")
    move_away(work, "c")
    expect(work, 0, *CV, *at("c"), "--overwrite")
    if runs.read(work.at("c/fold-7/notes.txt")) != b"mine":
        runs.fail("cv changed fold-7")
    os.rename(work.at("c/fold-2"), work.at("moved"))
    os.symlink("../moved", work.at("c/fold-2"))
    before = tree(work.at("c"))
    for more in (("--overwrite",), ("--resume",)):
        expect(work, 3, *CV, *at("c"), *more, says="c/fold-2: is not a directory")
    if tree(work.at("c")) != before:
        runs.fail("cv began before it looked at a link named fold-2")
    shutil.rmtree(work.at("c"))


# If another process holds the lock of a fold, neither the fold nor any other file is moved.
def held(work):
    expect(work, 0, *CV, *at("c"))
    before = tree(work.at("c"))
    lock = os.open(work.at("c/fold-2"), os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    expect(work, 2, *CV, *at("c"), "--overwrite", says="c/fold-2: another process is using this directory")
    if tree(work.at("c")) != before:
        runs.fail("cv --overwrite changed files although a fold is in use")
    os.close(lock)
    shutil.rmtree(work.at("c"))


# A command with --overwrite that is refused changes nothing, whatever is in the directory.
def mistakes(work):
    expect(work, 0, *CV, *at("done"))
    shutil.copytree(work.at("done"), work.at("cut"))
    os.remove(work.at("cut/cv.jsonl"))
    expect(work, 0, "train", *SGD, *at("run"))
    shutil.copytree(work.at("run"), work.at("half"))
    os.remove(work.at("half/model.h5"))
    wrong = (("data.train=typo.h5", 3), ("data.labels=none", 3), ("data.features=Z", 3),
             ("model.class_weight={9: 2}", 2))
    for directory in ("done", "cut", "run", "half"):
        before = tree(work.at(directory))
        for command in (CV, ("train", *SGD), PATH, ("cv", *PATH[1:], "--folds", "2")):
            for mistake, status in wrong:
                # the result of another command is refused first
                own = "train" if directory in ("run", "half") else "cv"
                expect(work, status if command[0] == own else 2, *command, *at(directory),
                       "--overwrite", "--set", mistake)
                if tree(work.at(directory)) != before:
                    runs.fail(f"{command[0]} --overwrite with {mistake} changed {directory}")
    for directory in ("done", "cut", "run", "half"):
        shutil.rmtree(work.at(directory))


# Files that an interrupted --overwrite has moved are not replaced.
def in_the_way(work):
    expect(work, 0, *CV, *at("c"))
    os.makedirs(work.at("c/previous.new/fold-1"))
    before = tree(work.at("c"))
    for more in ("--overwrite", "--resume"):
        expect(work, 3, *CV, *at("c"), more,
               says="c/previous.new/fold-1: the file fold-1 beside previous.new must be moved there: move"
                    " one of the two away")
    if tree(work.at("c")) != before:
        runs.fail("a refused --overwrite changed files")
    os.rmdir(work.at("c/previous.new/fold-1"))  # follows the advice
    expect(work, 2, *CV, *at("c"), says="holds an old result in previous")
    expect(work, 0, *CV, *at("c"), "--resume")
    if os.path.exists(work.at("c/previous.new")) or os.path.exists(work.at("c/previous")):
        runs.fail("previous remains after a complete cross-validation")
    shutil.rmtree(work.at("c"))


# An active run in `previous` stays, even when the new result is complete.
def in_previous(work):
    expect(work, 0, "train", *SGD, *at("c"))
    process = work.start("train", *SGD, *ENDLESS, *at("c/previous"))
    wait_for(process, "a checkpoint", lambda: runs.steps_of(work.at("c/previous")))
    expect(work, 2, "train", *SGD, *at("c"),
           "--overwrite", says=f"c/previous: process {process.pid} is using this directory")
    os.remove(work.at("c/model.h5"))
    expect(work, 0, "train", *SGD, *at("c"), "--resume", says="c/previous: the old result is kept, because")
    process.send_signal(signal.SIGTERM)
    process.wait()
    if process.returncode != 75 or not runs.steps_of(work.at("c/previous")):
        runs.fail("a run in previous/ was disturbed")
    shutil.rmtree(work.at("c"))


# A cross-validation whose directory is fold-1 of another one, which is finished or has been moved to
# `previous`.
def nested(work):
    expect(work, 0, *CV, *at("c"))
    expect(work, 0, *CV, *at("c/fold-1"), "--overwrite")
    shutil.copytree(work.at("c"), work.at("aside"))
    os.mkdir(work.at("aside/fold-1/previous"))
    os.rename(work.at("aside/fold-1/cv.jsonl"), work.at("aside/fold-1/previous/cv.jsonl"))
    for place in ("c", "aside"):
        before = tree(work.at(place, "fold-1"))
        for more in ("--overwrite", "--resume"):
            expect(work, 2, *CV, *at(place), more, says=f"{place}/fold-1: holds a run that is not fold 1")
        expect(work, 2, "train", *SGD, *at(place),
               "--overwrite", says=f"{place}: already holds the result of cv")
        if tree(work.at(place, "fold-1")) != before:
            runs.fail(f"a cross-validation in {place}/fold-1 was changed")
        os.rename(work.at(place, "fold-1"), work.at("nested"))  # follows the advice
        expect(work, 0, *CV, *at(place), "--overwrite")
        shutil.rmtree(work.at("nested"))
        shutil.rmtree(work.at(place))


# If a fold that would be moved contains a file of the user's, nothing changes.
def notes(work):
    expect(work, 0, *CV, *at("c"))
    os.remove(work.at("c/cv.jsonl"))
    for complete in (False, True):
        with open(work.at("c/fold-2/notes.txt"), "w") as file:
            file.write("mine")
        before = tree(work.at("c"))
        expect(work, 3, *CV, *at("c"), "--overwrite",
               says="c/fold-2: holds files that margin did not write: move them away")
        if tree(work.at("c")) != before:
            runs.fail("--overwrite changed folds although it was refused")
        os.remove(work.at("c/fold-2/notes.txt"))  # follows the advice
        expect(work, 0, *CV, *at("c"), "--overwrite")
    shutil.rmtree(work.at("c"))


# A cross-validation that is killed before it has written anything into a fold leaves an empty fold, which is
# deleted.
def empty(work):
    for names in ((), ("lock",), ("begun.h5.12.tmp", "lock")):
        for command in (("train", *SGD), PATH, ("cv", "--folds", "2", *SGD)):
            for n in ("3", "7"):
                os.makedirs(work.at(f"c/fold-{n}"))
                for name in names:
                    open(work.at(f"c/fold-{n}", name), "w").close()
            open(work.at("c/fold-7/notes.txt"), "w").close()
            expect(work, 0, *command, *at("c"))
            if os.path.exists(work.at("c/fold-3")) or not os.path.exists(work.at("c/fold-7/notes.txt")):
                runs.fail(f"{command[0]}: an empty fold remains, or one that is not empty is gone")
            shutil.rmtree(work.at("c"))


# A fold whose begun.h5 is lost or damaged is recognised by its checkpoint.
def lost(work):
    expect(work, 0, *CV, *at("c"))
    before = tree(work.at("c"))
    for damaged in (False, True):
        os.remove(work.at("c/fold-2/begun.h5"))
        if damaged:
            with open(work.at("c/fold-2/begun.h5"), "wb") as file:
                file.write(before["fold-2/begun.h5"][0][:-1])
        expect(work, 0, *CV, *at("c"), "--resume",
               says="c/fold-2/begun.h5: is missing or damaged; it is written again")
        if {name: content[0] for name, content in tree(work.at("c")).items()} != {
            name: content[0] for name, content in before.items()
        }:
            runs.fail("--resume does not write the same begun.h5 again")
    os.remove(work.at("c/fold-2/begun.h5"))
    expect(work, 0, *CV, *at("c"), "--overwrite")
    shutil.rmtree(work.at("c"))


# A fold whose only checkpoint could not be written is trained again, to the same bits; other folds are not. A
# run keeps its model.
def no_checkpoint(work):
    for command in (CV, ("cv", *PATH[1:], "--folds", "2")):
        expect(work, 0, *command, *at("c"))
        before = tree(work.at("c"))
        shutil.rmtree(work.at("c/fold-1/checkpoints"))
        expect(work, 0, *command, *at("c"), "--resume")
        after = tree(work.at("c"))
        for name in before:
            if name.startswith("fold-2") and before[name] != after[name]:
                runs.fail(f"{name} was changed")
            bits, again = (re.sub(rb'"seconds": [^,}]*', b"", files[name][0]) for files in (before, after))
            if (os.path.basename(name) in ("model.h5", "path.jsonl", "begun.h5", "config.yaml")
                and bits != again):
                runs.fail(f"{name}: a fold without a checkpoint was not trained again to the same bits")
        shutil.rmtree(work.at("c/fold-1/checkpoints"))
        expect(work, 2, *command, *at("c"), "--resume", "--set", "train.seed=9",
               says="belongs to another configuration")
        shutil.rmtree(work.at("c"))


with runs.Work(sys.argv[1]) as work:
    work.data("d.h5", 200, 10, 3, False)
    for part in (running, ended, held, mistakes, in_the_way, in_previous, nested, notes, empty, lost,
                 no_checkpoint):
        part(work)
    print("fold-N is whose it is")
