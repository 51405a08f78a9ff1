# test_names.py - names of features and recipes of files. Columns are matched by name (see test_align.py). A
# file whose columns mean something else than those of the model is refused. The message names the first
# difference, and nothing is predicted.
#
#     test_names.py MARGIN
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Program, Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

WRONG_USE = 2


class Names(Program):
    def run(self, *arguments, stdin=None):
        done = self.work.run(*arguments, input=stdin)
        return done.returncode, done.stdout, done.stderr

    def convert(self, name, text, output, *options):
        self.write(name, text)
        self.well("convert", "-q", "--overwrite", *options, name, output)

    def settings(self, train, output, **more):
        return super().settings(train, output, **{"train__epochs": 5, **more})

    def refuse_everywhere(self, model, train, bad, *parts):
        """eval, predict, data.test and data.validation refuse the file."""
        self.refused("eval", f"{model}/model.h5", bad, says=[bad, *parts])
        self.refused("predict", f"{model}/model.h5", bad, says=[bad, *parts])
        for role in ("data__test", "data__validation"):
            self.refused("train", "-q", *self.settings(train, "never", **{role: bad}), says=[bad, *parts])


def headers(t):
    t.convert("tr.csv", "a,b,label\n1,0,0\n0,1,1\n1,0,0\n0,1,1\n", "tr.h5")
    t.train("tr.h5", "r")
    with h5py.File(t.work.at("tr.h5")) as f, h5py.File(t.work.at("r/model.h5")) as m:
        if (list(f["var/_index"][:]) != [b"a", b"b"] or list(m["names"][:]) != [b"a", b"b"]
            or m["names"].dtype.kind not in "SO"):
            fail("the converted file or the model lacks the names of the header")
        recipe = ("format: csv\ndelimiter: comma\nheader: yes\nlabel: last\ndecimal: point\n"
                  "label_name: label\n")
        if m.attrs["recipe"].decode() != recipe:
            fail(f"recipe {m.attrs['recipe']}")
    t.convert("same.csv", "a;b;label\n0;1;1\n1;0;0\n", "same.h5", "--like", "tr.h5")
    if t.well("predict", "r/model.h5", "same.h5") != "1\n0\n":
        fail("the same header gets wrong predictions")
    other = {  # file: (its text, words of the messages of convert --like and of predict)
        "order": ("b,a,label\n0,1,0\n1,0,1\n",
                  ["feature 1 is 'b' but 'a'", "the same names in another order"],
                  "2 of 2 matched, in another order"),
        "name": ("a,c,label\n0,1,0\n1,0,1\n", ["feature 2 is 'c' but 'b'"],
                 "1 of 2 matched, 1 missing (taken as 0), 1 not used"),
        "more": ("a,b,c,label\n0,1,5,0\n1,0,5,1\n", ["feature 3 is 'c', but there are only 2"],
                 "2 of 2 matched, 1 not used"),
        "fewer": ("a,label\n0,0\n1,1\n", ["feature 2, 'b'", "is missing"],
                  "1 of 2 matched, 1 missing (taken as 0)"),
    }
    for name, (text, parts, matched) in other.items():
        t.write(f"{name}.csv", text)
        t.refused("convert", "-q", "--like", "tr.h5", f"{name}.csv", "never.h5",
                  says=[f"{name}.csv", *parts])
        t.convert(f"{name}.csv", text, f"{name}.h5")
        for command in ("eval", "predict"):
            status, out, err = t.run(command, "r/model.h5", f"{name}.h5")
            if status or err != f"features: {matched}\n":
                fail(f"{command} {name}.h5: exit {status}, {err!r} instead of {matched}")
        t.refused("train", "-q", "--init", "r/model.h5", *t.settings(f"{name}.h5", "never"),
                  says=["r/model.h5"])
    t.write("moved.csv", "label,a,b\n0,1,0\n1,0,1\n")
    t.refused("convert", "-q", "--like", "tr.h5", "moved.csv", "never.h5",
              says=["moved.csv: feature 1 is 'label' but 'a'"])
    t.write("class.csv", "a,b,kind\n0,1,0\n1,0,1\n")
    t.refused("convert", "-q", "--like", "tr.h5", "class.csv", "never.h5",
              says=["'kind', but 'label'", "rename it to 'label'"])
    # The message has the complete name, so that it can be copied, or says where the name is.
    for length, advice in ((200, "rename it to '" + 200 * "L" + "'"),
                           (500, "give it the name in the first line of the table of that file")):
        t.convert("long.csv", f"a,b,{length * 'L'}\n0,1,0\n1,0,1\n", "long.h5", "--label", "last")
        t.refused("convert", "-q", "--like", "long.h5", "class.csv", "never.h5", says=[advice])
    # The names show that the features are the same.
    t.convert("moved.csv", "label,a,b\n1,0,1\n0,1,0\n", "moved.h5")
    if t.well("predict", "r/model.h5", "moved.h5") != "1\n0\n":
        fail("a file whose labels come first gets wrong predictions")


def advice_of_headers(t):
    """Following the advice of the messages helps."""
    t.write("other.csv", "0,1,2\n1,0,0\n")
    t.refused("convert", "-q", "--like", "tr.h5", "other.csv", "never.h5",
              says=["feature 1 is '0' but 'a'", "--header no"])
    t.write("bare.csv", "0,1,1\n1,0,0\n")
    t.refused("convert", "-q", "--like", "tr.h5", "bare.csv", "never.h5",
              says=["'1' is the name of the column of the labels", "--header no"])
    t.convert("bare.csv", "0,1,1\n1,0,0\n", "bare.h5", "--like", "tr.h5", "--header", "no")
    if t.well("predict", "r/model.h5", "bare.h5") != "1\n0\n":
        fail("a file without a header gets wrong predictions")
    t.convert("rows.csv", "a,b\n0,1\n1,0\n", "rows.h5", "--like", "tr.h5", "--label", "none")
    if t.well("predict", "r/model.h5", "rows.h5") != "1\n0\n":
        fail("rows without labels get wrong predictions")
    t.convert("moved.csv", "label,a,b\n1,0,1\n0,1,0\n", "moved2.h5", "--like", "tr.h5", "--label", "label")
    if t.well("predict", "r/model.h5", "moved2.h5") != "1\n0\n":
        fail("a file whose labels are named by --label gets wrong predictions")
    t.refused("convert", "-q", "--like", "tr.h5", "--header", "no", "--label", "first", "bare.csv",
              "never.h5", says=["--label first"],
              status=WRONG_USE)
    t.write("rows.csv", "a,b\n0,1\n1,0\n")
    t.refused("convert", "-q", "--like", "tr.h5", "rows.csv", "never.h5",
              says=["feature 2, 'b' in tr.h5, is missing", "--label none"])
    t.write("twice.csv", "a,a,label\n1,0,0\n0,1,1\n")
    t.refused("convert", "-q", "twice.csv", "never.h5",
              says=["twice.csv:1:1: 'a' is the name of features 1 and 2"])
    with open(t.work.at("latin.csv"), "wb") as out:
        out.write("gr\xf6\xdfe,b,label\n1,0,0\n0,1,1\n".encode("latin-1"))
    t.refused("convert", "-q", "latin.csv", "never.h5", says=["latin.csv:1:3", "is not UTF-8", "iconv"])
    with open(t.work.at("utf8.csv"), "wb") as out:
        out.write("gr\xf6\xdfe,b,label\n1,0,0\n0,1,1\n".encode())
    t.well("convert", "-q", "utf8.csv", "utf8.h5")
    if "gr\xf6\xdfe, b" not in t.well("info", "utf8.h5"):
        fail("info does not print the names of a file")
    told = t.well("info", "r/model.h5")
    recipe = "format: csv, delimiter: comma, header: yes, label: last, decimal: point, label_name: label\n"
    if "2: a, b\n" not in told or recipe not in told:
        fail(f"info does not print names and recipe of a model: {told}")


def places_of_labels(t):
    """Without names, a label column at another position means that the feature columns are others."""
    t.convert("plain.csv", "1,0,0\n0,1,1\n1,0,0\n0,1,1\n", "plain.h5", "--label", "last")
    t.train("plain.h5", "p")
    t.convert("first.csv", "1,0,1\n0,1,0\n", "first.h5", "--label", "first")
    t.refuse_everywhere("p", "plain.h5", "first.h5", "label first", "label is last")


def bases(t):
    t.convert("tr.svm", "0 0:3\n1 1:3\n2 2:3\n0 0:2\n1 1:2\n2 2:2\n", "trs.h5")
    t.train("trs.h5", "s")
    lines = "1 1:3\n2 2:3\n1 1:2\n"
    if t.well("predict", "s/model.h5", "-", stdin=lines) != "1\n2\n1\n":
        fail("lines are not read with the base of the training file")
    t.convert("te.svm", lines, "like.h5", "--like", "trs.h5")
    if t.well("predict", "s/model.h5", "like.h5") != "1\n2\n1\n":
        fail("--like does not keep the base")
    t.convert("te.svm", lines, "other.h5", "--features", "3")
    t.refuse_everywhere("s", "trs.h5", "other.h5", "base 1", "base is 0")
    t.convert("narrow.svm", "0 0:3\n1 1:3\n", "narrow.h5")  # the missing features are 0
    if (t.well("predict", "s/model.h5", "narrow.h5") != "0\n1\n"
        or "100.00%" not in t.well("eval", "s/model.h5", "narrow.h5")):
        fail("a narrower sparse file gets wrong predictions")
    t.train("trs.h5", "s2", data__test="narrow.h5", data__validation="narrow.h5")
    t.convert("wide.svm", "0 0:3\n1 4:3\n", "wide.h5")
    t.refuse_everywhere("s", "trs.h5", "wide.h5", "has 5 features", "column 3 (from 0)")
    for line in ("vote\n", "1\n", "some words\n", "1 # 2:3\n"):
        t.refused("predict", "s/model.h5", "-", stdin=line, says=["standard input:1:", "index:value"])
    if t.well("predict", "s/model.h5", "-", stdin="# nothing\n2:1\n\n").count("\n") != 2:
        fail("a comment must get no answer, an empty line must get one")
    status, out, err = t.run("predict", "r/model.h5", "-", stdin="1:1\n")
    if status or out != "0\n" or "--base" not in err:
        fail(f"the guess of the base is not reported: {status} {out!r} {err!r}")
    if t.run("predict", "r/model.h5", "-", "--base", "0", stdin="0:1\n") != (0, "0\n", ""):
        fail("--base does not set the base")


TEXTS = "x\ta b c\ny\td e f\nx\ta b\ny\td f\n"


def recipes(t):
    t.convert("tr.tsv", TEXTS, "trt.h5", "--format", "text", "--bits", "8", "--weighting", "tf-idf")
    t.train("trt.h5", "t")
    t.convert("te.tsv", TEXTS, "same.h5", "--like", "trt.h5")
    if t.well("predict", "t/model.h5", "same.h5") != "x\ny\nx\ny\n":
        fail("texts get wrong predictions")
    others = {"ngrams": ("word:1:1", "word:1:2"), "bits": ("9", "8"), "weighting": ("tf", "tf-idf"),
              "lowercase": ("no", "yes"), "unit": ("no", "yes")}
    own = {"bits": "8", "weighting": "tf-idf"}
    for option, (value, known) in others.items():
        given = [x for key, v in {**own, option: value}.items() for x in (f"--{key}", v)]
        t.convert("te.tsv", TEXTS, "recipe.h5", "--format", "text", *given)
        t.refuse_everywhere("t", "trt.h5", "recipe.h5", f"{option} {value}", f"{option} is {known}", "--like")
    t.convert("te.tsv", "x\ta b q\ny\td e f\n", "idf.h5", "--format", "text", "--bits", "8",
              "--weighting", "tf-idf")
    t.refuse_everywhere("t", "trt.h5", "idf.h5", "another idf table", "--like")
    t.convert("te.svm", "x 1:1\ny 256:1\n", "hashed.h5")
    t.refuse_everywhere("t", "trt.h5", "hashed.h5", "format svmlight", "format is text")
    if t.well("predict", "t/model.h5", "-", stdin="a b c\n") != "x\n":
        fail("a text from standard input gets a wrong answer")
    t.convert("te.tsv", TEXTS, "ones.h5", "--format", "text", "--bits", "8", "--ngrams", "word:1")
    t.train("ones.h5", "o")
    # The same recipe in another notation.
    t.convert("te.tsv", TEXTS, "one.h5", "--format", "text", "--bits", "8", "--ngrams", "word:1:1")
    t.well("eval", "o/model.h5", "one.h5")
    t.convert("te.tsv", TEXTS, "one.h5", "--like", "ones.h5", "--ngrams", "word:1:1")
    t.write("te.tsv", TEXTS)  # a table of texts looks like any other table; the file of --like decides
    t.refused("convert", "-q", "--format", "csv", "--like", "trt.h5", "te.tsv", "never.h5",
              says=["--format csv does not agree"], status=WRONG_USE)
    t.refused("convert", "-q", "--like", "trt.h5", "te.svm", "never.h5",
              says=["te.svm", "format svmlight", "format text"])
    t.convert("table.csv", "x,1,2\ny,3,4\nx,1,1\n", "tabs.h5")
    t.convert("table.tsv", "x\t1\t2\ny\t3\t4\n", "table.h5", "--like", "tabs.h5")


def save(path, x, names=None, sparse=False, **more):
    with h5py.File(path, "w") as f:
        if sparse:
            g = f.create_group("X")
            g.attrs["encoding-type"], g.attrs["shape"] = "csr_matrix", np.array(x.shape)
            rows = [np.flatnonzero(r) for r in x]
            g["data"] = np.concatenate([r[i] for r, i in zip(x, rows)])
            g["indices"] = np.concatenate(rows).astype(np.int32)
            g["indptr"] = np.cumsum([0] + [len(i) for i in rows])
        else:
            f["X"] = x
        f["y"] = np.arange(len(x)) % 2
        if names:
            names(f)
        for key, value in more.items():
            f[key] = value


def frame(names, index="_index", said=True, group="var"):
    def put(f):
        var = f.create_group(group)
        if said:
            var.attrs["_index"] = index
        var.create_dataset(index, data=np.array(names, dtype=object), dtype=h5py.string_dtype())
    return put


def table(names):
    def put(f):
        f["var"] = np.array([(n.encode(), i) for i, n in enumerate(names)],
                            dtype=[("index", "S8"), ("n", "i4")])
    return put


def categorical(names):
    def put(f):
        f.create_group("var").attrs["_index"] = "gene"
        f["var/gene/codes"] = np.arange(len(names))[::-1].astype(np.int8)
        f["var/gene/categories"] = np.array(names[::-1], dtype="S8")
    return put


def anndata(t):
    x = np.array([[1, 0, 0.5], [0, 1, 0.5]] * 4, dtype=np.float32)
    genes = ["CD4", "CD8A", "MS4A1"]
    forms = {"attribute": lambda n: frame(n, "gene"), "index": lambda n: frame(n, "index", said=False),
             "_index": lambda n: frame(n, said=False),
             "table": table, "categories": categorical}
    for form, put in forms.items():
        for sparse in (False, True):
            save(t.work.at("a.h5ad"), x, put(genes), sparse)
            save(t.work.at("none.h5ad"), x, None, sparse)
            t.train("a.h5ad", "a")
            t.well("eval", "a/model.h5", "a.h5ad")
            # without names, only the number of features can be compared
            t.well("eval", "a/model.h5", "none.h5ad")
            scores = t.well("predict", "a/model.h5", "a.h5ad", "--scores")
            save(t.work.at("b.h5ad"), x[:, [1, 0, 2]], put([genes[1], genes[0], genes[2]]), sparse)
            if t.well("predict", "a/model.h5", "b.h5ad", "--scores") != scores:
                fail(f"{form}: genes in another order are not matched by name")
    cells = np.array([(n.encode(), i) for i, n in enumerate(genes)], dtype=[("index", "S8"), ("n", "i4")])
    t.write("elsewhere", "x" * 64)
    for how in ({"external": [(t.work.at("elsewhere"), 0, h5py.h5f.UNLIMITED)]},):
        save(t.work.at("packed.h5ad"), x)
        with h5py.File(t.work.at("packed.h5ad"), "r+") as f:
            f.create_dataset("var", data=cells, **how)
        t.refused("train", "-q", *t.settings("packed.h5ad", "never"),
                  says=["packed.h5ad: table var is stored in other files, is virtual, or is packed"])
        t.train("packed.h5ad", "packed", data__names="none")  # as the message advises
        t.refused("eval", "a/model.h5", "packed.h5ad", says=["table var", "--names"])
        t.well("eval", "a/model.h5", "packed.h5ad", "--names", "none")
        t.well("predict", "a/model.h5", "packed.h5ad", "--names", "none")
    save(t.work.at("short.h5ad"), x, frame(genes[:2]))
    t.refused("train", "-q", *t.settings("short.h5ad", "never"),
              says=["var/_index has 2 names but X has 3 columns"])
    save(t.work.at("named.h5"), x, symbols=np.array(genes, dtype="S8"))
    save(t.work.at("swapped.h5"), x[:, ::-1], symbols=np.array(genes[::-1], dtype="S8"))
    t.train("named.h5", "n", data__names="symbols")
    t.well("eval", "n/model.h5", "named.h5")
    if t.well("predict", "n/model.h5", "swapped.h5",
              "--scores") != t.well("predict", "n/model.h5", "named.h5", "--scores"):
        fail("columns are not matched by the names that the model's data.names gives")
    t.well("eval", "n/model.h5", "none.h5ad")
    t.well("eval", "a/model.h5", "named.h5", "--names", "symbols")
    if t.well("predict", "a/model.h5", "swapped.h5",
              "--names", "symbols") != t.well("predict", "a/model.h5", "named.h5"):
        fail("columns are not matched by the names that --names gives")
    t.refused("predict", "a/model.h5", "swapped.h5", "--names", "nothing",
              says=["data set nothing is missing"])
    save(t.work.at("reals.h5"), x)
    with h5py.File(t.work.at("reals.h5"), "r+") as f:
        f["var/_index"] = np.arange(3.0)
    t.refused("train", "-q", *t.settings("reals.h5", "never"), says=["var/_index", "float64", "data.names"])
    t.train("b.h5ad", "off", data__names="none", data__test="a.h5ad")


def tenx(t):
    """10x files: a group with a matrix and its features. Identifiers are compared, because symbols are not
    unique."""
    x = np.array([[1, 0, 2], [0, 1, 2]] * 4, dtype=np.int32)

    def write(name, group, ids, place):
        save(t.work.at(name), x, None, True)
        with h5py.File(t.work.at(name), "r+") as f:
            f.move("X", group)
            f[f"{group}/{place}"] = np.array(ids, dtype="S16")
            f[f"{group}/{'features/name' if place == 'features/id' else 'gene_names'}"] = np.array(
                ["A", "A", "B"], dtype="S16"
            )

    for group, place in (("matrix", "features/id"), ("hg19", "genes")):
        write("x.h5", group, ["ENSG1", "ENSG2", "ENSG3"], place)
        write("z.h5", group, ["ENSG1", "ENSG3", "ENSG2"], place)
        t.train("x.h5", "x", data__features=group)
        t.well("eval", "x/model.h5", "x.h5")
        status, out, err = t.run("eval", "x/model.h5", "z.h5")
        if status or err != "features: 3 of 3 matched, in another order\n":
            fail(f"{group}: features are not matched by their identifiers: {status} {err!r}")


def resumption(t):
    """A run is not resumed if the names have changed, in the file or by data.names."""
    x = np.array([[1, 0, 0.5], [0, 1, 0.5]] * 4, dtype=np.float32)
    save(t.work.at("m.h5ad"), x, frame(["a", "b", "c"]))
    values = t.settings("m.h5ad", "half", train__solver="sgd", train__max_steps="1", sgd__eta="0.1")
    t.well("train", "-q", *values)
    t.refused("train", "-q", "--resume", *values, "--set", "data.names=none",
              says=["data.names: auto, now none"], status=WRONG_USE)
    save(t.work.at("m.h5ad"), x, frame(["b", "a", "c"]))
    t.refused("train", "-q", "--resume", *values, says=["data"], status=WRONG_USE)


def kind_of_labels(t):
    """A run is not resumed if labels that were numbers have become texts."""
    save(t.work.at("k.h5"), np.array([[1, 0], [0, 1]] * 4, dtype=np.float32))
    values = t.settings("k.h5", "kind", train__solver="sgd", train__max_steps="1", sgd__eta="0.1")
    t.well("train", "-q", *values)
    t.well("train", "-q", "--resume", *values)
    with h5py.File(t.work.at("k.h5"), "r+") as f:
        labels = [str(label).encode() for label in f["y"][:]]
        del f["y"]
        f["y"] = labels
    t.refused("train", "-q", "--resume", *values, says=["other training data"], status=WRONG_USE)


def widths(t):
    x = np.array([[1, 0, 0.5], [0, 1, 0.5]] * 4, dtype=np.float32)
    save(t.work.at("w.h5"), x)
    save(t.work.at("w4.h5"), np.hstack([x, x[:, :1]]))
    save(t.work.at("w2.h5"), x[:, :2])
    save(t.work.at("s2.h5"), x[:, :2], sparse=True)
    save(t.work.at("s4.h5"), np.hstack([x, x[:, :1]]), sparse=True)
    t.train("w.h5", "w")
    for name in ("w4.h5", "w2.h5", "s4.h5"):
        t.refuse_everywhere("w", "w.h5", name, f"has {name[1]} features but there are 3")
    wide = np.hstack([x[:, :2], np.zeros((8, 1), np.float32)])
    save(t.work.at("zeros.h5"), wide)
    narrow, padded = (t.well("predict", "w/model.h5", name, "--scores") for name in ("s2.h5", "zeros.h5"))
    if narrow != padded:
        fail("a narrower sparse file differs from the same file padded with zeros")


with Work(sys.argv[1]) as work:
    test = Names(work)
    headers(test)
    advice_of_headers(test)
    places_of_labels(test)
    bases(test)
    recipes(test)
    anndata(test)
    widths(test)
    tenx(test)
    resumption(test)
    kind_of_labels(test)
print("names and recipes are used")
