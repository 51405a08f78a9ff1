"""The problems on which programs are compared: their files in every program's format, their rows, and the
judge that evaluates all weights."""
import copy
import os
import subprocess

import h5py
import numpy
import scipy.sparse

FASHION = "/usr/share/datasets/fashion-mnist"
BLOCK = 4096  # rows evaluated at a time


class Problem:
    """Rows and an objective: lambda/2 ||W||^2 + mean loss, lambda = 1/(C rows); `bias` is the value of a
    constant feature.

    settings: the preparation of the rows in margin. preparation: the same for the other programs: a factor,
    "unit" (rows of length 1), or "" (unchanged).
    """

    def __init__(self, name, C, bias, settings, preparation, inputs):
        self.name, self.C, self.bias, self.settings, self.preparation = name, C, bias, settings, preparation
        self.inputs = inputs  # files of training rows and of test rows: HDF5, or formats that margin converts
        self.loss = "crammer-singer"

    def but(self, **changes):
        twin = copy.copy(self)
        twin.__dict__.update(changes)
        return twin

    def margin_settings(self):
        return [f"data.train={self.train}", *self.settings, f"model.loss={self.loss}", f"model.C={self.C}",
                f"model.bias={self.bias}"]


def idx(folder, part):
    return [f"{folder}/{part}-images-idx3-ubyte.gz", f"{folder}/{part}-labels-idx1-ubyte.gz"]


def known(data):
    """All problems by name. data: the folder of the data sets that are not in Debian."""
    news20 = [[f"{data}/news20/news20.svm.gz"], [f"{data}/news20/news20.t.svm.gz"]]
    pixels = ["data.scale=1/255"]
    problems = [
        Problem("fashion-mnist", "0.01", 1, pixels, "1/255", [idx(FASHION, "train"), idx(FASHION, "t10k")]),
        Problem("mnist", "1/16", 1, pixels, "1/255",
                [idx(f"{data}/mnist", "train"), idx(f"{data}/mnist", "t10k")]),
        Problem("news20", "1", 0, ["data.rows=unit"], "unit", news20),
        Problem("news20-counts", "0.1", 0, [], "", news20),
        Problem("languages", "1", 0, [], "", [["data/languages_train.h5"], ["data/languages_test.h5"]]),
    ]
    return {problem.name: problem for problem in problems
            if all(os.path.exists(path) for paths in problem.inputs for path in paths)}


def number(text):
    over, _, under = str(text).partition("/")
    return float(over) / float(under or 1)


# ---- rows ----------------------------------------------------------------------------------------

def read(path, preparation):
    """Reads rows (float32, dense or CSR) and labels from one of margin's files."""
    with h5py.File(path) as file:
        y = file["y"][:]
        if isinstance(file["X"], h5py.Dataset):
            x = file["X"][:].astype(numpy.float32)
        else:
            group = file["X"]
            x = scipy.sparse.csr_matrix((group["data"][:], group["indices"][:], group["indptr"][:]),
                                        tuple(group.attrs["shape"]))
    if preparation == "unit":
        length = numpy.sqrt(numpy.asarray(x.multiply(x).sum(axis=1), dtype=float)).ravel()
        x = (scipy.sparse.diags(1 / numpy.where(length > 0, length, 1)) @ x).astype(numpy.float32)
    elif preparation:
        x *= numpy.float32(number(preparation))
    return x, y


def copy_part(source, target, share, classes=None):
    """A share of the rows, drawn at random but always the same; only those of some classes. Returns the
    classes of the copy."""
    with h5py.File(source) as file, h5py.File(target, "w") as out:
        y = file["y"][:]
        chosen = numpy.random.default_rng(1).random(len(y)) < share
        if classes is not None:
            chosen &= numpy.isin(y, classes)
        out["y"] = y[chosen]
        if isinstance(file["X"], h5py.Dataset):
            out["X"] = file["X"][:][chosen]
        else:
            x = read(source, "")[0][chosen]
            group = out.create_group("X")
            group.attrs.update(file["X"].attrs)
            group.attrs["shape"] = numpy.array(x.shape)
            group["data"], group["indices"], group["indptr"] = x.data, x.indices, x.indptr.astype(numpy.int64)
        return numpy.unique(y[chosen])


def stale(path, source):
    return not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source)


def write_svmlight(x, y, path):
    """Numbers the classes from 1, as msvmocas requires."""
    x = scipy.sparse.csr_matrix(x)
    with open(path + ".part", "w") as file:
        for first in range(0, x.shape[0], BLOCK):
            block = x[first:first + BLOCK]
            columns, values, ends = (block.indices + 1).tolist(), block.data.tolist(), block.indptr.tolist()
            for row, label in enumerate(y[first:first + BLOCK]):
                cells = zip(columns[ends[row]:ends[row + 1]], values[ends[row]:ends[row + 1]])
                file.write(f"{label + 1} " + " ".join(map("%d:%.7g".__mod__, cells)) + "\n")
    os.replace(path + ".part", path)


def convert(margin, inputs, target, like):
    kind = "idx" if inputs[0].endswith("ubyte.gz") else "svmlight"
    subprocess.run([margin, "convert", "-q", "--overwrite", "--format", kind,
                    *(["--like", like] if like and kind == "svmlight" else []),
                    *inputs, target], check=True)


def prepare(problem, margin, work, scale, text=True):
    """Creates a problem's missing files in the work directory: problem.train, .test (HDF5), .text and
    .text_constant (svmlight)."""
    folder = os.path.join(work, problem.name) + (f"-{scale:g}" if scale != 1 else "")
    os.makedirs(folder, exist_ok=True)
    whole = []
    for part, inputs in zip(("train", "test"), problem.inputs):
        path = inputs[0] if inputs[0].endswith(".h5") else os.path.join(work, problem.name, part + ".h5")
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            convert(margin, inputs, path, whole[0] if whole else None)
        whole.append(path)
    problem.train, problem.test = whole
    if scale != 1:
        problem.train, problem.test = (os.path.join(folder, "part_train.h5"),
                                       os.path.join(folder, "part_test.h5"))
        classes = copy_part(whole[0], problem.train, scale)
        copy_part(whole[1], problem.test, scale, classes)
    problem.folder = folder
    problem.text = problem.text_constant = os.path.join(folder, "train.svm")
    x, y = read(problem.train, problem.preparation)
    problem.classes = numpy.unique(y)
    problem.rows, problem.features = x.shape
    if text and stale(problem.text, problem.train):
        write_svmlight(x, numpy.searchsorted(problem.classes, y), problem.text)
    if problem.bias:
        problem.text_constant = os.path.join(folder, "train_constant.svm")
        if text and stale(problem.text_constant, problem.text):
            with open(problem.text) as file, open(problem.text_constant + ".part", "w") as out:
                out.writelines(f"{line.rstrip()} {problem.features + 1}:{problem.bias}\n" for line in file)
            os.replace(problem.text_constant + ".part", problem.text_constant)


# ---- the judge -----------------------------------------------------------------------------------

class Judge:
    """Has the rows of a problem in memory, and evaluates weights [classes, features] and biases [classes] in
    double precision."""

    def __init__(self, problem):
        self.lam = 1 / number(problem.C)
        self.bias = problem.bias
        self.parts = []
        for path in (problem.train, problem.test):
            x, y = read(path, problem.preparation)
            self.parts.append((x, numpy.searchsorted(problem.classes, y)))
        self.lam /= len(self.parts[0][1])

    def scores(self, part, weights, biases):
        x, y = self.parts[part]
        transposed = numpy.ascontiguousarray(weights.T.astype(float))
        for first in range(0, len(y), BLOCK):
            block = x[first:first + BLOCK].astype(float)
            yield block @ transposed + biases, y[first:first + BLOCK]

    def accuracy(self, weights, biases):
        right = sum(int((s.argmax(axis=1) == y).sum()) for s, y in self.scores(1, weights, biases))
        return right / len(self.parts[1][1])

    def objective(self, weights, biases):
        """The Crammer-Singer objective; the bias is the weight of the constant feature times its value, and
        is regularised like it."""
        loss = 0.0
        for s, y in self.scores(0, weights, biases):
            rows = numpy.arange(len(y))
            true = s[rows, y].copy()
            s[rows, y] = -numpy.inf
            loss += numpy.maximum(0, 1 + s.max(axis=1) - true).sum()
        square = float((weights.astype(float)**2).sum())
        if self.bias:
            square += float(((numpy.asarray(biases, dtype=float) / self.bias)**2).sum())
        return self.lam / 2 * square + loss / len(self.parts[0][1])
