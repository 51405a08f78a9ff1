# runs.py - functions that the Python tests share: a temporary directory, small data files, runs of the
# program, and checks of its files.
import gzip
import importlib.util
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

SKIP = 77  # exit status of a test that cannot run here


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIP)


def fail(why):
    print(f"FAILED: {why}")
    sys.exit(1)


def need_modules(*names):
    """Restarts the test with the system's Python if this one lacks a module; if that fails too, skips the
    test."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    system = "/usr/bin/python3"
    if missing and "RUNS_SYSTEM_PYTHON" not in os.environ and os.access(system, os.X_OK):
        os.environ["RUNS_SYSTEM_PYTHON"] = "1"
        os.execv(system, [system, "-B", *sys.argv])
    if missing:
        skip(f"no {', '.join(missing)}")


class Work:
    """A temporary directory of the test, and the program that runs in it."""

    def __init__(self, margin):
        self.margin = os.path.realpath(margin)
        base = os.environ.get("TMPDIR", "/dev/shm")
        self.path = os.path.realpath(tempfile.mkdtemp(prefix="margin-test-", dir=base
                                                      if os.access(base, os.W_OK) else "/tmp"))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.path, ignore_errors=True)

    def at(self, *names):
        return os.path.join(self.path, *names)

    def start(self, *arguments, **how):
        how = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": self.path, **how}
        return subprocess.Popen([self.margin, *arguments], text=True, **how)

    def run(self, *arguments, **how):
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.path, **how}
        return subprocess.run([self.margin, *arguments], text=True, **how)

    def write(self, name, text):
        """Writes a file, compressed if its name ends in .gz, and the folders that it needs; returns its
        name."""
        os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
        data = text.encode() if isinstance(text, str) else text
        with (gzip.open if name.endswith(".gz") else open)(self.at(name), "wb") as out:
            out.write(data)
        return name

    def data(self, name, rows, features, classes, sparse, seed=1, declared=None):
        """Writes svmlight or CSV with whole numbers, and converts it. The class of a row determines every
        classes-th feature. `declared`: sparse rows have this many features, most of which occur only in the
        first row; for a large state."""
        draw = random.Random(seed)
        lines = []
        for i in range(rows):
            y = i if i < classes else draw.randrange(classes)
            x = [max(0, (6 if d % classes == y else 0) + draw.randrange(-4, 5)) for d in range(features)]
            if sparse:
                x += [1] * ((declared or features) - features if i == 0 else 0)
                lines.append(f"{y} " + " ".join(f"{d + 1}:{v}" for d, v in enumerate(x) if v))
            else:
                lines.append(",".join(map(str, [y, *x])))
        text = self.at(name + ".txt")
        with open(text, "w") as out:
            out.write("\n".join(lines) + "\n")
        how = ["--format", "csv", "--header", "no", "--label", "first"]
        if sparse:
            how = ["--format", "svmlight", "--features", str(declared or features)]
        done = self.run("convert", "--quiet", "--overwrite", *how, text, self.at(name))
        if done.returncode:
            fail(f"convert: {done.stderr}")

    def whole(self, path):
        """Returns true if the seal of the file is correct."""
        done = self.run("info", "--verify", path)
        if done.returncode not in (0, 3):
            fail(f"info --verify {path}: exit {done.returncode}: {done.stderr}")
        return done.returncode == 0


def expect(work, status, *arguments, says="", **how):
    """Runs the program. The test fails unless the exit status is `status` and the messages contain `says`."""
    done = work.run(*arguments, **how)
    if done.returncode != status or says not in done.stderr:
        fail(f"{' '.join(arguments)}: exit {done.returncode}, {status} and '{says}' expected: {done.stderr}")
    return done


def without_leak_check():
    """Returns the environment of a program that runs under strace or as process 1, where the leak check of a
    sanitizer build does not work."""
    return {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def good(done):
    """The test fails if the program has failed. Returns the messages."""
    if done.returncode:
        fail(f"{' '.join(done.args)}: exit {done.returncode}: {done.stderr}")
    return done.stderr


def refused(done, *words):
    """The test fails unless the program has refused its input with messages that contain the words."""
    if done.returncode not in (2, 3, 4) or any(word not in done.stderr for word in words):
        fail(f"{' '.join(done.args)}: exit {done.returncode}, not {words}: {done.stderr}")


class Program:
    """The program in a directory. A test fails where the program does not end as it should."""

    def __init__(self, work):
        self.work, self.write = work, work.write

    def well(self, *arguments, stdin=None, says=""):
        """Must succeed, and `says` must be in its messages. Returns standard output."""
        return expect(self.work, 0, *arguments, says=says, input=stdin).stdout

    def refused(self, *arguments, says, stdin=None, status=3):
        """Must print one line on standard error that has every part of `says`, and nothing on standard
        output."""
        done = self.work.run(*arguments, input=stdin)
        parts = [says] if isinstance(says, str) else says
        if (done.returncode != status or done.stdout or done.stderr.count("\n") != 1
            or any(part not in done.stderr for part in parts)):
            fail(f"{' '.join(arguments)}: exit {done.returncode}, {status} and {parts} expected:"
                 f" {done.stdout!r} {done.stderr!r}")

    def settings(self, data, output, **more):
        """Returns the flags of a training. The keys of `more` have two underscores for the point."""
        values = {"data.train": data, "output.directory": output, "train.threads": 1,
                  **{key.replace("__", "."): value for key, value in more.items()}}
        return [x for key, value in values.items() for x in ("--set", f"{key}={value}")]

    def train(self, data, output, **more):
        self.well("train", "-q", "--overwrite", *self.settings(data, output, **more))


def put_csr(f, x):
    """Stores the dense rows x as CSR, as group X of an open HDF5 file."""
    import numpy as np
    g = f.create_group("X")
    g.attrs["shape"] = x.shape
    i, j = np.nonzero(x)
    g["data"], g["indices"] = x[i, j].astype("f4"), j.astype("i4")
    g["indptr"] = np.concatenate([[0], np.cumsum((x != 0).sum(1))])


def tree(directory):
    """Returns all files in the directory and below, with bytes, modification time and inode."""
    found = {}
    for place, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(place, name)
            found[os.path.relpath(path, directory)] = (read(path), os.stat(path).st_mtime_ns,
                                                       os.stat(path).st_ino)
    return found


def steps_of(directory):
    """Returns the steps of all complete checkpoints, newest first."""
    try:
        names = os.listdir(os.path.join(directory, "checkpoints"))
    except FileNotFoundError:
        return []
    found = [re.fullmatch(r"step-(\d{12})\.h5", name) for name in names]
    return sorted((int(name[1]) for name in found if name), reverse=True)


def checkpoint(directory, step):
    return os.path.join(directory, "checkpoints", f"step-{step:012d}.h5")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def counted(path):
    """Returns the epoch and eval lines, without fields that depend on the clock."""
    lines = [json.loads(line) for line in open(path)]
    return [{k: v for k, v in line.items() if k not in ("seconds", "rows_per_second", "wait_seconds")}
            for line in lines
            if line["event"] in ("epoch", "eval")]


def settings(sections):
    """Returns a configuration as text, from {section: {key: value}}."""
    return "\n".join(f"{name}: {{{', '.join(f'{k}: {v}' for k, v in keys.items())}}}"
                     for name, keys in sections.items()) + "\n"


def namespaces(*flags):
    """Returns the command that gives a process separate namespaces; None if that is not allowed."""
    command = ["unshare", *([] if os.geteuid() == 0 else ["-r"]), *flags]
    try:
        return command if subprocess.run([*command, "true"], capture_output=True).returncode == 0 else None
    except FileNotFoundError:
        return None
