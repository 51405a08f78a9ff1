"""How each program is run and timed, and how its weights are read: one command from the data file to the
model."""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy

from problems import number

PYTHON = "/usr/bin/python3"
# Gaps are measured from an optimum that is known up to this gap; the seconds that are allowed for finding it.
REFERENCE, REFERENCE_SECONDS = 1e-5, 120
HERE = os.path.dirname(os.path.abspath(__file__))


class Late(Exception):
    """A program took too long."""


class Broken(Exception):
    """A program failed."""


class Run:
    """The cost of a command, and all weights that it wrote, as points (seconds of training, weights,
    biases)."""

    def __init__(self, wall, memory, output):
        self.wall, self.memory, self.output = wall, memory, output
        self.train = None  # seconds of training alone, if the program reports them
        self.points = []


def keep_some_memory():
    """Limits a program to most of the machine's memory, so that one that needs more fails alone."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    resource.setrlimit(resource.RLIMIT_AS, (int(0.9 * total), resource.RLIM_INFINITY))


def run(command, folder, timeout):
    """Runs a command to its end. If it takes too long, raises Late with the output so far."""
    peak = os.path.join(folder, "peak_memory")
    start = time.perf_counter()
    child = subprocess.Popen(["/usr/bin/time", "-q", "-f", "%M", "-o", peak, *command],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, start_new_session=True, preexec_fn=keep_some_memory)
    try:
        output, errors = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        raise Late(child.communicate()[0])
    wall = time.perf_counter() - start
    if child.returncode:
        raise Broken(f"{' '.join(command)}: status {child.returncode}: {errors.strip()[-300:]}")
    with open(peak) as file:
        return Run(wall, int(file.read().split()[-1]) * 1024, output)


# ---- programs: run(problem, timeout, tolerance) is the row of the table; ladder: its tolerances fo

class Liblinear:
    name, short = "liblinear-train -s 4", "liblinear"
    ladder = [10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
    nothing = 1e10  # a tolerance that ends after one pass: the time of reading and writing
    note = ("default stop, -e 0.1; training = wall time minus that of a run with -e 1e10, which ends after"
            " one pass")

    def command(self, problem, tolerance=None):
        stop = [] if tolerance is None else ["-e", f"{tolerance:g}"]
        bias = ["-B", f"{problem.bias:g}"] if problem.bias else []
        return ["liblinear-train", "-q", "-s", "4", "-c", f"{number(problem.C):g}", *bias, *stop,
                problem.text,
                f"{problem.folder}/liblinear.model"]

    def run(self, problem, timeout, tolerance=None):
        done = run(self.command(problem, tolerance), problem.folder, timeout)
        done.weights = lambda: self.read(problem)
        return done

    def read(self, problem):
        with open(f"{problem.folder}/liblinear.model") as file:
            head, _, body = file.read().partition("\nw\n")
        fields = dict(line.split(" ", 1) for line in head.split("\n"))
        labels = numpy.array(fields["label"].split(), dtype=int) - 1
        table = numpy.fromstring(body, sep=" ").reshape(-1, len(labels))
        features = int(fields["nr_feature"])
        weights, biases = empty(problem)
        weights[labels, :features] = table[:features].T
        if float(fields["bias"]) > 0:
            biases[labels] = table[features] * float(fields["bias"])
        return weights, biases


class Msvmocas:
    name = short = "msvmocas"
    ladder = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001]
    nothing = None
    note = "default stop, -r 0.01; training = its own ocas_time"

    def command(self, problem, tolerance=None):
        stop = [] if tolerance is None else ["-r", f"{tolerance:g}"]
        return ["msvmocas", "-v", "1", "-c", f"{number(problem.C):g}", *stop, problem.text_constant,
                f"{problem.folder}/msvmocas.model"]

    def run(self, problem, timeout, tolerance=None):
        done = run(self.command(problem, tolerance), problem.folder, timeout)
        told = re.search(r"ocas_time\s*:\s*([0-9.eE+-]+)", done.output)
        if not told:
            raise Broken(f"msvmocas printed no ocas_time: {done.output.strip()[-300:]}")
        done.train = float(told.group(1))
        done.weights = lambda: self.read(problem)
        return done

    def read(self, problem):
        with open(f"{problem.folder}/msvmocas.model") as file:
            table = numpy.fromstring(file.read(), sep=" ").reshape(-1, len(problem.classes))
        weights, biases = empty(problem)
        features = min(len(table), problem.features)
        weights[:, :features] = table[:features].T
        if problem.bias:
            biases[:] = table[problem.features] * problem.bias
        return weights, biases


class Python:
    """A program of python_peer.py; `epochs` is the number of epochs in its curve."""

    def __init__(self, short, name, epochs, note):
        self.short, self.name, self.epochs, self.note = short, name, epochs, note

    def command(self, problem, epochs=0):
        return [PYTHON, os.path.relpath(os.path.join(HERE, "python_peer.py")), self.short, problem.train,
                problem.preparation, str(problem.C),
                str(problem.bias), f"{problem.folder}/{self.short}", *([str(epochs)] if epochs else [])]

    def states(self, output):
        for line in output.splitlines():
            if line.startswith("{") and line.endswith("}"):
                told = json.loads(line)
                with numpy.load(told["weights"]) as file:
                    yield told["seconds"], file["weights"], file["biases"]

    def run(self, problem, timeout, tolerance=None):
        os.makedirs(f"{problem.folder}/{self.short}", exist_ok=True)
        done = run(self.command(problem), problem.folder, timeout)
        done.train = json.loads(done.output.splitlines()[-1])["seconds"]
        done.weights = lambda: list(self.states(done.output))[-1][1:]
        return done

    def curve(self, problem, timeout):
        """Returns the weights after every epoch that ended in time."""
        os.makedirs(f"{problem.folder}/{self.short}", exist_ok=True)
        try:
            output = run(self.command(problem, self.epochs), problem.folder, timeout).output
        except Late as late:
            output = late.args[0]
        yield from self.states(output or "")
        shutil.rmtree(f"{problem.folder}/{self.short}")


class Margin:
    short = "margin"

    def __init__(self, program, name, settings, note):
        self.program, self.name, self.settings, self.note = program, name, settings, note

    def command(self, problem, settings=()):
        command = [self.program, "train", "--quiet", "--overwrite"]
        for setting in [*problem.margin_settings(), *self.settings, *settings,
                        f"output.directory={problem.folder}/run"]:
            command += ["--set", setting]
        return command

    def run(self, problem, timeout, tolerance=None, settings=()):
        done = run(self.command(problem, settings), problem.folder, timeout)
        done.events = self.events(problem)
        done.train = done.events[-1]["seconds"]
        done.weights = lambda: self.read(problem)
        return done

    def events(self, problem):
        with open(f"{problem.folder}/run/metrics.jsonl") as file:
            return [json.loads(line) for line in file]

    def read(self, problem):
        with h5py.File(f"{problem.folder}/run/model.h5") as file:
            order = numpy.searchsorted(problem.classes, file["classes"][:].astype(problem.classes.dtype))
            weights, biases = empty(problem)
            weights[order], biases[order] = file["weights"][:], file["bias"][:]
        for setting in problem.settings:
            key, value = setting.split("=")
            if key == "data.scale":  # the scale is part of the weights
                weights /= number(value)
        return weights, biases

    def curve(self, problem, timeout):
        """(seconds, test accuracy, objective) after every epoch, as margin reports them; its seconds do not
        include evaluation."""
        try:
            run(self.command(problem, [f"data.validation={problem.test}"]), problem.folder, timeout)
        except Late:
            pass
        return [(event["seconds"], event["accuracy"], event["objective"]) for event in self.events(problem)
                if event["event"] == "epoch"]


def empty(problem):
    return numpy.zeros((len(problem.classes), problem.features)), numpy.zeros(len(problem.classes))


def optimum(margin, problem, timeout):
    """Returns the best known objective, the best lower bound of all objectives, and the gap between them."""
    solver = Margin(margin, "margin", [], "")
    done = solver.run(problem, None, settings=[f"train.tolerance={REFERENCE:g}",
                                               f"train.time_limit={min(timeout, REFERENCE_SECONDS):g}"])
    end = done.events[-1]
    return {"primal": end["objective"], "dual": end["dual"], "gap": end["gap"]}


def everybody(margin):
    return [
        Margin(margin, "margin (default)", [],
               "default options; training = seconds of the end event in metrics.jsonl"),
        Margin(margin, "margin (sgd)", ["train.solver=sgd"],
               "train.solver=sgd, else default; training includes the search for a rate"),
        Liblinear(),
        Msvmocas(),
        Python("linearsvc", "LinearSVC", 0, 'scikit-learn, multi_class="crammer_singer"; training = fit()'),
        Python("sgdclassifier", "SGDClassifier", 20,
               'scikit-learn, loss="hinge", alpha=lambda, n_jobs=-1: one-vs-rest hinges; training = fit();'
               ' its curve: 20 times partial_fit()'),
        Python("torch", "PyTorch", 20,
               "MultiMarginLoss (Weston-Watkins over the number of classes K), SGD, momentum 0.9,"
               " weight_decay=lambda/K, 20 epochs, rate "
               "K/(mean squared length of a row) falling by a cosine, batch max(256, rows/1000); sparse rows"
               " by EmbeddingBag; "
               "training = the loop"),
    ]


def say(text):
    print(text, file=sys.stderr, flush=True)
