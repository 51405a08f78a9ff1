"""A run that failed reports this once, and the option that the warning names helps. Also tests certificates,
lines of epochs, rows whose scores overflow, and paths."""
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

runs.need_modules("h5py", "numpy")
import h5py  # noqa: E402
import numpy as np  # noqa: E402

MARGIN = os.path.realpath(sys.argv[1])
WORK = tempfile.TemporaryDirectory()
os.chdir(WORK.name)


def margin(*words, text=None, limit=None):
    def before():
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run([MARGIN, *words], input=text, capture_output=True, text=True, preexec_fn=before)
    return done.returncode, done.stdout, done.stderr


def save(name, x, y, sparse=False, weight=None):
    x = np.asarray(x, "f4")
    with h5py.File(name, "w") as f:
        f["y"] = np.asarray(y, "i8")
        if weight is not None:
            f["w"] = weight
        if not sparse:
            f["X"] = x
            return
        rows, columns = np.nonzero(x)
        group = f.create_group("X")
        group.attrs["encoding-type"] = "csr_matrix"
        group.attrs["shape"] = np.array(x.shape, "i8")
        group["data"] = x[rows, columns]
        group["indices"] = columns.astype("i4")
        group["indptr"] = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(x)))]).astype("i8")


def events(directory, name=None):
    lines = [json.loads(line) for line in open(f"{directory}/metrics.jsonl")]
    return [line for line in lines if name in (None, line["event"])]


def train(data, *sets, command="train", status=0):
    directory = "run" if command == "train" else "points"
    words = [command, "-q", "--overwrite", "--set", f"data.train={data}",
             "--set", f"output.directory={directory}"]
    if command == "path":
        words += ["--C", "0.1:10:10"]
    for one in sets:
        words += ["--set", one]
    code, out, err = margin(*words)
    assert code == status, (data, sets, code, err)
    warnings = [line for line in err.splitlines() if line.startswith("warning: ")]
    if command == "train" and not status:
        told = ["warning: " + line["text"] for line in events("run", "warning")]
        assert told == warnings, (told, warnings)
    return out, err, warnings


def advised(warning):
    """Returns the options that a warning advises to set."""
    found = re.findall(r"set ((?:data|model|train)\.\w+) to (\S+?)[,;]?(?:$| )", warning)
    sets = [f"{key}={value}" for key, value in found]
    if "with train.solver: auto" in warning:
        sets.append("train.solver=auto")
    raised = re.search(r"raise (train\.epochs)", warning)
    return sets + ([f"{raised.group(1)}=0"] if raised else [])


def check_advice():
    r = np.random.default_rng(0)
    x = r.random((600, 3)) * 1e5
    y = (x[:, 0] > x[:, 1]).astype(int) + 2 * (x[:, 2] > 5e4)
    uneven = x * [1e-7, 1e-7, 1]
    rare = (r.random(600) < 0.03).astype(int)
    save("large.h5", x, y)
    save("offset.h5", x + 1e8, y)
    save("tiny.h5", x * 1e-9, y)
    save("uneven.h5", uneven, y)
    save("uneven_sparse.h5", uneven, y, sparse=True)
    save("weighted.h5", x, y, weight=r.integers(1, 4, 600).astype("f4"))
    save("noise.h5", r.standard_normal((600, 20)), r.integers(0, 4, 600))
    save("clear.h5", r.standard_normal((600, 6)) + 3 * np.eye(6)[y], y)
    save("rare.h5", r.standard_normal((600, 5)), rare)
    losses = ["crammer-singer", "weston-watkins", "one-vs-rest-squared", "softmax"]
    cases = [(data, []) for data in ("large.h5", "offset.h5", "tiny.h5", "uneven.h5", "uneven_sparse.h5",
                                     "noise.h5", "rare.h5")]
    cases += [("large.h5", ["model.C=1"]), ("noise.h5", ["train.solver=sgd"]),
              ("clear.h5", ["model.lambda=1e6"]),
              ("clear.h5", ["model.C=1e-9"]), ("tiny.h5", ["model.lambda=1e6"]),
              ("weighted.h5", ["data.weights=w"]),
              ("large.h5", ["model.bias=0"]), ("rare.h5", ["train.solver=sgd"]),
              ("uneven.h5", ["train.tolerance=1e-3", "train.solver=dual"]),
              ("offset.h5", ["train.tolerance=1e-3"]),
              ("noise.h5", ["train.tolerance=1e-4", "train.epochs=2"])]
    cases += [("tiny.h5", [f"model.loss={loss}"]) for loss in losses]
    for data, sets in cases:
        _, _, warnings = train(data, *sets)
        assert len(warnings) == 1, (data, sets, warnings)
        more = advised(warnings[0])
        assert more, warnings
        before = events("run", "end")[0]
        _, _, after = train(data, *sets, *more)
        assert not after, (data, sets, more, after)
        end = events("run", "end")[0]
        assert end.get("converged") or end["objective"] < before["objective"], (data, sets, more)


def check_objectives_of_zeros():
    """A failed run is compared with the loss of weights of zero: K - 1, 1, K, log K."""
    r = np.random.default_rng(1)
    save("four.h5", r.standard_normal((400, 3)) * 1e-12, np.arange(400) % 4)
    zeros = {"weston-watkins": 3, "crammer-singer": 1, "one-vs-rest": 4, "softmax": np.log(4),
             "weston-watkins-squared": 3}
    for loss, value in zeros.items():
        _, _, warnings = train("four.h5", f"model.loss={loss}", "model.lambda=1e6")
        told = re.search(r"(?:not|hardly) below the (\S+) of (weights of zero|a model)", warnings[0])
        assert told and abs(float(told.group(1)) - value) < 1e-4, (loss, warnings)


# If all rows are equal, no option helps, so the warning names none.
def check_rows_alike():
    for scale in ("standard", "max-abs"):
        for sparse in (False, True) if scale == "max-abs" else (False,):
            save("alike.h5", np.zeros((40, 2)), np.arange(40) % 2, sparse)
            for sets in ([], ["model.C=1"]):
                err = train("alike.h5", f"data.scale={scale}", *sets)[1]
                assert (err.count("warning: ") == 1 and "no feature differs between rows" in err
                        and "model." not in err), err


def check_sound_runs():
    r = np.random.default_rng(2)
    y = r.integers(0, 3, 500)
    x = r.standard_normal((500, 6)) + 3 * np.eye(6)[y]
    save("sound.h5", x, y)
    save("sound_sparse.h5", np.maximum(x, 0), y, sparse=True)
    for data in ("sound.h5", "sound_sparse.h5"):
        for sets in ([], ["train.solver=sgd"], ["train.tolerance=1e-3"], ["data.scale=max-abs"],
                     ["model.class_weight=balanced"]):
            assert not train(data, *sets)[2], (data, sets)
    assert not train("sound.h5", "data.validation=0.2", command="path")[2]
    code, _, err = margin("cv", "-q", "--folds", "3", "--overwrite", "--set", "data.train=offset.h5",
                          "--set", "output.directory=cv")
    warnings = err.splitlines()
    assert (code == 0
            and [line[:15] for line in warnings] == [f"warning: fold {i}"
                                                     for i in (1, 2, 3)]), (code, warnings)


def check_bounds():
    """Every run of dual ascent shows its lower bound; no weights have an objective below it."""
    losses = ("crammer-singer", "weston-watkins", "one-vs-rest", "crammer-singer-squared",
              "one-vs-rest-squared")
    cases = ["model.C=1", "data.scale=standard", "model.bias=0", "model.class_weight=balanced",
             "data.validation=0.2"]
    for case in cases + [f"model.loss={loss}" for loss in losses]:
        for data in ("sound.h5", "sound_sparse.h5"):
            sets = ["model.C=0.1", case]
            sets = ["data.scale=max-abs" if one == "data.scale=standard" and "sparse" in data else one
                    for one in sets]
            out, _, warnings = train(data, *sets)
            end = events("run", "end")[0]
            assert (not warnings and 0 < end["gap"] < 0.9
                    and "converged" not in end), (data, sets, warnings, end)
            assert abs((end["objective"] - end["dual"]) / end["objective"] - end["gap"]) < 1e-9, end
            bound = (f"lower bound     {end['dual']:.6f}:"
                     f" the objective is within {end['gap']:.2g} of the optimum")
            assert bound in out, out
            with h5py.File("run/model.h5", "r") as f:
                assert f.attrs["dual"] == end["dual"], (data, sets)
            train(data, *sets, "train.tolerance=1e-4")
            best = events("run", "end")[0]
            assert (end["dual"] <= best["objective"]
                    and best["dual"] <= end["objective"] * (1 + 1e-6)), (data, sets, end, best)
    out, _, _ = train("sound.h5", "train.solver=sgd")
    assert "lower bound" not in out and "gap" not in events("run", "end")[0]


def check_distance():
    """Columns of one size, but far from 1: the run ends far above the optimum, and says so."""
    r = np.random.default_rng(0)
    x = r.random((1000, 3)) * 1e5
    save("columns.h5", x, (x[:, 0] > x[:, 1]).astype(int) + 2 * (x[:, 2] > 5e4))
    for solver, why in (("dual", "no useful lower bound is known"),
                        ("sgd", "the root mean square of the values is 5.8e+04, but solvers need about 1")):
        sets = ["model.C=1", f"train.solver={solver}"]
        out, _, warnings = train("columns.h5", *sets)
        before = events("run", "end")[0]["train_accuracy"]
        assert (len(warnings) == 1
                and f"may be far above the optimum ({why}): set data.scale to standard" in warnings[
                    0
                ]), warnings
        assert not train("columns.h5", *sets, *advised(warnings[0]))[2]
        after = events("run", "end")[0]["train_accuracy"]
        assert after > before + 0.05, (solver, before, after)
    # Regularisation keeps the objective high: the bound shows that it is the optimum nearly.
    for data in ("noise.h5", "rare.h5", "sound.h5"):
        for C in ("1e-3", "1e-2"):
            warnings = train(data, f"model.C={C}")[2]
            assert not any("may be far" in one for one in warnings), (data, C, warnings)


def check_certified():
    out, _, warnings = train("uneven.h5", "train.tolerance=1e-3", "train.solver=dual")
    end = events("run", "end")[0]
    assert (end["reason"] == "stalled" and end["converged"] is False and "gap" not in end
            and "dual" not in end), end
    assert "not certified" in out and "within" not in out and "not certified" in warnings[0], out
    assert re.search(r"certified +no", margin("info", "run/model.h5")[1])
    for solver in ("dual", "newton", "auto"):
        for data in ("sound.h5", "sound_sparse.h5"):
            out, _, _ = train(data, "train.tolerance=1e-3", f"train.solver={solver}", "data.validation=0.3",
                              f"data.test={data}")
            end = events("run", "end")[0]
            assert (end["converged"] and "validation " in out
                    and "test accuracy" in out), (solver, data, out, end)
            told = json.loads(margin("eval", "run/model.h5", data, "--json")[1])
            assert end["test_accuracy"] == told["accuracy"]
            assert 0 < end["accuracy"] <= 1
            lambd = events("run", "start")[0]["lambda"]
            with h5py.File("run/model.h5", "r") as f:
                square = f.attrs["square_norm"]
            last = [e for e in events("run", "epoch") if "gap" in e][-1]
            assert abs(last["objective"] - last["train_loss"] - 0.5 * lambd * square) < 1e-9 * last[
                "objective"
            ], last
            assert (last["objective"] == end["objective"] and last["gap"] == end["gap"]
                    and last["accuracy"] == end["accuracy"])
            for epoch in events("run", "epoch"):
                assert None not in epoch.values(), epoch
                assert ("gap" in epoch) <= ("objective" in epoch) == ("train_loss" in epoch), epoch
                if "gap" in epoch:
                    gap = (epoch["objective"] - epoch["dual"]) / epoch["objective"]
                    assert abs(gap - epoch["gap"]) < 1e-7, epoch
    # If a finished run is resumed, it reports the same.
    margin("train", "-q", "--resume", "--set", f"data.train={data}", "--set", "output.directory=run",
           "--set", "train.tolerance=1e-3",
           "--set", "train.solver=auto", "--set", "data.validation=0.3", "--set", f"data.test={data}")
    again = events("run", "end")[0]
    assert again["accuracy"] == end["accuracy"] and again["objective"] == end["objective"]


def check_overflow():
    r = np.random.default_rng(3)
    y = np.arange(120) % 3
    x = r.random((120, 3)) * 1e-2 + 0.02 * np.eye(3)[y]
    huge = x.copy()
    huge[7] = 3e38
    long = x.copy()
    long[7] = 3e36
    for sparse in (False, True):
        save("small.h5", x, y, sparse)
        save("huge.h5", huge, y, sparse)
        save("long.h5", long, y, sparse)
        train("small.h5", "model.C=100")
        for words in (["predict", "run/model.h5", "huge.h5"],
                      ["predict", "run/model.h5", "huge.h5", "--top", "2"],
                      ["eval", "run/model.h5", "huge.h5"]):
            code, out, err = margin(*words)
            assert (code == 3 and "huge.h5: X[7]: " in err and "nan" not in out
                    and "inf" not in out), (words, code, out, err)
        code, out, err = margin("predict", "run/model.h5", "-", text="1:1 2:2\n1:3e38 2:3e38 3:3e38\n")
        assert code == 3 and "standard input:2:" in err and len(out.splitlines()) <= 1, (code, out, err)
        for solver in ("auto", "sgd"):
            err = train("long.h5", f"train.solver={solver}", status=3)[1]
            assert "long.h5: X[7]: " in err and "data.scale to max-abs" in err, err
        train("long.h5", "data.scale=max-abs")
        err = train("small.h5", "model.C=100", "data.validation=huge.h5", status=3)[1]
        assert "huge.h5: X[7]: " in err, err


def check_path():
    words = ["path", "-q", "--overwrite", "--C", "1e-2:1:10", "--set", "data.validation=0.3",
             "--set", "output.directory=path"]
    for epochs in ("1", "2"):
        code, out, err = margin(*words, "--set", "data.train=sound_sparse.h5",
                                "--set", f"train.epochs={epochs}")
        points = [json.loads(line) for line in open("path/path.jsonl")]
        assert code == 0 and "nan" not in out and err.count("warning: ") == 1, (out, err)
        assert all(point["objective"] > 0 and None not in point.values() and point["converged"] is False
                   for point in points), points
        with h5py.File("path/model.h5", "r") as f:
            told = f.attrs["objective"]
        assert told in [point["objective"] for point in points]
        assert not margin(*words, "--set", "data.train=sound_sparse.h5", "--set", "train.epochs=0")[2]
    # Checkpoints exceed the limit on file sizes, but points and model do not.
    for data, limit in (("sound.h5", 12000), ("sound_sparse.h5", 12000)):
        code, out, err = margin(*words, "--set", f"data.train={data}", limit=limit)
        assert (err.count("warning: no checkpoint") == 3 and code == 3
                and "are written" in err), (code, out, err)
        assert (len(open("path/path.jsonl").readlines()) == 3
                and margin("info", "--verify", "path/model.h5")[0] == 0)


def check_scales_and_weights():
    labels = np.arange(60) % 3
    rows = np.eye(3)[labels] + np.random.RandomState(0).normal(0, 0.1, (60, 3))
    save("csr.h5", np.where(np.abs(rows) > 0.5, rows, 0), labels, sparse=True)
    save("dense.h5", rows, labels)
    save("zeros.h5", rows * 0, labels)
    # The advised scale does not centre sparse rows, so the solver can be used.
    for sets in (["train.tolerance=1e-3"], ["train.solver=dual"],
                 ["train.tolerance=1e-3", "train.solver=newton"]):
        err = train("csr.h5", "data.scale=standard", *sets, status=2)[1]
        assert "set data.scale to max-abs" in err, err
        warnings = train("csr.h5", *advised(err), *sets)[2]
        assert not warnings, (advised(err), sets, warnings)
    # If all features are zero, no scale helps.
    for scale in ("none", "standard", "max-abs"):
        warning = train("zeros.h5", f"data.scale={scale}")[2][0]
        assert "no feature differs between rows" in warning and not advised(warning), warning
    # Weights of rows that are too large: divided by a number, they are accepted, because only their ratios
    # matter.
    save("heavy.h5", rows, labels, weight=np.where(labels == 0, 4e31, 1e31))
    save("light.h5", rows, labels, weight=np.where(labels == 0, 4.0, 1.0))
    err = train("heavy.h5", "data.weights=w", status=3)[1]
    assert "w[0] is 4e+31" in err and "divide all weights by the same number" in err, err
    save("heavy.h5", rows, labels, weight=np.where(labels == 0, 4e31, 1e31) / 1e31)
    objectives = []
    for name in ("heavy.h5", "light.h5"):
        train(name, "data.weights=w")
        objectives.append(events("run", "end")[-1]["objective"])
    assert objectives[0] == objectives[1], objectives
    # Weights of 1e30 for one class: the advised option trains to an optimum.
    for solver in ("auto", "sgd"):
        sets = ["model.class_weight={0: 1e30, 1: 1, 2: 1}", f"train.solver={solver}"]
        warnings = train("dense.h5", *sets)[2]
        assert warnings and advised(warnings[0]), warnings
        assert not train("dense.h5", *sets, *advised(warnings[0]))[2], warnings


check_scales_and_weights()
check_advice()
check_objectives_of_zeros()
check_rows_alike()
check_sound_runs()
check_bounds()
check_distance()
check_certified()
check_overflow()
check_path()
