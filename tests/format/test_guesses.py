# test_guesses.py - the guesses of convert about a file: the values that it writes, the line that reports the
# guesses, refusals and warnings; also --drop, --decimal and --like.
#
#     test_guesses.py MARGIN
import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("numpy", "h5py")

import h5py
import numpy as np


class Guesses:
    def __init__(self, work):
        self.work = work

    def convert(self, data, *options, name="in.csv", out="out.h5"):
        with open(self.work.at(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        done = self.work.run("convert", "--overwrite", *options, name, out)
        return done.returncode, done.stderr

    # Converts, checks the features and labels, and returns what was printed.
    def gives(self, data, X, y, *options, **names):
        status, said = self.convert(data, *options, **names)
        if status:
            fail(f"{data!r} {options}: exit {status}: {said}")
        with h5py.File(self.work.at(names.get("out", "out.h5"))) as file:
            found = file["X"][:] if isinstance(file["X"], h5py.Dataset) else dense(file["X"])
            labels = file["y"][:].tolist() if "y" in file else None
        labels = labels and [v.decode() if isinstance(v, bytes) else v for v in labels]
        if X is not None and not np.array_equal(found, np.array(X, dtype=found.dtype)) or labels != y:
            fail(f"{data!r} {options}: X {found.tolist()}, y {labels}; {said}")
        return said

    def says(self, said, *parts):
        if any(part not in said for part in parts):
            fail(f"one of {parts} is missing in {said!r}")

    def refused(self, data, *parts, options=(), name="in.csv"):
        status, said = self.convert(data, *options, name=name, out="never.h5")
        if status not in (2, 3):
            fail(f"{data!r} {options}: exit {status}: {said}")
        self.says(said, *parts)


def dense(group):
    X = np.zeros(group.attrs["shape"], dtype="f4")
    start = group["indptr"][:]
    for i in range(len(X)):
        X[i, group["indices"][start[i]:start[i + 1]]] = group["data"][start[i]:start[i + 1]]
    return X


def told(g):
    said = g.gives("a,b,label\n1,2,x\n3,4,y\n", [[1, 2], [3, 4]], ["x", "y"])
    g.says(said, "guessed: csv, delimiter ','", "header yes", "label column 3 'label' (by its name)",
           "--label")
    said = g.gives("1;2;7\n3;4;8\n1;1;8\n", [[1, 2], [3, 4], [1, 1]], [7, 8, 8])
    g.says(said, "delimiter ';'", "header no", "label column 3 (last)")
    said = g.gives("1 2 7\n3 4 8\n1 1 8\n", [[1, 2], [3, 4], [1, 1]], [7, 8, 8], "--header", "no",
                   "--label", "last")
    g.says(said, "delimiter space")
    if "header" in said or "label" in said:
        fail(f"a given option is reported as a guess: {said!r}")
    if "guessed" in g.gives(CSV, [[1, 2], [3, 4]], ["x", "y"], "-q"):
        fail("--quiet prints guesses")
    # What is taken from the file of --like is not reported as a guess.
    if "guessed" in g.gives("x,1,2\ny,3,4\n", [[1, 2], [3, 4]], ["x", "y"], out="like.h5", *["-q"]):
        fail("--quiet prints guesses")
    said = g.gives("1,1,2\n2,3,4\n", [[1, 2], [3, 4]], ["1", "2"], "--like", "like.h5")
    if "label" in said:
        fail(f"the format of --like is reported as a guess: {said!r}")


CSV = "a,b,label\n1,2,x\n3,4,y\n"


def tab_separated(g):
    X, y = [[17.5, 10], [11.5, 20], [18.5, 11]], [0, 1, 0]
    g.says(g.gives("target\tradius\ttexture\n0\t17.5\t10\n1\t11.5\t20\n0\t18.5\t11\n", X, y, name="a.tsv"),
           "guessed: csv, delimiter tab")
    g.says(g.gives("radius\ttexture\ttarget\n17.5\t10\t0\n11.5\t20\t1\n18.5\t11\t0\n", X, y, name="a.tsv"),
           "guessed: csv, delimiter tab")
    g.gives("kind\tradius\ttexture\na\t17.5\t10\nb\t11.5\t20\na\t18.5\t11\n", X, ["a", "b", "a"],
            name="a.tsv")
    g.refused("id\tbody\tkind\n1\thello you\tpos\n2\tgood bye\tneg\n", "table or texts",
              "--format", "--text", name="a.tsv")
    g.gives("pos\thello there\nneg\tbye\n", None, ["pos", "neg"], name="a.tsv")
    g.says(g.gives("label\ttext\npos\thello there\nneg\tbye\n", None, ["pos", "neg"], name="a.tsv"),
           "header yes")
    g.gives("label\ttext\npos\thello there\n", None, ["label", "pos"], "--header", "no", name="a.tsv")
    g.refused("label\thello there\npos\tbye\n", "--header yes", name="a.tsv")
    g.refused("text\tlabel\nhello there\tpos\n", "--text text --label label", name="a.tsv")


def labels(g):
    for word in ("NA", "NaN", "nan", "null", "None", "?", "N/A", "<NA>", ""):
        g.refused(f"a,label\n1,2\n2,{word}\n3,1\n", ":3:3:", "label")
        g.refused(f"pos\thello there\n{word}\tbye now\n", ":2:1:", "label", options=["--format", "text"],
                  name="a.tsv")
        if word and " " not in word:
            g.refused(f"1 1:1\n{word} 1:2\n", ":2:1:", name="a.svm")
    np.save(g.work.at("X.npy"), np.eye(2, dtype="f4"))
    for bad in (np.array([0.0, np.nan]), np.array(["a", "nan"]), np.array([b"a", b"NA"])):
        np.save(g.work.at("y.npy"), bad)
        done = g.work.run("convert", "--overwrite", "X.npy", "y.npy", "never.h5")
        if done.returncode != 3 or "label 1" not in done.stderr:
            fail(f"labels {bad}: exit {done.returncode}, {done.stderr}")
    # Leading zeros make a label a text; other forms of a number are the same class. Both are said.
    said = g.gives("a,label\n1,01\n2,1.0\n3,1\n4,01\n", None, ["01", "1.0", "1", "01"], out="like.h5")
    g.says(said, "note: in.csv: label '01' has leading zeros", "3 classes of strings")
    g.gives("a,label\n1,1\n2,01\n", None, ["1", "01"], "--like", "like.h5")
    g.says(g.gives("01 1:1\n02 1:2\n", None, ["01", "02"], name="a.svm"), "label '01' has leading zeros")
    said = g.gives("a,label\n1,1.0\n2,1\n3,-2\n4,+3\n", None, [1, 1, -2, 3], out="like.h5")
    g.says(said, "note: in.csv: labels are whole numbers, also '1.0': 7.0 and 7 are the same class",
           "3 classes of integers")
    g.says(g.gives("a,label\n1,01\n2,1\n", None, [1, 1], "--like", "like.h5"), "also '01'")
    for plain in ("a,label\n1,0\n2,10\n", "a,label\n1,+1\n2,-1\n"):
        if "note" in g.gives(plain, None, [int(line.split(",")[1]) for line in plain.split()[1:]]):
            fail(f"a note about plain labels: {plain!r}")
    with open(g.work.at("own.txt"), "w") as file:
        file.write("01\n02\n")
    g.says(g.gives("1,2\n3,4\n", [[1, 2], [3, 4]], ["01", "02"], "--label", "none", "--labels", "own.txt"),
           "own.txt: label '01'")
    # Names of classes that resemble words for missing values.
    g.gives("a,label\n1,nan_\n2,Nanny\n3,no\n", [[1], [2], [3]], ["nan_", "Nanny", "no"])


def label_columns(g):
    draw = random.Random(1)
    lines = [f"{draw.randrange(1, 4)},{draw.gauss(10, 3):.2f},{draw.randrange(200, 9000)}"
             for _ in range(178)]
    g.refused("\n".join(lines) + "\n", "cannot be guessed", "--label first", "--label last")
    g.refused("3\t-1.047\t0.537\n1\t-0.151\t-0.221\n", "column 3", "--label", name="lgb.tsv")
    g.refused("X,Y,Z,activity\n1,3,2,0\n2,4,1,1\n3,7,1,1\n", "'Y'", "'activity'", "--label 4")
    g.refused("x,y,activity\n1,3,0\n2,4,1\n", "'y'", "'activity'")
    g.gives("x,y\n1,3\n2,4\n5,4\n", [[1], [2], [5]], [3, 4, 4])
    g.gives("x,y,label\n1,3,a\n2,4,b\n", [[1, 3], [2, 4]], ["a", "b"])
    g.says(g.gives("a,class,b\n1,0,2\n3,1,4\n", [[1, 2], [3, 4]], [0, 1]), "warning", "middle", "--label")
    # The first column has the labels, and the last pixel is always 0.
    g.refused("".join(f"{i % 10},{i * 7 % 256},0\n" for i in range(60)), "--label first")
    # Targets of a regression: nearly every row has a class of its own.
    said = g.gives("a,b,price\n" + "".join(f"{i % 7}.5,{i % 3},{100000 + 17 * i}\n" for i in range(60)), None,
                   [100000 + 17 * i for i in range(60)])
    g.says(said, "warning", "60 rows have 60 classes", "--label")
    # Grey values next to numbered classes are not labels; numbers that may be classes give a warning.
    grey = "".join(f"{39 + i % 48} {27 + i * 7 % 100} {(1, 2, 3, 4, 5, 7)[i % 6]}\n" for i in range(400))
    if "warning" in g.gives(grey, None, [(1, 2, 3, 4, 5, 7)[i % 6] for i in range(400)]):
        fail("a column of grey values is mistaken for labels")
    for first, last in ((10, 4), (3, 5), (3, 40)):
        table = "".join(f"{i % first},{i * 7 % 100},{i % last}\n" for i in range(400))
        g.says(g.gives(table, None, [i % last for i in range(400)]), "warning", "--label first")
    # Ids that are words, in the first column; the labels are last.
    g.refused("".join(f"row{i},{i % 7},{i % 2}\n" for i in range(60)), "--label last")


# Texts before the tab, and labels after it.
def texts_first(g):
    rows = [(f"this is text {i}", ("pos", "neg")[i % 2]) for i in range(12)]
    table = "".join(f"{text}\t{label}\n" for text, label in rows)
    labels = [label for _, label in rows]
    g.refused(table, "12 values before the first tab", "--label last", "--label first", name="a.tsv")
    g.refused(table, "--label last", options=["--format", "text"], name="a.tsv")
    said = g.gives(table, None, labels, "--label", "last", name="a.tsv", out="like.h5")
    with h5py.File(g.work.at("like.h5")) as file:
        wanted = dense(file["X"])
    swapped = "".join(f"{label}\t{text}\n" for text, label in rows)
    g.gives(swapped, wanted, labels, name="b.tsv")
    g.gives(table, wanted, labels, "--like", "like.h5", "--label", "last", name="a.tsv")
    # the place of the label is part of the recipe
    g.gives(table, wanted, labels, "--like", "like.h5", name="a.tsv")
    g.says(g.gives(table, None, [text for text, _ in rows], "--label", "first", name="a.tsv"),
           "12 rows have 12 classes")
    g.gives("text\tlabel\n" + table, wanted, labels, "--label", "last", name="a.tsv")
    # More classes than half of the rows, but as many different texts: this is not refused.
    g.gives("a\tx one\nb\ty two\nc\tz three\nd\tw four\n", None, list("abcd"), name="a.tsv")
    g.gives("a\tx\na\tx\na\ty\nb\tx\n", None, list("aaab"), name="a.tsv")
    # A header that is like no known one is a row, with a warning.
    rows = "".join(f"k{i % 2}\tsome words {i}\n" for i in range(12))
    g.says(g.gives("kind\ttext\n" + rows, None, ["kind", *(f"k{i % 2}" for i in range(12))], name="a.tsv"),
           "warning", "--header yes")
    g.gives("kind\ttext\n" + rows, None, [f"k{i % 2}" for i in range(12)], "--header", "yes", name="a.tsv")
    if "warning" in g.gives(rows, None, [f"k{i % 2}" for i in range(12)], name="a.tsv"):
        fail("a warning about a first line that is a row")
    # Labels that are numbers.
    g.refused("".join(f"this is text {i}\t{i % 2}\n" for i in range(12)),
              "--format text --label last", name="a.tsv")


def indices(g):
    rows = [(i % 7, i % 3) for i in range(40)]
    X = [[a] for a, _ in rows]
    y = [b for _, b in rows]
    for first in ("", "id", "Unnamed: 0", "index", "a0"):
        table = f"{first},a,label\n" + "".join(f"{i},{a},{b}\n" for i, (a, b) in enumerate(rows))
        g.says(g.gives(table, None, y), "warning", "--drop 1")
        said = g.gives(table, X, y, "--drop", "1")
        if "warning" in said:
            fail(f"a warning about a dropped column: {said!r}")
        if first and "," not in first:
            g.gives(table, X, y, "--drop", first)
    g.says(g.gives("a,user_id,label\n1,77,x\n2,78,y\n3,78,y\n", None, ["x", "y", "y"]), "warning", "--drop 2")
    if "warning" in g.gives("a,b,label\n1,77,x\n5,78,y\n3,78,y\n", None, ["x", "y", "y"]):
        fail("a column of numbers is mistaken for an index")


def dropped(g):
    g.gives("id,a,b,label\n9,1,2,x\n8,3,4,y\n", [[1, 2], [3, 4]], ["x", "y"], "--drop", "id", out="like.h5")
    # The column to drop is found in the same file again, and in a file without labels.
    g.gives("id,a,b,label\n7,5,6,x\n", [[5, 6]], ["x"], "--like", "like.h5")
    g.gives("x,9,1,2,5\ny,8,3,4,5\n", [[1, 2], [3, 4]], ["x", "y"], "--drop", "2,5", "--header", "no",
            out="like.h5")
    g.gives("7,5,6,0\n6,7,8,0\n", [[5, 6], [7, 8]], None, "--like", "like.h5", "--label", "none")
    g.refused(CSV, "--drop", "no column 'z'", options=["--drop", "z"])
    g.refused(CSV, "--drop", "no column '9'", options=["--drop", "9"])
    g.refused(CSV, "column of the labels", options=["--drop", "label"])
    g.refused(CSV, "no feature", options=["--drop", "a,b"])
    g.gives("a,name,label\n1,Bob,x\n3,Eve,y\n", [[1], [3]], ["x", "y"], "--drop", "name")


def headers(g):
    g.refused("0,1,2,label\n5,6,7,1\n5,7,7,2\n", "--header yes")
    g.refused("0,1,2,3\n5,6,7,1\n5,7,7,2\n", "--header yes")
    g.refused("2019,2020,label\n5,6,1\n5,7,2\n", "--header yes")
    g.refused("\0\n1,2\n", ":1: no delimiter divides it", "sed 1d < FILE", options=["--format", "csv"])
    g.gives('"1","2","x"\n"3","4","y"\n', [[1, 2], [3, 4]], ["x", "y"])
    # Names that are numbers, and labels that are words: both lines consist of numbers and a word.
    rows = "5,6,9,2,x\n5,7,1,3,y\n"
    for names in ("0,1,2,3,label", "400.5,401.5,402.5,403.5,Species", "9,0,2,7,class", "0,1,2,3,what",
                  "400.5,401,401.5,402,what"):
        g.refused(names + "\n" + rows, "line 1 may be a header", "--header yes")
        g.gives(names + "\n" + rows, [[5, 6, 9, 2], [5, 7, 1, 3]], ["x", "y"], "--header", "yes")
        front = "".join(",".join(line.split(",")[-1:] + line.split(",")[:-1]) + "\n"
                        for line in (names + "\n" + rows).split())
        g.refused(front, "line 1 may be a header", "--header yes")
    wave = ",".join(str(400 + 1.9 * i + 0.1 * (i % 3)) for i in range(9))
    g.refused(f"{wave},what\n3,1,4,1,5,9,2,6,5,x\n2,7,1,8,2,8,1,8,2,y\n", "in order", "--header yes")
    g.refused('"","7","3","what"\n"1",0.5,2,"x"\n"2",1.5,4,"y"\n', "first field is empty", "--header yes")
    # If only the first row has its label, there is a warning but no refusal, because this may be a
    # coincidence.
    rows = "".join(f"{i % 7},{i * i % 5},{'xy'[i % 2]}\n" for i in range(20))
    g.says(g.gives("7,3,what\n" + rows, None, ["what"] + ["x", "y"] * 10), "warning", "line 1",
           "--header yes")
    for table in (rows, "1,2,y\n3,4,n\n", "1,2,3,4,x\n2,3,4,5,y\n", "1,2,name\n5,4,name\n"):
        if "warning" in g.gives(table, None, [line.split(",")[-1] for line in table.split()]):
            fail(f"a warning about {table!r}")
    # A first line of numbers alone is a row. If they are in order, those of line 2 are not, it may be a
    # header.
    for names, row in (("1,2,3", "5,7,1"), ("1,2,3,4", "5,7,7,2"), ("400.5,401.5,402.5,403.5,404.5",
                                                                    "5,7,7,2,1"), (wave,
                                                                                   "3,1,4,1,5,9,2,6,5")):
        table = f"{names}\n{row}\n"
        g.says(g.gives(table, None, None, "--label", "none"), "warning", "line 1 is read as a row",
               "--header yes")
        if "warning" in g.gives(table, None, None, "--label", "none", "--header", "yes"):
            fail(f"a warning about the header {names}")
    for row in ("1,2,3\n2,3,4", "1,2,3,4\n10,20,30,40", "5,6,9\n5,7,1"):
        if "warning" in g.gives(row + "\n", None, [int(line.split(",")[-1]) for line in row.split()]):
            fail(f"a warning about {row!r}")
    # A header without a plain name, or whose name of the labels is a label.
    g.says(g.gives("<0.5,A\n0.7,B\n", [[0.7]], ["B"]), "header yes")
    said = g.gives("<0.5,A\n0.7,B\n0.9,A\n", [[0.7], [0.9]], ["B", "A"])
    g.says(said, "warning", "is also the label of a row", "--header no")
    g.says(g.gives("-5e,+7x,label\n1,2,3\n4,5,6\n", [[1, 2], [4, 5]], [3, 6]), "header yes")
    g.says(g.gives("-5e,+7x,8z\n1,2,3\n4,5,6\n", [[1, 2], [4, 5]], [3, 6]), "warning", "no plain names",
           "--header no")
    g.says(g.gives("-5e,+7x,B\n1,2,3\n4,5,6\n", [[1, 2], [4, 5]], [3, 6]), "header yes")
    g.gives("\ufeffa,b,label\r\n1,2,x\r\n3,4,y\r\n", [[1, 2], [3, 4]], ["x", "y"])


def numbers(g):
    for text in ("a;b;label\n1,5;2,5;x\n2,5;3,5;y\n", "1,5;2,5;x\n2,5;3,5;y\n", "1,5\t2,5\tx\n2,5\t3,5\ty\n"):
        g.refused(text, "decimal comma", "--decimal comma")
        for sign in ("comma", ","):
            g.gives(text, [[1.5, 2.5], [2.5, 3.5]], ["x", "y"], "--decimal", sign)
    g.refused("a;b;label\n1,5;2,5;x\n", "decimal", options=["--delimiter", "semicolon"])
    g.refused("1.234,5;2;x\n2;3;y\n", "no point", options=["--decimal", "comma"])
    g.refused('"1,234",2,x\n"2,345",4,y\n', "commas group", options=["--label", "last", "--header", "no"])
    X = np.zeros((3, 63))
    X[0, 20], X[0, 41], X[0, 62], X[1, 0], X[2, 1] = 1, 1, 0.5, 1, 2
    g.gives("0 21:1.00 42:1.00 63: .50\n1 1:1 # a comment: 5\n2 2:\t2\n", X, [0, 1, 2], name="a.svm")
    g.refused("0 1: 2:3\n", "'2:3'", name="a.svm")
    g.refused("0 1:\n", ":1:5:", name="a.svm")


def fasttext(g):
    text = "__label__a hello world\n__label__b foo bar\n__label__a hello you\n"
    said = g.gives(text, None, ["a", "b", "a"], name="a.txt", out="like.h5")
    g.says(said, "text", "__label__")
    with h5py.File(g.work.at("like.h5")) as file:
        wanted = dense(file["X"])
    g.gives("a\thello world\nb\tfoo bar\na\thello you\n", wanted, ["a", "b", "a"], name="a.tsv")
    g.gives("__label__b hello\n", None, ["b"], "--like", "like.h5", name="a.txt")
    g.refused("__label__a __label__b hello\n", "several labels", name="a.txt")
    g.refused("__label__a hello\nb\tfoo\n", ":2:1:", "__label__", name="a.txt")


def foreign(g):
    g.refused("-1 |Text good morning to all\n1 |Text bad evening\n", "Vowpal Wabbit")
    g.refused("|f a b c\n|f d e\n", "Vowpal Wabbit")
    g.refused("1 | 1:2 3:4\n-1 | 2:1\n", "Vowpal Wabbit with numbered features")
    g.refused("-1 | good\n1 | bad evening\n", "Vowpal Wabbit")
    g.refused("1 2.0 tag|f a b\n-1 |f c\n", "Vowpal Wabbit")
    g.refused("|f a b\n1|f b\n", "Vowpal Wabbit")
    # Lines of Vowpal Wabbit that a table may have too.
    for lines in ("1|f a b\n2|f c d\n", "1|f a b c\n2|f c\n", "1 | a\n2 | b\n", "1|f 1:2\n2|f 2:3\n",
                  "1|f:2 a\n1|f b\n",
                  "1:2:0.5|f a b\n1:1:0.5|f b a\n", "1|a b|c d\n2|a c|c e\n"):
        g.refused(lines, "Vowpal Wabbit", "--delimiter pipe")
    g.gives("1|New York\n2|Old York\n", [[1], [2]], ["New York", "Old York"], "--delimiter", "pipe")
    g.refused("a|f 1:2\nb|f 2:3\n", ":1:", "'a|f'", "--format svmlight")
    g.gives("a|f 1:2\nb|f 2:3\n", None, ["a|f", "b|f"], "--format", "svmlight")
    for lines in ("1 1=2\n2 1=2\n", "1 1;2\n2 1;2\n", "1 1=2 3=4\n2 1=2\n", "1\t1=2\n2\t1=2\n"):
        g.refused(lines, "in place of ':'", "--format csv")
    # Pairs that are not valid svmlight are not labels.
    for pairs in ("1 -1:1\n2 -1:1\n", "1 a:1\n2 b:1\n", "1 f1:1 f2:3\n2 f3:1 f1:3\n", "1,2:0.5\n0,3:0.5\n",
                  "1 1.0:2\n2 2.0:3\n", "1,1=2\n2,1=2\n",
                  "1 f1=2\n2 f1=2\n", "1;2;0.5|f a\n1;1;0.5|f b\n"):
        g.refused(pairs, "index:value", "--format svmlight", "--label")
    g.gives("1,3:1\n2,1:1\n", [[1], [2]], ["3:1", "1:1"], "--label", "2")
    g.gives("1|2|x\n3|4|y\n", [[1, 2], [3, 4]], ["x", "y"])
    g.gives("1 | 2 | x\n3 | 4 | y\n", [[1, 2], [3, 4]], ["x", "y"])
    g.gives("PAR1,b,label\n1,2,x\n3,4,y\n", [[1, 2], [3, 4]], ["x", "y"])
    g.refused('{"a": 1, "label": 2}\n', "JSON")
    g.refused("<!DOCTYPE html>\n<html>\n", "HTML")
    g.refused(b"\x01\x02\x00\x07abc\x00\x00\xff", "binary", name="a.bin")


def main():
    with Work(sys.argv[1]) as work:
        g = Guesses(work)
        for part in (told, tab_separated, labels, label_columns, texts_first, indices, dropped, headers,
                     numbers, fasttext, foreign):
            part(g)
        print("guesses are told, doubtful ones refused")


main()
