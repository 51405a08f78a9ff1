# test_ways.py - the seven ways of docs/ways.md: runs the commands of each section, in a directory that has
# only the files that the section describes, and checks the answers.
#
#     test_ways.py MARGIN
import csv
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))
from runs import Work, fail, need_modules, read

need_modules("h5py", "numpy")

import h5py
import numpy as np

PAGE = (ROOT / "docs" / "ways.md").read_text()
TEXT = h5py.string_dtype()
done_ways = []


def equal(what, got, wanted):
    if got != wanted:
        fail(f"{what}: {got!r} instead of {wanted!r}")


def table(path, delimiter=","):
    with open(path, newline="") as f:
        return list(csv.reader(f, delimiter=delimiter))


def follow(work, number, stdin=""):
    """Runs the commands of a way. Returns (command, output, messages) of each."""
    section = re.search(rf"^## {number}\. (.*?)(?=^## |\Z)", PAGE, re.S | re.M)[1]
    os.makedirs(work.at("bin"))
    os.symlink(work.margin, work.at("bin", "margin"))
    environment = {**os.environ, "PATH": work.at("bin") + os.pathsep + os.environ["PATH"]}
    told = []
    for line in "\n".join(re.findall(r"^```sh\n(.*?)^```", section, re.S | re.M)).splitlines():
        got = subprocess.run(["sh", "-ec", line], input=stdin, text=True, cwd=work.path, capture_output=True,
                             env=environment)
        if got.returncode:
            fail(f"way {number}: {line}: exit {got.returncode}: {got.stderr}")
        told.append((line, got.stdout, got.stderr))
    done_ways.append(number)
    return told


def said(told, command, what):
    """The output and the messages of the first command that begins so; they must have `what`."""
    line, out, messages = next(t for t in told if t[0].startswith(command))
    if what not in out + messages:
        fail(f"{line}: {what!r} is missing in {out}{messages}")
    return out, messages


def mostly(what, got, wanted, share=0.9):
    right = np.mean([a == b for a, b in zip(got, wanted)])
    if len(got) != len(wanted) or right < share:
        fail(f"{what}: {len(got)} of {len(wanted)}, {right:.3f} are right")


def check_probabilities(what, rows):
    shares = np.array(rows, float)
    if abs(shares.sum(1) - 1).max() > 1e-6 or shares.max(1).mean() < 0.5:
        fail(f"{what}: probabilities {shares[:3]}")


def embeddings(work):
    draw = np.random.default_rng(5)
    y = draw.integers(0, 3, 400)
    x = (draw.normal(0, 1, (400, 16)) + 3 * np.eye(16)[y]).astype("f4")
    np.save(work.at("embeddings.npy"), x[:300])
    np.save(work.at("labels.npy"), y[:300])
    np.save(work.at("new.npy"), x[300:])
    follow(work, 1)
    rows = table(work.at("probabilities.csv"))
    equal("header", rows[0], ["id", "label", "probability_0", "probability_1", "probability_2"])
    equal("ids", [row[0] for row in rows[1:]], [str(i) for i in range(100)])
    mostly("embeddings", [row[1] for row in rows[1:]], [str(k) for k in y[300:]])
    check_probabilities("embeddings", [row[2:] for row in rows[1:]])


KINDS = ["B cell", "NK, bright", "T cell"]


def cells(seed, count, genes):
    """Counts of cells; a kind has three genes of its own. The first gene is that of all cells."""
    draw = np.random.default_rng(seed)
    kind = draw.integers(0, 3, count)
    rate = np.full((count, genes), 0.3)
    for k in range(3):
        rate[kind == k, 1 + 3 * k:4 + 3 * k] += 6
    rate[:, 0] = 20
    return draw.poisson(rate), kind


def put_sparse(g, x):
    rows, columns = np.nonzero(x)
    g["data"], g["indices"] = x[rows, columns].astype("f4"), columns.astype("i4")
    g["indptr"] = np.append(0, np.cumsum((x != 0).sum(1))).astype("i8")


def put_h5ad(path, x, genes, cell_names, labels=None):
    with h5py.File(path, "w") as f:
        g = f.create_group("X")
        g.attrs["encoding-type"], g.attrs["encoding-version"] = "csr_matrix", "0.1.0"
        g.attrs["shape"] = x.shape
        put_sparse(g, x)
        for name, index, texts in ("obs", "barcode", cell_names), ("var", "_index", genes):
            g = f.create_group(name)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "dataframe", "0.2.0"
            g.attrs["_index"] = index
            g[index] = np.array(texts, dtype=object).astype(TEXT)
        if labels is not None:
            g = f.create_group("obs/cell_type")
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "categorical", "0.2.0"
            g["codes"], g["categories"] = np.array(labels, "i1"), np.array(KINDS, dtype=object).astype(TEXT)


def markers(out, kinds):
    """The features for and against each class, from the output of `margin weights`."""
    lists = {}
    for part in out.split("\n\n")[1:]:
        head, *lines = part.strip().splitlines()
        side = None
        for line in lines:
            if line.split()[0] in ("for", "against"):
                side = line.split()[0]
            else:
                lists.setdefault((head, side), []).append(line.split()[1])
    equal("classes with markers", {head for head, _ in lists}, set(kinds))
    return lists


def h5ad(work):
    genes = [f"GENE{d}" for d in range(40)]
    x, kind = cells(1, 300, 40)
    labels = kind.copy()
    labels[:20] = -1
    put_h5ad(work.at("atlas.h5ad"), x, genes, [f"A{i}" for i in range(300)], labels)
    x, kind = cells(2, 100, 40)
    order = np.random.default_rng(3).permutation(40)[:34]  # six genes are missing, three are new
    put_h5ad(work.at("new.h5ad"), np.hstack([x[:, order], np.ones((100, 3))]),
             [genes[d] for d in order] + ["NEW1", "NEW2", "NEW3"],
             [f"N{i}" for i in range(100)])
    told = follow(work, 2)
    said(told, "margin info", "obs/cell_type")
    said(told, "margin train", "20 of 300 rows have no label")
    said(told, "margin predict", "features: 34 of 40 matched, 6 missing (taken as 0), 3 not used")
    rows = table(work.at("cell_types.csv"))
    equal("header", rows[0], ["id", "label", *(f"probability_{name}" for name in KINDS)])
    equal("names of cells", [row[0] for row in rows[1:]], [f"N{i}" for i in range(100)])
    if not {row[1] for row in rows[1:]} <= {*KINDS, "unknown"}:
        fail(f"labels {rows[:5]}")
    mostly("cells", [row[1] for row in rows[1:]], [KINDS[k] for k in kind])
    check_probabilities("cells", [row[2:] for row in rows[1:]])
    lists = markers(said(told, "margin weights", "B cell")[0], KINDS)
    for k, name in enumerate(KINDS):
        equal(f"markers of {name}", set(lists[name, "for"][:3]),
              {f"GENE{d}" for d in range(1 + 3 * k, 4 + 3 * k)})


def competition(work):
    draw = np.random.default_rng(6)
    kinds = ["setosa", "versi,color", "virginica"]
    y = draw.integers(0, 3, 320)
    x = draw.normal(0, 1, (320, 4)) + 4 * np.eye(4)[y]
    for name, rows, header in ("train.csv", range(240),
                               "Id,SepalLength,SepalWidth,PetalLength,PetalWidth,Species"), \
                              ("test.csv", range(240, 320),
                               "Id,SepalLength,SepalWidth,PetalLength,PetalWidth"):
        with open(work.at(name), "w", newline="") as f:
            out = csv.writer(f)
            out.writerow(header.split(","))
            for i in rows:
                out.writerow([1000 + i, *(f"{v:.4f}" for v in x[i]),
                              *([kinds[y[i]]] if name == "train.csv" else [])])
    follow(work, 3)
    rows = table(work.at("submission.csv"))
    equal("header", rows[0], ["Id", "Species"])
    equal("ids", [row[0] for row in rows[1:]], [str(1000 + i) for i in range(240, 320)])
    mostly("submission", [row[1] for row in rows[1:]], [kinds[y[i]] for i in range(240, 320)])


def texts(work):
    draw = np.random.default_rng(7)
    words = {"cards": "card payment pin lost bank", "travel": "flight hotel train ticket seat",
             "food": "pizza soup bread oven recipe"}
    common = "where is my the a please how do I"

    def line(label):
        chosen = [*draw.choice(words[label].split(), 3), *draw.choice(common.split(), 4)]
        return " ".join(draw.permutation(chosen))

    for name, count in ("train.tsv", 240), ("test.tsv", 60):
        with open(work.at(name), "w") as f:
            f.writelines(f"{label}\t{line(label)}\n" for label in (list(words)[i % 3] for i in range(count)))
    told = follow(work, 4, "where is my card\nthe next flight\nhow do I bake bread\n")
    accuracy = re.search(r"accuracy +([\d.]+)%", said(told, "margin eval", "accuracy")[0])
    if not accuracy or float(accuracy[1]) < 90:
        fail(f"texts: {told[2]}")
    answers = [line.split("\t") for line in told[3][1].splitlines()]
    equal("answers", [answer[0].split(":")[0] for answer in answers], ["cards", "travel", "food"])
    check_probabilities("texts", [[one.split(":")[1] for one in answer] for answer in answers])


def svmlight(work):
    draw = np.random.default_rng(8)

    def rows(count, most):
        for i in range(count):
            y = i % 3
            own = draw.choice(np.arange(1 + 10 * y, 11 + 10 * y), 4, replace=False)
            other = draw.choice(np.arange(31, most + 1), 3, replace=False)
            yield y, f"{y} " + " ".join(f"{d}:{draw.integers(1, 5)}" for d in sorted({*own, *other}))

    labels = {}
    for name, count, most in ("train.svm.gz", 240, 80), ("test.svm.gz", 60, 60):
        lines = list(rows(count, most))
        labels[name] = [str(y) for y, _ in lines]
        with gzip.open(work.at(name), "wt") as f:
            f.writelines(line + "\n" for _, line in lines)
    told = follow(work, 5)
    said(told, "margin eval", "60")
    mostly("svmlight", Path(work.at("labels.txt")).read_text().split(), labels["test.svm.gz"])
    for text, status in ("0 81:1\n", 3), ("0 80:1\n", 0):
        Path(work.at("wide.svm")).write_text(text)
        equal("a feature index", work.run("predict", "runs/posts/model.h5", "wide.svm").returncode, status)


def put_tenx(path, x, genes, barcodes):
    with h5py.File(path, "w") as f:
        g = f.create_group("matrix")
        put_sparse(g, x)
        g["shape"] = np.array(x.shape[::-1], "i4")
        g["barcodes"] = np.array(barcodes, "S")
        g["features/id"], g["features/name"] = np.array(genes, "S"), np.array(genes, "S")


def tenx(work):
    genes = [f"ENSG{d}" for d in range(30)]
    x, kind = cells(11, 200, 30)
    names = [f"CELL{i}-1" for i in range(200)]
    put_tenx(work.at("filtered_feature_bc_matrix.h5"), x, genes, names)
    with open(work.at("cell_types.csv"), "w", newline="") as f:
        csv.writer(f).writerows([["barcode", "cell_type"],
                                 *([names[i], KINDS[kind[i]]] for i in range(0, 200) if i % 10)])
    x, kind = cells(12, 80, 30)
    put_tenx(work.at("other_feature_bc_matrix.h5"), x[:, ::-1], genes[::-1],
             [f"OTHER{i}-1" for i in range(80)])
    told = follow(work, 6)
    said(told, "margin convert", "20 of 200 rows have no label")
    rows = table(work.at("cell_types_of_other.csv"))
    equal("barcodes", [row[0] for row in rows[1:]], [f"OTHER{i}-1" for i in range(80)])
    mostly("cells of Cell Ranger", [row[1] for row in rows[1:]], [KINDS[k] for k in kind])
    # Symbols as names, for a model of symbols: the file is then read as HDF5.
    sets = ["predict", "runs/sample/model.h5", "other_feature_bc_matrix.h5",
            "--names", "matrix/features/name"]
    equal("--names alone", work.run(*sets).returncode, 3)
    got = work.run(*sets, "--features", "matrix")
    mostly(f"--names {got.stderr}", got.stdout.splitlines(), [KINDS[k] for k in kind])


def put_safetensors(path, **tensors):
    header, body = {}, b""
    for name, values in tensors.items():
        kind = {"float32": "F32", "int64": "I64"}[str(values.dtype)]
        header[name] = {"dtype": kind, "shape": list(values.shape),
                        "data_offsets": [len(body), len(body) + values.nbytes]}
        body += values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + body)


def safetensors(work):
    draw = np.random.default_rng(13)
    y = draw.integers(0, 3, 300)
    x = (draw.normal(0, 1, (300, 12)) + 3 * np.eye(12)[y]).astype("f4")
    put_safetensors(work.at("train.safetensors"), embeddings=x[:220], labels=y[:220])
    put_safetensors(work.at("new.safetensors"), embeddings=x[220:])
    follow(work, 7)
    labels = Path(work.at("labels.txt")).read_text().split()
    mostly("safetensors", labels, [str(k) for k in y[220:]])
    content = read(work.at("probe.safetensors"))
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + size])
    part = {name: np.frombuffer(content[8 + size:][slice(*header[name]["data_offsets"])],
                                "<f4").reshape(header[name]["shape"])
            for name in ("coef", "intercept")}
    classes = json.loads(header["__metadata__"]["classes"])
    equal("labels by the exported weights", [str(classes[k])
                                             for k in (x[220:] @ part["coef"].T +
                                                       part["intercept"]).argmax(1)], labels)


def main(margin):
    for way in embeddings, h5ad, competition, texts, svmlight, tenx, safetensors:
        with Work(margin) as work:
            way(work)
    equal("ways of the page", done_ways, [int(n) for n in re.findall(r"^## (\d+)\.", PAGE, re.M)])


main(sys.argv[1])
