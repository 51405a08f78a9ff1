# test_align.py - columns are matched by name: a file whose columns are in another order, lacks some or has
# more gets exactly the scores of the file with the model's columns.
#
#     test_align.py MARGIN
import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, expect, fail, need_modules, put_csr

need_modules("h5py", "numpy")

import h5py
import numpy as np

DATA, USAGE = 3, 2
NAMES = [f"g{d}" for d in range(37)]
draw = np.random.default_rng(3)


def rows(count):
    x = draw.integers(0, 9, (count, len(NAMES))) * (draw.random((count, len(NAMES))) < 0.4)
    x[:, 0] += 1  # no row is zero
    y = (x[:, 1] + x[:, 5] > x[:, 2] + x[:, 30]).astype("i8")
    return x, y


def save(work, name, x, y, names, how):
    with h5py.File(work.at(name), "w") as f:
        if how == "csr":
            put_csr(f, x)
        else:
            f["X"] = x.astype(how)
        f["y"] = y
        if names is not None:
            f["var/_index"] = np.array(names, dtype="S16")


def model(work, train, out, **more):
    values = {"data.train": train, "output.directory": out, "train.threads": 1, "train.epochs": 3,
              "data.scale": "standard", **more}
    done = work.run("train", "--overwrite", *[x for k, v in values.items()
                                              for x in ("--set", f"{k.replace('__', '.')}={v}")])
    if done.returncode:
        fail(f"train {train}: {done.stderr}")
    return done.stdout + done.stderr


def same_scores(work, how, rows_option, transform):
    """The given columns against the same columns in the order of the model, where the missing ones are 0."""
    x, y = rows(150)
    save(work, "train.h5", x, y, NAMES, how)
    model(work, "train.h5", "run", data__rows=rows_option, data__transform=transform)
    x, y = rows(90)
    kept = draw.permutation(len(NAMES))[:25]
    kept[0] = 0 if 0 not in kept else kept[0]  # so that no aligned row is zero
    own = [NAMES[d] for d in kept] + ["more1", "more2"]
    place = draw.permutation(len(own))
    given = np.hstack([x[:, kept], draw.integers(0, 5, (len(x), 2))])[:, place]
    padded = np.zeros_like(x)
    padded[:, kept] = x[:, kept]
    save(work, "given.h5", given, y, [own[i] for i in place], how)
    save(work, "padded.h5", padded, y, NAMES, how)
    at = "run/model.h5"
    found, wanted = (work.run("predict", at, name, "--scores") for name in ("given.h5", "padded.h5"))
    line = "features: 25 of 37 matched, 12 missing (taken as 0), 2 not used, in another order\n"
    if found.returncode or found.stdout != wanted.stdout or found.stderr != line or wanted.stderr:
        fail(f"{how}, {rows_option}: other scores, or wrong messages {found.stderr!r} {wanted.stderr!r}")
    found, wanted = (json.loads(expect(work, 0, "eval", at, name, "--json").stdout)
                     for name in ("given.h5", "padded.h5"))
    if {**found, "data": 0} != {**wanted, "data": 0}:
        fail(f"{how}: eval differs")
    for command in ("eval", "predict"):
        expect(work, DATA, command, at, "given.h5", "--missing", "error",
               says="given.h5: lacks 12 of the 37 features in the model run/model.h5, the first is '")
        expect(work, 0, command, at, "given.h5", "--missing", "zero")  # as the message advises


def roles(work, how):
    """data.test and data.validation are matched too: in memory, and read from the file."""
    x, y = rows(150)
    save(work, "train.h5", x, y, NAMES, how)
    place = draw.permutation(len(NAMES))[:30]
    padded = np.zeros_like(x)
    padded[:, place] = x[:, place]
    save(work, "given.h5", x[:, place], y, [NAMES[d] for d in place], how)
    save(work, "padded.h5", padded, y, NAMES, how)
    figures = []
    for name in ("given.h5", "padded.h5"):
        said = model(work, "train.h5", "run", data__test=name, data__validation=name)
        times = said.count("given.h5: features: 30 of 37 matched, 7 missing (taken as 0)")
        if times != (2 if name == "given.h5" else 0):
            fail(f"{how}: {said}")
        lines = [json.loads(line) for line in open(work.at("run/metrics.jsonl"))]
        figures.append([{k: v for k, v in line.items() if "accuracy" in k or "loss" in k} for line in lines])
    if figures[0] != figures[1] or not any(figures[0]):
        fail(f"{how}: validation or test differ: {figures}")
    values = ("--set", "data.train=train.h5", "--set", "output.directory=never",
              "--set", "data.missing=error")
    for role in ("data.test", "data.validation"):
        expect(work, DATA, "train", "-q", *values, "--set", f"{role}=given.h5",
               says="given.h5: lacks 7 of the 37 features in train.h5")


def widths(work):
    """Without names in one of the files, the numbers of columns must agree; sparse rows may be narrower."""
    x, y = rows(60)
    for how in ("f4", "csr"):
        save(work, "train.h5", x, y, NAMES, how)
        model(work, "train.h5", "run")
        save(work, "same.h5", x, y, None, how)
        save(work, "narrow.h5", x[:, :20], y, None, how)
        save(work, "wide.h5", np.hstack([x, x[:, :2]]), y, None, how)
        expect(work, 0, "predict", "run/model.h5", "same.h5")
        expect(work, DATA, "predict", "run/model.h5", "wide.h5", says="column 37 (from 0)" if how == "csr"
               else "has 39 features but there are 37")
        expect(work, 0 if how == "csr" else DATA, "predict", "run/model.h5", "narrow.h5")


def refusals(work):
    x, y = rows(60)
    save(work, "train.h5", x, y, NAMES, "f4")
    model(work, "train.h5", "run")
    save(work, "twice.h5", x, y, [*NAMES[:-1], "g3"], "f4")
    says = "twice.h5: var/_index: 'g3' is the name of features 4 and 37"
    expect(work, DATA, "predict", "run/model.h5", "twice.h5", says=says)
    expect(work, DATA, "train", "-q", "--set", "data.train=twice.h5", "--set", "output.directory=never",
           says=says)
    expect(work, 0, "predict", "run/model.h5", "twice.h5", "--names", "none")  # as the message advises
    save(work, "others.h5", x, y, [f"ENSG{d}" for d in range(37)], "f4")
    expect(work, DATA, "eval", "run/model.h5", "others.h5",
           says="none of its 37 features has a name of the 37 in the model run/model.h5 (the first is"
                " 'ENSG0' here, 'g0' there)")
    with h5py.File(work.at("others.h5"), "r+") as f:
        f["var/symbol"] = np.array(NAMES[::-1], dtype="S8")
    expect(work, 0, "eval", "run/model.h5", "others.h5", "--names", "var/symbol")  # as the message advises
    expect(work, USAGE, "eval", "run/model.h5", "others.h5", "--missing", "no",
           says="--missing: no is not allowed (zero, error)")
    # The message about a value names the column of the file.
    bad = x[:, ::-1].astype("f4")
    bad[7, 2] = np.nan
    save(work, "nan.h5", bad, y, NAMES[::-1], "f4")
    expect(work, DATA, "predict", "run/model.h5", "nan.h5", says="nan.h5: X[7, 2] is nan")
    model(work, "train.h5", "log", data__transform="log1p")
    bad[7, 2] = -3
    for how in ("f4", "csr"):
        save(work, "low.h5", bad, y, NAMES[::-1], how)
        expect(work, DATA, "predict", "log/model.h5", "low.h5", says="low.h5: X[7, 2] is -3")


with Work(sys.argv[1]) as work:
    for how in ("f4", "f8", "f2", "u1", "i4", "csr"):
        same_scores(work, how, "none", "none")
    same_scores(work, "f4", "total", "log1p")
    same_scores(work, "csr", "total", "log1p")
    same_scores(work, "u1", "unit", "none")
    for how in ("u1", "f4", "csr"):
        roles(work, how)
    widths(work)
    refusals(work)
print("columns are matched by name")
