# test_many_files.py - several files of npy, idx, npz, safetensors, Matrix Market, 10x and h5ad become one
# data set, in the order given or sorted by name; a file that differs from the first is named.
#
#     test_many_files.py MARGIN
import json
import os
import struct
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, expect, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

DATA, USAGE = 3, 2
rng = np.random.default_rng(4)
X = rng.integers(0, 200, (30, 5)).astype("u1")
Y = (X[:, 0] > 100).astype("u1")
CUTS = [slice(0, 11), slice(11, 12), slice(12, 30)]


def put_idx(path, a):
    with open(path, "wb") as out:
        out.write(struct.pack(">HBB", 0, 8, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes())


def put_tensors(path, x, y):
    header = json.dumps({"X": {"dtype": "U8", "shape": x.shape, "data_offsets": [0, x.size]},
                         "y": {"dtype": "U8", "shape": y.shape,
                               "data_offsets": [x.size, x.size + y.size]}}).encode()
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header + x.tobytes() + y.tobytes())


def put_tenx(path, x, names, first):
    with h5py.File(path, "w") as f:
        g = f.create_group("matrix")
        rows, columns = np.nonzero(x)
        g["data"], g["indices"] = x[rows, columns].astype("i4"), columns
        g["indptr"] = np.concatenate([[0], np.cumsum((x != 0).sum(1))])
        g["shape"] = np.array([x.shape[1], x.shape[0]])
        g["barcodes"] = np.array([f"cell{first + i}" for i in range(len(x))], "S")
        g["features/id"] = g["features/name"] = np.array(names, "S")


def put_mtx(path, x):
    os.makedirs(path)
    rows, columns = np.nonzero(x)
    with open(f"{path}/matrix.mtx", "w") as out:
        out.write("%%MatrixMarket matrix coordinate integer general\n" +
                  f"{x.shape[1]} {x.shape[0]} {len(rows)}\n")
        out.write("".join(f"{d + 1} {i + 1} {x[i, d]}\n" for i, d in zip(rows, columns)))
    Path(f"{path}/barcodes.tsv").write_text("".join(f"{path[-1]}{i}\n" for i in range(len(x))))
    Path(f"{path}/features.tsv").write_text("".join(f"g{d}\n" for d in range(x.shape[1])))


def same(work, *inputs, labels=True, order=X):
    expect(work, 0, "convert", "--overwrite", *inputs, "out.h5")
    with h5py.File(work.at("out.h5")) as f:
        x = f["X"]
        if isinstance(x, h5py.Group):
            dense = np.zeros(x.attrs["shape"], "f4")
            for i in range(len(dense)):
                part = slice(x["indptr"][i], x["indptr"][i + 1])
                dense[i, x["indices"][part]] = x["data"][part]
            x = dense
        if not np.array_equal(x[:].reshape(len(x), -1), order):
            fail(f"{inputs}: other rows")
        if labels and not np.array_equal(f["y"][:], (order[:, 0] > 100)):
            fail(f"{inputs}: other labels")


def put(work):
    for folder in ("npy", "idx", "npz", "tensors", "tenx", "mixed"):
        os.mkdir(work.at(folder))
    for i, cut in enumerate(CUTS):
        x, y = X[cut], Y[cut]
        np.save(work.at(f"npy/X_{i:02}.npy"), x)
        np.save(work.at(f"npy/y_{i:02}.npy"), y)
        np.savez(work.at(f"npz/{i}.npz"), X=x, y=y)
        put_idx(work.at(f"idx/{i}-images"), x.reshape(-1, 5, 1))
        put_idx(work.at(f"idx/{i}-labels"), y)
        put_tensors(work.at(f"tensors/{i}.safetensors"), x, y)
        put_tenx(work.at(f"tenx/{i}.h5"), x, [f"g{d}" for d in range(5)], cut.start)
        put_mtx(work.at(f"mtx{i}"), x)
    Path(work.at("y.txt")).write_text("".join(f"{y}\n" for y in Y))
    Path(work.at("cells.csv")).write_text("".join(f"cell{i},{y}\n" for i, y in enumerate(Y)))


def orders(work):
    npy = [f"npy/X_{i:02}.npy" for i in range(3)]
    same(work, *npy, labels=False)
    same(work, *npy, *[p.replace("X", "y") for p in npy])
    same(work, *[f"npy/{k}_{i:02}.npy" for i in range(3) for k in "Xy"])
    same(work, "npy")
    same(work, "npy/X_*.npy", "npy/y_*.npy")
    same(work, "--labels", "y.txt", *npy)
    same(work, *npy[::-1], labels=False, order=np.concatenate([X[cut] for cut in CUTS[::-1]]))
    same(work, npy[0], npy[1], labels=False, order=X[:12])
    for inputs in (["npz"], ["idx"], ["idx/*-images", "idx/*-labels"], ["tensors"],
                   ["--labels", "cells.csv", "tenx"], ["--labels", "y.txt", "mtx0", "mtx1", "mtx2"]):
        same(work, *inputs)
    for inputs in (["--labels", "cells.csv", "tenx"], ["--labels", "y.txt", "mtx0", "mtx1", "mtx2"],
                   ["tensors"]):
        expect(work, 0, "convert", "--overwrite", "--split", "0.2", *inputs, "out.h5",
               says="24 rows to train")
    expect(work, 0, "convert", "--overwrite", "--split", "0.2", "npy", "out.h5")
    with h5py.File(work.at("out.h5")) as a, h5py.File(work.at("out_test.h5")) as b:
        if (len(a["y"]) != 24
            or sorted(map(tuple, np.concatenate([a["X"][:],
                                                 b["X"][:]]).tolist())) != sorted(map(tuple, X.tolist()))):
            fail("several files are split wrongly")


def put_h5ad(path, x, first, names="abcde"):
    with h5py.File(path, "w") as f:
        f["X"] = x.astype("f4")
        f["var/_index"] = np.array([f"g{n}" for n in names], "S")
        f["obs/_index"] = np.array([f"cell{first + i}" for i in range(len(x))], "S")
        kinds = np.array(["low", "high"], "S")
        f["obs/kind/codes"], f["obs/kind/categories"] = (x[:, 0] > 100).astype("i1"), kinds


def hdf5(work):
    """Files of AnnData are joined and split, with their names, ids and labels."""
    os.mkdir(work.at("donors"))
    for i, cut in enumerate(CUTS):
        put_h5ad(work.at(f"donors/{i}.h5ad"), X[cut], cut.start)
    expect(work, 0, "convert", "--overwrite", "donors", "--labels", "obs/kind", "all.h5")
    with h5py.File(work.at("all.h5")) as f:
        if (not np.array_equal(f["X"][:], X) or f["id"][29] != b"cell29" or f["var/_index"][4] != b"ge"
            or not np.array_equal(f["y"][:] == b"high", X[:, 0] > 100)):
            fail("joined h5ad files have other rows, names, ids or labels")
    expect(work, 0, "convert", "--overwrite", "--split", "0.2", "donors", "--labels", "obs/kind", "all.h5")
    expect(work, 0, "train", "-q", "--set", "data.train=all.h5", "--set", "data.test=all_test.h5",
           "--set", "output.directory=cells")
    expect(work, 0, "eval", "cells/model.h5", "donors/2.h5ad", "--labels", "obs/kind")
    expect(work, 0, "convert", "--overwrite", "donors/0.h5ad", "--labels", "cells.csv", "named.h5",
           says="lines have an id that no row has")
    expect(work, DATA, "convert", "--overwrite", "donors/0.h5ad", "never.h5", says="an HDF5 file already")
    Path(work.at("t.csv")).write_text("a,b,label\n1,2,x\n3,4,y\n")
    expect(work, 0, "convert", "t.csv", "t.h5")
    expect(work, USAGE, "convert", "t.h5", "all.h5", "never.h5",
           says="was made by convert, and its recipe would be lost")
    put_h5ad(work.at("other.h5ad"), X[:3], 0, names="abcdf")
    expect(work, DATA, "convert", "--overwrite", "donors/0.h5ad", "other.h5ad", "never.h5",
           says="other.h5ad: ")
    with h5py.File(work.at("donors/1.h5ad"), "r+") as f:
        f["obs/kind/codes"][0] = -1
    expect(work, DATA, "convert", "--overwrite", "donors", "--labels", "obs/kind", "never.h5",
           says="donors/1.h5ad: obs/kind[0] is not a label, 1 of 1 rows have none")


def refusals(work):
    def refused(*inputs, says, status=DATA):
        expect(work, status, "convert", "--overwrite", *inputs, "never.h5", says=says)
    np.save(work.at("narrow.npy"), X[:3, :4])
    np.save(work.at("float.npy"), X[:3].astype("f4"))
    np.save(work.at("nan.npy"), np.full((2, 5), np.nan, "f4"))
    Path(work.at("text.npy")).write_text("1,2\n")
    refused("npy/X_00.npy", "npy/X_01.npy", "narrow.npy",
            says="narrow.npy: has 4 features, but npy/X_00.npy has 5")
    refused("npy/X_00.npy", "float.npy",
            says="float.npy: its values are float32, but those of npy/X_00.npy are uint8")
    refused("npy/X_00.npy", "npy/X_01.npy", "npy/y_00.npy",
            says="npy/y_00.npy: has labels; files with labels: 1, files with rows: 2", status=USAGE)
    refused("npy/X_00.npy", "npy/X_01.npy", "npy/y_01.npy", "npy/y_00.npy",
            says="npy/y_01.npy: has 1 labels for the 11 rows")
    refused("float.npy", "nan.npy", says="nan.npy: row 0, column 0")
    refused("npy/X_00.npy", "text.npy", says="text.npy")
    np.savez(work.at("bare.npz"), X=X)
    refused("npz/0.npz", "bare.npz", says="bare.npz: has no labels, but npz/0.npz has some")
    put_tenx(work.at("tenx/9.h5"), X[:2], ["g0", "g1", "g2", "g3", "other"], 0)
    refused("tenx", says="tenx/9.h5: ")
    os.remove(work.at("tenx/9.h5"))


with Work(sys.argv[1]) as work:
    for part in (put, orders, hdf5, refusals):
        part(work)
print("several binary files become one data set")
