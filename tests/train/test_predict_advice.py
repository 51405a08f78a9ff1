# test_predict_advice.py - follows every advice in the messages of predict, calibrate and eval about rows
# for a model:
# it provokes the message, does what the message says, and expects success.
#
#     test_predict_advice.py MARGIN
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("h5py", "numpy")

import h5py
import numpy as np

ROWS, FEATURES, CLASSES = 120, 5, 3
USAGE, DATA = 2, 3


def sets(*texts):
    return [word for text in texts for word in ("--set", text)]


class Case:
    def __init__(self, work):
        self.work = work
        for name, seed in ("train.h5", 1), ("held.h5", 2):
            self.put(name, seed)
        self.done("train", "-q", *sets("data.train=train.h5", "output.directory=run", "train.tolerance=1e-2"))
        self.done("train", "-q", *sets("data.train=train.h5", "output.directory=soft", "model.loss=softmax"))
        self.done("convert", "-q", "--label", "kind", self.table("t.csv", 3), "t.h5")
        self.done("train", "-q", *sets("data.train=t.h5", "output.directory=table", "model.loss=softmax"))
        self.fresh()

    def rows(self, seed):
        draw = np.random.default_rng(seed)
        y = np.arange(ROWS) % CLASSES
        return (draw.normal(0, 1.2, (ROWS, FEATURES)) + np.eye(CLASSES, FEATURES)[y]).astype("f4"), y

    def put(self, name, seed, **changed):
        x, y = self.rows(seed)
        with h5py.File(self.work.at(name), "w") as f:
            f["X"], f["y"] = changed.get("x", x), changed.get("y", y)
            for name, values in {"id": np.arange(ROWS), **changed}.items():
                if name not in ("x", "y"):
                    f[name] = values

    def table(self, name, seed, label="kind"):
        x, y = self.rows(seed)
        lines = ["a,b,c,d,e" + (f",{label}" if label else "")]
        lines += [",".join([*map(str, row), *([f"k{k}"] if label else [])]) for row, k in zip(x, y)]
        Path(self.work.at(name)).write_text("\n".join(lines) + "\n")
        return name

    def fresh(self):
        """A model without a calibration."""
        shutil.copy(self.work.at("run", "model.h5"), self.work.at("model.h5"))

    def done(self, *arguments, **how):
        got = self.work.run(*arguments, **how)
        if got.returncode:
            fail(f"{arguments}: {got.stderr}")
        return got

    def told(self, says, *arguments, **how):
        """The one line of a command that is refused; it has all parts of `says`."""
        got = self.work.run(*arguments, **how)
        parts = [says] if isinstance(says, str) else says
        lines = got.stderr.splitlines()
        usage = got.returncode == USAGE and len(lines) == 2 and "--help" in lines[1]
        if got.returncode not in (USAGE, DATA) or (len(lines) != 1 and not usage) or any(part not in lines[0]
                                                                                         for part in parts):
            fail(f"{arguments}: exit {got.returncode}, {says!r} expected: {got.stderr}")
        return lines[0]

    def warned(self, says, *arguments):
        if says not in self.done(*arguments).stderr:
            fail(f"{arguments}: no warning {says!r}")

    def silent(self, *arguments):
        got = self.done(*arguments)
        if "warning" in got.stderr:
            fail(f"{arguments}: {got.stderr}")


def probabilities(c):
    """Probabilities need a calibration, for whatever they are asked."""
    prior = "0: 0.8, 1: 0.1, 2: 0.1"
    for flags in (["--probabilities"], ["--reject", "0.5"], ["--prior", prior], ["--probabilities", "--top",
                                                                                 "2"]):
        c.fresh()
        line = c.told("run margin calibrate", "predict", "model.h5", "held.h5", *flags)
        command = re.search(r"margin (calibrate .*? DATA),", line)[1]
        c.done(*shlex.split(command.replace("DATA", "held.h5")))
        c.done("predict", "model.h5", "held.h5", *flags)
    # The command holds for a path with blanks, too.
    shutil.copy(c.work.at("run", "model.h5"), c.work.at("my model's.h5"))
    line = c.told("run margin calibrate", "predict", "my model's.h5", "held.h5", "--probabilities")
    c.done(*shlex.split(re.search(r"margin (calibrate .*? DATA),", line)[1].replace("DATA", "held.h5")))
    c.done("predict", "my model's.h5", "held.h5", "--probabilities")
    for flags, more in ((["--scores"], []), (["--top", "2"], [])):
        c.told("add --probabilities", "predict", "model.h5", "held.h5", "--prior", prior, *flags)
        c.done("predict", "model.h5", "held.h5", "--prior", prior, *flags, "--probabilities")


def priors(c):
    def told(says, text):
        return c.told(says, "predict", "soft/model.h5", "held.h5", "--prior", text)

    def works(text):
        c.done("predict", "soft/model.h5", "held.h5", "--prior", text, "--probabilities")

    works("0: 3, 1: 1, 2: 0")
    told("is not of the form 'label: number'", "0: 1, 1, 2: 1")
    line = told("'7' is not a class of the model (margin info --classes lists them)", "0: 1, 7: 1, 2: 1")
    listed = c.done(*shlex.split(re.search(r"margin (info --classes)", line)[1]),
                    "soft/model.h5").stdout.split()
    works(", ".join(f"{k}: 1" for k in listed if k in "012"))
    told("a number from 0 to 1e15", "0: 1, 1: -1, 2: 1")
    told("has two frequencies: remove one", "0: 1, 1: 1, 1: 2, 2: 1")
    told("give one for each of the 3 classes", "0: 1, 1: 1")
    told("give at least one above 0", "0: 0, 1: 0, 2: 0")
    Path(c.work.at("prior.txt")).write_text("0: 1\n1: 1\n7: 1\n")
    told("prior.txt:3:", "prior.txt")
    Path(c.work.at("prior.txt")).write_text("0: 1\n1: 1\n\n2: 1\n")
    works("prior.txt")
    # A class whose rows had no weight.
    c.done("train", "-q", *sets("data.train=train.h5", "output.directory=light", "model.loss=softmax",
                                "model.class_weight={2: 0}"))
    flags = ["predict", "light/model.h5", "held.h5", "--probabilities", "--prior"]
    c.told("class 2 had no rows of positive weight in training", *flags, "0: 1, 1: 1, 2: 1")
    c.done(*flags, "0: 1, 1: 1, 2: 0")


def saved(c):
    """Models that a program has saved do not know the shares of their classes."""
    script = ("import sys, margin; m = margin.load_model(sys.argv[1]); "
              "margin.Model(m.weights, m.bias, m.classes, calibration=m.calibration).save(sys.argv[2])")
    environment = {**os.environ, "MARGIN_LIBRARY": os.path.join(os.path.dirname(c.work.margin),
                                                                "libmargin.so"),
                   "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "python")}
    c.fresh()
    c.done("calibrate", "model.h5", "held.h5", "--method", "sigmoid")
    made = subprocess.run([sys.executable, "-c", script, "model.h5", "saved model.h5"], cwd=c.work.at(""),
                          env=environment, capture_output=True, text=True)
    if made.returncode:  # there is no shared library, or one that Python cannot load
        return
    prior = ["--prior", "0: 1, 1: 2, 2: 1", "--probabilities"]
    line = c.told("among the rows of its calibration", "predict", "saved model.h5", "held.h5", *prior)
    command = re.search(r"run margin (calibrate .* DATA)$", line)[1]
    c.done(*shlex.split(command.replace("DATA", "held.h5")))
    c.done("predict", "saved model.h5", "held.h5", *prior)


def rejected(c):
    c.put("unknown.h5", 4, y=np.array([b"known", b"unknown"])[np.arange(ROWS) % 2])
    c.done("train", "-q", *sets("data.train=unknown.h5", "output.directory=unknown", "model.loss=softmax"))
    line = c.told("choose another label for rejected rows (reject-label)", "predict", "unknown/model.h5",
                  "held.h5", "--reject", "0.6")
    option = "--" + re.search(r"\((reject-label)\)", line)[1]
    if "nobody" not in c.done("predict", "unknown/model.h5", "held.h5", "--reject", "0.99", option,
                              "nobody").stdout:
        fail("no row is rejected")
    c.told("--reject-label needs --reject P", "predict", "soft/model.h5", "held.h5", "--reject-label", "x")
    c.told("cannot be combined", "predict", "soft/model.h5", "held.h5", "--reject", "0.5", "--top", "2")
    c.told("a probability above 0, at most 1", "predict", "soft/model.h5", "held.h5", "--reject", "50")
    c.done("predict", "soft/model.h5", "held.h5", "--reject", "0.5", "--reject-label", "x", "--probabilities")


def tables(c):
    for option, value in ("--id", "1"), ("--header", "Kind"):
        line = c.told("add --format csv, tsv or h5", "predict", "soft/model.h5", "held.h5", option, value)
        for form in re.search(r"--format (.*)$", line)[1].replace(" or", ",").replace(",,", ",").split(", "):
            if (option, form) != ("--header", "h5"):
                c.done("predict", "soft/model.h5", "held.h5", option, value, "--format", form, "-o",
                       f"out{option}.{form}")
    c.told("--header is only for csv and tsv", "predict", "soft/model.h5", "held.h5", "--header", "Kind",
           "-o", "x.h5")
    c.told("--format h5 needs -o FILE", "predict", "soft/model.h5", "held.h5", "--format", "h5")
    c.told("use text, csv, tsv or h5", "predict", "soft/model.h5", "held.h5", "--format", "xml")
    c.told("the table has 1 column", "predict", "soft/model.h5", "held.h5", "--format", "csv", "--header",
           "a,b")
    c.done("predict", "soft/model.h5", "held.h5", "--format", "csv", "--header", "a,b", "--id", "id")
    c.told("give another name with -o", "predict", "soft/model.h5", "held.h5", "-o", "train.h5")
    c.told("which the answers would replace: give another name with -o", "predict", "soft/model.h5",
           "held.h5", "-o", "held.h5")
    c.done("predict", "soft/model.h5", "held.h5", "-o", "other.h5")
    line = c.told("--id 1 counts the lines", "predict", "soft/model.h5", "-", "--format", "csv", "--id", "id",
                  input="1:1\n")
    got = c.done("predict", "soft/model.h5", "-", "--format", "csv", *re.search(r"(--id 1)", line)[1].split(),
                 input="1:1\n")
    if got.stdout.splitlines()[0] != "id,label":
        fail(got.stdout)


def raw_files(c):
    c.table("new.csv", 5, None)
    np.save(c.work.at("X.npy"), c.rows(5)[0])
    np.save(c.work.at("y.npy"), c.rows(5)[1])
    np.savetxt(c.work.at("y.txt"), c.rows(5)[1], fmt="%d")
    # Labels: a column, or a file of their own; predict needs none.
    for command in ["eval"], ["calibrate"]:
        line = c.told(["has no labels", "--labels", "margin predict needs none"], *command, "table/model.h5",
                      "new.csv")
        c.done("predict", "table/model.h5", "new.csv")
        c.table("other.csv", 5, "sort")
        c.done(*command, "table/model.h5", "other.csv", "--labels", "sort")
        c.told("give the file of the labels with --labels", *command, "soft/model.h5", "X.npy")
        for labels in "y.npy", "y.txt":
            c.done(*command, "soft/model.h5", "X.npy", "--labels", labels)
        c.told("leave --weights out", *command, "soft/model.h5", "X.npy", "--labels", "y.npy",
               "--weights", "w")
    c.told("give 0 or 1 for the numbers of the rows", "predict", "soft/model.h5", "X.npy", "--format", "csv",
           "--id", "id")
    for first in "0", "1":
        c.done("predict", "soft/model.h5", "X.npy", "--format", "csv", "--id", first)
    c.told("--names header or --names none", "predict", "table/model.h5", "new.csv", "--names", "x")
    c.done("predict", "table/model.h5", "new.csv", "--names", "header")
    c.told("leave --features out", "predict", "table/model.h5", "new.csv", "--features", "X")
    c.told("predict never reads its labels", "predict", "soft/model.h5", "held.h5", "--labels", "y")
    # Features that are missing.
    Path(c.work.at("narrow.csv")).write_text("a,b,c,d,kind\n1,2,3,4,k0\n")
    for command in "predict", "eval", "calibrate":
        line = c.told("--missing zero", command, "table/model.h5", "narrow.csv", "--missing", "error")
        c.done(command, "table/model.h5", "narrow.csv", *re.search(r"(--missing zero)", line)[1].split())


def lines(c):
    flags = ["predict", "soft/model.h5", "-", "--base", "1"]
    c.told("leave --names and --labels out", *flags, "--names", "header", input="1:1\n")
    c.done(*flags, input="1:1\n")
    c.told("add them, or leave the line empty for a row of zeros", *flags, input="vote\n")
    if len(c.done(*flags, input="\n1:2\n").stdout.splitlines()) != 2:
        fail("an empty line is no row of zeros")
    c.told("--features is only for files", *flags, "--features", "X", input="1:1\n")
    c.told("--base is only for lines", "predict", "soft/model.h5", "held.h5", "--base", "1")


def labels(c):
    """Labels that the model does not know, and rows without a label."""
    other = c.rows(6)[1].copy()
    other[5] = 9
    c.put("other.h5", 6, y=other)
    for command in "eval", "calibrate":
        line = c.told("is 9, which is not one of the 3 classes", command, "soft/model.h5", "other.h5")
        c.done(command, "soft/model.h5", "other.h5", *re.search(r"(--unknown skip)", line)[1].split())
    c.put("none.h5", 6, y=np.full(ROWS, 9), right=c.rows(6)[1])
    for command in "eval", "calibrate":
        c.told("check --labels", command, "soft/model.h5", "none.h5", "--unknown", "skip")
        c.done(command, "soft/model.h5", "none.h5", "--labels", "right")
    words = c.rows(6)[1].astype("S3")
    words[7] = b"NA"
    c.put("unlabelled.h5", 6, y=words)
    for command in "eval", "calibrate":
        line = c.told("row", command, "soft/model.h5", "unlabelled.h5")
        c.done(command, "soft/model.h5", "unlabelled.h5", *re.search(r"(--unlabelled drop)", line)[1].split())


def weights(c):
    c.put("weighed.h5", 6, w=np.zeros(ROWS, "f4"), big=np.full(ROWS, 1e38, "f4"), square=np.ones((2, ROWS),
                                                                                                 "f4"))
    c.told("check --labels and --weights", "calibrate", "soft/model.h5", "weighed.h5", "--weights", "w")
    c.told("at least one must be above 0", "eval", "soft/model.h5", "weighed.h5", "--weights", "w")
    line = c.told("divide all weights by the same number", "calibrate", "soft/model.h5", "weighed.h5",
                  "--weights", "big")
    with h5py.File(c.work.at("weighed.h5"), "a") as f:
        f["w"][:] = 1
        f["big"][:] /= 1e30
    for name in "w", "big":
        c.done("calibrate", "soft/model.h5", "weighed.h5", "--weights", name)


def ranges(c):
    """Scores beyond single precision: the row is left out."""
    x = c.rows(7)[0] * 1e-3
    c.put("small.h5", 7, x=x)
    c.done("train", "-q", *sets("data.train=small.h5", "output.directory=raw", "model.loss=softmax",
                                "model.lambda=1e-8"))
    x[3] = 3e38
    c.put("huge.h5", 7, x=x)
    c.put("without.h5", 7, x=x[4:], y=c.rows(7)[1][4:], id=np.arange(4, ROWS))
    for command in "predict", "eval", "calibrate":
        c.told("leave the row out, or train with data.scale", command, "raw/model.h5", "huge.h5")
        c.done(command, "raw/model.h5", "without.h5")
    line = " ".join(f"{d}:3e38" for d in range(1, FEATURES + 1)) + "\n"
    c.told("leave the row out, or train with data.scale", "predict", "raw/model.h5", "-", "--base", "1",
           input=line)


def places(c):
    """Models that calibrate cannot write again."""
    c.fresh()
    with open(c.work.at("model.h5"), "rb") as model:
        path = f"/dev/fd/{model.fileno()}"
        c.told("give the name of the file", "calibrate", path, "held.h5", pass_fds=[model.fileno()])
    c.done("calibrate", "model.h5", "held.h5")
    # A run that has not ended: it is resumed, or a copy of its model is calibrated.
    metrics = Path(c.work.at("run", "metrics.jsonl"))
    text = metrics.read_text()
    metrics.write_text("".join(line for line in text.splitlines(keepends=True) if '"end"' not in line))
    line = c.told("end the run with --resume, or copy the model elsewhere and calibrate the copy",
                  "calibrate", "run/model.h5", "held.h5")
    c.fresh()
    c.done("calibrate", "model.h5", "held.h5")
    c.done("train", "-q", *sets("data.train=train.h5", "output.directory=run", "train.tolerance=1e-2"),
           re.search(r"--resume", line)[0])
    c.done("calibrate", "run/model.h5", "held.h5")


def limits(c):
    """Rows that do not determine a temperature."""
    x, y = np.tile(np.eye(CLASSES, FEATURES, dtype="f4"), (ROWS // CLASSES, 1)), np.arange(ROWS) % CLASSES
    c.put("right.h5", 8, x=x)
    c.put("wrong.h5", 8, x=x, y=(y + 1) % CLASSES, right=y)
    c.put("more.h5", 8, x=np.concatenate([x[:60], c.rows(8)[0][:60]]))
    c.done("train", "-q", *sets("data.train=right.h5", "output.directory=exact", "train.tolerance=1e-3"))
    model = "exact/model.h5"
    c.warned("is used; give more rows", "calibrate", model, "right.h5")
    c.silent("calibrate", model, "more.h5")
    c.warned("is used; check the labels", "calibrate", model, "wrong.h5")
    c.warned("puts every one of them into its class", "calibrate", model, "wrong.h5", "--labels", "right")
    c.warned("calibrate on other rows", "calibrate", "soft/model.h5", "train.h5")
    c.silent("calibrate", "soft/model.h5", "held.h5")


def runs(c):
    """model.calibration where it cannot be fitted: leave it out, and run margin calibrate."""
    x, y = c.rows(9)
    with h5py.File(c.work.at("tiny.h5"), "w") as f:
        f["X"], f["y"] = x[:3], y[:3]
    c.put("few-weights.h5", 9, w=(np.arange(ROWS) < 6).astype("f4"))
    none = ["data.train=few-weights.h5", "data.validation=0.05", "data.weights=w"]
    cases = (["data.train=tiny.h5"], "fewer than 5 in classes"), (none,
                                                                  "all validation rows have the weight 0")
    for texts, says in cases:
        line = c.told([says, "leave it out"], "train", "-q", *sets(*texts, "output.directory=none",
                                                                   "model.calibration=temperature"))
        c.done("train", "-q", "--overwrite", *sets(*texts, "output.directory=few"))
        command = re.search(r"margin (calibrate MODEL DATA)", line)[1]
        c.done(*command.replace("MODEL", "few/model.h5").replace("DATA", "held.h5").split())
        c.done("predict", "few/model.h5", "held.h5", "--probabilities")


def main():
    with Work(sys.argv[1]) as work:
        c = Case(work)
        for part in (probabilities, priors, saved, rejected, tables, raw_files, lines, labels, weights,
                     ranges,
                     places, limits, runs):
            part(c)
        print("every advice works")


main()
