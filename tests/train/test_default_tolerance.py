"""Softmax is trained by Newton steps to a certificate by default, where they cost less than sgd; what the
user sets about the length of a run counts more."""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import runs

runs.need_modules("h5py", "numpy")
import h5py
import json
import numpy as np


def train(work, *sets, data="d.h5", loss="softmax", code=0):
    work.runs = getattr(work, "runs", 0) + 1
    directory = f"run{work.runs}"
    words = [word for one in (f"data.train={data}", f"model.loss={loss}", f"output.directory={directory}",
                              *sets) for word in ("--set", one)]
    done = runs.expect(work, code, "train", "--quiet", *words)
    events = [json.loads(line) for line in open(work.at(f"{directory}/metrics.jsonl"))]
    return events[0], events[-1], done, directory


def check(what, true):
    if not true:
        runs.fail(what)


def write(path, rows, size):
    r = np.random.default_rng(0)
    y = r.integers(0, 4, rows)
    x = (size * (r.standard_normal((rows, 10)) + 2 * np.eye(4, 10)[y])).astype("f4")
    with h5py.File(path, "w") as f:
        f["X"], f["y"] = x, y
    return x, y


def test_choice(work):
    start, end, done, directory = train(work)
    check(f"softmax: {start}", start["solver"] == "newton" and start["tolerance"] == 1e-3)
    check("why", start["solver_why"] == "auto: estimated to need less work than sgd")
    check(f"certificate: {end}", end["converged"] is True and end["gap"] <= 1e-3 and not done.stderr)
    _, named, _, other = train(work, "train.tolerance=1e-3")
    check("the same model as with the tolerance",
          runs.read(work.at(f"{directory}/model.h5")) == runs.read(work.at(f"{other}/model.h5")))
    runs.expect(work, 0, "train", "--quiet", "--resume",
                *[word for one in ("data.train=d.h5", "model.loss=softmax", f"output.directory={directory}")
                                                           for word in ("--set", one)])
    sgd = (["train.tolerance=0"], ["train.epochs=3"], ["train.max_steps=9"],
           ["train.patience=2", "data.validation=0.2"], ["train.solver=sgd"])
    for sets in sgd:
        start, end, _, _ = train(work, *sets)
        check(f"{sets}: {start}", start["solver"] == "sgd" and "tolerance" not in start
              and "converged" not in end)
    start, end, _, _ = train(work, loss="crammer-singer")
    check(f"hinge: {start}", start["solver"] == "dual" and "tolerance" not in start)
    for loss in ("crammer-singer", "softmax"):
        start, end, _, _ = train(work, "train.solver=newton", loss=loss)
        check(f"newton, {loss}: {start}", start["tolerance"] == 1e-3 and end["converged"] is True)
    # centred sparse rows, or rows that are streamed
    for sets in (["data.scale=standard"], ["data.memory_limit=20000", "train.batch=16", "data.window=4KiB"]):
        start, _, _, _ = train(work, *sets, data="sparse.h5")
        check(f"{sets}: {start}", start["solver"] == "sgd")


def test_long_rows(work):
    """Newton steps on many rows of large values would take very long."""
    for rows, sets, solver in ((110000, [], "sgd"), (110000, ["data.scale=standard"], "newton"),
                               (6000, [], "newton")):
        write(work.at("long.h5"), rows, 1000)
        start, end, _, _ = train(work, *sets, data="long.h5")
        check(f"{rows} long rows, {sets}: {start}", start["solver"] == solver)
        check(f"{rows} long rows, {sets}: {end}", end.get("converged", True))


def test_slow(work):
    """A run with a tolerance says at its start that large values make it slow; with the option of this note
    it is certified."""
    write(work.at("long.h5"), 110000, 1000)
    sets = ["train.tolerance=1e-2", "train.time_limit=0.1"]
    for more, slow in (([], True), (["data.scale=standard", "train.time_limit=0"], False)):
        words = [word for one in ("data.train=long.h5", "output.directory=slow", *sets, *more)
                 for word in ("--set", one)]
        said = runs.expect(work, 0, "train", "--overwrite", *words).stderr
        check(f"{more}: {said}", ("note: the root mean square of the values is " in said
                                  and "set data.scale to standard" in said) == slow)
        check(f"{more}: {said}", ("not certified" in said) == slow)


def test_warning(work):
    """A certified optimum with which nothing can be predicted is a failure; --set of what the warning names
    helps."""
    _, end, done, _ = train(work, "model.lambda=1e5")
    check(f"warning: {done.stderr}", end["converged"] and "training has failed: " in done.stderr
          and "set model.lambda to " in done.stderr)
    value = done.stderr.split("set model.lambda to ")[1].split()[0]
    _, _, done, _ = train(work, f"model.lambda={value}")
    check(f"advice: {done.stderr}", not done.stderr)


def test_plan(work):
    words = ["--set", "data.train=d.h5", "--set", "model.loss=softmax", "--set", "output.directory=none"]
    plan = json.loads(runs.expect(work, 0, "train", "--plan", "--json", *words).stdout)
    check(f"plan: {plan}", plan["solver"] == "newton" and plan["tolerance"] == 1e-3)
    shown = runs.expect(work, 0, "train", "--plan", *words).stdout
    line = "solver     newton (auto: estimated to need less work than sgd), to a certified gap of 0.001"
    check(shown, line in shown)
    folds = json.loads(runs.expect(work, 0, "cv", "--quiet", "--json", "--folds", "3", *words[:4],
                                   "--set", "output.directory=folds").stdout)
    lines = [json.loads(line) for line in open(work.at("folds/cv.jsonl"))]
    check(f"folds: {folds}", all(line["converged"] for line in lines[:3]) and lines[3]["not_converged"] == 0)


with runs.Work(sys.argv[1]) as work:
    x, y = write(work.at("d.h5"), 600, 1)
    from_dense = np.maximum(x, 0)
    rows, columns = np.nonzero(from_dense)
    with h5py.File(work.at("sparse.h5"), "w") as f:
        group = f.create_group("X")
        group["data"], group["indices"] = from_dense[rows, columns], columns.astype("i4")
        group["indptr"] = np.searchsorted(rows, np.arange(601))
        group.attrs["shape"] = [600, 10]
        f["y"] = y
    test_choice(work)
    test_long_rows(work)
    test_slow(work)
    test_warning(work)
    test_plan(work)
