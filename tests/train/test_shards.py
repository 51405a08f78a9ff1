# test_shards.py - train.shards: the same optimum as with one shard, the same bytes for every number of
# threads, also with empty shards, weights of zero and constant columns; and what several shards cannot do is
# refused in one line.
#
#     test_shards.py MARGIN
import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, expect, fail, need_modules, put_csr, read

need_modules("h5py", "numpy")

import h5py
import numpy as np

ROWS, FEATURES, CLASSES, TOLERANCE = 700, 20, 4, 1e-3


def make(work):
    draw = np.random.default_rng(8)
    y = np.sort(np.arange(ROWS) % CLASSES)  # sorted: most shards have a single class
    x = draw.poisson(2.0, (ROWS, FEATURES)) + 3 * (np.arange(FEATURES) % CLASSES == y[:, None])
    x[:, 5] = 7  # constant
    weight = draw.integers(0, 4, ROWS).astype("f4")
    weight[:100] = 0  # the first shard has no weight
    forms = (("dense", lambda f: f.create_dataset("X", data=x.astype("u1"))),
             ("csr", lambda f: put_csr(f, x)))
    for name, put in forms:
        with h5py.File(work.at(name + ".h5"), "w") as f:
            put(f)
            f["y"], f["w"] = y, weight
    with h5py.File(work.at("few.h5"), "w") as f:
        f["X"], f["y"] = x[::60].astype("f4"), y[::60]


def train(work, directory, data, *sets, status=0):
    sets = ["data.train=" + data, f"output.directory={directory}", f"train.tolerance={TOLERANCE}",
            "train.solver=newton", "model.C=1", *sets]
    done = expect(work, status, "train", "-q", "--json", "--overwrite",
                  *[word for text in sets for word in ("--set", text)])
    return json.loads(done.stdout) if not status else done.stderr.splitlines()


def model(work, directory):
    with h5py.File(work.at(directory, "model.h5")) as f:
        return {name: f[name][()] for name in f if isinstance(f[name], h5py.Dataset)}


def compare(work, data, *sets):
    one = train(work, "one", data, *sets)
    runs = {shards: train(work, f"of{shards}", data, f"train.shards={shards}", "train.threads=1", *sets)
            for shards in (2, 64)}
    for shards, result in runs.items():
        if not result["converged"]:
            fail(f"{data} {sets}, {shards} shards: {result['reason']}")
        if abs(result["objective"] / one["objective"] - 1) > 2 * TOLERANCE:
            fail(f"{data} {sets}: objective {result['objective']} with {shards} shards, {one['objective']}"
                 " with one")
        if abs(result["train_accuracy"] - one["train_accuracy"]) > 0.02:
            fail(f"{data} {sets}: accuracy {result['train_accuracy']} and {one['train_accuracy']}")
        scale = [model(work, place).get("scale") for place in ("one", f"of{shards}")]
        if ((scale[0] is None) != (scale[1] is None)
            or (scale[0] is not None and not np.allclose(*scale, rtol=1e-6, atol=0))):
            fail(f"{data} {sets}: the scales differ")
    train(work, "threads", data, "train.shards=64", "train.threads=3", *sets)
    if read(work.at("threads", "model.h5")) != read(work.at("of64", "model.h5")):
        fail(f"{data} {sets}: the bytes depend on the number of threads")
    if read(work.at("of2", "model.h5")) == read(work.at("of64", "model.h5")):
        fail(f"{data} {sets}: 2 and 64 shards have the same bytes, so this test proves nothing")


def test_optimum(work):
    compare(work, "dense.h5", "data.scale=standard", "data.validation=0.2")
    compare(work, "dense.h5", "data.scale=standard", "data.weights=w", "model.class_weight=balanced",
            "model.loss=softmax")
    compare(work, "csr.h5", "data.scale=max-abs", "model.loss=weston-watkins")
    compare(work, "csr.h5", "data.scale=max-abs", "data.weights=w", "model.loss=softmax",
            "model.penalize_bias=false")
    compare(work, "few.h5", "model.loss=one-vs-rest-squared")


def test_constant(work):
    """A constant column has no deviation at all, and is not scaled."""
    train(work, "constant", "dense.h5", "data.scale=standard", "data.weights=w", "train.shards=8")
    scale = model(work, "constant")["scale"]
    if scale[5] != 0 or (np.delete(scale, 5) == 0).any():
        fail(f"the scales are {scale}")


def test_refused(work):
    def refuse(words, *sets):
        lines = train(work, "refused", "dense.h5", "train.shards=4", *sets, status=2)
        if len(lines) != 1 or not all(word in lines[0] for word in words):
            fail(f"{sets}: {words} expected: {lines}")

    refuse(["train.solver: sgd", "train.solver to newton", "train.shards to 1"], "train.solver=sgd",
           "train.tolerance=0")
    refuse(["train.solver: dual"], "train.solver=dual")
    refuse(["train.shards: 4", "train.tolerance, for example to 1e-3"], "train.solver=auto",
           "train.tolerance=0")
    refuse(["train.shards: 6", "4 or 8"], "train.shards=6")
    refuse(["train.shards: 4", "data.memory_limit", "train.shards to 1"], "data.memory_limit=4096")
    train(work, "auto", "dense.h5", "train.solver=auto", "train.shards=4")
    # the advice about memory
    train(work, "streamed", "dense.h5", "train.solver=sgd", "train.tolerance=0", "data.memory_limit=100000",
          "train.shards=1")


with Work(sys.argv[1]) as work:
    make(work)
    test_optimum(work)
    test_constant(work)
    test_refused(work)
print("shards change nothing but the rounding")
