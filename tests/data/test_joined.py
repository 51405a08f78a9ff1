"""Several files or a pattern in data.train, data.validation and data.test: the bytes of one file with the
same rows, and one line that names the file if files differ, are missing or are given twice.

    test_joined.py MARGIN
"""
import json
import os
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, checkpoint, expect, fail, need_modules, put_csr, read, settings, steps_of

need_modules("h5py", "numpy")
import h5py
import numpy as np

ROWS, FEATURES, CLASSES = 900, 24, 5
CUTS = ((0, 200), (200, 201), (201, 640), (640, ROWS))  # one file has a single row
NAMES = [f"gene{d}" for d in range(FEATURES)]
RUN = {
    "data": {"train": "one.h5", "scale": "standard", "validation": 0.2, "test": "test.h5"},
    "model": {"loss": "crammer-singer"},
    "train": {"solver": "dual", "epochs": 4, "threads": 1},
    "checkpoint": {"every_epochs": 1, "keep": 100},
}


def write(path, x, y, how="dense", weight=None, names=NAMES):
    with h5py.File(path, "w") as f:
        if how == "sparse":
            put_csr(f, x)
        else:
            packed = {"chunks": (min(7, len(x)), FEATURES), "compression": "gzip"} if how == "packed" else {}
            f.create_dataset("X", data=x, **packed)
        f["y"] = y
        if weight is not None:
            f["w"] = weight
        if names:
            f["names"] = names


def make(work):
    draw = np.random.default_rng(3)
    number = np.sort(np.arange(ROWS) % CLASSES)  # most files lack some classes
    x = draw.poisson(1.0, (ROWS, FEATURES)) + 3 * (np.arange(FEATURES) % CLASSES == number[:, None])
    x = x.astype("u1")
    text = np.array([f"class {9 - c}" for c in number], dtype="S")
    weight = draw.integers(1, 4, ROWS).astype("f4")
    kinds = {"bytes": (x, number, "dense"), "floats": (x.astype("f4"), number, "dense"),
             "sparse": (x, text, "sparse"), "packed": (x.astype("f8"), text, "packed")}
    for kind, (cells, label, how) in kinds.items():
        os.mkdir(work.at(kind))
        write(work.at(kind, "one.h5"), cells, label, how, weight)
        for part, (a, b) in enumerate(CUTS):
            write(work.at(kind, f"part-{part}.h5"), cells[a:b], label[a:b], how, weight[a:b])
        write(work.at(kind, "test.h5"), cells[::3], label[::3], how)
        for part, rows in enumerate((slice(0, 600, 3), slice(600, None, 3))):
            write(work.at(kind, f"test-{part}.h5"), cells[rows], label[rows], how)
    shutil.copytree(work.at("floats"), work.at("mixed"))  # one file stores bytes
    write(work.at("mixed", "part-2.h5"), x[201:640], number[201:640], "dense", weight[201:640])


def train(work, directory, *sets, status=0, more=()):
    done = expect(work, status, "train", "run.yaml", "-q", "--json", *more, "--set",
                  f"output.directory={directory}", *[word for text in sets for word in ("--set", text)])
    return json.loads(done.stdout) if not status else done.stderr.splitlines()


def same(work, one, other, what):
    """Equal bytes of the model and of all checkpoints, and equal answers for the test rows."""
    steps, others = steps_of(work.at(one)), steps_of(work.at(other))
    if read(work.at(one, "model.h5")) != read(work.at(other, "model.h5")):
        fail(f"{what}: the models differ")
    if max(steps) != max(others):
        fail(f"{what}: checkpoints {steps} and {others}")
    for step in set(steps) & set(others):  # a checkpoint is left out while an older one is being written
        if read(checkpoint(work.at(one), step)) != read(checkpoint(work.at(other), step)):
            fail(f"{what}: the checkpoints of step {step} differ")


OTHER_ORDER = "[bytes/part-3.h5, 'bytes/part-[0-2].h5']"
PARTS = "[{0}/part-0.h5, {0}/part-1.h5, {0}/part-2.h5, {0}/part-3.h5]"
SOLVERS = {
    "dual": (),
    "newton in shards": ("train.solver=newton", "train.tolerance=1e-3", "train.shards=8", "data.weights=w"),
    "newton": ("train.solver=newton", "train.tolerance=1e-3", "model.loss=softmax"),
    "sgd": ("train.solver=sgd", "train.batch=50", "data.weights=w"),
    "sgd, streamed": ("train.solver=sgd", "train.batch=50", "data.memory_limit=20000", "data.window=8192"),
}


def test_bits(work):
    """The kinds of rows and the solvers, with the files as a list and as a pattern."""
    cases = [(kind, *item) for kind in ("bytes", "sparse", "packed", "mixed") for item in SOLVERS.items()
             if kind != "packed" or "sgd" in item[0]]
    for number, (kind, solver, sets) in enumerate(cases):
        if kind == "sparse":
            sets = (*sets, "data.scale=max-abs")  # sparse rows are not centred
        one = train(work, f"one{number}", f"data.train={kind}/one.h5", f"data.test={kind}/test.h5", *sets)
        many = train(work, f"many{number}", f"data.train={PARTS.format(kind)}",
                     f"data.test={kind}/test-*.h5", *sets)
        same(work, f"one{number}", f"many{number}", f"{kind}, {solver}")
        if any(one[name] != many[name] for name in one if "accuracy" in name) or "test_accuracy" not in one:
            fail(f"{kind}, {solver}: {one} and {many}")
    train(work, "pattern", "data.train=bytes/part-*.h5", "data.test=bytes/test.h5")
    same(work, "one0", "pattern", "a pattern")
    train(work, "reverse", f"data.train={OTHER_ORDER}", "data.test=bytes/test.h5")
    if read(work.at("one0", "model.h5")) == read(work.at("reverse", "model.h5")):
        fail("another order of the files gives the same bits: the test proves nothing")
    train(work, "held1", "data.train=bytes/one.h5", "data.validation=bytes/test.h5", "data.test=~")
    train(work, "held2", "data.train=bytes/part-*.h5",
          "data.validation=[bytes/test-0.h5, bytes/test-1.h5]", "data.test=~")
    same(work, "held1", "held2", "files in data.validation")


def test_config(work):
    """A list in the file, and in the config.yaml of the run."""
    with open(work.at("list.yaml"), "w") as out:
        out.write("data:\n  train:\n    - bytes/part-0.h5\n    - 'bytes/part-1.h5'\n    - bytes/part-[23].h5"
                  "\n  test: bytes/test.h5\n  scale: standard\n  validation: 0.2\n"
                  "output: {directory: listed}\n"
                  + settings({name: keys for name, keys in RUN.items() if name != "data"}))
    expect(work, 0, "train", "list.yaml", "-q")
    same(work, "one0", "listed", "a list in a file")
    line = next(line for line in open(work.at("listed", "config.yaml")) if line.startswith("  train:"))
    if line != '  train: [bytes/part-0.h5, bytes/part-1.h5, "bytes/part-[23].h5"]\n':
        fail(f"config.yaml has {line}")
    shutil.copytree(work.at("listed"), work.at("again"))
    expect(work, 0, "train", "again/config.yaml", "-q", "--overwrite", "--set", "output.directory=again")
    same(work, "listed", "again", "the config.yaml of a run")


def test_resume(work):
    """A run continues with the files or with one file of the same rows, but not with another order."""
    for what, data in (("a list", PARTS.format("bytes")), ("a pattern", "bytes/part-*.h5"),
                       ("one file", "bytes/one.h5")):
        shutil.rmtree(work.at("resumed"), ignore_errors=True)
        shutil.copytree(work.at("pattern"), work.at("resumed"))
        os.remove(work.at("resumed", "model.h5"))
        for step in steps_of(work.at("resumed"))[:-2]:
            os.remove(checkpoint(work.at("resumed"), step))
        if what == "a list":
            lines = train(work, "resumed", f"data.train={OTHER_ORDER}", "data.test=bytes/test.h5", status=2,
                          more=["--resume"])
            if len(lines) != 1 or "other training data" not in lines[0]:
                fail(f"another order of the files: {lines}")
        train(work, "resumed", f"data.train={data}", "data.test=bytes/test.h5", more=["--resume"])
        same(work, "one0", "resumed", f"--resume with {what}")


def facts(path):
    """The lines of a file without what depends on the clock and the place."""
    return [{name: value for name, value in json.loads(line).items()
             if "seconds" not in name and name != "directory"} for line in open(path)]


def test_commands(work):
    """A cross-validation, a path and a report."""
    for command, name, more in (("cv", "cv.jsonl", ["--folds", "3"]),
                                ("path", "path.jsonl", ["--C", "0.1:1:2"])):
        for data, where in (("sparse/one.h5", "a"), ("sparse/part-*.h5", "b")):
            expect(work, 0, command, "run.yaml", "-q", *more, "--set", f"data.train={data}", "--set",
                   "data.test=~", "--set", "data.scale=max-abs", "--set",
                   f"output.directory={command}-{where}")
        a, b = (facts(work.at(f"{command}-{where}", name)) for where in "ab")
        if a != b or not a:
            fail(f"{command}: {a} and {b}")
    for command in ("eval", "predict"):
        one, many = (expect(work, 0, command, "one0/model.h5", f"bytes/{name}.h5").stdout
                     for name in ("test", "test-*"))
        if one.replace("bytes/test.h5", "") != many.replace("bytes/test-*.h5", "") or not one:
            fail(f"{command}: {one[:400]} and {many[:400]}")
    predict = ("predict", "one0/model.h5", "bytes/test-*.h5", "--format", "csv", "--id")
    expect(work, 2, *predict, "y", says="take the files one by one")
    expect(work, 0, *predict, "0")
    expect(work, 0, "report", "many0", "-o", "report.html")
    page = open(work.at("report.html")).read()
    if "part-0.h5 and 3 more" not in page or "has changed" in page or "not there any more" in page:
        fail("the report does not tell the files of the run")


def refuse(work, words, data, *sets, status=3):
    lines = train(work, "refused", f"data.train={data}", "data.test=~", "data.validation=~", *sets,
                  status=status)
    if len(lines) != 1 or not all(word in lines[0] for word in words):
        fail(f"{data}: one line with {words} expected, not {lines}")
    if os.path.exists(work.at("refused", "model.h5")):
        fail(f"{data}: a model")


def test_refused(work):
    x, y = np.ones((4, FEATURES), "u1"), np.arange(4)
    write(work.at("wide.h5"), np.ones((4, FEATURES + 1), "u1"), y, names=NAMES + ["new"])
    write(work.at("renamed.h5"), x, y, names=["other", *NAMES[1:]])
    write(work.at("unnamed.h5"), x, y, names=None)
    write(work.at("texts.h5"), x, np.array([b"a", b"b", b"a", b"b"]))
    write(work.at("nan.h5"), np.full((4, FEATURES), np.nan, "f4"), y)
    write(work.at("label.h5"), x, np.array([0, 1, np.nan, 1]))
    write(work.at("weight.h5"), x, y, weight=np.array([1, 1, -2, 1.0]))
    os.link(work.at("bytes/one.h5"), work.at("link.h5"))
    first = "bytes/one.h5"
    names = ("data.names=names",)
    refuse(work, ["wide.h5: has 25 features", "24 in bytes/one.h5"], f"[{first}, wide.h5]")
    refuse(work, ["renamed.h5", "'other'", "bytes/one.h5"], f"[{first}, renamed.h5]", *names)
    refuse(work, ["unnamed.h5", "names"], f"[{first}, unnamed.h5]", *names)
    refuse(work, ["texts.h5: its labels y are texts", "bytes/one.h5 are numbers"], f"[{first}, texts.h5]")
    refuse(work, ["sparse/one.h5: its rows are sparse", "bytes/one.h5 are dense"],
           f"[{first}, sparse/one.h5]")
    refuse(work, ["nan.h5: X[0, 0] is nan"], f"[{first}, nan.h5]")
    refuse(work, ["label.h5: y[2]"], f"[{first}, label.h5]")
    refuse(work, ["weight.h5: w[2] is -2"], f"[{first}, weight.h5]", "data.weights=w")
    refuse(work, ["missing.h5", "No such file"], f"[{first}, missing.h5]")
    refuse(work, ["bytes/none-*.h5: no file has such a name"], "bytes/none-*.h5")
    refuse(work, ["bytes/none-*.h5: no file has such a name"], f"[{first}, bytes/none-*.h5]")
    refuse(work, ["bytes/one.h5: is given twice", "leave one of them out"], f"[{first}, wide.h5, {first}]")
    refuse(work, ["link.h5: is given twice (also as bytes/one.h5)"], f"[{first}, link.h5]")
    refuse(work, ["data.train: an empty list"], "[]", status=2)
    refuse(work, ["data.train: an empty path"], "[bytes/one.h5, '']", status=2)
    refuse(work, ["train.epochs"], first, "train.epochs=[1, 2]", status=2)
    with open(work.at("lists.yaml"), "w") as out:
        out.write("data:\n  train: bytes/one.h5\n  scale: [a, b]\n")
    expect(work, 2, "train", "lists.yaml", "-q",
           says="lists.yaml:3:10: a list is not allowed here; a single value is expected")


def test_recipes(work):
    """Files that convert has made: the options must agree, and the advice to convert with --like helps."""
    for name, lines in (("a", ["red green", "green blue", "blue red", "red"]),
                        ("b", ["blue", "green red", "red blue", "green"])):
        with open(work.at(name + ".txt"), "w") as out:
            out.writelines(f"{'warm' if 'red' in line else 'cold'}\t{line}\n" for line in lines)
    convert = ["convert", "-q", "--overwrite", "--format", "text", "--weighting", "tf-idf", "--bits", "8"]
    expect(work, 0, *convert, "a.txt", "ta.h5")
    expect(work, 0, *convert, "b.txt", "tb.h5")
    refuse(work, ["tb.h5", "idf table", "ta.h5", "--like"], "[ta.h5, tb.h5]", "data.scale=none")
    expect(work, 0, "convert", "-q", "--overwrite", "b.txt", "tb.h5", "--like", "ta.h5")
    train(work, "texts", "data.train=[ta.h5, tb.h5]", "data.test=~", "data.scale=none", "data.validation=~")
    expect(work, 0, *convert[:-1], "9", "b.txt", "t9.h5")
    refuse(work, ["t9.h5"], "[ta.h5, t9.h5]", "data.scale=none")


def test_own_files(work):
    """A file of the run is refused as an input, wherever it is in the list."""
    shutil.copytree(work.at("pattern"), work.at("own"))
    os.link(work.at("bytes", "part-1.h5"), checkpoint(work.at("own"), 1))
    done = expect(work, 2, "train", "run.yaml", "-q", "--overwrite", "--set", "data.train=bytes/part-*.h5",
                  "--set", "data.test=~", "--set", "output.directory=own",
                  says="bytes/part-1.h5 is a file of the run")
    if "data.train" not in done.stderr:
        fail(done.stderr)


def main():
    with Work(sys.argv[1]) as work:
        with open(work.at("run.yaml"), "w") as out:
            out.write(settings(RUN))
        make(work)
        for test in (test_bits, test_config, test_resume, test_commands, test_refused, test_recipes,
                     test_own_files):
            test(work)
    print("several files are one file")


main()
