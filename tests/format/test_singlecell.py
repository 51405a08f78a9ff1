# test_singlecell.py - matrices of Cell Ranger and Matrix Market through convert: the same rows, names and
# labels from each, entries in any order, labels in a file of their own, and refusals.
#
#     test_singlecell.py MARGIN
import os
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules, read, good, refused

need_modules("h5py", "numpy")

import h5py
import numpy as np

REAL = Path(os.environ.get("MARGIN_SINGLECELL",
                           Path(__file__).resolve().parents[3] / "shared/data/singlecell"))
CELLS, GENES = 40, 12
BARCODES = [f"CELL{i:02}-1" for i in range(CELLS)]
IDS = [f"ENSG{i}" for i in range(GENES)]
KINDS = ["T", "B", "NK"]


def counts():
    draw = np.random.default_rng(0)
    x = np.where(draw.random((CELLS, GENES)) < 0.4, draw.integers(1, 9, (CELLS, GENES)), 0)
    x[np.arange(CELLS), np.arange(CELLS) % 3] += 20
    x[5] = 0
    return x


X = counts()


def mtx(entries, shape, kind="integer", layout="coordinate", symmetry="general"):
    lines = [f"%%MatrixMarket matrix {layout} {kind} {symmetry}", "% made by a test",
             f"{shape[0]} {shape[1]} {len(entries)}"]
    return "\n".join(lines + [" ".join(map(str, e)) for e in entries]) + "\n"


def tenx(work, name, version):
    with h5py.File(work.at(name), "w") as f:
        g = f.create_group("matrix" if version == 3 else "hg19")
        rows, columns = np.nonzero(X)
        order = np.lexsort((-columns, rows))  # Cell Ranger does not sort the features of a barcode
        g["data"], g["indices"] = X[rows, columns][order].astype("i4"), columns[order].astype("i8")
        g["indptr"], g["shape"] = (np.concatenate([[0], np.cumsum((X > 0).sum(1))]),
                                   np.array([GENES, CELLS], "i4"))
        g["barcodes"] = np.array(BARCODES, "S")
        g["features/id" if version == 3 else "genes"] = np.array(IDS, "S")


def convert(work, *arguments):
    return work.run("convert", "--overwrite", *arguments)


def content(work, name):
    with h5py.File(work.at(name)) as f:
        x = np.zeros(f["X"].attrs["shape"], "f4")
        ends = f["X/indptr"][()]
        for i in range(len(x)):
            x[i, f["X/indices"][ends[i]:ends[i + 1]]] = f["X/data"][ends[i]:ends[i + 1]]
        text = lambda name: [v.decode() for v in f[name][()]] if name in f else None
        return x, text("id"), text("var/_index"), text("y") if "y" in f and f["y"].dtype.kind == "S" else None


def same_rows(work):
    entries = [(d + 1, i + 1, X[i, d]) for i in range(CELLS) for d in range(GENES - 1, -1, -1) if X[i, d]]
    shuffled = [entries[k] for k in np.random.default_rng(1).permutation(len(entries))]
    for folder, listed, genes in (("ten", entries, "features.tsv.gz"), ("any", shuffled, "genes.tsv.gz")):
        work.write(f"{folder}/matrix.mtx.gz", mtx(listed, (GENES, CELLS)))
        work.write(f"{folder}/barcodes.tsv.gz", "\n".join(BARCODES) + "\n")
        work.write(f"{folder}/{genes}", "".join(f"{name}\tsymbol\tGene Expression\n" for name in IDS))
    for ending in ("matrix.mtx", "barcodes.tsv", "features.tsv"):
        os.symlink(work.at(f"ten/{ending}.gz"), work.at(f"GSM1_{ending}.gz"))
    tenx(work, "v2.h5", 2)
    tenx(work, "v3.h5", 3)
    labels = [KINDS[i % 3] for i in range(CELLS)]
    work.write("types.csv", "barcode,cell_type\n" +
          "".join(f'{b},"{t}"\n' for b, t in reversed(list(zip(BARCODES, labels)))))
    work.write("lines.txt", "\n".join(labels) + "\n")
    for source in ("ten", "any", "ten/matrix.mtx.gz", "GSM1_matrix.mtx.gz", "v2.h5", "v3.h5"):
        for file in ("types.csv", "lines.txt"):
            told = good(convert(work, source, "out.h5", "--labels", file))
            if "warning" in told:
                fail(f"{source} {file}: {told}")
            x, rows, columns, y = content(work, "out.h5")
            if not np.array_equal(x, X) or rows != BARCODES or columns != IDS or y != labels:
                fail(f"{source} {file}: other rows, names or labels: {rows} {columns} {y}")
    direct = work.run("train", "-q", "--set", "data.train=out.h5", "--set", "output.directory=r")
    if "100.00%" not in direct.stdout:
        fail(f"the cells are not told apart: {direct.stderr}{direct.stdout}")
    # Without the files of names, rows are the first number, unless an option says otherwise.
    work.write("plain.mtx", mtx([(i + 1, d + 1, X[i, d]) for d in range(GENES) for i in range(CELLS)
                                  if X[i, d]], X.shape, "real"))
    if "rows are rows of the matrix" not in good(convert(work, "plain.mtx", "out.h5")):
        fail("the guess about rows is not told")
    turned = convert(work, "plain.mtx", "turned.h5", "--rows", "second")
    if (not np.array_equal(content(work, "out.h5")[0], X)
        or not np.array_equal(content(work, "turned.h5")[0], X.T)):
        fail(f"--rows: {turned.stderr}")
    work.write("pattern.mtx", mtx([(1, 2), (3, 1)], (3, 2), "pattern"))
    good(convert(work, "pattern.mtx", "out.h5"))
    if content(work, "out.h5")[0].tolist() != [[0, 1], [0, 0], [1, 0]]:
        fail("pattern: other values")


def labels_by_name(work):
    work.write("ids.csv", "cell,a,b\nx,1,2\ny,3,4\nz,5,6\n")
    work.write("z.csv", "z,Z\nx,X\ny,Y\n")
    good(convert(work, "ids.csv", "csv.h5", "--id", "cell", "--labels", "z.csv"))
    with h5py.File(work.at("csv.h5")) as f:
        if f["y"][()].tolist() != [b"X", b"Y", b"Z"]:
            fail("labels by the ids of a CSV file")
    labels = [KINDS[i % 3] for i in range(CELLS)]
    some = [(b, "NA" if i == 1 else t) for i, (b, t) in enumerate(zip(BARCODES, labels)) if i % 5]
    work.write("some.tsv", "".join(f"{b}\t{t}\n" for b, t in [*some, ("other", "T"), ("CELL99-1", "B")]))
    told = good(convert(work, "v3.h5", "out.h5", "--labels", "some.tsv"))
    if "9 of 40 rows have no label" not in told or "2 lines have an id that no row has" not in told:
        fail(f"missing labels: {told}")
    y = content(work, "out.h5")[3]
    if y != ["" if i % 5 == 0 or i == 1 else t for i, t in enumerate(labels)]:
        fail(f"labels by name: {y}")
    train = ["train", "--overwrite", "--set", "data.train=out.h5", "--set", "output.directory=r"]
    refused(work.run(*train), "9 of 40 rows have none")
    if "9 of 40 rows have no label" not in good(work.run(*train, "--set", "data.unlabelled=drop")):
        fail("rows without a label are not left out")
    work.write("twice.csv", f"{BARCODES[0]},T\n{BARCODES[0]},B\n")
    refused(convert(work, "v3.h5", "o.h5", "--labels", "twice.csv"),
            "twice.csv:2:1: the row 'CELL00-1' has two different labels")
    work.write("wide.csv", "a,b,c\n")
    done = convert(work, "v3.h5", "o.h5", "--labels", "wide.csv")
    refused(done, "wide.csv:1:1: has 3 columns", "cut -d, -f1,2 wide.csv > labels.txt")
    work.write("none.csv", "x,T\ny,B\n")
    refused(convert(work, "v3.h5", "o.h5", "--labels", "none.csv"),
            "none of its ids is the id of one of the 40 rows", "'CELL00-1'")
    work.write("short.txt", "T\nB\n")
    refused(convert(work, "v3.h5", "o.h5", "--labels", "short.txt"), "has 2 labels, but there are 40 rows")
    work.write("own.csv", "1,2,a\n3,4,b\n")
    refused(convert(work, "own.csv", "o.h5", "--header", "no", "--label", "last", "--labels", "short.txt"),
            "have labels of their own")
    good(convert(work, "own.csv", "o.h5", "--header", "no", "--drop", "3", "--labels", "short.txt"))
    refused(convert(work, "own.csv", "o.h5", "--header", "no", "--drop", "3", "--labels", "none.csv"),
            "the rows of own.csv have no ids (--id names their column)")


def inputs_are_kept(work):
    """--overwrite never replaces a file that the conversion reads."""
    labels = "".join(f"{KINDS[i % 3]}\n" for i in range(CELLS))
    work.write("l.txt", labels)
    os.link(work.at("l.txt"), work.at("linked.txt"))
    work.write("n.txt", "".join(f"{name}\n" for name in IDS))
    for source, output, options, words in (("v3.h5", "l.txt", ("--labels", "l.txt"), "the file of --labels"),
                                           ("v3.h5", "linked.txt", ("--labels", "l.txt"),
                                            "the file of --labels"),
                                           ("v3.h5", "n.txt", ("--names", "n.txt"), "the file of --names"),
                                           ("ten", "ten/features.tsv.gz", (), "not an HDF5 file"),
                                           ("ten", "ten/matrix.mtx.gz", (), "not an HDF5 file"),
                                           ("GSM1_matrix.mtx.gz", "GSM1_barcodes.tsv.gz", (),
                                            "not an HDF5 file")):
        before = read(work.at(output))
        refused(convert(work, source, output, *options), words)
        if read(work.at(output)) != before:
            fail(f"{output} was replaced")
    for command in (("convert", "-q", "ten", "kept.h5", "--labels", "l.txt"),
                    ("train", "-q", "--set", "data.train=kept.h5", "--set", "output.directory=kept")):
        done = work.run(*command)
        if done.returncode:
            fail(f"{command}: {done.stderr}")
    before = read(work.at("ten/matrix.mtx.gz"))
    done = work.run("predict", "kept/model.h5", "ten", "-o", "ten/matrix.mtx.gz")
    if (done.returncode != 2 or "is the data, which the answers would replace" not in done.stderr
        or read(work.at("ten/matrix.mtx.gz")) != before):
        fail(f"answers over the data: {done.returncode} {done.stderr}")


def lines_of_labels(work):
    labels = [KINDS[i // 2 % 3] for i in range(CELLS)]
    text = "\n".join(labels) + "\n"

    def taken(content_of_file, wanted, *words):
        work.write("l.txt", content_of_file)
        told = good(convert(work, "v3.h5", "out.h5", "--labels", "l.txt"))
        if content(work, "out.h5")[3] != wanted or any(w not in told for w in words):
            fail(f"{content_of_file!r}: {content(work, 'out.h5')[3]} {told}")

    taken(text + "\n \n", labels)
    taken("kind\n" + text, labels, "labels with a header ('kind')")
    taken("kind\n" + text + "\n", labels, "labels with a header ('kind')")
    taken("\n".join(labels[:-1]) + "\n\n", [*labels[:-1], ""], "1 of 40 rows have no label")
    taken('"a ""b"", c"\n' + "\n".join(labels[1:]), ['a "b", c', *labels[1:]])
    for wrong, words in ((text + "T\n",
                          "has 41 labels, but there are 40 rows, and its first line 'T' is a label"),
                         ("".join(f"{i}\n" for i in range(CELLS + 1)), "its first line '0' is a label"),
                         ("label\n" + "\n".join(labels[1:]),
                          "line 1, 'label', is a header, so that 39 labels are left"),
                         ("label\n" + "\n".join(labels[:-2]) + "\n\n", "line 1, 'label', is a header"),
                         ("\n" + text, "its first line '' is a label"),
                         ("kind\n" + "\n".join(labels[:-2]) + "\n\n\n",
                          "has 39 labels, but there are 40 rows")):
        work.write("l.txt", wrong)
        refused(convert(work, "v3.h5", "out.h5", "--labels", "l.txt"), words)
    named = [f"{b},{t}" for b, t in zip(BARCODES, labels)]
    taken("cell,kind\n" + "\n\n".join(named) + "\n\n", labels)
    taken('"cell", kind\n' + "\n".join(f'"{b}" , "{t}, ""x"""' for b, t in zip(BARCODES, labels)),
          [f'{t}, "x"' for t in labels])
    work.write("l.txt", "cell,kind\n" + "\n".join(f"{line},0.5" for line in named))
    refused(convert(work, "v3.h5", "out.h5", "--labels", "l.txt"), "l.txt:2:1: has 3 columns",
            "cut -d, -f1,2 l.txt")


def wrong_matrices(work):
    array = ("numpy.save('X.npy', scipy.io.mmread('w.mtx'))",)
    for text, words in ((mtx([(1, 1, 1)], (2, 2), layout="array"), array),
                        (mtx([(1, 1, 1)], (2, 2), kind="complex"), ("complex",)),
                        (mtx([(1, 1, 1)], (2, 2), symmetry="symmetric"), ("is a symmetric matrix",)),
                        (mtx([(3, 1, 1)], (2, 2)), ("w.mtx:4:1: the row is 3; 1 to 2 are allowed",)),
                        (mtx([(1, 0, 1)], (2, 2)), ("the column is 0",)),
                        (mtx([(1, 1)], (2, 2)), ("two whole numbers and a value",)),
                        (mtx([(1, 1, "nan")], (2, 2)), ("w.mtx:4:",)),
                        (mtx([(1, 1, 1), (2, 1, 1), (1, 1, 2)], (2, 2)), ("entry 1 1 occurs twice",)),
                        (mtx([(1, 1, 1)], (2, 2)).replace("2 2 1", "2 2 2"), ("ends after 1 of 2 entries",)),
                        (mtx([(1, 1, 1)], (2, 2)) + "2 2 1\n", ("more than the 1 entries",)),
                        (mtx([], (0, 5)), ("is empty",))):
        work.write("w.mtx", text)
        refused(convert(work, "w.mtx", "o.h5"), *words)
    work.write("zero/matrix.mtx", mtx([(1, 1, 1)], (2, 2)))
    work.write("zero/genes.tsv", "a\nb\n")
    work.write("zero/barcodes.tsv", "a\0c\na\0d\n")
    refused(convert(work, "zero", "o.h5"), "barcodes.tsv:1:1: the name contains a zero byte")
    work.write("zero.txt", "a\0c,T\na\0d,B\n")
    refused(convert(work, "v3.h5", "o.h5", "--labels", "zero.txt"),
            "zero.txt:1:1: the line contains a zero byte")
    work.write("half/matrix.mtx", mtx([(1, 1, 1)], (2, 2)))
    work.write("half/barcodes.tsv", "a\nb\n")
    refused(convert(work, "half", "o.h5"), "there is barcodes.tsv beside it, but no features.tsv")
    work.write("half/genes.tsv", "a\n")
    refused(convert(work, "half", "o.h5"), "genes.tsv: has 1 names, but the matrix needs 2")
    with h5py.File(work.at("v3.h5"), "r+") as f:
        f["matrix/indices"][3] = GENES
    refused(convert(work, "v3.h5", "o.h5"), f"feature {GENES}")
    with h5py.File(work.at("v3.h5"), "r+") as f:
        f["matrix/indptr"][3] = 10**9
    refused(convert(work, "v3.h5", "o.h5"), "matrix/indptr does not fit 40 barcodes")
    with h5py.File(work.at("plain.h5"), "w") as f:
        f["X"] = X
    refused(convert(work, "plain.h5", "o.h5"), "margin trains on it without conversion")


# The names of --like, the line of a wrong label, and values that float32 cannot hold.
def other_names(work):
    good(convert(work, "v3.h5", "known.h5"))
    good(convert(work, "v3.h5", "o.h5", "--like", "known.h5"))
    shutil.copy(work.at("v3.h5"), work.at("other.h5"))
    with h5py.File(work.at("other.h5"), "r+") as f:
        del f["matrix/features/id"]
        f["matrix/features/id"] = np.array(IDS[::-1], "S")
    refused(convert(work, "other.h5", "o.h5", "--like", "known.h5"), "other.h5", "in --like known.h5",
            "order")
    work.write("half.tsv", "".join(f"{b}\t{i}\n"
                                    for i, b in enumerate(BARCODES)).replace("\t7\n", "\t7.5\n"))
    refused(convert(work, "v3.h5", "o.h5", "--labels", "half.tsv"), "half.tsv:8: label 7.5")
    with h5py.File(work.at("other.h5"), "r+") as f:
        data = f["matrix/data"][()].astype("f8")
        data[0] = 1e-50
        del f["matrix/data"]
        f["matrix/data"] = data
    warning = "other.h5: row 0 (from 0) has a value that is too small for a 32-bit float"
    if warning not in good(convert(work, "other.h5", "o.h5")):
        fail("a value that vanishes is not reported")


def real_files(work):
    if not REAL.is_dir():
        print(f"no {REAL}: real files are not tried")
        return
    for source, rows in (("10x-mtx", 1107), ("10x-3.0.0.h5", 1107), ("10x-1.2.0.h5", 12)):
        work.write("y.txt", "".join(f"{KINDS[i % 2]}\n" for i in range(rows)))
        good(convert(work, str(REAL / source), "real.h5", "--labels", "y.txt"))
        good(work.run("train", "-q", "--overwrite", "--set", "data.train=real.h5",
                      "--set", "output.directory=r", "--set", "train.epochs=2"))


with Work(sys.argv[1]) as work:
    same_rows(work)
    labels_by_name(work)
    lines_of_labels(work)
    inputs_are_kept(work)
    other_names(work)
    wrong_matrices(work)
    real_files(work)
