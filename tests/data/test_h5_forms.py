# test_h5_forms.py - every form in which other tools store labels, weights and features in HDF5 files is
# either read correctly or refused with a message that says what it is.
#
#     test_h5_forms.py MARGIN
import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

NAMES = ["B", "NK", "T"]
ROWS = [NAMES[i % 3] for i in range(30)]
SHUFFLED = ["T", "B", "NK"]  # the order of the test file's categories


def rows_of(names):
    draw = np.random.default_rng(0)
    return (np.array([[float(n == c) for c in NAMES] for n in names], "f4") +
            draw.normal(0, 0.1, (len(names), 3)).astype("f4"))


def texts(values):
    return np.array(values, dtype=object)


STRING = h5py.string_dtype()


class Forms:
    def __init__(self, work):
        self.work = work

    def file(self, name, put, names=ROWS, x=None):
        with h5py.File(self.work.at(name), "w") as f:
            f["X"] = rows_of(names) if x is None else x
            put(f)
        return name

    def train(self, name, labels="y", *more):
        return self.work.run("train", "-q", "--overwrite", "--set", f"data.train={name}",
                             "--set", f"data.labels={labels}", "--set",
                             "output.directory=r", *more)

    def reads(self, put, classes, labels="y", *more, **how):
        """Checks the classes, and the accuracy on another file whose codes are in another order."""
        name = self.file("a.h5", lambda f: put(f, ROWS, NAMES), **how)
        self.file("b.h5", lambda f: put(f, ROWS[::-1], SHUFFLED), names=ROWS[::-1])
        done = self.train(name, labels, "--set", "data.test=b.h5", *more)
        if done.returncode or "test accuracy   100" not in done.stdout:
            fail(f"{labels}: exit {done.returncode}: {done.stderr}{done.stdout}")
        told = self.work.run("info", "r/model.h5").stdout
        if f"3, {classes}" not in told:
            fail(f"{labels}: not '{classes}' in {told}")

    def keeps(self, put, classes, labels="y"):
        """Labels with characters that control a terminal are accepted. Output escapes them, and JSON stays
        valid."""
        done = self.train(self.file("a.h5", put), labels)
        told = self.work.run("info", "r/model.h5").stdout
        answer = json.loads(self.work.run("eval", "--json", "r/model.h5", "a.h5").stdout)
        if done.returncode or classes not in told or not answer["accuracy"]:
            fail(f"exit {done.returncode}, not '{classes}' in {told}")

    def refuses(self, put, *words, labels="y", more=(), x=None):
        done = self.train(self.file("a.h5", put, x=x), labels, *more)
        if (done.returncode != 3 or done.stderr.count("\n") != 1
            or any(word not in done.stderr for word in words)):
            fail(f"exit {done.returncode}, not {words}: {done.stderr}")


def obs(f):
    group = f.create_group("obs")
    group.attrs["encoding-type"] = "dataframe"
    return group


def categorical(f, rows, categories, store=None, missing=()):
    g = obs(f).create_group("ct")
    g.attrs["encoding-type"] = "categorical"
    g["codes"] = np.array([-1 if i in missing else categories.index(n) for i, n in enumerate(rows)], "i1")
    if store is None:
        g.create_dataset("categories", data=texts(categories), dtype=STRING)
    else:
        store(g, categories)


def by_reference(f, rows, categories):
    g = obs(f)
    names = g.create_group("__categories").create_dataset("ct", data=texts(categories), dtype=STRING)
    g.create_dataset("ct", data=np.array([categories.index(n) for n in rows],
                                         "i1")).attrs["categories"] = names.ref


def without_reference(f, rows, categories):
    by_reference(f, rows, categories)
    del f["obs/ct"].attrs["categories"]


def table(f, rows, categories):
    cells = np.zeros(len(rows), [("index", "S8"), ("ct", "i1"), ("weight", "f8"), ("name", "S4")])
    cells["ct"] = [categories.index(n) for n in rows]
    cells["name"] = [n.encode() for n in rows]
    cells["weight"] = 1 + np.arange(len(rows)) % 2
    f["obs"] = cells
    f["uns/ct_categories"] = np.array([c.encode() for c in categories])


def nullable(kind, values, mask):
    def put(f):
        g = f.create_group("y")
        g.attrs["encoding-type"] = kind
        if isinstance(values[0], str):
            g.create_dataset("values", data=texts(values), dtype=STRING)
        else:
            g["values"] = values
        g["mask"] = np.array(mask)
    return put


def labels_are_read(t):
    t.reads(categorical, "strings: B, NK, T", "obs/ct")
    t.reads(by_reference, "strings: B, NK, T", "obs/ct")
    t.reads(without_reference, "strings: B, NK, T", "obs/ct")
    t.reads(table, "strings: B, NK, T", "obs/ct")
    t.reads(table, "strings: B, NK, T", "obs/name")
    t.reads(table, "strings: B, NK, T", "obs/ct", "--set", "data.weights=obs/weight")

    def string_group(g, categories):  # anndata 0.12 with strings of pandas
        c = g.create_group("categories")
        c.create_dataset("values", data=texts(categories), dtype=STRING)
        c["mask"] = np.zeros(len(categories), bool)

    t.reads(lambda f, r, c: categorical(f, r, c, string_group), "strings: B, NK, T", "obs/ct")
    numbers = {"B": 4, "NK": 30, "T": -7}
    for kind in ("i8", "f4", "f8", "f2"):
        def put(g, names):
            g.create_dataset("categories", data=np.array([numbers[x] for x in names], kind))

        t.reads(lambda f, r, c: categorical(f, r, c, put), "integers: -7, 4, 30", "obs/ct")
    kinds = h5py.enum_dtype({"B": 7, "NK": 2, "T": 5}, basetype=">i2")
    t.reads(lambda f, r, c: f.create_dataset("y", data=[{"B": 7, "NK": 2, "T": 5}[n] for n in r],
                                             dtype=kinds), "strings: B, NK, T")
    code = {"B": 0, "NK": 1, "T": 2}
    plain = lambda f, r: np.array([code[n] for n in r])
    t.reads(lambda f, r, c: f.create_dataset("y", data=plain(f, r)[:, None]), "integers: 0, 1, 2")
    t.reads(lambda f, r, c: f.create_dataset("y", data=plain(f, r).astype("f2")), "integers: 0, 1, 2")
    t.reads(lambda f, r, c: f.create_dataset("y", data=texts(r)[:, None], dtype=STRING), "strings: B, NK, T")
    t.reads(lambda f, r, c: nullable("nullable-integer", plain(f, r), [False] * 30)(f), "integers: 0, 1, 2")
    t.reads(lambda f, r, c: nullable("nullable-string-array", list(r), [False] * 30)(f), "strings: B, NK, T")
    for packed in ({"compression": "lzf"}, {"compression": "lzf", "shuffle": True, "fletcher32": True},
                   {"compression": "gzip"}):
        if "fletcher32" not in packed:  # not for texts of variable length
            t.reads(lambda f, r, c: f.create_dataset("y", data=texts(r), dtype=STRING, **packed),
                    "strings: B, NK, T")
        t.reads(lambda f, r, c: f.create_dataset("y", data=plain(f, r), chunks=(7,), **packed),
                "integers: 0, 1, 2")


def labels_are_refused(t):
    t.refuses(lambda f: categorical(f, ROWS, NAMES, missing=(4, 9)),
              "obs/ct[4] is not a label (its code is -1), 2 of 30 rows", labels="obs/ct")
    for word in ("", "NA", "NaN", "nan", "null", "None", "?", "<NA>", "N/A"):
        rows = [word if i in (5, 7, 8) else n for i, n in enumerate(ROWS)]
        t.refuses(lambda f: f.create_dataset("y", data=texts(rows), dtype=STRING),
                  f"y[5] is not a label (it is '{word}'), 3 of 30 rows")
        t.refuses(lambda f: categorical(f, rows, [*NAMES, word]),
                  f"obs/ct[5] is not a label (it is '{word}'), 3 of 30", labels="obs/ct")
    t.refuses(lambda f: f.create_dataset("y", data=[0.0, np.nan, 1.0] * 10),
              "y[1] is not a label (it is nan), 10 of 30 rows")
    t.refuses(lambda f: f.create_dataset("y", data=[0.0, 0.5, 1.0] * 10), "y[1] is 0.5", "whole number")
    mask = [i == 3 for i in range(30)]
    t.refuses(nullable("nullable-integer", np.arange(30) % 3, mask),
              "y[3] is not a label (it is masked), 1 of 30 rows")
    t.refuses(nullable("nullable-boolean", np.arange(30) % 2 == 0, mask),
              "y[3] is not a label (it is masked), 1 of 30 rows")
    t.refuses(nullable("nullable-string-array", ROWS, mask),
              "y[3] is not a label (it is masked), 1 of 30 rows")
    halves = lambda g, n: g.create_dataset("categories", data=np.array([0.5, 1.5, 2.5]))
    t.refuses(lambda f: categorical(f, ROWS, NAMES, halves), "categories[0] is 0.5", labels="obs/ct")
    latin = lambda g, n: g.create_dataset("categories", data=np.array([b"caf\xe9", b"b", b"c"]))
    t.keeps(lambda f: categorical(f, ROWS, NAMES, latin), "caf\\xe9", labels="obs/ct")
    t.keeps(lambda f: f.create_dataset("y", data=np.array([b"caf\xe9", b"th\xe9"] * 15)), "caf\\xe9, th\\xe9")
    t.keeps(lambda f: f.create_dataset("y", data=texts(["a\nb", "c"] * 15), dtype=STRING), "a\\nb, c")
    t.refuses(lambda f: f.create_dataset("y", data=np.array([b"a\0b", b"a", b"c"] * 10)),
              "y[0] has a zero byte within the string")
    t.refuses(lambda f: f.create_dataset("y", data=np.arange(30)[None, :] % 3), "labels y have shape [1, 30]",
              "y.ravel()")
    t.refuses(lambda f: f.create_dataset("y", data=np.eye(3)[np.arange(30) % 3]),
              "labels y have shape [30, 3]", "y.argmax(1)")
    t.refuses(lambda f: table(f, ROWS, NAMES), "obs is a table", "columns index, ct, weight, name",
              labels="obs")
    t.refuses(lambda f: table(f, ROWS, NAMES), "obs/cell is missing; obs contains index, ct",
              labels="obs/cell")
    t.refuses(lambda f: categorical(f, ROWS, NAMES), "labels obs are a group", "(ct)", labels="obs")
    t.refuses(lambda f: categorical(f, ROWS, ["B", "NK", "T", "B"]), "both B", labels="obs/ct")

    def factor(f):
        g = f.create_group("y")
        g["levels"], g["values"] = np.array([b"B", b"NK", b"T"]), np.arange(30) % 3 + 1

    def odd_categories(f):
        f.create_dataset("y", data=np.arange(30) % 3).attrs["categories"] = "B, NK, T"

    def pandas_table(f):
        cells = np.zeros(30, [("index", "i8"), ("ct", "i1")])
        f.create_dataset("t", data=cells).attrs["ct_meta"] = "category"

    t.refuses(factor, "factor of R")
    t.refuses(odd_categories, "attribute categories of y")
    t.refuses(pandas_table, "pandas", labels="t/ct")


def weights(t):
    y = lambda f: f.create_dataset("y", data=np.arange(30) % 3)
    objectives = set()
    for kind in ("f4", "f8", "f2", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "column"):
        w = 1 + np.arange(30) % 2
        w = w[:, None] if kind == "column" else w.astype(kind)
        done = t.train(t.file("a.h5", lambda f: (y(f), f.create_dataset("w", data=w))), "y",
                       "--set", "data.weights=w")
        objectives.add(next((line for line in done.stdout.split("\n") if line.startswith("objective")),
                            done.stderr))
    if len(objectives) != 1:
        fail(f"weights of other types: {objectives}")
    done = t.train(t.file("a.h5", lambda f: (y(f), f.create_dataset("w", data=np.arange(30) < 20))), "y",
                   "--set", "data.weights=w")
    if done.returncode:
        fail(f"boolean weights: {done.stderr}")
    more = ("--set", "data.weights=w")
    t.refuses(lambda f: (y(f), f.create_dataset("w", data=np.ones((1, 30)))),
              "weights w are float64 of shape [1, 30]", "w.ravel()", more=more)
    t.refuses(lambda f: (y(f), f.create_dataset("w", data=np.arange(30) - 5)), "w[0] is -5", more=more)
    t.refuses(lambda f: (y(f), f.create_dataset("w", data=np.full(30, np.nan))), "w[0] is nan", more=more)
    t.refuses(lambda f: (y(f), f.create_dataset("w", data=np.array([b"1"] * 30))), "weights w are no numbers",
              more=more)


def features(t):
    draw = np.random.default_rng(1)
    images = draw.integers(0, 255, (30, 4, 3, 2)).astype("u1")
    y = lambda f: f.create_dataset("y", data=np.arange(30) % 3)
    models = []
    packing = ({}, {"chunks": (7, 4, 2, 1), "compression": "gzip"},
               {"chunks": (30, 1, 3, 2), "compression": "lzf"})
    for shape in ((30, 24), (30, 4, 3, 2)):
        for how in packing:
            how = {**how, "chunks": (how["chunks"] if len(shape) == 4 else (7, 5))} if how else {}
            def put(f):
                y(f)
                del f["X"]
                f.create_dataset("X", data=images.reshape(shape), **how)
            done = t.train(t.file("a.h5", put))
            if done.returncode:
                fail(f"X of shape {shape}: {done.stderr}")
            with h5py.File(t.work.at("r/model.h5")) as f:
                models.append(f["weights"][()].tobytes())
    if len(set(models)) != 1:
        fail("X of three dimensions gives another model than the same rows in two dimensions")
    t.refuses(y, "X has rank 1", "x[:, None]", x=np.arange(30.0))
    t.refuses(y, "X has rank 2 and type enumeration", x=np.zeros((30, 2), h5py.enum_dtype({"a": 0, "b": 1})))
    counts = np.zeros((30, 3), "i4")
    counts[np.arange(30), np.arange(30) % 3] = 5

    def tenx(f, name="matrix", barcodes=True, shape=(3, 30)):
        del f["X"]
        g = f.create_group(name)
        g["data"], g["indices"], g["indptr"] = counts[counts > 0], np.arange(30) % 3, np.arange(31)
        g["shape"] = np.array(shape, "i4")
        if barcodes:
            g["barcodes"] = np.array([b"AAA-1"] * 30)
        y(f)

    for how in ({}, {"name": "hg19"}, {"barcodes": False}):
        name = how.get("name", "matrix")
        done = t.train(t.file("a.h5", lambda f: tenx(f, **how)), "y", "--set", f"data.features={name}")
        if done.returncode or "100.00%" not in done.stdout:
            fail(f"Cell Ranger's matrix: {done.stderr}{done.stdout}")
    models = set()
    for order in (1, -1):  # in real files the features of a barcode are in any order
        def wide(f):
            tenx(f)
            del f["matrix/data"], f["matrix/indices"], f["matrix/indptr"]
            f["matrix/data"] = (np.arange(60) % 7).reshape(30, 2)[:, ::order].ravel()
            f["matrix/indices"], f["matrix/indptr"] = (np.array([[0, 2]] * 30)[:, ::order].ravel(),
                                                       np.arange(0, 61, 2))
        done = t.train(t.file("a.h5", wide), "y", "--set", "data.features=matrix")
        with h5py.File(t.work.at("r/model.h5")) as f:
            models.add((done.returncode, f["weights"][()].tobytes()))
    if len(models) != 1:
        fail(f"rows in another order give another model: {done.stderr}")
    more = ("--set", "data.features=hg19")
    t.refuses(lambda f: tenx(f, "hg19", False), "needs an attribute shape", more=more)
    t.refuses(lambda f: tenx(f, "hg19", True, (30, 3)), "needs an attribute shape", more=more)
    t.refuses(lambda f: tenx(f), "data set X is missing; the file contains matrix, y")


# bfloat16 takes two bytes as float16 does, but has the exponents of float32.
def bfloat16_features(t):
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_size(2)
    kind.set_ebias(127)
    for unit in (2.0**-60, 2.0**60):
        x = np.round(rows_of(ROWS) * 16).astype("f4") * np.float32(unit)

        def put(f, narrow):
            f["y"] = np.arange(30) % 3
            if narrow:
                del f["X"]
                space = h5py.h5s.create_simple(x.shape)
                h5py.h5d.create(f.id, b"X", kind, space).write(space, space, x)

        models = []
        for narrow in (False, True):
            done = t.train(t.file("a.h5", lambda f: put(f, narrow), x=x), "y", "--set", "data.scale=standard")
            if done.returncode:
                fail(f"features times {unit}, bfloat16 {narrow}: {done.stderr}")
            with h5py.File(t.work.at("r/model.h5")) as f:
                models.append(f["weights"][()].tobytes())
        if models[0] != models[1]:
            fail(f"bfloat16 features times {unit} give another model than the same float32 values")


# A class with one row stays in the training rows, whichever rows are held out.
def rare_class(t):
    y = np.array([0] * 30 + [1] * 29 + [2])
    order = np.random.default_rng(3).permutation(60)
    t.file("a.h5", lambda f: f.create_dataset("y", data=y[order]), x=np.eye(3)[y[order]])
    noted = 0
    for seed in range(1, 13):
        done = t.work.run("train", "--overwrite", "--set", "data.train=a.h5", "--set", "data.validation=0.2",
                          "--set", f"train.seed={seed}",
                          "--set", "output.directory=r")
        told = t.work.run("info", "r/model.h5").stdout
        if done.returncode or "3, integers: 0, 1, 2" not in told:
            fail(f"seed {seed}: exit {done.returncode}: {done.stderr}{told}")
        noted += "1 of 3 classes have no held-out row (the first: '2')" in done.stderr
    if noted != 12:
        fail(f"{noted} of 12 runs report that no row of class 2 is held out")
    done = t.work.run("cv", "--overwrite", "--folds", "3", "--set", "data.train=a.h5",
                      "--set", "output.directory=cv")
    if done.returncode or done.stderr.count("1 of 3 classes have a single row, which is never held out") != 1:
        fail(f"cv: exit {done.returncode}: {done.stderr}")


with Work(sys.argv[1]) as work:
    forms = Forms(work)
    labels_are_read(forms)
    labels_are_refused(forms)
    weights(forms)
    features(forms)
    bfloat16_features(forms)
    rare_class(forms)
