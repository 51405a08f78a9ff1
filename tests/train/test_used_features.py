# test_used_features.py - features that occur in no training row cost nothing and change nothing. The same
# rows in a file with many more columns give the same bits of weights, scores and predictions, and model.h5
# has weights of the used features only.
#
#     test_used_features.py MARGIN
import json
import os
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

runs.need_modules("h5py", "numpy")

import h5py
import numpy as np

ROWS, USED, CLASSES = 600, 90, 4
# The same 90 features in files of three widths. In "near" so few columns are unused that they are not left
# out.
WIDTHS = {"none": USED, "near": 170, "far": 20000}


def columns(width):
    """The positions of the 90 features in a file of this width; "none": there are no other columns."""
    draw = np.random.default_rng(width)
    return np.arange(USED) if width == USED else np.sort(draw.choice(width, USED, replace=False))


def write(path, x, y, width, others=None, names=False, dense=False):
    """Writes the rows. `others`: [rows, 2] values of two columns for which no training row stores a value."""
    at = columns(width)
    wide = np.zeros((len(x), width), "f4")
    wide[:, at] = x
    if others is not None:
        free = np.setdiff1d(np.arange(width), at)
        wide[:, free[[1, -1]]] = others
    with h5py.File(path, "w") as f:
        if dense:
            f["X"] = wide
        else:
            runs.put_csr(f, wide)
        f["y"] = y
        f["w"] = np.where(np.arange(len(y)) % 7, 1.0, 2.0)
        if names:
            f["names"] = [f"column {d}" for d in range(width)]
    return wide


def rows_of(seed, rows=ROWS):
    draw = np.random.default_rng(seed)
    y = draw.integers(0, CLASSES, rows)
    x = draw.integers(1, 5, (rows, USED)) * (draw.random((rows, USED)) < 0.2)
    x[np.arange(rows), y] += 3
    x[5] = 0
    x[6, :] = 1  # every feature is used
    return x.astype("f4"), y


def done(work, *arguments, status=0, **how):
    r = work.run(*arguments, **how)
    if r.returncode != status:
        runs.fail(f"{arguments}: exit {r.returncode}: {r.stderr}")
    return r


def sets(options):
    return [w for o in options for w in ("--set", o)]


def train(work, data, out, *options, more=()):
    done(work, "train", "--quiet", *more, *sets((f"data.train={data}", f"output.directory={out}",
                                                 "train.epochs=4", *options)))
    return work.at(out, "model.h5")


def dense(path, width):
    """Returns the model's weights for all features of the file."""
    with h5py.File(path) as f:
        if "used_features" not in f:
            return f["weights"][:], f["bias"][:]
        w = np.zeros((f["weights"].shape[0], f.attrs["features_count"]), "f4")
        w[:, f["used_features"][:]] = f["weights"][:]
        if w.shape[1] != width or f.attrs["format_version"] != 2:
            runs.fail(f"{path}: {w.shape}, version {f.attrs['format_version']}")
        return w, f["bias"][:]


def same(what, a, b):
    if not np.array_equal(a, b):
        runs.fail(f"{what}: differs")


def scores(work, model, data, **how):
    return done(work, "predict", "--scores", model, data, **how).stdout


KINDS = {
    "sgd": ("train.solver=sgd", "sgd.eta=0.02"),
    "sgd-searched": ("train.solver=sgd", "data.scale=standard", "data.weights=w", "data.validation=0.2"),
    "dual": ("train.solver=dual", "data.scale=max-abs", "data.weights=w"),
    "dual-unit": ("train.solver=dual", "data.rows=unit", "model.loss=weston-watkins"),
    "newton": ("train.tolerance=1e-3", "train.epochs=0", "train.solver=newton", "model.lambda=0.05"),
    "softmax": ("train.tolerance=1e-3", "train.epochs=0", "model.loss=softmax", "model.lambda=0.05",
                "data.validation=0.2"),
}


def weights_and_answers(work):
    x, y = rows_of(1)
    tx, ty = rows_of(2, 80)
    others = np.random.default_rng(3).integers(0, 3, (80, 2)).astype("f4")
    lines, test = {}, {}
    for name, width in WIDTHS.items():
        write(work.at(f"{name}.h5"), x, y, width)
        beyond = None if name == "none" else others
        test[name] = wide = write(work.at(f"{name}-test.h5"), tx, ty, width, beyond)
        write(work.at(f"{name}-dense.h5"), tx, ty, width, beyond, dense=True)
        lines[name] = "".join(" ".join(f"{d + 1}:{v!r}" for d, v in enumerate(map(float, row)) if v) + "\n"
                              for row in wide)
    for kind, options in KINDS.items():
        weights = {}
        for name, width in WIDTHS.items():
            model = train(work, f"{name}.h5", f"{kind}-{name}", *options)
            w, b = dense(model, width)
            unused = np.setdiff1d(np.arange(width), columns(width))
            if np.any(w[:, unused]) or not np.all(np.any(w, axis=1)):
                runs.fail(f"{kind}-{name}: weights of unused features, or none of used ones")
            weights[name] = (w[:, columns(width)], b)
            with h5py.File(model) as f:
                if f["weights"].shape != (CLASSES, width if name == "near" else USED):
                    runs.fail(f"{kind}-{name}: weights of shape {f['weights'].shape}")
                if name != "far" and (f.attrs["format_version"] != 1 or "used_features" in f):
                    runs.fail(f"{kind}-{name}: the older format is expected")
        for part in (0, 1):
            same(f"{kind}: far from none", weights["far"][part], weights["none"][part])
            if kind.startswith(("sgd", "dual")):
                same(f"{kind}: near from none", weights["near"][part], weights["none"][part])
                continue
            # Newton steps sum products of all weights in ranges that depend on the number of features, so the
            # bits differ.
            apart = np.abs(weights["near"][part] - weights["none"][part]).max()
            if apart > 1e-4 * np.abs(weights["none"][part]).max():
                runs.fail(f"{kind}: near differs by {apart}")
        wide = {name: dense(work.at(f"{kind}-{name}", "model.h5"), width)[0]
                for name, width in WIDTHS.items()}
        for name in ("near", "far"):
            model = work.at(f"{kind}-{name}", "model.h5")
            wanted = scores(work, model, f"{name}-test.h5")
            for how, got in {"dense file": scores(work, model, f"{name}-dense.h5"),
                             "lines": scores(work, model, "-", input=lines[name])}.items():
                if got != wanted:
                    runs.fail(f"{kind}-{name}: a {how} is answered otherwise")
            rows = test[name].astype("f8")
            if "data.rows=unit" in options:  # uses all columns, also those without weights
                rows /= np.sqrt((rows ** 2).sum(1, keepdims=True)) + (rows.sum(1, keepdims=True) == 0)
            expected = rows @ wide[name].T.astype("f8") + weights[name][1]
            got = np.array([[float(v) for v in line.split("\t")[1:]] for line in wanted.splitlines()])
            if not np.allclose(got, expected, rtol=1e-4, atol=1e-4):
                runs.fail(f"{kind}-{name}: scores differ from the product by {np.abs(got - expected).max()}")
            said = [json.loads(done(work, "eval", "--json", model, f"{name}-{form}.h5").stdout)
                    for form in ("test", "dense")]
            if said[0]["accuracy"] != said[1]["accuracy"]:
                runs.fail(f"{kind}-{name}: dense and sparse rows have different accuracies")


def streamed(work):
    for kind in ("sgd", "sgd-searched"):
        options = (*KINDS[kind], "data.window=16KiB", "train.batch=64", "data.validation=near-like.h5")
        write(work.at("near-like.h5"), *rows_of(4, 100), WIDTHS["far"], np.ones((100, 2), "f4"))
        a = runs.read(train(work, "far.h5", f"memory-{kind}", *options))
        b = runs.read(train(work, "far.h5", f"streamed-{kind}", *options, "data.memory_limit=40000"))
        line = json.loads(open(work.at(f"streamed-{kind}", "metrics.jsonl")).readline())
        if (a != b or not line["streamed"]
            or (line["features"], line["used_features"]) != (WIDTHS["far"], USED)):
            runs.fail(f"{kind}: streamed rows give another model, or {line}")


def other_commands(work):
    write(work.at("named.h5"), *rows_of(1), WIDTHS["far"], names=True)
    model = train(work, "named.h5", "named", "data.names=names", "data.test=far-test.h5", *KINDS["dual"])
    with h5py.File(model) as f:
        if f["names"].shape != (WIDTHS["far"],):
            runs.fail("the names of unused features are not kept")
    said = done(work, "info", model).stdout
    if "used features  90\n" not in said or "float32 [4, 90]" not in said:
        runs.fail(f"info: {said}")
    plan = done(work, "train", "--overwrite",
                *sets(("data.train=far.h5", "output.directory=said", *KINDS["dual"]))).stderr
    if "600 x 20,000 features (90 used), 4 classes" not in plan:
        runs.fail(f"train: {plan}")
    done(work, "cv", "--quiet", "--folds", "3",
         *sets(("data.train=far.h5", "output.directory=cv", "train.epochs=2", *KINDS["dual"])))
    done(work, "path", "--quiet", "--C", "0.01:1:10",
         *sets(("data.train=far.h5", "output.directory=path", "data.validation=0.2")))
    done(work, "gradcheck", *sets(("data.train=far.h5",)))
    with h5py.File(work.at("tiny.h5"), "w") as f:  # the message must have the column's number in the file
        x, y = rows_of(1)
        x[:, 50] *= 2.0 ** -148
        f["y"] = y
        wide = np.zeros((ROWS, 20000), "f4")
        wide[:, columns(20000)] = x
        runs.put_csr(f, wide)
    said = done(work, "train", *sets(("data.train=tiny.h5", "output.directory=tiny", "data.scale=standard")),
                status=3).stderr
    if f"of column {columns(20000)[50]} is" not in said:
        runs.fail(f"the column of the file is expected: {said}")


def from_a_model(work):
    """A run from a model keeps weights of features that the new rows lack, so it has all columns."""
    x, y = rows_of(5)
    x[:, :40] = 0
    write(work.at("fewer.h5"), x, y, WIDTHS["far"])
    first = work.at("sgd-far", "model.h5")
    # The number of snapshots depends on the number of weights.
    options = (*KINDS["sgd"], "train.max_steps=6", "train.batch=100", "sgd.average=false")
    whole = train(work, "fewer.h5", "from", *options, more=("--init", first))
    w, _ = dense(whole, WIDTHS["far"])
    if not np.any(w[:, columns(WIDTHS["far"])[:40]]):
        runs.fail("--init: weights of features that the rows lack are lost")
    # The same on a narrow file, where nothing is left out.
    narrow = np.zeros((ROWS, USED), "f4")
    narrow[:] = x
    with h5py.File(work.at("fewer-none.h5"), "w") as f:
        runs.put_csr(f, narrow)
        f["y"] = y
    n, _ = dense(train(work, "fewer-none.h5", "from-none", *options,
                       more=("--init", work.at("sgd-none", "model.h5"))), USED)
    same("--init", w[:, columns(WIDTHS["far"])], n)
    # Resumed without --init from its checkpoint after step 3.
    half = (*options, "checkpoint.every_steps=3")
    train(work, "fewer.h5", "half", *half, more=("--init", first))
    os.remove(runs.checkpoint(work.at("half"), 6))
    os.remove(work.at("half", "model.h5"))
    said = done(work, "train", "--resume", *sets(("data.train=fewer.h5", "output.directory=half",
                                                  "train.epochs=4", *half))).stderr
    if "resumed    at step 3" not in said:
        runs.fail(f"resumed without --init: {said}")
    same("resumed without --init", dense(work.at("half", "model.h5"), WIDTHS["far"])[0], w)
    # Even if begun.h5 is lost, the checkpoint names the model. The solver and the features stay the same.
    for solver in ("sgd", "auto"):
        out, chosen = f"lost-{solver}", (*half, f"train.solver={solver}")
        train(work, "fewer.h5", out, *chosen, more=("--init", first))
        os.remove(runs.checkpoint(work.at(out), 6))
        for name in ("model.h5", "begun.h5"):
            os.remove(work.at(out, name))
        train(work, "fewer.h5", out, *chosen, more=("--resume",))
        same(f"resumed without begun.h5, solver {solver}", dense(work.at(out, "model.h5"), WIDTHS["far"])[0],
             w)


def other_features(work):
    """A run is resumed with the same weights of the same features, but not with the same numbers for other
    features."""
    x, y = rows_of(1)
    with h5py.File(work.at("moved.h5"), "w") as f:
        runs.put_csr(f, np.roll(write(work.at("far.h5"), x, y, WIDTHS["far"]), 1, axis=1))
        f["y"] = y
    first = work.at("sgd-far", "model.h5")
    other = train(work, "moved.h5", "moved", *KINDS["sgd"])
    same("moved features", h5py.File(first)["weights"][:], h5py.File(other)["weights"][:])
    whole = train(work, "far.h5", "begun", *KINDS["sgd"], more=("--init", first))
    model = runs.read(whole)
    os.remove(whole)
    shutil.rmtree(work.at("begun", "checkpoints"))  # as after a kill before the first checkpoint
    again = ("train", "--quiet", "--resume",
             *sets(("data.train=far.h5", "output.directory=begun", "train.epochs=4", *KINDS["sgd"])))
    said = done(work, *again, "--init", other, status=2).stderr
    if f"begun from the weights of {first}" not in said:
        runs.fail(f"the same numbers at other features: {said}")
    done(work, *again, "--init", first)
    if runs.read(whole) != model:
        runs.fail("the same model of --init: another result")


def held_out(work):
    """Unused columns need no memory for held-out rows either, because these have no moments (28 bytes per
    column)."""
    x, y = rows_of(7, 60)
    with h5py.File(work.at("vast.h5"), "w") as f:
        runs.put_csr(f, x)
        f["X"].attrs["shape"] = (len(x), 1 << 26)
        f["y"] = y
    for validation in ("data.validation=0.2", "data.validation=vast.h5"):
        process = work.start("train", "--quiet", "--overwrite",
                             *sets(("data.train=vast.h5", "output.directory=vast", validation,
                                    *KINDS["sgd"])))
        _, status, used = os.wait4(process.pid, 0)
        if status or used.ru_maxrss > 800 << 10:
            runs.fail(f"{validation}: status {status}, {used.ru_maxrss} kB")


with runs.Work(sys.argv[1]) as work:
    held_out(work)
    weights_and_answers(work)
    streamed(work)
    other_commands(work)
    from_a_model(work)
    other_features(work)
    print("unused features change nothing")
