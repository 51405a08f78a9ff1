# test_lines.py - what a raw file, or a line of standard input, is for a model: a header or a row, a label or
# a feature, a text or a record. What can be read in two ways is refused. The message names the flag that
# settles it, and with this flag it is read.
#
#     test_lines.py MARGIN
import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Program, Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

DATA, USAGE = 3, 2
draw = random.Random(7)


class Lines(Program):
    def model(self, name, *convert, **settings):
        """Trains on what convert makes of its arguments; returns the scores of these rows."""
        self.well("convert", "-q", "--overwrite", *convert, f"{name}.h5")
        return self.trained(name, f"{name}.h5", **settings)

    def trained(self, name, data, **settings):
        self.train(data, name, **settings)
        return self.well("predict", f"{name}/model.h5", data, "--scores")

    def scores(self, name, data, *flags, stdin=None, says=""):
        return self.well("predict", f"{name}/model.h5", data, "--scores", *flags, stdin=stdin, says=says)

    def both(self, name, text, wanted, *flags):
        """A file and lines of standard input get the same scores."""
        path = self.write("both.txt", text)
        for data, stdin in ((path, None), ("-", text)):
            if self.scores(name, data, *flags, stdin=stdin) != wanted:
                fail(f"{name}: {data} {flags} of {text[:60]!r} gets other scores")

    def neither(self, name, text, says, *flags, lines=True, file=True, status=DATA):
        """Both are refused in one line with every part of `says`, before any answer."""
        path = self.write("refused.txt", text)
        for data, stdin in [(path, None)] * file + [("-", text)] * lines:
            done = self.work.run("predict", f"{name}/model.h5", data, *flags, input=stdin)
            if (done.returncode != status or done.stderr.count("\n") != 1
                or any(part not in done.stderr for part in says) or (done.stdout and data != "-")):
                fail(f"{name}: {data} of {text[:60]!r}: exit {done.returncode}, {says} expected:"
                     f" {done.stdout[:80]!r} {done.stderr!r}")


def rows(count=60):
    for i in range(count):
        k = i % 3
        yield [draw.randrange(9) + 5 * (k == d) for d in range(3)], "uvw"[k], i


def joined(table, delimiter=","):
    return "".join(delimiter.join(map(str, row)) + "\n" for row in table)


def headers(t):
    """A line is a header, a row, or ambiguous."""
    table = list(rows())
    records = joined(x for x, _, _ in table)
    wanted = t.model("numbered", "--header", "yes", "--label", "cls",
                     t.write("n.csv", "0,1,2,cls\n" + joined([*x, y] for x, y, _ in table)))
    t.both("numbered", "0,1,2,cls\n" + joined([*x, y] for x, y, _ in table), wanted)
    t.both("numbered", "0,1,2\n" + records, wanted)
    t.both("numbered", "0,1,2\n" + records, wanted, "--names", "header")
    t.both("numbered", records, wanted, "--names", "none")
    t.both("numbered", "2,0\n" + joined([x[2], x[0]] for x, _, _ in table),
           t.scores("numbered", t.write("z.csv", "0,1,2\n" + joined([x[0], 0, x[2]] for x, _, _ in table))),
           "--names", "header")
    for first in ("6,-1,0\n", "2,7,9\n", "2,1,0\n"):
        t.neither("numbered", first + records, ["may be a header or a row", "--names header or --names none"])
    t.neither("numbered", "0,1,2\n", ["has no rows"])
    t.neither("numbered", "7,8,9\n" + records, ["a header is expected", "--names none"], lines=False)
    # The label of a record is named like a feature.
    wanted = t.model("alike", "--label", "cls",
                     t.write("n.csv", "cls,u,v,w\n" + joined([y, *x] for x, y, _ in table)))
    if t.scores("alike", "-", stdin=joined([y, *x] for x, y, _ in table)) != wanted:
        fail("a record whose label is the name of a feature was taken for a header")
    t.both("alike", "w,v,u\n" + joined(x[::-1] for x, _, _ in table), wanted)
    t.neither("alike", "u,1,x,3\nv,1,2,3\n", ["may be a header or a row"])
    # Features that the header lacks.
    some = "v,u\n" + joined([x[1], x[0]] for x, _, _ in table)
    t.scores("alike", "-", stdin=some,
             says="features: 2 of 3 matched, 1 missing (taken as 0), in another order")
    t.neither("alike", some, ["lacks 1 of the 3 features in the model", "'w'"], "--missing", "error")
    # Without a header in training, a header says nothing.
    t.model("bare", t.write("n.csv", joined([y, *x] for x, y, _ in table)))
    t.neither("bare", "cls,a,b,c\n" + joined([y, *x] for x, y, _ in table), ["line 1 is a header", "sed 1d"],
              lines=False)


def labels(t):
    """A column is that of the labels, left out, or a feature."""
    table = list(rows())
    code = {"u": 0, "v": 1, "w": 2}
    x = np.array([x for x, _, _ in table], "f4") / 4
    with h5py.File(t.work.at("plain.h5"), "w") as f:
        f["X"], f["y"] = x, [code[y] for _, y, _ in table]
    wanted = t.trained("plain", "plain.h5")
    last = joined([*row, code[y]] for row, (_, y, _) in zip(x, table))
    first = joined([code[y], *row] for row, (_, y, _) in zip(x, table))
    for text, place in ((first, "first"), (last, "last")):
        t.neither("plain", text, ["has one column more than the model", "--labels"], lines=False)
        if t.scores("plain", t.write("l.csv", text), "--labels", place) != wanted:
            fail(f"labels {place} of a model without a recipe")
        t.well("eval", "plain/model.h5", "l.csv", "--labels", place)
    # The labels are elsewhere than in training.
    wanted = t.model("placed", "--label", "first", "--header", "no",
                     t.write("n.csv", joined([code[y], *x] for x, y, _ in table)))
    moved = joined([*row, code[y]] for row, y, _ in table)
    t.neither("placed", "9,8,1,0\n" + moved, ["'9' is not a label of the model", "--labels"])
    t.both("placed", moved, wanted, "--labels", "last")
    t.both("placed", joined(x for x, _, _ in table), wanted)
    # A column was left out in training.
    wanted = t.model("left", "--drop", "1", "--header", "no", "--label", "last",
                     t.write("n.csv", joined([f"0{i % 9}:1{i % 6}", *x, y] for x, y, i in table)))
    # a time is no pair of index and value
    t.both("left", joined([f"0{i % 9}:1{i % 6}", *x, y] for x, y, i in table), wanted)
    t.both("left", joined([f"0{i % 9}:1{i % 6}", *x] for x, _, i in table), wanted)
    t.neither("left", joined([*x, y] for x, y, _ in table), ["'u' is a label of the model", "--labels"])
    for flags in ([], ["--base", "1"]):
        if t.scores("left", "-", *flags, stdin="1:5 2:3\n") != t.scores("left", "-", stdin="x,5,3,0\n"):
            fail(f"pairs {flags}")
    # Missing labels, and a column that does not exist.
    t.write("m.csv", "cls,a,b,c\n" + joined([y, *x] for x, y, _ in table))
    t.model("named", "--label", "cls", "m.csv")
    t.write("gaps.csv", "cls,a,b,c\nu,9,1,1\n,1,1,1\nNA,1,1,1\nv,1,9,1\n")
    done = t.work.run("eval", "named/model.h5", "gaps.csv", "--unlabelled", "drop")
    if done.returncode or "2 of 4 rows have no label" not in done.stderr:
        fail(f"eval --unlabelled drop: {done.returncode} {done.stderr}")
    done = t.work.run("eval", "named/model.h5", "m.csv", "--labels", "nope")
    if done.returncode != USAGE or "has no column 'nope' for --labels" not in done.stderr:
        fail(f"eval --labels nope: {done.returncode} {done.stderr}")
    done = t.work.run("predict", "named/model.h5", "m.csv", "--format", "csv", "--id", "a")
    if done.returncode != USAGE or "--id a is a feature of the model" not in done.stderr:
        fail(f"predict --id a: {done.returncode} {done.stderr}")


def spelling(t):
    """Lines are read as files are: quotes, decimal commas, blank lines."""
    table = list(rows())
    quote = lambda s: '"' + str(s).replace('"', '""') + '"'
    name = {"u": 'p "q", r', "v": "s", "w": "t;t"}
    records = "".join(",".join([quote(f'n "{i}", x'), *map(quote, x), quote(name[y])]) + "\n"
                      for x, y, i in table)
    wanted = t.model("quoted", "--drop", "note", "--label", "cls",
                     t.write("q.csv", "note,a,b,c,cls\n" + records))
    if t.scores("quoted", "-", stdin=records) != wanted:
        fail("quoted records of standard input")
    t.both("quoted", "note,a,b,c,cls\n" + records, wanted)
    comma = lambda x: [f"{v // 2},{v % 2 * 5}" for v in x]
    wanted = t.model("comma", "--decimal", "comma", "--label", "cls",
                     t.write("d.csv", "a;b;c;cls\n" + joined(([*comma(x), y] for x, y, _ in table), ";")))
    t.both("comma", "a;b;c\n" + joined((comma(x) for x, _, _ in table), ";"), wanted)
    t.neither("comma", "a;b;c\n1,5;2;3\n\n2;3;4\n", ["the line is empty"])
    t.write("s.svm", "".join(f"{y} " + " ".join(f"{d + 1}:{v}" for d, v in enumerate(x) if v) + "\n"
                             for x, y, _ in table))
    wanted = t.model("svm", "s.svm")
    t.both("svm", open(t.work.at("s.svm")).read(), wanted)
    t.neither("svm", "u 1:2\n\nv 2:1\n", ["the line is empty"], lines=False)
    np.save(t.work.at("x.npy"), np.array([x for x, _, _ in table], "f4"))
    np.save(t.work.at("y.npy"), np.array([i % 3 for _, _, i in table]))
    wanted = t.model("npy", "x.npy", "y.npy")
    t.neither("npy", "1:2\n2:1\n", ["counted from 0 and from 1",
                                    "margin convert --like npy/model.h5 --base 1"], lines=False)
    t.well("convert", "-q", "--overwrite", "--like", "npy/model.h5", "--base", "1",
           t.write("b.svm", "1 1:2\n0 2:1\n"), "b.h5")
    if t.scores("npy", "b.h5") != t.scores("npy", "-", stdin="1:2\n2:1\n"):
        fail("convert --like MODEL --base 1")
    mtx = ("%%MatrixMarket matrix coordinate integer general\n" +
           f"3 {len(table)} {sum(v > 0 for x, _, _ in table for v in x)}\n")
    t.write("x.mtx", mtx + "".join(f"{d + 1} {i + 1} {v}\n" for x, _, i in table for d, v in enumerate(x)
                                   if v))
    if t.scores("npy", "x.mtx") != wanted:
        fail("a matrix in Matrix Market format gets other scores")


def texts(t):
    words = {"x": "alpha beta gamma delta".split(), "y": "epsilon zeta eta theta".split()}
    table = [("xy"[i % 2], " ".join(draw.choice(words["xy"[i % 2]]) for _ in range(4))) for i in range(40)]
    wanted = t.model("text", "--format", "text", "--bits", "10", t.write("t.tsv", joined(table, "\t")))
    plain = "".join(x + "\n" for _, x in table)
    t.both("text", plain, wanted)
    t.both("text", joined(table, "\t"), wanted)
    t.neither("text", joined((x, y) for y, x in table).replace(",", "\t"),
              ["is not a label of the model", "--labels"])
    t.both("text", joined((x, y) for y, x in table).replace(",", "\t"), wanted, "--labels", "last")
    t.neither("text", "sun\tmoon\n", ["'sun' is not a label of the model"])
    t.scores("text", "-", "--labels", "none", stdin="alpha\tbeta\n")
    t.neither("text", plain + "alpha\tbeta\n", ["TAB"])
    t.neither("text", "alpha\n\nbeta\n", ["the line is empty"])
    t.neither("text", "alpha\n!!!\nbeta\n", ["'!!!' has no n-gram"])
    t.neither("text", "n,text\n1,alpha\n", ["the header of a table", "--names none"])
    t.scores("text", "-", "--names", "none", stdin="n,text\n1,alpha\n")
    # Texts in a column of a table.
    csv = "text,category\n" + "".join(f'"{x}, ok",{y}\n' for y, x in table)
    wanted = t.model("column", "--format", "text", "--bits", "10", "--text", "text", "--label", "category",
                     t.write("c.csv", csv))
    t.both("column", csv, wanted)
    t.both("column", "".join(f"{x}, ok\n" for _, x in table), wanted, "--names", "none")
    if t.scores("column", "-", stdin="".join(f"{x}, ok\n" for _, x in table)) != wanted:
        fail("texts as lines, of a model of a table")
    t.neither("column", "text\nalpha\n", ["may be a text or a header", "--names header or --names none"],
              file=False)
    if t.scores("column", "-", "--names", "header",
                stdin="text\nalpha\n") != t.scores("column", "-", stdin="alpha\n"):
        fail("--names header of a table of texts")


def runs(t):
    """data.validation and data.test are raw files, read by the recipe of data.train."""
    table = list(rows())
    t.write("train.csv", "id,a,b,c,cls\n" + joined([i, *x, y] for x, y, i in table))
    t.write("test.csv", "cls,c,note,b,a\n" + joined([y, x[2], "n", x[1], x[0]] for x, y, _ in rows(30)))
    t.well("convert", "-q", "--overwrite", "--drop", "id", "train.csv", "train.h5")
    t.well("convert", "-q", "--overwrite", "--drop", "note", "test.csv", "test.h5")
    found = {}
    for form in ("csv", "h5"):
        settings = {"data.train": "train.h5", "data.validation": f"test.{form}", "data.test": f"test.{form}",
                    "output.directory": form, "data.scale": "standard"}
        done = t.work.run("train", *[x for k, v in settings.items() for x in ("--set", f"{k}={v}")])
        if done.returncode or (form == "csv" and done.stderr.count("note: test.csv: read as csv") != 2):
            fail(f"train with {form}: {done.returncode} {done.stderr}")
        found[form] = [line for line in open(t.work.at(form, "metrics.jsonl")) if '"eval"' in line
                       or '"test' in line], t.well("eval", f"{form}/model.h5", "test.h5").split("\n", 2)[2]
    if ([x.count("accuracy") for x in found["csv"][0]] != [x.count("accuracy") for x in found["h5"][0]]
        or found["csv"][1] != found["h5"][1]):
        fail(f"a raw test file gives other measures: {found}")
    done = t.work.run("train", "--set", "data.train=train.csv", "--set", "output.directory=never")
    if done.returncode != DATA or "margin convert" not in done.stderr or done.stderr.count("\n") != 1:
        fail(f"data.train of CSV: {done.returncode} {done.stderr}")
    # What the recipe does not decide is refused, with a command that works.
    t.write("unlabelled.csv", "a,b,c,class\n" + joined([*x, y] for x, y, _ in table))
    done = t.work.run("train", "--set", "data.train=train.h5", "--set", "data.test=unlabelled.csv",
                      "--set", "output.directory=never")
    advice = "has no labels: convert it with margin convert --like and the training file, and --label"
    if done.returncode != DATA or advice not in done.stderr:
        fail(f"a test file without labels: {done.returncode} {done.stderr}")
    t.well("convert", "-q", "--label", "class", "unlabelled.csv", "labelled.h5")
    # convert --like takes a model too.
    t.well("convert", "-q", "--overwrite", "--like", "train.h5", "train.csv", "one.h5")
    t.well("convert", "-q", "--overwrite", "--like", "csv/model.h5", "train.csv", "two.h5")
    if Path(t.work.at("one.h5")).read_bytes() != Path(t.work.at("two.h5")).read_bytes():
        fail("convert --like MODEL makes another file than --like TRAIN")


def own_labels(t):
    table = list(rows())
    t.write("x.csv", joined(x for x, _, _ in table))
    t.write("y.txt", "cell_type\n" + "".join(y + "\n" for _, y, _ in table[1:]))
    t.well("convert", "--overwrite", "--header", "no", "--labels", "y.txt", "x.csv", "o.h5",
           says="'cell_type', is read as the label of the first row, but no other row has it")


with Work(sys.argv[1]) as work:
    test = Lines(work)
    for part in (headers, labels, spelling, texts, runs, own_labels):
        part(test)
print("raw files and lines are read as what they are, or refused")
