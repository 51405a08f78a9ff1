# test_answers.py - predict to tables and HDF5: values, ids, names of columns and quotes, as other programs
# read them.
#
#     test_answers.py MARGIN
import csv
import io
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

LABELS = ["plain", "with,comma and\ttab", 'says "hi"\nin two lines', " blank "]
ROWS, FEATURES = 40, 5


def equal(what, got, wanted):
    if got != wanted:
        fail(f"{what}: {got!r} instead of {wanted!r}")


class Case:
    def __init__(self, work):
        self.work = work
        draw = np.random.default_rng(3)
        y = np.arange(ROWS) % 4
        x = (draw.normal(0, 1, (ROWS, FEATURES)) + 2 * np.eye(FEATURES)[y]).astype("f4")
        self.names = [f"cell, {i}" if i % 2 else f"cell {i}" for i in range(ROWS)]
        text = h5py.string_dtype()
        with h5py.File(work.at("data.h5"), "w") as f:
            f["X"] = x
            f["y"] = np.array(LABELS, dtype=object)[y].astype(text)
            f["n"] = y
            obs = f.create_group("obs")
            obs.attrs["_index"] = "barcode"
            obs["barcode"] = np.array(self.names, dtype=text)
            for name, codes in ("batch", np.arange(ROWS) % 2), ("partly", np.arange(ROWS) % 3 - 1):
                g = obs.create_group(name)
                g.attrs["encoding-type"] = "categorical"
                g["codes"] = codes.astype("i1")
                g["categories"] = np.array(["late, 2", "early"], dtype=text)
            f["wells"] = np.arange(ROWS) * 10
            f["long"] = np.arange(ROWS + 1)
            f["reals"] = np.arange(ROWS) / 2
        for directory, labels in ("texts", "y"), ("numbers", "n"):
            self.done("train", "-q", "--set", "data.train=data.h5", "--set", f"data.labels={labels}",
                      "--set", "model.loss=softmax",
                      "--set", f"output.directory={directory}")
        self.model = "texts/model.h5"
        # The same answers as lines, which other tests check: labels with escapes, scores
        scores = self.done("predict", self.model, "data.h5", "--scores")
        self.best = [line.split("\t") for line in scores.splitlines()]
        with h5py.File(work.at(self.model)) as f:
            self.classes = [c.decode() for c in f["classes"][:]]
            self.scores = np.array([[float(v) for v in line[1:]] for line in self.best], "f4")
        self.labels = [self.classes[k] for k in self.scores.argmax(1)]

    def done(self, *arguments, **how):
        got = self.work.run(*arguments, **how)
        if got.returncode:
            fail(f"{arguments}: {got.stderr}")
        return got.stdout

    def refused(self, message, *arguments):
        got = self.work.run("predict", self.model, "data.h5", *arguments)
        if not got.returncode or message not in got.stderr or got.stdout:
            fail(f"{arguments}: {got.returncode}, {got.stdout!r}, {got.stderr!r}")

    def table(self, *arguments, delimiter=",", **how):
        text = self.done("predict", self.model, "data.h5", *arguments)
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))

    def check_tables(self):
        equal("label", self.table("--format", "csv"), [["label"]] + [[label] for label in self.labels])
        for delimiter, form in (",", "csv"), ("\t", "tsv"):
            rows = self.table("--format", form, "--scores", "--id", "obs/_index", delimiter=delimiter)
            equal(form, rows[0], ["id", "label"] + ["score_" + c for c in self.classes])
            equal(form + " ids", [row[0] for row in rows[1:]], self.names)
            equal(form + " labels", [row[1] for row in rows[1:]], self.labels)
            if not np.array_equal(np.array([row[2:] for row in rows[1:]], "f4"), self.scores):
                fail(f"{form}: other scores than on lines")
        rows = self.table("--format", "csv", "--id", "obs/batch")
        equal("categories as ids", [row[0] for row in rows[1:]], ["late, 2", "early"] * (ROWS // 2))
        equal("their labels", [row[1] for row in rows[1:]], self.labels)
        rows = self.table("--format", "csv", "--probabilities", "--id", "wells", "--header", 'Well, "Name"')
        equal("header", rows[0], ["Well", ' "Name"'] + ["probability_" + c for c in self.classes])
        equal("numbers as ids", [row[0] for row in rows[1:]], [str(10 * i) for i in range(ROWS)])
        sums = np.array([row[2:] for row in rows[1:]], float).sum(1)
        if abs(sums - 1).max() > 1e-6:
            fail(f"probabilities: {sums}")
        rows = self.table("--format", "csv", "--top", "2", "--id", "1")
        equal("top", rows[0], ["id", "label_1", "score_1", "label_2", "score_2"])
        for i, row in enumerate(rows[1:]):
            order = np.argsort(-self.scores[i], kind="stable")[:2]
            equal("best two", [row[0], row[1], row[3]], [str(i + 1)] + [self.classes[k] for k in order])
            equal("their scores", [np.float32(row[2]), np.float32(row[4])], list(self.scores[i][order]))

    def check_output(self):
        self.done("predict", self.model, "data.h5", "-o", "labels.CSV")
        with open(self.work.at("labels.CSV"), newline="") as f:
            equal("-o .CSV", list(csv.reader(f))[0], ["label"])
        self.done("predict", self.model, "data.h5", "-o", "labels.csv", "--format", "text")
        equal("--format text", Path(self.work.at("labels.csv")).read_text().count("\n"), ROWS)
        got = self.done("predict", "numbers/model.h5", "-", "--format", "csv", "--id", "0", "--base", "0",
                        input="0:3\n# nothing\n1:3\n")
        equal("lines", got, "id,label\n0,0\n1,1\n")
        for text in "", "# nothing\n":
            got = self.done("predict", "numbers/model.h5", "-", "--format", "csv", "--id", "0",
                            "--scores", "--base", "0", input=text)
            equal("a table without rows", got, "id,label,score_0,score_1,score_2,score_3\n")
            equal("no lines", self.done("predict", "numbers/model.h5", "-", "--scores", "--base", "0",
                                        input=text), "")

    def check_hdf5(self):
        self.done("predict", self.model, "data.h5", "-o", "all.h5", "--scores", "--id", "obs/barcode")
        with h5py.File(self.work.at("all.h5")) as f:
            equal("data sets", sorted(f), ["classes", "id", "label", "scores"])
            equal("HDF5 labels", [label.decode() for label in f["label"][:]], self.labels)
            equal("HDF5 classes", [label.decode() for label in f["classes"][:]], self.classes)
            equal("HDF5 ids", [name.decode() for name in f["id"][:]], self.names)
            if not np.array_equal(f["scores"][:], self.scores):
                fail("HDF5: other scores than on lines")
        self.done("predict", "numbers/model.h5", "data.h5", "-o", "top.hdf5", "--top", "9",
                  "--probabilities", "--id", "wells")
        with h5py.File(self.work.at("top.hdf5")) as f:
            equal("data sets of --top", sorted(f),
                  ["classes", "id", "label", "top_classes", "top_probabilities"])
            equal("shape of --top", f["top_classes"].shape, (ROWS, 4))
            equal("labels are numbers", list(f["label"][:]), list(f["classes"][:][f["top_classes"][:, 0]]))
            if ((np.diff(f["top_probabilities"][:], axis=1) > 0).any()
                or abs(f["top_probabilities"][:].sum(1) - 1).max() > 1e-6):
                fail("probabilities of --top")
            equal("numbers as ids", list(f["id"][:]), [10 * i for i in range(ROWS)])

    def check_refused(self):
        self.refused("ids long have shape [41], but there are 40 rows", "--format", "csv", "--id", "long")
        self.refused("ids reals are float64; whole numbers or strings are allowed", "--format", "csv",
                     "--id", "reals")
        self.refused("ids obs/partly: row 0 has none", "--format", "csv", "--id", "obs/partly")
        self.refused("data set nope is missing", "--format", "csv", "--id", "nope")
        self.refused("header: a,b has 2 names, but the table has 1 column", "--format", "csv",
                     "--header", "a,b")
        for number in "9223372036854775807", "1000000000000000001", "-9223372036854775808":
            self.refused(f"id: {number} is not allowed (-1e18 to 1e18", "--format", "csv", "--id=" + number)
            self.refused(f"id: {number} is not allowed (-1e18 to 1e18", "-o", "x.h5", "--id=" + number)
            got = self.work.run("predict", self.model, "-", "--format", "csv", "--id=" + number,
                                input="1:1\n2:1\n")
            if got.returncode != 2 or "is not allowed (-1e18 to 1e18" not in got.stderr or got.stdout:
                fail(f"lines with --id {number}: {got.stdout} {got.stderr}")
        ids = [row[0] for row in self.table("--format", "csv", "--id", "1000000000000000000")[1:]]
        equal("large ids", ids, [str(10**18 + i) for i in range(ROWS)])
        self.refused("--id is only for tables: add --format csv, tsv or h5", "--id", "1")
        self.refused("--format h5 needs -o FILE", "--format", "h5")
        self.refused("--header is only for csv and tsv", "-o", "x.h5", "--header", "a")
        self.refused("--format: xml is not allowed; use text, csv, tsv or h5", "--format", "xml")
        self.refused("would replace: give another name with -o", "-o", "data.h5")
        self.refused("is an HDF5 file that holds no answers", "-o", "numbers/model.h5")
        with h5py.File(self.work.at("own.h5"), "w") as f:  # data with the names that answers have too
            f["label"], f["classes"], f["images"] = [0, 1], [0, 1], [[1.0], [2.0]]
        for form in "h5", "csv", "text":
            self.refused("own.h5: is an HDF5 file that holds no answers", "-o", "own.h5", "--format", form)
        self.done("predict", self.model, "data.h5", "-o", "again.h5")
        self.done("predict", self.model, "data.h5", "-o", "again.h5", "--scores")
        if os.path.exists(self.work.at("x.h5")):
            fail("a refused command has written a file")

    def check_kept_ids(self):
        with open(self.work.at("table.csv"), "w") as f:
            f.write('name,a,b,kind\n"x, 1",1,2,u\ny,3,4,v\n"says ""z""",5,7,u\n')
        self.done("convert", "-q", "--id", "name", "--label", "kind", "table.csv", "table.h5")
        with h5py.File(self.work.at("table.h5")) as f:
            equal("kept ids", [name.decode() for name in f["id"][:]], ["x, 1", "y", 'says "z"'])
            equal("their name", f["id"].attrs["column"].decode(), "name")
            equal("features beside ids", f["X"][:].tolist(), [[1, 2], [3, 4], [5, 7]])
        for message, *flags in ("--id kind is the column of the labels", "--id",
                                "kind"), ("has no column '9' for --id", "--id", "9"):
            got = self.work.run("convert", *flags, "--label", "kind", "table.csv", "other.h5")
            if got.returncode != 2 or message not in got.stderr:
                fail(f"convert {flags}: {got.stderr}")


    def check_reject(self):
        rows = self.table("--format", "csv", "--probabilities", "--reject", "0.75")
        shares = np.array([row[1:] for row in rows[1:]], float)
        unsure = shares.max(1) < 0.75
        if not 3 < unsure.sum() < ROWS - 3:
            fail(f"{unsure.sum()} rows are unsure")
        equal("reject", [row[0] for row in rows[1:]],
              ["unknown" if u else label for u, label in zip(unsure, self.labels)])
        lines = self.done("predict", self.model, "data.h5", "--reject", "0.75",
                          "--reject-label", "not, sure").splitlines()
        equal("reject on lines", ["not, sure" == line for line in lines], list(unsure))
        self.done("predict", "numbers/model.h5", "data.h5", "--reject", "0.75", "-o", "reject.h5")
        with h5py.File(self.work.at("reject.h5")) as f:
            equal("reject in HDF5", [label == b"unknown" for label in f["label"][:]], list(unsure))
            equal("classes beside it", f["classes"][:].tolist(), [b"0", b"1", b"2", b"3"])
        text = self.done("predict", self.model, "data.h5", "--format", "csv", "--reject", "0.75",
                         "--reject-label", "")
        equal("an empty label is no empty line", (text.count('\n""'), text.count("\n\n")), (unsure.sum(), 0))
        self.refused("'plain' is a class of the model", "--reject", "0.5", "--reject-label", "plain")
        self.refused("--reject: 2 is not allowed", "--reject", "2")
        self.refused("--reject and --top cannot be combined", "--reject", "0.5", "--top", "2")

    def check_prior(self):
        """By Bayes' rule, with the frequencies of the training, which are equal here but for class
        weights."""
        self.done("train", "-q", "--set", "data.train=data.h5", "--set", "data.labels=n",
                  "--set", "model.loss=softmax",
                  "--set", "model.class_weight={0: 5, 3: 2}", "--set", "output.directory=weighted")
        plain = np.array([line.split("\t")[1:]
                          for line in self.done("predict", "weighted/model.h5", "data.h5",
                                                "--probabilities").splitlines()], float)
        with h5py.File(self.work.at("weighted/model.h5")) as f:
            trained = f["shares"][:]
        if abs(trained - np.array([5, 1, 1, 2]) / 9).max() > 1e-6:
            fail(f"shares: {trained}")
        prior = np.array([1, 0, 30, 9]) / 40
        wanted = plain * prior / trained
        wanted /= wanted.sum(1)[:, None]
        Path(self.work.at("prior.txt")).write_text("0: 1\n1: 0\n\n2:30\n 3 : 9\n")
        for text in "3: 9, 0: 1,1:0, 2: 30", "prior.txt":
            told = self.done("predict", "weighted/model.h5", "data.h5", "--probabilities", "--prior", text)
            rows = [line.split("\t") for line in told.splitlines()]
            if abs(np.array([row[1:] for row in rows], float) - wanted).max() > 1e-6:
                fail(f"prior {text}")
            equal("labels by prior", [int(row[0]) for row in rows], list(wanted.argmax(1)))
        labels = self.done("predict", "weighted/model.h5", "data.h5", "--prior", "prior.txt").split()
        equal("labels alone", [int(label) for label in labels], list(wanted.argmax(1)))
        for message, text in (("prior: class 3 has no frequency", "0: 1, 1: 1, 2: 1"),
                              ("prior: 'x' is not a class of the model", "x: 1"),
                              ("prior: 0: 'much' is not a frequency", "0: much"),
                              ("prior: 0 has two frequencies", "0: 1, 0: 2"),
                              ("prior: all frequencies are 0", "0: 0, 1: 0, 2: 0, 3: 0"),
                              ("nothing.txt", "nothing.txt")):
            got = self.work.run("predict", "weighted/model.h5", "data.h5", "--prior", text)
            if not got.returncode or message not in got.stderr or got.stderr.count("\n") != 1:
                fail(f"prior {text}: {got.stderr}")
        self.refused("--prior changes probabilities, not scores: add --probabilities", "--prior", "prior.txt",
                     "--top", "2")
        os.link(self.work.at("prior.txt"), self.work.at("same.txt"))
        for output in "prior.txt", "same.txt":
            got = self.work.run("predict", "weighted/model.h5", "data.h5", "--prior", "prior.txt",
                                "-o", output)
            if (got.returncode != 2
                or "is the file of --prior, which the answers would replace" not in got.stderr):
                fail(f"--prior prior.txt -o {output}: {got.stderr}")
        equal("the file of --prior", Path(self.work.at("prior.txt")).read_text(),
              "0: 1\n1: 0\n\n2:30\n 3 : 9\n")
        # Sigmoids belong to the frequencies of the rows to which they were fitted.
        draw = np.random.default_rng(8)
        y = np.repeat([0, 1, 2, 3], [20, 40, 60, 80])
        with h5py.File(self.work.at("held.h5"), "w") as f:
            f["X"] = (draw.normal(0, 1, (200, FEATURES)) + 2 * np.eye(FEATURES)[y]).astype("f4")
            f["n"] = y
        self.done("calibrate", "weighted/model.h5", "held.h5", "--method", "sigmoid")
        plain = self.done("predict", "weighted/model.h5", "data.h5", "--probabilities")
        equal("their own prior", self.done("predict", "weighted/model.h5", "data.h5",
                                           "--probabilities", "--prior",
                                           "0:20,1:40,2:60,3:80").split("\n")[0][:9],
              plain.split("\n")[0][:9])


    def check_prior_of_far_rows(self):
        """Classes whose probabilities are 0 in single precision still have the right ratios (M38)."""
        self.done("train", "-q", "--set", "data.train=data.h5", "--set", "data.labels=n",
                  "--set", "model.loss=softmax",
                  "--set", "output.directory=far")
        with h5py.File(self.work.at("data.h5")) as f:
            x, y = f["X"][:] * 1000, f["n"][:]
        with h5py.File(self.work.at("far.h5"), "w") as f:
            f["X"], f["n"] = x, y
        prior = "0: 3, 1: 1, 2: 0, 3: 0"
        for method, scale in ("none", 1.0), ("temperature", None):
            if method != "none":
                self.done("calibrate", "far/model.h5", "data.h5", "--method", method)
                with h5py.File(self.work.at("far/model.h5")) as f:
                    scale = float(f.attrs["calibration_temperature"])
            told = self.done("predict", "far/model.h5", "far.h5", "--scores")
            lines = [line.split("\t") for line in told.splitlines()]
            scores = np.array([line[1:] for line in lines], float) / scale
            gap = np.clip(scores[:, 1] - scores[:, 0] - np.log(3), -700, 700)  # the shares are equal
            if (scores.max(1) - scores[:, :2].max(1) > 110).sum() < 8:
                fail("no row is far from both classes")
            told = self.done("predict", "far/model.h5", "far.h5", "--probabilities", "--prior", prior)
            rows = [line.split("\t") for line in told.splitlines()]
            equal(f"labels of far rows ({method})", [row[0] for row in rows], ["01"[int(g > 0)] for g in gap])
            got = np.array([row[1:] for row in rows], float)
            if abs(got[:, 1] - 1 / (1 + np.exp(-gap))).max() > 1e-6 or abs(got.sum(1) - 1).max() > 1e-6:
                fail(f"probabilities of far rows ({method}): {got}")


def main(margin):
    with Work(margin) as work:
        case = Case(work)
        for name in sorted(dir(case)):
            if name.startswith("check_"):
                getattr(case, name)()


main(sys.argv[1])
