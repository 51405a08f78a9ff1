# test_calibrate.py - probabilities of calibrated models: the values of scikit-learn, advice that works, and
# model files that belong to runs.
#
#     test_calibrate.py MARGIN
import fcntl
import json
import os
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("h5py", "numpy", "scipy", "sklearn")

import h5py
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.calibration import _SigmoidCalibration

ROWS, FEATURES = 900, 6


def make(path, seed, classes=4, rows=ROWS):
    draw = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    with h5py.File(path, "w") as f:
        f["X"] = (draw.normal(0, 1.2, (rows, FEATURES)) + np.eye(FEATURES)[y]).astype("f4")
        f["y"] = y
        f["w"] = draw.integers(1, 4, rows).astype("f4")


class Case:
    def __init__(self, work):
        self.work = work
        for classes in 2, 4:
            make(work.at(f"train{classes}.h5"), 1, classes)
            make(work.at(f"held{classes}.h5"), 2, classes)
            self.done("train", "-q", *self.settings(f"run{classes}", classes))
        self.model = work.at("model.h5")

    def settings(self, directory, classes=4, *more):
        sets = (f"data.train=train{classes}.h5", f"output.directory={directory}", "train.tolerance=1e-3",
                "model.lambda=1e-3", *more)
        return [word for text in sets for word in ("--set", text)]

    def done(self, *arguments):
        got = self.work.run(*arguments)
        if got.returncode:
            fail(f"{arguments}: {got.stderr}")
        return got

    def refused(self, status, *arguments):
        got = self.work.run(*arguments)
        if got.returncode != status or got.stderr.count("\n") != 1:
            fail(f"{arguments}: {got.returncode} {got.stderr}")
        return got.stderr.strip()

    def attributes(self):
        with h5py.File(self.model) as f:
            return dict(f.attrs)

    def fresh(self, classes=4):
        shutil.copy(self.work.at(f"run{classes}", "model.h5"), self.model)

    def scores(self, *flags):
        lines = self.done("predict", "model.h5", *flags).stdout.splitlines()
        return np.array([line.split("\t")[1:] for line in lines], dtype=float)


def near(what, a, b, tolerance):
    gap = float(np.max(np.abs(np.asarray(a) - np.asarray(b))))
    if not gap <= tolerance:
        fail(f"{what}: {gap} apart")


def check_temperature(case):
    case.fresh()
    scores = case.scores("held4.h5", "--scores")
    with h5py.File(case.work.at("held4.h5")) as f:
        y, w = f["y"][:], f["w"][:]

    def loss(beta, weight=np.ones(len(y))):
        return -np.average(log_softmax(beta * scores, axis=1)[np.arange(len(y)), y], weights=weight)

    case.done("calibrate", "model.h5", "held4.h5", "--weights", "w")
    best = minimize_scalar(lambda u: loss(np.exp(u), w), bounds=(-10, 10), method="bounded",
                           options={"xatol": 1e-10})
    with h5py.File(case.model) as f:
        near("temperature with weights", f.attrs["calibration_temperature"] * np.exp(best.x), 1, 1e-5)
    case.fresh()
    case.done("calibrate", "model.h5", "held4.h5")
    with h5py.File(case.model) as f:
        temperature = f.attrs["calibration_temperature"]
        near("log-loss before", f.attrs["calibration_log_loss_before"], loss(1), 1e-7)
        near("log-loss", f.attrs["calibration_log_loss"], loss(1 / temperature), 1e-7)
    p = case.scores("held4.h5", "--probabilities")
    near("probabilities", p, np.exp(log_softmax(scores / temperature, axis=1)), 1e-6)
    top, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.clip(np.ceil(top * 15).astype(int) - 1, 0, 14)
    error = sum(abs(np.sum((right - top)[bins == b])) for b in range(15)) / len(y)
    measured = json.loads(case.done("eval", "model.h5", "held4.h5", "--json").stdout)
    near("ece", measured["ece"], error, 1e-6)
    near("log_loss", measured["log_loss"], loss(1 / temperature), 1e-7)


def check_adaptive(case, classes):
    """A temperature T r^g for each row, where r is how far the highest score is above the mean of the row."""
    case.fresh(classes)
    data = f"held{classes}.h5"
    with h5py.File(case.work.at(data), "r+") as f:
        y = f["y"][:]
        f["X"][::3] *= 3  # rows of another length, whose scores are larger without being more certain
    scores = case.scores(data, "--scores")
    reach = scores.max(1, keepdims=True) - scores.mean(1, keepdims=True)

    def loss(exponent, beta):
        return -log_softmax(beta * scores / reach**exponent, axis=1)[np.arange(len(y)), y].mean()

    def best(exponent):
        return minimize_scalar(lambda u: loss(exponent, np.exp(u)), bounds=(-10, 10), method="bounded",
                               options={"xatol": 1e-9})

    case.done("calibrate", "model.h5", data)
    plain = case.attributes()
    case.done("calibrate", "model.h5", data, "-m", "adaptive")
    found = case.attributes()
    wanted = min((best(g).fun, g) for g in np.linspace(0, 0.9, 91))
    temperature, exponent = found["calibration_temperature"], found["calibration_exponent"]
    near("exponent", exponent, wanted[1], 0.02)
    near("log-loss", found["calibration_log_loss"], loss(exponent, 1 / temperature), 1e-7)
    if (not 0.1 < exponent <= 0.9
        or not found["calibration_log_loss"] <= min(wanted[0] + 1e-6, plain["calibration_log_loss"] - 1e-3)):
        fail(f"adaptive: {found}, {wanted}, {plain}")
    near("probabilities", case.scores(data, "--probabilities"),
         np.exp(log_softmax(scores / (temperature * reach**exponent), axis=1)), 1e-6)
    if "adaptive" not in case.done("info", "model.h5").stdout:
        fail("info does not name the method")
    make(case.work.at(data), 2, classes)


def check_sigmoid(case, classes):
    case.fresh(classes)
    data = f"held{classes}.h5"
    scores = case.scores(data, "--scores")
    with h5py.File(case.work.at(data)) as f:
        y = f["y"][:]
    case.done("calibrate", "model.h5", data, "-m", "sigmoid")
    if classes == 2:  # one sigmoid of the difference of the scores, as in CalibratedClassifierCV
        difference = scores[:, 1] - scores[:, 0]
        known = _SigmoidCalibration().fit(difference, y)
        second = known.predict(difference)
        wanted = np.stack([1 - second, second], axis=1)
    else:
        wanted = np.stack([_SigmoidCalibration().fit(scores[:, k], (y == k).astype(int)).predict(scores[:, k])
                           for k in range(classes)], axis=1)
        wanted /= wanted.sum(axis=1, keepdims=True)
    near(f"sigmoids of {classes} classes", case.scores(data, "--probabilities"), wanted, 1e-4)


def check_threads(case):
    for method in "temperature", "sigmoid":
        first = None
        for threads in 1, 2, 3, 16:
            case.fresh()
            case.done("calibrate", "model.h5", "held4.h5", "--method", method, "--threads", str(threads))
            content = Path(case.model).read_bytes()
            if first not in (None, content):
                fail(f"{method}: {threads} threads give other bytes")
            first = content


def check_only_calibration_changes(case):
    case.fresh()
    labels = case.done("predict", "model.h5", "held4.h5").stdout
    with h5py.File(case.model) as f:
        old, arrays = dict(f.attrs), {name: f[name][()] for name in f}
    case.done("calibrate", "model.h5", "held4.h5")
    with h5py.File(case.model) as f:
        for name in arrays:
            if not np.array_equal(arrays[name], f[name][()]):
                fail(f"{name} changed")
        for name in old:
            if name != "format_version" and str(old[name]) != str(f.attrs[name]):
                fail(f"{name} changed")
    if case.done("predict", "model.h5", "held4.h5").stdout != labels:
        fail("labels changed")


def check_link(case):
    """A link to a model stays a link, and the model of a run behind it is recognised."""
    case.fresh()
    link = Path(case.work.at("link.h5"))
    link.symlink_to("model.h5")
    case.done("calibrate", "link.h5", "held4.h5")
    case.done("predict", "model.h5", "held4.h5", "--probabilities")
    if not link.is_symlink():
        fail("the link was replaced")


def follow(case, text, data):
    """Runs the command that a message names, up to the comma or the end."""
    command = text[text.index("margin calibrate"):].split(",")[0].replace("DATA", data)
    case.done(*shlex.split(command)[1:])


def check_advice(case):
    case.fresh()
    text = case.refused(2, "predict", "model.h5", "held4.h5", "--probabilities")
    follow(case, text, "held4.h5")
    case.done("predict", "model.h5", "held4.h5", "--probabilities")
    path = ("path", "-q", "--C", "0.01:1:10",
            *case.settings("path", 4, "model.lambda=~", "data.validation=0.3"))
    text = case.refused(2, *path, "--set", "model.calibration=temperature")
    case.done(*path)
    follow(case, text.replace("MODEL", "path/model.h5").replace(" on the", ",", 1), "held4.h5")
    case.done("predict", "path/model.h5", "held4.h5", "--probabilities")


def check_runs(case):
    work = case.work
    model = ("calibrate", "run4/model.h5", "held4.h5")
    case.done(*model)
    calibrated = Path(work.at("run4", "model.h5")).read_bytes()
    case.done("train", "-q", *case.settings("run4"), "--resume")
    if Path(work.at("run4", "model.h5")).read_bytes() != calibrated:
        fail("a finished run has written its model again")
    long = case.settings("slow", 4, "train.solver=sgd", "train.tolerance=0", "train.epochs=1000000",
                         "data.validation=0.2")
    run = work.start("train", *long)
    metrics = Path(work.at("slow", "metrics.jsonl"))
    while not metrics.exists() or "epoch" not in metrics.read_text():
        if run.poll() is not None:
            fail(run.stderr.read())
        time.sleep(0.01)
    shutil.copy(work.at("run4", "model.h5"), work.at("slow", "model.h5"))
    text = case.refused(2, "calibrate", "slow/model.h5", "held4.h5")
    if "is using this directory" not in text:
        fail(text)
    run.send_signal(signal.SIGINT)
    run.communicate()
    text = case.refused(2, "calibrate", "slow/model.h5", "held4.h5")
    if "has not ended" not in text:
        fail(text)
    # The state after a crash between writing the model and the last line of metrics.jsonl.
    metrics = Path(work.at("run4", "metrics.jsonl"))
    metrics.write_text("".join(line for line in metrics.read_text().splitlines(keepends=True)
                               if '"end"' not in line))
    text = case.refused(2, *model)
    if "--resume" not in text:
        fail(text)
    case.done("train", "-q", *case.settings("run4"), "--resume")
    case.done(*model)


def check_busy(case):
    """A directory that another command uses need not be training."""
    held = os.open(case.work.at("run4"), os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    text = case.refused(2, "calibrate", "run4/model.h5", "held4.h5")
    if "another process is using this directory: wait until it ends, or copy the model elsewhere" not in text:
        fail(text)
    shutil.copy(case.work.at("run4", "model.h5"), case.model)
    case.done("calibrate", "model.h5", "held4.h5")
    os.close(held)
    case.done("calibrate", "run4/model.h5", "held4.h5")


def check_warnings(case):
    case.fresh()
    text = case.done("calibrate", "model.h5", "train4.h5").stderr
    if "seems to be the training data" not in text:
        fail(f"no warning of the training data: {text}")
    if case.done("calibrate", "model.h5", "held4.h5").stderr:
        fail("a warning without a reason")
    make(case.work.at("few.h5"), 3, rows=21)
    if "fewer than 10 rows" not in case.done("calibrate", "model.h5", "few.h5").stderr:
        fail("no warning of few rows")


def check_limits(case):
    """The warning names the right reason, whatever the size of the scores."""
    text = {True: "puts every one of them into its class", False: "say nothing about their classes"}
    with h5py.File(case.work.at("right4.h5"), "w") as f:
        f["X"], f["y"] = np.tile(np.eye(4, FEATURES, dtype="f4"), (20, 1)), np.arange(80) % 4
    shutil.copy(case.work.at("right4.h5"), case.work.at("wrong4.h5"))
    with h5py.File(case.work.at("wrong4.h5"), "a") as f:
        f["y"][:] = (np.arange(80) + 1) % 4
    case.done("train", "-q", "--set", "data.train=right4.h5", "--set", "output.directory=right",
              "--set", "train.tolerance=1e-3")
    for size in 1e-4, 1, 1e4:
        for name in "right4.h5", "wrong4.h5":
            shutil.copy(case.work.at("right", "model.h5"), case.model)
            shutil.copy(case.work.at(name), case.work.at("sized.h5"))
            with h5py.File(case.work.at("sized.h5"), "a") as f:
                f["X"][:] *= size
            printed = case.done("calibrate", "model.h5", "sized.h5").stderr
            if text[name == "right4.h5"] not in printed:
                fail(f"{name}, size {size}: {printed}")


with Work(sys.argv[1]) as work:
    case = Case(work)
    check_temperature(case)
    check_adaptive(case, 4)
    check_adaptive(case, 2)
    check_sigmoid(case, 4)
    check_sigmoid(case, 2)
    check_threads(case)
    check_only_calibration_changes(case)
    check_link(case)
    check_advice(case)
    check_runs(case)
    check_busy(case)
    check_warnings(case)
    check_limits(case)
print("ok")
