# test_kill_loop.py - a run is killed again and again, 5 to 70 ms after its start or resumption, with a
# checkpoint requested after every minibatch. No file under its final name is ever damaged, the newest
# checkpoint is never older than the last one reported, and the final model is that of an undisturbed run.
#
#     test_kill_loop.py MARGIN [KILLS] [SEED]
import json
import os
import random
import shutil
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, checkpoint, fail, read, settings, steps_of

RUN = {
    "data": {"train": "train.h5", "validation": 0.2},
    "model": {"loss": "weston-watkins"},
    "train": {"solver": "sgd", "batch": 8, "threads": 2, "parts": 2},
    "sgd": {"eta": 0.05, "update": "adagrad", "rate": "constant", "average": "true"},
    "checkpoint": {"every_steps": 1, "every_seconds": 0},
}


def arguments(epochs, seed, directory, *more):
    return ["train", "run.yaml", "--quiet", "--set", f"train.epochs={epochs}", "--set", f"train.seed={seed}",
            "--set",
            f"output.directory={directory}", *more]


def reported(path):
    """Returns the highest step for which the metrics report a checkpoint; -1 if there is none. The last line
    may be incomplete."""
    step = -1
    try:
        with open(path) as file:
            for line in file:
                if line.endswith("\n") and '"event": "checkpoint"' in line:
                    step = max(step, json.loads(line)["step"])
    except FileNotFoundError:
        pass
    return step


def expect_whole(work, directory, at_least, what):
    """Checks that all checkpoints are intact, and returns the newest step."""
    steps = steps_of(work.at(directory))
    for step in steps:
        if not work.whole(checkpoint(work.at(directory), step)):
            fail(f"{what}: the checkpoint of step {step} is damaged")
    model = work.at(directory, "model.h5")
    if os.path.exists(model) and not work.whole(model):
        fail(f"{what}: the model is damaged")
    newest = steps[0] if steps else -1
    if newest < at_least:
        fail(f"{what}: the newest checkpoint is of step {newest}, one of step {at_least} was reported")
    return newest


def expect_same(work, epochs, seed):
    done = work.run(*arguments(epochs, seed, "whole", "--overwrite", "--set", "checkpoint.every_steps=0"))
    if done.returncode or read(work.at("whole/model.h5")) != read(work.at("killed/model.h5")):
        fail(f"killed and resumed, the run of seed {seed} ended with another model (exit {done.returncode}:"
             f" {done.stderr})")


def long_enough(work):
    """Returns a number of epochs that takes the program about half a second."""
    epochs = 8
    while True:
        start = time.monotonic()
        done = work.run(*arguments(epochs, 1, "whole", "--overwrite"))
        if done.returncode:
            fail(f"exit {done.returncode}: {done.stderr}")
        if time.monotonic() - start > 0.5:
            return epochs
        epochs *= 2


def size_of(path):
    """Returns the size of the file; -1 if it does not exist, or no longer exists."""
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return -1


def main():
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 80
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    draw = random.Random(seed)
    with Work(sys.argv[1]) as work:
        # With these data, writing takes a large part of the time.
        work.data("train.h5", 1000, 60, 5, sparse=True, declared=20000)
        with open(work.at("run.yaml"), "w") as out:
            out.write(settings(RUN))
        epochs = long_enough(work)
        kills, ends, run_seed, at_least, furthest = 0, 0, 1, -1, 0
        while kills < wanted:
            process = work.start(*arguments(epochs, run_seed, "killed", "--resume"))
            after_resuming = draw.random() < 0.5
            size = size_of(work.at("killed/metrics.jsonl"))
            until = time.monotonic() + 10
            while after_resuming and process.poll() is None and time.monotonic() < until:
                if size_of(work.at("killed/metrics.jsonl")) not in (-1, size):
                    break
            time.sleep(draw.uniform(0.005, 0.07))
            process.kill()
            _, said = process.communicate()
            if process.returncode not in (0, -9):
                fail(f"kill {kills}: exit {process.returncode}: {said}")
            if "trying the previous checkpoint" in said:
                fail(f"kill {kills}: {said}")
            at_least = max(at_least, reported(work.at("killed/metrics.jsonl")))
            at_least = max(at_least, expect_whole(work, "killed", at_least, f"kill {kills}"))
            furthest = max(furthest, at_least)
            kills += process.returncode != 0
            if process.returncode == 0:  # the run is finished: start another one
                expect_same(work, epochs, run_seed)
                ends, run_seed, at_least = ends + 1, run_seed + 1, -1
                shutil.rmtree(work.at("killed"))
        done = work.run(*arguments(epochs, run_seed, "killed", "--resume"))
        if done.returncode:
            fail(f"resumed for the last time: exit {done.returncode}: {done.stderr}")
        expect_same(work, epochs, run_seed)
        if furthest < 2:
            fail("no run made a step before it was killed")
        print(f"{kills} kills of {ends + 1} runs: 0 files damaged, 0 steps behind a reported checkpoint, the"
              " same models")


main()
