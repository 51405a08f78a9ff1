# test_numbers.py - results that a user can check: columns far from zero, huge, tiny or constant; balanced
# classes with row weights; values that float32 cannot hold.
#
#     test_numbers.py MARGIN
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

runs.need_modules("h5py", "numpy")

import h5py
import numpy as np

SOLVERS = (("train.solver=dual",), ("train.tolerance=1e-3",), ("train.solver=sgd", "sgd.eta=0.05"),
           ("train.solver=newton", "train.tolerance=1e-3"))


def put(path, x, y, sparse=False, **more):
    with h5py.File(path, "w") as f:
        if sparse:
            g = f.create_group("X")
            g.attrs["shape"] = x.shape
            i, j = np.nonzero(x)
            g["data"], g["indices"] = x[i, j], j.astype("i4")
            g["indptr"] = np.concatenate([[0], np.cumsum((x != 0).sum(1))])
        else:
            f["X"] = x
        f["y"] = y
        for name, values in more.items():
            f[name] = values


def train(work, data, *options, wanted=0):
    r = work.run("train", "--quiet", "--overwrite", "--set", f"data.train={data}",
                 "--set", "output.directory=r", *[w for o in options for w in ("--set", o)])
    if r.returncode != wanted:
        runs.fail(f"train {data} {options}: exit {r.returncode}: {r.stderr}")
    return r.stderr + r.stdout


def accuracy(text):
    return float(text.split("train accuracy")[1].split("%")[0])


# With data.scale: standard, the result does not depend on the magnitude of the columns or on their distance
# from zero.
def scaled(work):
    draw = np.random.default_rng(0)
    rows = 800
    y = draw.integers(0, 3, rows)
    z = draw.normal(size=(rows, 12))
    z[np.arange(rows), y] += 2
    for sparse in (False, True):
        for options in SOLVERS[2:3] if sparse else SOLVERS:
            options = ("data.scale=standard", "model.C=1", *options)
            put(work.at("a.h5"), z.astype("f4"), y, sparse)
            plain = accuracy(train(work, "a.h5", *options))
            for ratio, size in ((1e4, 1), (1e6, 1), (1, 1e-30), (1e4, 1e30), (1e6, 1e-30), (10, 1e18)):
                put(work.at("b.h5"), ((z / ratio + 1) * size).astype("f4"), y, sparse, w=np.ones(rows))
                text = train(work, "b.h5", *options)
                if abs(accuracy(text) - plain) > 1.5:
                    runs.fail(f"mean {ratio} deviations, size {size}, {options}: {accuracy(text)}% instead"
                              f" of {plain}%")
                if (("warning" in text) != (ratio == 1e6)
                    or (ratio == 1e6 and "subtract a constant near the mean from the column" not in text)):
                    runs.fail(f"mean {ratio} deviations: {text}")
                if accuracy(train(work, "b.h5", "data.weights=w", *options)) != accuracy(text):
                    runs.fail("weights of 1 change the result")
    # Follows the advice of the warning: subtracts the constant before the values become float32.
    x = z / 1e6 + 1
    put(work.at("b.h5"), (x - 1).astype("f4"), y)
    text = train(work, "b.h5", "data.scale=standard", "model.C=1", *SOLVERS[1])
    if "warning" in text:
        runs.fail(f"after the advice was followed: {text}")


# The weight of a constant column has no effect, so test rows may have another constant in it.
def constant(work):
    draw = np.random.default_rng(1)
    y = draw.integers(0, 2, 300)
    for value, options in ((0.1, ()), (1e18, ()), (0.1, ("data.rows=total",)), (1e-20, ("data.weights=w",))):
        x = np.c_[draw.normal(size=300) + 4 * y + 5, np.full(300, value)]
        if options == ("data.rows=total",):
            x[:, 0] = 3 * draw.integers(1, 50, 300)
            x[:, 1] = x[:, 0] / 3  # the scaled values are constant, except for rounding
            x = np.c_[x, x[:, 0] * 0]
        put(work.at("a.h5"), x.astype("f4"), y, w=draw.random(300))
        train(work, "a.h5", "data.scale=standard", "model.C=1", *SOLVERS[1], *options)
        with h5py.File(work.at("r", "model.h5")) as f:
            if np.any(f["weights"][:, 1] != 0):
                runs.fail(f"a constant column of {value} {options} has weight {f['weights'][:, 1]}")


# class_weight: balanced, and others: a row of weight 2 counts twice, one of weight 0 not at all.
def balanced(work):
    draw = np.random.default_rng(2)
    y = draw.choice(4, 400, p=[0.6, 0.2, 0.15, 0.05])
    x = draw.normal(size=(400, 6)).astype("f4")
    x[np.arange(400), y] += 1
    weight = draw.integers(0, 4, 400)
    weight[y == 0] = weight[y == 0] % 2
    weight[y == 3] = 0  # all rows of this class have weight 0
    for sparse in (False, True):
        for layout in (("data.memory_limit=0",),
                       ("data.memory_limit=20000", "data.window=4KiB", "train.batch=32")):
            put(work.at("a.h5"), x, y, sparse, w=weight.astype("f4"))
            put(work.at("b.h5"), np.repeat(x, weight, 0), np.repeat(y, weight), sparse)
            solver = ("train.solver=sgd", "sgd.eta=0.02",
                      "train.epochs=200") if len(layout) > 1 else ("train.tolerance=1e-5",)
            got = []
            for data, more in (("a.h5", ("data.weights=w",)), ("b.h5", ())):
                train(work, data, "model.class_weight=balanced", "model.loss=one-vs-rest-squared",
                      "model.C=1", *solver, *layout, *more)
                with h5py.File(work.at("r", "model.h5")) as f:
                    got.append(f["weights"][:3])
            if not np.allclose(*got, atol=0.02 if len(layout) == 1 else 0.08):
                runs.fail(f"sparse {sparse}, {layout}: weighted rows give {got[0]}, repeated ones {got[1]}")


# Values that float32 cannot hold are reported with their place and number.
def vanishing(work):
    with open(work.at("a.csv"), "w") as f:
        f.write("a,b,label\n" + "".join(f"{1 + k},{['1e-50', '-1e-400'][i % 2] if i >= 3 else '0e-400'},{k}\n"
                                        for i, k in enumerate([0, 1] * 5)))
    with open(work.at("a.svm"), "w") as f:
        f.write("".join(f"{k} 1:{1 + k} 2:{'-1e-40' if i >= 3 else 0}\n" for i, k in enumerate([0, 1] * 5)))
    for name, place in (("a.csv", "a.csv:5:"), ("a.svm", "a.svm:4:")):
        r = work.run("convert", "--quiet", "--overwrite", name, "c.h5")
        if (r.returncode or place not in r.stderr or "7 of them" not in r.stderr
            or r.stderr.count("float") != 1):
            runs.fail(f"convert {name}: {r.returncode} {r.stderr}")
    draw = np.random.default_rng(5)
    y = draw.integers(0, 2, 60)
    x = draw.normal(size=(60, 3)) + y[:, None]
    put(work.at("good.h5"), x, y)
    x[7, 2], x[9, 1] = 1e-300, -1e-40
    for sparse in (False, True):
        put(work.at("a.h5"), x, y, sparse)
        text = train(work, "a.h5", "train.epochs=2")
        put(work.at("f.h5"), x.astype("f4"), y, sparse)
        if "too small" in train(work, "good.h5", "train.epochs=2"):
            runs.fail("a warning although all values fit")
        for command in (("eval", "r/model.h5", "a.h5"), ("predict", "r/model.h5", "a.h5")):
            r = work.run(*command)
            for said in (text, r.stderr):
                if (r.returncode or said.count("too small") != 1
                    or "X[7, 2] is 1e-300; it and 1 other values" not in said):
                    runs.fail(f"{command} {r.returncode}: {said}")


# Differences that rounding to float32 loses are reported with the column. With the advice, the column is
# learned.
def rounding(work):
    draw = np.random.default_rng(6)
    y = draw.integers(0, 2, 400)
    far = 1.6e9 + 10 * y + draw.integers(0, 5, 400)
    for kind in ("f8", "i8", "u4"):
        x = np.stack([draw.integers(0, 9, 400), far], axis=1)
        put(work.at("a.h5"), x.astype(kind), y)
        said = train(work, "a.h5", "data.scale=standard", "train.epochs=5")
        advice = said.partition("subtract ")[2].partition(" from the column")[0]
        if ("X[:, 1] has values from 1600000000 to 1600000014; as 32-bit floats" not in said
            or float(advice) != 1.6e9):
            runs.fail(f"{kind}: {said}")
        x[:, 1] -= float(advice)
        put(work.at("b.h5"), x.astype(kind), y)
        said = train(work, "b.h5", "data.scale=standard", "train.epochs=5")
        if "32-bit" in said or accuracy(said) != 100:
            runs.fail(f"{kind}, with the advice: {said}")
    put(work.at("a.h5"), np.stack([far % 2**24, far - far.min() + 2.0**23], axis=1).astype("i8"), y)
    if "32-bit" in train(work, "a.h5", "data.scale=standard", "train.epochs=5"):
        runs.fail("a warning although float32 holds all values")
    with open(work.at("a.csv"), "w") as f:
        f.write("row,time,label,other\n" + "".join(f"0,{t:.2f},{k},{t / 7:.3f}\n" for t, k in zip(far, y)))
    r = work.run("convert", "--quiet", "--overwrite", "--drop", "row", "a.csv", "c.h5")
    if (r.returncode or "a.csv: column 4 'other' has values" not in r.stderr
        or "2 columns are like this" not in r.stderr):
        runs.fail(f"convert a.csv: {r.returncode} {r.stderr}")


with runs.Work(sys.argv[1]) as work:
    scaled(work)
    constant(work)
    balanced(work)
    vanishing(work)
    rounding(work)
    print("as computed by hand")
