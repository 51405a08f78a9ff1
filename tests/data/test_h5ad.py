# test_h5ad.py - AnnData files as programs write them: matrices stored by columns, rows without a label, and
# the list of what could be features and labels. With real files in ../shared/data/singlecell, each trains or
# says in one line what it lacks.
#
#     test_h5ad.py MARGIN
import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

REAL = Path(os.environ.get("MARGIN_SINGLECELL",
                           Path(__file__).resolve().parents[3] / "shared/data/singlecell"))


def train(work, name, *more, **how):
    sets = [x for option in (f"data.train={name}", "output.directory=r", *more) for x in ("--set", option)]
    return work.run("train", "--overwrite", *sets, **how)


def weights(work):
    with h5py.File(work.at("r/model.h5")) as f:
        return f["weights"][()].tobytes() + f["bias"][()].tobytes()


def refused(done, *words):
    if (done.returncode not in (3, 4) or done.stderr.count("\n") != 1
        or any(word not in done.stderr for word in words)):
        fail(f"exit {done.returncode}, not {words}: {done.stderr}")


def fill(group, x, by_columns, real="f4", index="i4", **how):
    """Writes a matrix in compressed rows or columns, without scipy."""
    lines = x.T if by_columns else x
    line, place = np.nonzero(lines)
    group.create_dataset("data", data=lines[line, place].astype(real), **how)
    group.create_dataset("indices", data=place.astype(index), **how)
    group["indptr"] = np.concatenate([[0], np.cumsum(np.bincount(line, minlength=len(lines)))]).astype(index)
    group.attrs["encoding-type"] = "csc_matrix" if by_columns else "csr_matrix"
    group.attrs["shape"] = np.array(x.shape, "i8")


def matrix(work, name, x, y, by_columns, put=None, **how):
    with h5py.File(work.at(name), "w") as f:
        fill(f.create_group("X"), x, by_columns, **how)
        f["y"] = y
        if put:
            put(f)


def columns_equal_rows(work):
    draw = np.random.default_rng(0)
    y = draw.integers(0, 3, 200)
    x = np.where(draw.random((200, 40)) < 0.2, draw.normal(size=(200, 40)),
                 0) + np.eye(3)[y].repeat([14, 13, 13], 1)
    x[7] = 0
    x[:, 5] = 0
    kinds = ({}, {"real": "f8", "index": "i8"}, {"real": "f2"}, {"compression": "gzip", "chunks": (97,)})
    for number, how in enumerate(kinds):
        for more in ((),) if number else ((), ("data.validation=0.2",),
                                          ("data.memory_limit=16384", "data.window=4096", "train.batch=8",
                                           "train.solver=sgd")):
            found = set()
            for by_columns in (False, True):
                matrix(work, "a.h5", x, y, by_columns, **how)
                done = train(work, "a.h5", "train.epochs=2", "train.max_steps=40", *more)
                if done.returncode:
                    fail(f"{how} {more} by columns {by_columns}: {done.stderr}")
                found.add(weights(work))
            if len(found) != 1:
                fail(f"{how} {more}: columns give another model than rows")
    told = work.run("info", "a.h5").stdout
    if "200 rows of 40 features, sparse (CSC), float32" not in told or "stored by columns" not in told:
        fail(f"info: {told}")
    answers = [work.run("predict", "r/model.h5", "a.h5").stdout]
    matrix(work, "a.h5", x, y, False)
    answers.append(work.run("predict", "r/model.h5", "a.h5").stdout)
    if answers[0] != answers[1] or len(answers[0].split()) != 200:
        fail("predict: columns give other answers than rows")


# More than 64 MiB for the temporary file, and more than one part that is sorted in memory.
def large(work):
    n = 2400
    x = np.random.default_rng(1).integers(1, 9, (n, n)).astype("u1")
    y = np.arange(n) % 2
    models = []
    for by_columns in (False, True):
        matrix(work, "large.h5", x, y, by_columns)
        done = train(work, "large.h5", "train.solver=sgd", "train.epochs=1", "sgd.eta=1e-6",
                     env={**os.environ, "TMPDIR": work.path})
        if done.returncode:
            fail(f"large: {done.stderr}")
        models.append(weights(work))
    if models[0] != models[1]:
        fail("large: columns give another model than rows")
    refused(train(work, "large.h5", env={**os.environ, "TMPDIR": work.at("none")}),
            "none: a temporary file of 69120000 bytes",
            "set TMPDIR to a directory with more free space")
    os.unlink(work.at("large.h5"))


def wrong_columns(work):
    x = np.eye(4).repeat(5, 0)
    y = np.arange(4).repeat(5)

    def change(name, place, value):
        def put(f):
            f[f"X/{name}"][place] = value
        return put

    matrix(work, "a.h5", x, y, True, change("indices", 3, 20))
    refused(train(work, "a.h5"), "X/indices[3] is 20", "number of rows - 1, which is 19")
    matrix(work, "a.h5", x, y, True, change("indices", 4, 3))
    refused(train(work, "a.h5"), "X/indices contain 0 twice in row 3")
    matrix(work, "a.h5", x, y, True, change("data", 7, np.nan))
    refused(train(work, "a.h5"), "X[7, 1] is nan")
    matrix(work, "a.h5", x, y, True, change("data", 11, 1e-50), real="f8")
    done = train(work, "a.h5")
    if done.returncode or "a.h5: X[11, 2] is 1e-50; it and 0 other values" not in done.stderr:
        fail(f"a value that float32 cannot hold: {done.stderr}")
    matrix(work, "a.h5", x, y, True, lambda f: f["X"].attrs.modify("shape", np.array([20, 9])))
    refused(train(work, "a.h5"), "X/indptr has 5 values but shape says 9 columns")


def without_labels(work):
    draw = np.random.default_rng(2)
    y = draw.integers(0, 3, 150)
    x = np.eye(3)[y].repeat(4, 1) + draw.normal(0, 0.3, (150, 12))
    keep = draw.random(150) > 0.2
    left = f"{150 - keep.sum()} of 150 rows have no label and are left out"
    drop = "data.unlabelled=drop"
    def texts(labels):
        return np.array([b"ABC"[int(v):int(v) + 1] if v == v else b"NA" for v in labels])

    for put in (lambda labels: labels, texts):
        models = []
        for name, rows, labels in (("some.h5", slice(None), np.where(keep, y, np.nan)),
                                   ("all.h5", keep, y[keep].astype("f8"))):
            with h5py.File(work.at(name), "w") as f:
                f["X"], f["y"], f["w"] = x[rows].astype("f4"), put(labels), 1 + np.arange(150)[rows] % 2
            done = train(work, name, drop, "data.weights=w")
            if done.returncode or (left in done.stderr) != (name == "some.h5"):
                fail(f"{name}: {done.stderr}")
            models.append(weights(work))
        if models[0] != models[1]:
            fail("rows without a label change the model")
    done = train(work, "all.h5", drop, "data.validation=some.h5", "data.test=some.h5")
    if done.returncode or done.stderr.count(left) != 2:
        fail(f"validation and test: {done.stderr}")
    refused(train(work, "all.h5", "data.validation=some.h5"), "is not a label")
    done = train(work, "some.h5", drop, "data.validation=0.3")
    if done.returncode or done.stderr.count(left) != 1:
        fail(f"held-out rows: {done.stderr}")
    for command in (["cv", "--folds", "3"], ["path", "--C", "1e-2:1:3", "--set", "data.validation=0.3"]):
        done = work.run(*command, "--overwrite", "--set", "data.train=some.h5", "--set", drop,
                        "--set", f"output.directory={command[0]}")
        if done.returncode or done.stderr.count(left) != 1:
            fail(f"{command}: exit {done.returncode}: {done.stderr}")
    done = [work.run("eval", "--json", "r/model.h5", name, "--unlabelled", "drop")
            for name in ("some.h5", "all.h5")]
    if any(d.returncode for d in done):
        fail(f"eval: {done}")
    results = [json.loads(d.stdout) for d in done]
    for result in results:
        result.pop("data")
    if results[0] != results[1] or results[0]["rows"] != keep.sum():
        fail(f"eval: {results}")
    with h5py.File(work.at("some.h5"), "r+") as f:
        f["y"][...] = b""
    refused(train(work, "some.h5", drop), "none of its 150 rows has a label")


def candidates(work):
    with h5py.File(work.at("c.h5ad"), "w") as f:
        x = np.eye(3).repeat(10, 0)
        f["X"], f["obsm/X_pca"], f["layers/counts"] = x, x[:, :2].copy(), x.astype("i4")
        fill(f.create_group("raw/X"), x, True)
        f["obs/cell_type"] = np.array([b"B", b"NK", b"T"]).repeat(10)
        f["obs/batch"] = np.where(np.arange(30) < 4, np.nan, np.arange(30) % 2)
        f["obs/size"], f["obs/_index"] = np.linspace(0, 1, 30), np.array([b"c%d" % i for i in range(30)])
        f["varm/loadings"], f["uns/colors"] = np.ones((3, 2)), np.array([b"#000"])
    refused(train(work, "c.h5ad"), "has no labels y: set data.labels to a column of obs", "cell_type",
            "`margin info FILE` lists")
    refused(train(work, "c.h5ad", "data.labels=obs/cell"), "obs/cell is missing; obs contains", "cell_type")
    told = work.run("info", "c.h5ad").stdout
    wanted = ("X                        30 rows of 3 features, dense",
              "obsm/X_pca               30 rows of 2 features",
              "raw/X                    30 rows of 3 features, sparse (CSC)",
              "layers/counts            30 rows of 3 features, dense, int32",
              "obs/cell_type            3 classes of 10 rows each: B, NK, T",
              "obs/batch                2 classes of 13 rows each: 0, 1; 4 rows without",
              "too few values): obs/size\n")
    for words in wanted:
        if words not in told:
            fail(f"info has no '{words}': {told}")
    listed = told[told.index("could be features"):]
    if "varm" in listed or "uns" in listed or "_index" in listed:
        fail(f"info lists too much: {listed}")


def real_files(work):
    if not REAL.is_dir():
        print(f"no {REAL}: real files are not tried")
        return
    trained = (("anndata-v0.5.0.h5ad", ("X", "raw.X"), ("obs/bulk_labels", "obs/louvain", "obs/phase")),
               ("anndata-v0.7.0.h5ad", ("X", "raw/X", "layers/array", "layers/sparse", "obsm/array",
                                        "obsm/sparse"), ("obs/obs_cat", "obs/cat_ordered")),
               ("anndata-v0.7.8.h5ad", ("X", "raw/X", "layers/array", "layers/sparse", "obsm/array",
                                        "obsm/sparse"), ("obs/obs_cat", "obs/uint8")))
    for name, features, labels in trained:
        told = work.run("info", REAL / name).stdout
        for x in features:
            for y in labels:
                done = train(work, REAL / name, f"data.features={x}", f"data.labels={y}", "train.epochs=3")
                if done.returncode:
                    fail(f"{name} {x} {y}: {done.stderr}")
        if any(f"\n  {x} " not in told for x in (*features, labels[0])):
            fail(f"info {name}: {told}")
    refused(train(work, REAL / "anndata-v0.7.0.h5ad", "data.labels=obs/float64"), "obs/float64[0] is",
            "a label must be a whole number")
    refused(train(work, REAL / "anndata-v0.5.0.h5ad", "data.labels=obs/percent_mito"),
            "obs/percent_mito[0] is", "whole number")
    refused(train(work, REAL / "anndata-v0.11.4.h5ad"), "data set X is missing")
    for name, x in (("10x-1.2.0.h5", "hg19_chr21"), ("10x-3.0.0.h5", "matrix")):
        refused(train(work, REAL / name), "data set X is missing", x)
        refused(train(work, REAL / name, f"data.features={x}"), "a matrix of Cell Ranger has none",
                "OUT.h5 --labels FILE")


with Work(sys.argv[1]) as work:
    columns_equal_rows(work)
    large(work)
    wrong_columns(work)
    without_labels(work)
    candidates(work)
    real_files(work)
