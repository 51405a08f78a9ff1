# command_files.py - small files of the names that the commands of the README and of docs have.
import gzip
import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

from runs import need_modules

need_modules("numpy", "h5py")
import h5py  # noqa: E402
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
ROWS = 300
GENES = [f"GENE{d}" for d in range(6)]
WORDS = {"card": "where is my new card", "cash": "why was cash taken from my account"}


def packed(name, text):
    with gzip.open(name, "wt") as out:
        out.write(text)


def save(path, seed):
    draw = np.random.RandomState(seed)
    x = draw.rand(ROWS, 6).astype("f4")
    y = x[:, :3].argmax(1)
    with h5py.File(path, "w") as file:
        file["X"], file["y"] = x, y
    return x, y


def save_cells(labels):
    """Files of Cell Ranger, which have genes by cells as CSC, and the labels of the cells."""
    own = np.arange(6) == np.asarray(labels)[:, None]
    counts = np.random.RandomState(7).poisson(1, (ROWS, 6)) + 3 * own
    cell, gene = np.nonzero(counts)
    barcodes = [f"CELL{i}-1" for i in range(ROWS)]
    with h5py.File("filtered_feature_bc_matrix.h5", "w") as file:
        matrix = file.create_group("matrix")
        matrix["data"], matrix["indices"] = counts[cell, gene].astype("i4"), gene.astype("i8")
        matrix["indptr"] = np.concatenate([[0], np.cumsum((counts > 0).sum(1))]).astype("i8")
        matrix["shape"] = np.array(counts.T.shape, "i4")
        matrix["barcodes"] = np.array(barcodes, "S")
        features = matrix.create_group("features")
        features["id"] = features["name"] = np.array(GENES, "S")
        features["feature_type"] = np.array(["Gene Expression"] * 6, "S")
        features["genome"] = np.array(["GRCh38"] * 6, "S")
    Path("cell_types.csv").write_text(
        "barcode,cell_type\n" + "".join(f"{name},type {y}\n" for name, y in zip(barcodes, labels)))
    head = "%%MatrixMarket matrix coordinate integer general\n"
    entries = [(g + 1, c + 1, counts[c, g]) for c, g in zip(cell, gene)]
    os.mkdir("filtered_feature_bc_matrix")
    packed("filtered_feature_bc_matrix/matrix.mtx.gz", f"{head}6 {ROWS} {len(entries)}\n" +
           "".join(f"{g} {c} {v}\n" for g, c, v in entries))
    packed("filtered_feature_bc_matrix/barcodes.tsv.gz", "\n".join(barcodes) + "\n")
    packed("filtered_feature_bc_matrix/features.tsv.gz",
           "".join(f"{gene}\t{gene}\tGene Expression\n" for gene in GENES))
    Path("counts.mtx").write_text(f"{head}{ROWS} 6 {len(entries)}\n" +
                                  "".join(f"{c} {g} {v}\n" for g, c, v in entries))


def save_h5ad(path, x, labels):
    with h5py.File(path, "w") as file:
        file["X"] = x
        file["layers/counts"] = x
        for group, names in (("obs", [f"{path} {i}" for i in range(len(x))]), ("var", GENES)):
            table = file.create_group(group)
            table.attrs["encoding-type"], table.attrs["encoding-version"] = "dataframe", "0.2.0"
            table.attrs["_index"] = "_index"
            table["_index"] = names
        file["obs/cell_type"] = [f"type {y}" for y in labels]


def save_arrays(x, y):
    for name, rows in (("X.npy", x), ("X_00.npy", x[:100]), ("X_01.npy", x[100:]),
                       ("y.npy", y), ("y_00.npy", y[:100]), ("y_01.npy", y[100:])):
        np.save(name, rows)
    np.savez("train.npz", X=x, y=y)
    Path("y.txt").write_text("".join(f"{label}\n" for label in y))
    images = np.random.RandomState(0).randint(0, 255, (ROWS, 4, 4)).astype("u1")
    for name, array in (("images-idx3", images), ("labels-idx1", y.astype("u1"))):
        head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        with gzip.open(f"train-{name}-ubyte.gz", "wb") as out:
            out.write(head + array.tobytes())
    parts = {"hidden": ("F32", x), "label": ("I64", y.astype("i8"))}
    header, at = {}, 0
    for name, (kind, array) in parts.items():
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    Path("embeddings.safetensors").write_bytes(
        struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for _, array in parts.values()))


def save_tables(x, y):
    names = ",".join("abcdef")
    lines = [",".join(f"{value:.3f}" for value in row) + f",{label}\n" for row, label in zip(x, y)]
    Path("train.csv").write_text(f"{names},label\n" + "".join(lines))
    os.mkdir("parts")
    for name, part in (("part-1.csv", lines[:100]), ("part-2.csv", lines[100:])):
        for folder in (".", "parts"):
            Path(folder, name).write_text(f"{names},label\n" + "".join(part))
    Path("iris.csv").write_text(f"{names},species\n" + "".join(lines))
    letters = [",".join(["ABC"[label], *(str(int(9 * value)) for value in row)]) for row, label in zip(x, y)]
    Path("letter-recognition.data").write_text("\n".join(letters) + "\n")
    sparse = [" ".join([str(label), *(f"{d + 1}:{value:.3f}" for d, value in enumerate(row))])
              for row, label in zip(x, y)]
    for name in ("train.svm.gz", "news20.svm.gz", "news20.t.svm.gz"):
        packed(name, "\n".join(sparse) + "\n")


def save_texts():
    """The table of texts has the name of the one with numbers, so it is in a folder of its own."""
    rows = [(f"{text} {i}", label) for i in range(40) for label, text in WORDS.items()]
    os.mkdir("texts")
    for name in ("train.csv", "test.csv"):
        Path("texts", name).write_text("text,category\n" +
                                       "".join(f"{text},{label}\n" for text, label in rows))
    Path("texts/new.csv").write_text("id,text\n" + "".join(f"{i},{row[0]}\n" for i, row in enumerate(rows)))
    Path("words.tsv").write_text("".join(f"{label}\t{text}\n" for text, label in rows))


def prepare(margin):
    """Writes all files into the working directory, and trains the models that the commands name."""
    for seed, name in enumerate(("train.h5", "test.h5", "validation.h5")):
        x, y = save(name, seed)
    save_cells(y)
    save_arrays(x, y)
    save_tables(x, y)
    save_texts()
    for part, name in ((slice(0, 100), "donor1.h5ad"), (slice(100, ROWS), "donor2.h5ad"),
                       (slice(0, ROWS), "cells.h5ad")):
        save_h5ad(name, x[part], y[part])
    for name in ("config", "first", "a", "b"):
        Path(f"{name}.yaml").write_text("data: {train: train.h5, validation: validation.h5}\n"
                                        "model: {calibration: temperature}\n")
        subprocess.run([margin, "train", "-q", f"{name}.yaml"], check=True, capture_output=True)
    shutil.copytree(ROOT / "configs", "configs")
    os.mkdir("data")
    for name in ("train", "test"):
        with h5py.File(f"data/fashion_mnist_{name}.h5", "w") as file:
            file["X"] = np.random.RandomState(0).randint(0, 255, (500, 784)).astype("u1")
            file["y"] = np.arange(500) % 10
    shutil.copy("runs/first/model.h5", "FILE")
