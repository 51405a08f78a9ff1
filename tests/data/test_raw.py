# test_raw.py - eval and predict read files and lines of every input format by the recipe of the model: the
# answers are those for the file that `convert --like` makes. What is no row of the model's kind is refused.
#
#     test_raw.py MARGIN
import random
import struct
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Program, Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

DATA, USAGE = 3, 2
draw = random.Random(4)


class Raw(Program):
    def same(self, model, raw, converted, *flags):
        """The raw file gets the scores and the measures of the converted one."""
        at = f"{model}/model.h5"
        if self.well("predict", at, raw, "--scores",
                     says=f"note: {raw}: read as") != self.well("predict", at, converted, "--scores"):
            fail(f"{raw} gets other scores than {converted}")
        found, wanted = self.well("eval", at, raw, *flags), self.well("eval", at, converted)
        if found.replace(raw, converted) != wanted:
            fail(f"{raw} gets other measures than {converted}: {found} {wanted}")


def words(count):
    vocabulary = {"x": "alpha beta gamma delta".split(), "y": "delta epsilon zeta eta".split()}
    for i in range(count):
        label = "xy"[i % 2]
        yield label, " ".join(draw.choice(vocabulary[label]) for _ in range(5))


def texts(t):
    how = ["--format", "text", "--bits", "10", "--weighting", "tf-idf", "--ngrams", "char:1:3"]
    forms = {
        "plain.tsv": (lambda rows: "".join(f"{y}\t{x}\n" for y, x in rows), []),
        "last.tsv": (lambda rows: "".join(f"{x}\t{y}\n" for y, x in rows), ["--label", "last"]),
        "fast.txt": (lambda rows: "".join(f"__label__{y} {x}\n" for y, x in rows), []),
        "table.csv": (lambda rows: "id,body,kind\n" +
                      "".join(f'{i},"{x}, ok",{y}\n' for i, (y, x) in enumerate(rows)),
                      ["--text", "body", "--label", "kind"]),
    }
    for name, (form, flags) in forms.items():
        t.write(name, form(words(60)))
        t.well("convert", "-q", "--overwrite", *how, *flags, name, "train.h5")
        t.train("train.h5", "text")
        rows = list(words(30))
        test = f"test-{name}.gz"
        t.write(test, form(rows))
        # the recipe has all options
        t.well("convert", "-q", "--overwrite", "--like", "train.h5", test, "test.h5")
        t.same("text", test, "test.h5")
        # Lines of standard input are texts, with or without their labels; a file may lack them too.
        lines = "".join(f"{x}{', ok' if name == 'table.csv' else ''}\n" for _, x in rows)
        wanted = t.well("predict", "text/model.h5", "test.h5", "--scores")
        if t.well("predict", "text/model.h5", "-", "--scores", stdin=lines) != wanted:
            fail(f"{name}: lines get other scores than the file")
        if name != "table.csv":
            t.write("bare.txt", lines)
            if t.well("predict", "text/model.h5", "bare.txt", "--scores", says="without labels") != wanted:
                fail(f"{name}: texts without labels get other scores")
            t.refused("eval", "text/model.h5", "bare.txt", says="bare.txt: has no labels")
        if (name == "plain.tsv"
            and t.well("predict", "text/model.h5", "-", "--scores", stdin=form(rows)) != wanted):
            fail("lines with labels get other scores than the file")
    t.refused("predict", "text/model.h5", "-", stdin="\n", says="standard input:1: the line is empty")
    t.refused("predict", "text/model.h5", "-", stdin="alpha\tbeta\n",
              says=["standard input:1:1:", "'alpha' is not a label of the model"])
    t.write("rows.svm", "x 1:1\ny 2:1\n")
    t.refused("eval", "text/model.h5", "rows.svm",
              says=["rows.svm: is a file of format svmlight", "format text"])
    t.write("other.csv", "a,b\n1,2\n")
    t.refused("eval", "text/model.h5", "other.csv", says="does not name the column 'body'")
    t.well("convert", "-q", "--overwrite", "--format", "text", "plain.tsv", "words.h5")
    t.train("words.h5", "words")
    done = t.work.run("predict", "words/model.h5", "-", input="alpha\n?!\n")
    if (done.returncode != DATA or done.stdout.count("\n") != 1
        or "standard input:2:1: the text '?!' has no n-gram" not in done.stderr):
        fail(f"a text without n-grams: {done.returncode} {done.stdout!r} {done.stderr!r}")
    # Columns that were selected after the conversion have no texts.
    with h5py.File(t.work.at("words.h5"), "r+") as f:
        del f["X"]
        f["X"] = np.arange(4 * len(f["y"]), dtype="f4").reshape(-1, 4) % 7
    t.train("words.h5", "selected")
    t.refused("predict", "selected/model.h5", "-", stdin="alpha beta\n",
              says="standard input:1: texts have 2^18 features, but selected/model.h5 has 4")
    t.refused("predict", "selected/model.h5", "plain.tsv",
              says="plain.tsv: texts have 2^18 features, but selected/model.h5 has 4")


def tables(t):
    def rows(count):
        for i in range(count):
            a, b = draw.randrange(9), draw.randrange(9)
            yield {"a": a, "b": b, "id": i, "kind": "up" if a > b else "down"}

    def table(columns, rows, delimiter=",", header=True):
        lines = [delimiter.join(columns)] if header else []
        return "\n".join(lines + [delimiter.join(str(row[c]) for c in columns) for row in rows]) + "\n"

    t.write("train.csv", table(["a", "id", "b", "kind"], rows(80)))
    t.well("convert", "-q", "--overwrite", "--drop", "id", "train.csv", "train.h5")
    t.train("train.h5", "csv", data__scale="standard")
    test = [{**row, "note": "hello"} for row in rows(40)]
    t.write("test.csv", table(["a", "id", "b", "kind"], test))
    t.well("convert", "-q", "--overwrite", "--like", "train.h5", "test.csv", "test.h5")
    wanted = t.well("predict", "csv/model.h5", "test.h5", "--scores")
    t.well("eval", "csv/model.h5", "test.csv", says="features: 2 of 2 matched, 1 not used\n")
    # Columns are found by their names, whatever else the table has.
    for columns, delimiter in ((["a", "id", "b", "kind"], ","), (["note", "kind", "b", "a"], ";"),
                               (["b", "note", "a"], "\t")):
        t.write("other.csv", table(columns, test, delimiter))
        if t.well("predict", "csv/model.h5", "other.csv", "--scores") != wanted:
            fail(f"columns {columns} get other scores")
        if t.well("predict", "csv/model.h5",
                  "-", "--scores", stdin=table(columns, test, delimiter)) != wanted:
            fail(f"lines with the header {columns} get other scores")
        if "kind" in columns:
            t.well("eval", "csv/model.h5", "other.csv")
        else:
            t.refused("eval", "csv/model.h5", "other.csv", says=["other.csv: has no labels", "--labels"])
    t.write("renamed.csv", table(["a", "b", "kind"], test).replace("kind", "class", 1))
    t.well("eval", "csv/model.h5", "renamed.csv", "--labels", "class")  # as the message advises
    # without the header, in the order of the training
    for columns in (["a", "id", "b", "kind"], ["a", "id", "b"]):
        if t.well("predict", "csv/model.h5",
                  "-", "--scores", stdin=table(columns, test, header=False)) != wanted:
            fail(f"lines with the columns {columns} get other scores")
    for line, says in (("1,2\n", "has 2 columns, but the model csv/model.h5 needs 3"),
                       ("1,x,u\n", ":1:5: 'u' is not a number"), ("1,,\n", ":1:"),
                       ("vote\n", ":1: has 1 columns"), ("\n", ":1: the line is empty"),
                       ("1,2,nan\n", ":1:5:")):
        t.refused("predict", "csv/model.h5", "-", stdin=line, says=f"standard input{says}" if says[0] == ":"
                  else says)
    t.write("strange.csv", table(["id", "note"], test))
    t.refused("predict", "csv/model.h5", "strange.csv",
              says="none of its 2 columns has the name of a feature of the model csv/model.h5")
    t.write("bad.csv", "a,b\n1,2\n3,oops\n")
    t.refused("predict", "csv/model.h5", "bad.csv", says="bad.csv:3:3: 'oops' is not a number")
    t.refused("predict", "csv/model.h5", "test.csv", "--features", "X",
              says="leave --features out", status=USAGE)
    # A record is no header because one field equals the name of a feature.
    t.write("train.csv", "0,1,2,kind\n" +
            "".join(f"{row['a']},{row['b']},{i % 7},{'0' if row['a'] > row['b'] else 'x'}\n"
                    for i, row in enumerate(rows(80))))
    t.well("convert", "-q", "--overwrite", "--header", "yes", "train.csv", "train.h5")
    t.train("train.h5", "numbered")
    records = "".join(f"{i % 3},{i % 5},{i % 2}\n" for i in range(30))
    for header in ("", "0,1,2\n"):
        if t.well("predict", "numbered/model.h5", "-", stdin=header + records).count("\n") != 30:
            fail(f"names that are numbers, header {header!r}: a record was swallowed, or a header answered")
    # Without names, the number of columns decides.
    t.write("train.csv", table(["kind", "a", "b"], rows(80), ";", header=False).replace("1", "1,5"))
    t.well("convert", "-q", "--overwrite", "--decimal", "comma", "--label", "first", "train.csv", "train.h5")
    t.train("train.h5", "bare")
    t.write("test.csv", table(["kind", "a", "b"], test, ";", header=False).replace("1", "1,5"))
    t.well("convert", "-q", "--overwrite", "--like", "train.h5", "test.csv", "test.h5")
    t.same("bare", "test.csv", "test.h5")
    t.well("predict", "bare/model.h5", "test.csv", says="rows, labels not used")
    t.write("rows.csv", table(["a", "b"], test, ";", header=False).replace("1", "1,5"))
    if t.well("predict", "bare/model.h5", "rows.csv") != t.well("predict", "bare/model.h5", "test.h5"):
        fail("a table without labels gets other answers")
    t.write("wide.csv", table(["kind", "a", "b", "id", "a"], test, ";", header=False))
    t.refused("eval", "bare/model.h5", "wide.csv",
              says="wide.csv: has 5 columns, but the model bare/model.h5 needs 2")


def numbers(t):
    """svmlight, NPY and IDX."""
    def lines(count, base):
        for _ in range(count):
            y = draw.randrange(3)
            yield f"{y} " + " ".join(f"{d + base}:{draw.randrange(1, 5)}"
                                     for d in sorted({y, *draw.sample(range(9), 3)}))

    t.write("train.svm", "\n".join(lines(90, 0)) + "\n")
    t.well("convert", "-q", "--overwrite", "train.svm", "train.h5")
    t.train("train.h5", "svm")
    test = [line for line in lines(40, 0) if " 0:" not in line]  # so that the base cannot be guessed
    t.write("test.svm", "\n".join(test) + "\n")
    t.well("convert", "-q", "--overwrite", "--like", "train.h5", "test.svm", "test.h5")
    t.same("svm", "test.svm", "test.h5")
    t.write("bare.svm", "\n".join(line.split(" ", 1)[1] for line in test) + "\n")
    if t.well("predict", "svm/model.h5", "bare.svm",
              "--scores", says="without labels") != t.well("predict", "svm/model.h5", "test.h5", "--scores"):
        fail("svmlight lines without labels get other scores")
    # an empty line is a row of zeros, as in lines of the standard input
    gaps = "\n1:1 2:1\n\n# a comment\n2:1 3:2\n\n"
    t.write("gaps.svm", gaps)
    want = t.well("predict", "svm/model.h5", "-", "--scores", stdin=gaps.replace("# a comment\n", ""))
    if (want.count("\n") != 5
        or t.well("predict", "svm/model.h5", "gaps.svm", "--scores", says="without labels") != want):
        fail("empty lines of svmlight rows without labels are no rows of zeros")
    t.write("wide.svm", "0 3:1\n1 9:1\n")
    t.refused("eval", "svm/model.h5", "wide.svm", says=["wide.svm:2:3: index 9", "the model has 9 features"])
    t.write("unknown.svm", "0 3:1\n7 4:1\n")
    t.refused("eval", "svm/model.h5", "unknown.svm", says="--unknown skip")
    t.well("eval", "svm/model.h5", "unknown.svm", "--unknown", "skip")  # as the message advises
    x = np.random.default_rng(1).integers(0, 200, (60, 4, 3)).astype("u1")
    y = (x[:, 0, 0] > 100).astype("u1")
    np.save(t.work.at("x.npy"), x)
    np.save(t.work.at("y.npy"), y)
    t.write("x.idx.gz", b"\0\0\x08\x03" + struct.pack(">III", *x.shape) + x.tobytes())
    t.write("y.idx", b"\0\0\x08\x01" + struct.pack(">I", len(y)) + y.tobytes())
    t.well("convert", "-q", "--overwrite", "x.npy", "y.npy", "train.h5")
    t.train("train.h5", "npy", data__scale="1/255")
    t.same("npy", "x.npy", "train.h5", "--labels", "y.npy")
    t.same("npy", "x.idx.gz", "train.h5", "--labels", "y.idx")
    t.refused("eval", "npy/model.h5", "x.npy", says=["x.npy: has no labels", "--labels"])
    np.save(t.work.at("x2.npy"), x[:, :3])
    t.refused("predict", "npy/model.h5", "x2.npy",
              says="x2.npy: has 9 features but there are 12 in the model")


def names(t):
    """Names from a text are stored by convert, and used like those of a header."""
    x = np.random.default_rng(2).normal(size=(50, 3)).astype("f4")
    np.save(t.work.at("x.npy"), x)
    np.save(t.work.at("y.npy"), (x[:, 0] > 0).astype("i4"))
    np.save(t.work.at("turned.npy"), x[:, ::-1])
    t.write("names.txt", "red\ngreen\nblue\n")
    t.write("turned.txt", "blue\r\ngreen\r\nred\r\n")
    t.well("convert", "-q", "--overwrite", "--names", "names.txt", "x.npy", "y.npy", "named.h5")
    with h5py.File(t.work.at("named.h5")) as f:
        if list(f["var/_index"][:]) != [b"red", b"green", b"blue"]:
            fail("the converted file lacks the names")
    t.train("named.h5", "named")
    t.well("convert", "-q", "--overwrite", "--names", "turned.txt", "turned.npy", "y.npy", "turned.h5")
    turned = t.well("predict", "named/model.h5", "turned.h5", "--scores",
                    says="3 of 3 matched, in another order")
    if turned != t.well("predict", "named/model.h5", "x.npy", "--scores"):
        fail("names from a text are not used")
    t.write("short.txt", "red\ngreen\n")
    t.refused("convert", "-q", "--names", "short.txt", "x.npy", "never.h5",
              says="short.txt: has 2 names, but x.npy has 3 features")
    t.write("twice.txt", "red\ngreen\nred\n")
    t.refused("convert", "-q", "--names", "twice.txt", "x.npy", "never.h5",
              says="twice.txt:3: 'red' is also the name on line 1")


with Work(sys.argv[1]) as work:
    test = Raw(work)
    texts(test)
    tables(test)
    numbers(test)
    names(test)
print("raw files and lines are read by the recipe of the model")
