# test_moved_files.py - files and directories of a run are renamed, deleted or replaced while it trains.
#
#     test_moved_files.py MARGIN
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs
from runs import expect

SGD = ("train", "--quiet", "--set", "data.train=d.h5", "--set", "train.solver=sgd", "--set", "sgd.eta=0.01",
       "--set", "train.epochs=2", "--set", "train.batch=8")


def at(name):
    return ("--set", f"output.directory={name}")


def wait_for(process, path):
    for _ in range(6000):
        if os.path.exists(path):
            return
        if process.poll() is not None:
            runs.fail(f"{path} does not come: {process.stderr.read()}")
        time.sleep(0.01)
    runs.fail(f"{path} does not come")


# If its directory is renamed, a cross-validation continues in it. When the limit of processor time is
# reached, it writes a checkpoint.
def renamed(work):
    cv = ("cv", "--quiet", "--folds", "3", "--set", "data.train=d.h5", "--set", "train.solver=sgd",
          "--set", "sgd.eta=0.01", "--set", "train.batch=1",
          "--set", "train.epochs=300", "--set", "train.evaluate_every=0", *at("c"))
    process = work.start(*cv)
    wait_for(process, work.at("c/fold-1/metrics.jsonl"))
    os.rename(work.at("c"), work.at("moved"))
    try:
        said = process.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        runs.fail("a cross-validation whose directory is renamed does not end")
    if process.returncode or not os.path.exists(work.at("moved/cv.jsonl")) or os.path.exists(work.at("c")):
        runs.fail(f"a cross-validation whose directory is renamed: exit {process.returncode}, {said}")
    shutil.rmtree(work.at("moved"))
    process = work.start(*SGD, "--set", "train.epochs=1000000", "--set", "train.evaluate_every=0", *at("b"))
    wait_for(process, work.at("b/metrics.jsonl"))
    os.remove(work.at("b/metrics.jsonl"))
    process.send_signal(signal.SIGXCPU)
    said = process.communicate()[1]
    if (process.returncode != 75
        or "b/metrics.jsonl: was deleted or renamed while the run wrote to it" not in said):
        runs.fail(f"SIGXCPU, without metrics.jsonl: exit {process.returncode}, {said}")
    shutil.rmtree(work.at("b"))


# The directory of checkpoints is moved away while the run trains.
def moved_checkpoints(work):
    process = work.start(*SGD, "--set", "train.epochs=1000000", "--set", "train.evaluate_every=0", *at("b"))
    wait_for(process, work.at("b/checkpoints"))
    os.rename(work.at("b/checkpoints"), work.at("away"))
    process.send_signal(signal.SIGTERM)
    process.wait()
    if "b/checkpoints is not the directory this run began with" not in process.stderr.read():
        runs.fail("checkpoints were moved away under a run, which does not report it")
    os.rename(work.at("away"), work.at("b/checkpoints"))  # follows the advice
    process = work.start(*SGD, "--set", "train.epochs=1000000", "--set", "train.evaluate_every=0", *at("b"),
                         "--resume")
    wait_for(process, work.at("b/lock"))
    process.kill()
    if "holds no checkpoint" in process.communicate()[1]:
        runs.fail("moved back, the checkpoints are not found")
    shutil.rmtree(work.at("b"))


# Another program puts a model into the directory while the run trains.
def foreign_model(work):
    limited = ("--set", "train.epochs=1000000", "--set", "train.evaluate_every=0",
               "--set", "train.time_limit=1")
    process = work.start(*SGD, *limited, *at("b"))
    wait_for(process, work.at("b/checkpoints"))
    shutil.copy(work.at("foreign"), work.at("b/model.h5"))
    said = process.communicate()[1]
    if process.returncode != 3 or "b/model.h5: appeared while margin was working, so it is kept" not in said:
        runs.fail(f"a model appeared under a run: exit {process.returncode}, {said}")
    if runs.read(work.at("b/model.h5")) != runs.read(work.at("foreign")):
        runs.fail("the model of another program was replaced")
    os.rename(work.at("b/model.h5"), work.at("moved"))  # follows the advice
    expect(work, 0, *SGD, *limited, *at("b"), "--resume")
    expect(work, 0, "info", "b/model.h5", "--verify")
    shutil.rmtree(work.at("b"))


with runs.Work(sys.argv[1]) as work:
    work.data("d.h5", 200, 10, 3, False)
    with open(work.at("foreign"), "wb") as foreign:
        foreign.write(b"\x89HDF\r\n\x1a\n of another program" * 40)
    for part in (renamed, moved_checkpoints, foreign_model):
        part(work)
    print("a run keeps to its own files")
