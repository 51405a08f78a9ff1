# test_tensors.py - safetensors and npz through convert: every type, bfloat16, named arrays, sparse matrices,
# and refusals.
#
#     test_tensors.py MARGIN
import io
import json
import struct
import sys
import warnings
import zipfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules, read, good, refused

need_modules("h5py", "numpy")

import h5py
import numpy as np

N, D = 30, 7
Y = np.arange(N) % 3
X = (np.random.default_rng(0).integers(-40, 40, (N, D)) + 50 * np.eye(3, D)[Y].astype(int)).clip(-128, 127)
TYPES = {"F32": "f4", "F64": "f8", "F16": "f2", "I8": "i1", "I16": "i2", "I32": "i4", "I64": "i8", "U8": "u1",
         "U16": "u2", "BOOL": "?"}


def tensor(array, kind):
    if kind == "BF16":
        return (np.ascontiguousarray(array, "f4").view("u4") >> 16).astype("u2").tobytes()
    return np.ascontiguousarray(array, TYPES[kind]).tobytes()


def safetensors(work, name, tensors, metadata=None, change=lambda header: header):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for key, (array, kind) in tensors.items():
        stored = tensor(array, kind)
        header[key] = {"dtype": kind, "shape": list(np.shape(array)),
                       "data_offsets": [len(data), len(data) + len(stored)]}
        data += stored
    text = json.dumps(change(header)).encode()
    text += b" " * (-len(text) % 8)
    with open(work.at(name), "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


def convert(work, *arguments):
    return work.run("convert", "--overwrite", *arguments)


def holds(work, x, y, what):
    with h5py.File(work.at("o.h5")) as f:
        if isinstance(f["X"], h5py.Group):
            found, ends = np.zeros(f["X"].attrs["shape"]), f["X/indptr"][()]
            for i in range(len(found)):
                found[i, f["X/indices"][ends[i]:ends[i + 1]]] = f["X/data"][ends[i]:ends[i + 1]]
        else:
            found = f["X"][()]
        labels = f["y"][()].tolist() if "y" in f else None
        labels = labels and [v.decode() if isinstance(v, bytes) else v for v in labels]
        if not np.array_equal(found, x) or labels != (y if y is None else list(y)):
            fail(f"{what}: {found[:2]} {labels}")


def tensors_are_read(work):
    for kind in [*TYPES, "BF16"]:
        x = np.abs(X) if kind[0] == "U" else X > 0 if kind == "BOOL" else X
        safetensors(work, "a.safetensors", {"y": (Y, "I64"), "X": (x.reshape(N, D, 1), kind)},
                    {"format": 'p"t', "n": "1"})
        told = good(convert(work, "a.safetensors", "o.h5"))
        if "safetensors, features X, labels y" not in told:
            fail(f"guess: {told}")
        holds(work, x, Y, kind)
    big = np.array([[1e-3, 3e38], [-2.5, 1.0078125]], "f4").view("u4") >> 16 << 16
    safetensors(work, "b.safetensors", {"h": (big.view("f4"), "BF16"),
                                        "words": (np.array([[1.0], [2.0]]), "BF16")})
    refused(convert(work, "b.safetensors", "o.h5"), "has the tensors h, words", "--features")
    good(convert(work, "b.safetensors", "o.h5", "--features", "h", "--labels", "words"))
    holds(work, big.view("f4"), [1, 2], "BF16 with names")
    refused(convert(work, "b.safetensors", "o.h5", "--features", "hidden"),
            "has no tensor 'hidden'; it has h, words")
    refused(convert(work, "b.safetensors", "o.h5", "--features", "h", "--labels", "z"), "has no tensor 'z'")
    with open(work.at("labels.txt"), "w") as out:
        out.write("yes\nno\n")
    good(convert(work, "b.safetensors", "o.h5", "--features", "h", "--labels", "labels.txt"))
    holds(work, big.view("f4"), ["yes", "no"], "labels of a file")
    np.save(work.at("X.npy"), big.view("f4"))
    np.save(work.at("y.npy"), np.array(["yes", "no"]))
    refused(convert(work, "X.npy", "o.h5", "--labels", "y.npy"), "y.npy: is an NPY file",
            "margin convert X.npy y.npy OUTPUT.h5")
    good(convert(work, "X.npy", "y.npy", "o.h5"))
    holds(work, big.view("f4"), ["yes", "no"], "labels of an array")


def headers_are_strict(work):
    """As the official reader: nothing behind the header, and no name or key twice. Labels may be whole
    float16 numbers."""
    one = '{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}'
    for header, words in ((f'{{"X":{one}}}  ', None), (f'{{"X":{one}}} x', "near 'x'"),
                          (f'{{"X":{one},"X":{one}}}', "has two tensors X"),
                          (f'{{"X":{one[:-1]},"shape":[1,4]}}}}', "its header is not that"),
                          ('{"X":{"shape":[2,2],"data_offsets":[0,16]}}', "its header is not that")):
        with open(work.at("r.safetensors"), "wb") as out:
            out.write(struct.pack("<Q", len(header)) + header.encode() + np.ones(4, "f4").tobytes())
        done = convert(work, "r.safetensors", "o.h5")
        if words:
            refused(done, words)
        else:
            good(done)
    safetensors(work, "h.safetensors", {"X": (X, "F32"), "y": (Y, "F16")})
    good(convert(work, "h.safetensors", "o.h5"))
    holds(work, X, Y, "labels of float16")
    safetensors(work, "h.safetensors", {"X": (X, "F32"), "y": (Y + 0.5, "F16")})
    refused(convert(work, "h.safetensors", "o.h5"), "label 0 (from 0) is not a whole number")


def tensors_are_refused(work):
    def case(change, *words, cut=None, more=()):
        safetensors(work, "w.safetensors", {"X": (X, "F32"), "y": (Y, "I64")}, change=change)
        if cut:
            data = open(work.at("w.safetensors"), "rb").read()
            open(work.at("w.safetensors"), "wb").write(data[:cut])
        refused(convert(work, "w.safetensors", "o.h5", *more), *words)

    def put(name, **values):
        return lambda h: {**h, name: {**h[name], **values}}

    case(put("X", dtype="F8_E4M3"), "tensor X has the type F8_E4M3, which is not read")
    case(put("X", shape=[N, D + 1]), "the file is damaged")
    case(put("y", shape=[N - 1], data_offsets=[0, 8 * (N - 1)]), "tensor y has 29 x 1 labels for 30 rows")
    case(put("X", shape=[N * D]), "tensor X has 1 dimensions")
    case(put("X", data_offsets=[10**15, 10**15 + 4 * N * D]), "is truncated")
    case(lambda h: h, "truncated", cut=-100)
    case(lambda h: h, "truncated", cut=60)
    case(lambda h: {**h, "X": 3}, "header is not that of a safetensors file")


def archives_are_read(work):
    names = np.array(["b", "a\u00e9", "c"])
    for save in (np.savez, np.savez_compressed):
        save(work.at("a.npz"), X=X.astype("i1"), y=names[Y])
        if "npz, features X.npy, labels y.npy" not in (told := good(convert(work, "a.npz", "o.h5"))):
            fail(f"guess: {told}")
        holds(work, X, names[Y], save.__name__)
        save(work.at("a.npz"), emb=X.astype("f4"), target=Y, other=np.zeros(3))
        refused(convert(work, "a.npz", "o.h5"),
                "it has the arrays emb, target, other: give one of these with --features")
        good(convert(work, "a.npz", "o.h5", "--features", "emb"))
        holds(work, X, Y, "named features")
        good(convert(work, "a.npz", "o.h5", "--features", "emb", "--labels", "target"))
    wide = io.BytesIO()  # zip64, as numpy writes arrays of unknown size
    with zipfile.ZipFile(work.at("z.npz"), "w", zipfile.ZIP_DEFLATED) as z:
        np.save(wide, X)
        with z.open("X.npy", "w", force_zip64=True) as member:
            member.write(wide.getvalue())
    good(convert(work, "z.npz", "o.h5"))
    holds(work, X, None, "zip64")
    done = work.run("train", "-q", "--overwrite", "--set", "data.train=a.h5",
                    "--set", "output.directory=r") if not convert(
        work, "a.npz", "a.h5", "--features", "emb").returncode else None
    if not done or done.returncode:
        fail("an npz does not train")
    # what margin export writes is read again
    good(work.run("export", "r/model.h5", "-o", "m.npz"))
    good(work.run("export", "r/model.h5", "-o", "m.safetensors"))
    for name in ("m.npz", "m.safetensors"):
        good(convert(work, name, "o.h5", "--features", "coef"))


def damaged_archives(work):
    """A flipped bit in any member is found by its CRC-32; of two members with one name, the last is read."""
    x = X.astype("f4")
    row, column = np.nonzero(x)
    parts = {"data": x[row, column], "indices": column.astype("i4"),
             "indptr": np.concatenate([[0], np.cumsum((x != 0).sum(1))])}
    for arrays, flipped in (({"X": x, "y": Y}, (x, Y)),
                            ({**parts, "shape": np.array(x.shape), "format": np.array(b"csr")},
                             tuple(parts.values()))):
        np.savez(work.at("c.npz"), **arrays)
        good(convert(work, "c.npz", "o.h5"))
        for array in flipped:
            data = bytearray(read(work.at("c.npz")))
            data[data.find(array.tobytes()) + array.itemsize * 4] ^= 1
            with open(work.at("d.npz"), "wb") as out:
                out.write(data)
            refused(convert(work, "d.npz", "o.h5"), "")
    np.savez(work.at("c.npz"), X=x, y=Y)
    data = read(work.at("c.npz")).replace(x.tobytes(), (x + 1).tobytes())
    with open(work.at("d.npz"), "wb") as out:
        out.write(data)
    refused(convert(work, "d.npz", "o.h5"), "d.npz: is damaged: the CRC-32 of an array is ")
    with zipfile.ZipFile(work.at("c.npz"), "a") as z, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held = io.BytesIO()
        np.save(held, x * 2)
        z.writestr("X.npy", held.getvalue())
    good(convert(work, "c.npz", "o.h5"))
    holds(work, X * 2, Y, "two members with one name")


def sparse_archives(work):
    x = np.where(X > 10, X, 0)
    row, column = np.nonzero(x)
    order = np.lexsort((-column, row))

    def save(name, kind=b"csr", **change):
        parts = {"data": x[row, column][order].astype("f8"), "indices": column[order].astype("i4"),
                 "shape": np.array(x.shape),
                 "indptr": np.concatenate([[0], np.cumsum((x > 0).sum(1))]).astype("i4"),
                 "format": np.array(kind), **change}
        np.savez_compressed(work.at(name), **parts)

    save("s.npz")
    if "a sparse matrix" not in good(convert(work, "s.npz", "o.h5")):
        fail("the sparse matrix is not told")
    holds(work, x, None, "sparse")
    save("s.npz", "csr", y=Y)
    good(convert(work, "s.npz", "o.h5"))
    holds(work, x, Y, "sparse with labels")
    save("s.npz", b"csc")
    refused(convert(work, "s.npz", "o.h5"), "is a sparse matrix in format csc", "matrix.tocsr()")
    for kind, parts in (("bsr", {"indices": row, "indptr": row, "data": x}),
                        ("coo", {"row": row, "col": column, "data": x[row, column]}),
                        ("dia", {"offsets": np.arange(2), "data": np.ones((2, D))})):
        np.savez(work.at("k.npz"), format=np.array(kind.encode()), shape=np.array(x.shape), **parts)
        refused(convert(work, "k.npz", "o.h5"), f"is a sparse matrix in format {kind}", "matrix.tocsr()")
    good(convert(work, "k.npz", "o.h5", "--features", "data"))
    np.savez(work.at("k.npz"), format=np.array(b"csr"), shape=np.array(x.shape), data=np.ones(3),
             indices=np.arange(3))
    refused(convert(work, "k.npz", "o.h5"), "without the array indptr")
    save("s.npz", indptr=np.arange(5))
    refused(convert(work, "s.npz", "o.h5"), "indptr does not fit 30 rows")
    save("s.npz", indices=np.full(len(row), D))
    refused(convert(work, "s.npz", "o.h5"), f"in column {D}")
    save("s.npz", data=np.ones(3))
    refused(convert(work, "s.npz", "o.h5"), "data must have one number for each")


def archives_are_refused(work):
    np.savez(work.at("w.npz"), X=X, y=Y[:5])
    refused(convert(work, "w.npz", "o.h5"), "has 5 labels for the 30 rows")
    np.savez(work.at("w.npz"), X=np.array([[1, "a"]], dtype=object))
    refused(convert(work, "w.npz", "o.h5"), "type '|O' is not read", "a.astype(str)")
    np.save(work.at("o.npy"), np.array(["a", None], dtype=object))
    np.save(work.at("x.npy"), X[:2])
    refused(convert(work, "x.npy", "o.npy", "o.h5"), "holds Python objects")
    np.savez(work.at("w.npz"), X=np.asfortranarray(X))
    refused(convert(work, "w.npz", "o.h5"), "is in Fortran order")
    np.savez(work.at("w.npz"), X=X, y=Y)
    data = open(work.at("w.npz"), "rb").read()
    for cut in (len(data) // 2, len(data) - 10):
        open(work.at("w.npz"), "wb").write(data[:cut])
        refused(convert(work, "w.npz", "o.h5"), "the zip archive is damaged or truncated")
    with zipfile.ZipFile(work.at("t.zip"), "w") as z:
        z.writestr("a.csv", "1,2\n")
    refused(convert(work, "t.zip", "o.h5"), "a zip archive", "unpack it")


with Work(sys.argv[1]) as work:
    tensors_are_read(work)
    tensors_are_refused(work)
    archives_are_read(work)
    headers_are_strict(work)
    damaged_archives(work)
    sparse_archives(work)
    archives_are_refused(work)
