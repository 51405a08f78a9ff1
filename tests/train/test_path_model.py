# test_path_model.py - a path that is resumed does not replace a model.h5 that it has not written.
#
#     test_path_model.py MARGIN
import json
import os
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs
from runs import expect, read, steps_of

POINTS = "1,0.1,0.01,1e-3,1e-4"  # of equal accuracies the smallest C is the best


def words(data, directory, C=POINTS):
    sets = (f"data.train={data}", f"output.directory={directory}", "data.validation=0.25",
            "checkpoint.keep=100", "data.scale=0.1")
    return ["path", "-q", "--C", C, *(word for one in sets for word in ("--set", one))]


def begin_again(work, kept, model):
    """The state of the path `whole` after a kill: the oldest `kept` checkpoints, no end, and this model
    (None: none)."""
    shutil.rmtree(work.at("run"), ignore_errors=True)
    shutil.copytree(work.at("whole"), work.at("run"))
    for step in steps_of(work.at("run"))[: -kept or None]:
        os.remove(runs.checkpoint(work.at("run"), step))
    lines = [line for line in open(work.at("whole", "metrics.jsonl")) if json.loads(line)["event"] != "end"]
    Path(work.at("run", "metrics.jsonl")).write_text("".join(lines))
    if not kept:  # killed before its first checkpoint: one point is there
        Path(work.at("run", "path.jsonl")).write_text(open(work.at("whole", "path.jsonl")).readline())
    os.remove(work.at("run", "model.h5"))
    if model:
        shutil.copy(model, work.at("run", "model.h5"))


def resumed(work):
    expect(work, 0, *words("a.h5", "run"), "--resume")
    if read(work.at("run", "model.h5")) != read(work.at("whole", "model.h5")):
        runs.fail("a resumed path has another model")


with runs.Work(sys.argv[1]) as work:
    work.data("a.h5", 400, 20, 4, sparse=False)
    work.data("b.h5", 400, 20, 4, sparse=False, seed=2)
    expect(work, 0, *words("a.h5", "whole"))
    expect(work, 0, *words("a.h5", "first", C="1,0.1"))
    expect(work, 0, *words("b.h5", "other"))
    train = ("train", "-q", "--set", "data.train=b.h5", "--set", "data.scale=0.1")
    expect(work, 0, *train, "--set", "train.max_steps=1", "--set", "output.directory=early")
    expect(work, 0, *train, "--set", "train.epochs=3000", "--set", "train.batch=16",
           "--set", "output.directory=late")
    own, first = work.at("whole", "model.h5"), work.at("first", "model.h5")
    foreign = [work.at(name, "model.h5") for name in ("other", "early", "late")]
    count = len(steps_of(work.at("whole")))
    if count < 3 or read(own) == read(first):
        runs.fail(f"{count} checkpoints; the best point is the first one: {read(own) == read(first)}")
    for kept in range(count + 1):
        for model in (own, *([first, None] if kept else [first])):
            begin_again(work, kept, model)
            resumed(work)
        for model in foreign:
            begin_again(work, kept, model)
            for _ in range(2):
                expect(work, 2, *words("a.h5", "run"), "--resume", says="move it away")
                if read(work.at("run", "model.h5")) != read(model):
                    runs.fail(f"{model} was replaced after {kept} checkpoints")
            os.remove(work.at("run", "model.h5"))  # as the message says
            resumed(work)
    print("a path keeps the models of others")
