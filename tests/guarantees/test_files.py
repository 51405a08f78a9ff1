# test_files.py - each file is opened only once, and the open file is checked. A run works in the directory
# that it has opened, whatever happens to the directory's name. Predictions are written to the file that -o
# names.
#
#     test_files.py MARGIN
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, read, settings, steps_of, without_leak_check

RUN = {"data": {"train": "train.h5"}, "train": {"solver": "sgd", "epochs": 10000000, "batch": 8,
                                                "threads": 1},
       "sgd": {"eta": 0.05}, "checkpoint": {"every_steps": 20, "every_seconds": 0}}


def expect(condition, what, done=None):
    if not condition:
        fail(what + (f": exit {done.returncode}: {done.stderr}" if done else ""))


def refused(done, status, *words):
    expect(done.returncode == status and done.stderr.count("\n") == 1
           and all(w in done.stderr for w in words), f"expected {words}", done)


def until(process, condition, what):
    end = time.monotonic() + 60
    while not condition():
        expect(process.poll() is None and time.monotonic() < end, what)
        time.sleep(0.002)


class Files:
    def __init__(self, work):
        self.work = work
        self.processes = []
        work.data("train.h5", 200, 6, 3, sparse=False)
        with open(work.at("run.yaml"), "w") as out:
            out.write(settings(RUN))
        self.short("a")
        self.short("b", "--set", "model.C=1e-4")
        self.answers = {n: work.run("predict", f"{n}/model.h5", "train.h5", "--scores").stdout for n in "ab"}
        expect(self.answers["a"] != self.answers["b"], "two models answer alike")

    def short(self, directory, *more):
        done = self.work.run("train", "--quiet", "--set", "data.train=train.h5",
                             "--set", f"output.directory={directory}", *more)
        expect(done.returncode == 0, directory, done)

    def begin(self, directory, *more):
        process = self.work.start("train", "run.yaml", "--quiet", "--set", f"output.directory={directory}",
                                  *more)
        self.processes.append(process)
        until(process, lambda: steps_of(self.work.at(directory)), "no checkpoint came")
        return process

    def special_files(self):
        """A file that is not regular is refused at once; the message names it."""
        work = self.work
        os.mkfifo(work.at("fifo"))
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(work.at("socket"))
        os.mkdir(work.at("folder"))
        for name in ("fifo", "socket", "folder"):
            for status, *command in ((3, "info", name),
                                     (2 if name == "folder" else 3, "info", "--verify", name),
                                     (3, "eval", name, "train.h5"), (3, "eval", "a/model.h5", name),
                                     (3, "predict", "a/model.h5", name), (2, "config", name),
                                     (2, "train", name),
                                     (3, "convert", "--format", "csv", name, "x.h5"),
                                     (3, "convert", "--format", "text", name, "x.h5"),
                                     (3, "train", "--set", f"data.train={name}",
                                      "--set", "output.directory=x"),
                                     (3, "train", "--set", "data.train=train.h5",
                                      "--set", f"data.test={name}", "--set", "output.directory=x"),
                                     (3, "train", "--set", "data.train=train.h5", "--init", name,
                                      "--set", "output.directory=x")):
                refused(work.run(*command, timeout=60), status, f"{name}: ")
        refused(work.run("info", "fifo"), 3, "fifo: is a pipe (FIFO); a regular file is needed")
        for part in ("metrics.jsonl", "lock", "checkpoints/step-000000000099.h5"):
            shutil.rmtree(work.at("s"), ignore_errors=True)
            self.short("s")
            if os.path.exists(work.at("s", part)):
                os.unlink(work.at("s", part))
            os.mkfifo(work.at("s", part))
            done = work.run("train", "--quiet", "--set", "data.train=train.h5", "--set", "output.directory=s",
                            "--resume", timeout=60)
            expect(done.returncode in (0, 3) and part.split("/")[-1] in done.stderr, part, done)
        # A configuration may come from a pipe that already has a writer.
        done = subprocess.run(["bash", "-c", 'exec "$0" config <(echo "train: {epochs: 7}")', work.margin],
                              capture_output=True, text=True)
        expect(done.returncode == 0 and "epochs: 7" in done.stdout, "a configuration from a pipe", done)

    def name_in_the_way(self):
        work = self.work
        for name in ("\x01margin", "margin 0", "margin 1"):
            read_only = open(work.at(name), "w")
            read_only.close()
        done = work.run("predict", "a/model.h5", "train.h5", "--scores")
        expect(done.stdout == self.answers["a"], "a file of the name that libhdf5 is given", done)

    def opened_once(self):
        """A model or data file is opened only once, so a file that replaces it later is not read."""
        work = self.work
        if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode:
            return print("strace does not work here: who opens what was not looked at")
        commands = {
            "predict": ["predict", "a/model.h5", "train.h5"], "eval": ["eval", "a/model.h5", "train.h5"],
            "info": ["info", "a/model.h5"], "info of data": ["info", "train.h5"],
            "train": ["train", "--quiet", "--set", "data.train=train.h5", "--set", "data.validation=0.3",
                      "--set", "output.directory=o",
                      "--set", "data.memory_limit=18000", "--set", "train.solver=sgd",
                      "--set", "train.batch=8", "--set", "train.epochs=2"],
            "cv": ["cv", "--quiet", "--folds", "2", "--set", "data.train=train.h5",
                   "--set", "output.directory=v", "--set", "train.epochs=1"],
        }
        for what, command in commands.items():
            done = subprocess.run(["strace", "-f", "-qq", "-e", "trace=open,openat", "-o", work.at("trace"),
                                   work.margin, *command],
                                  cwd=work.path, capture_output=True, text=True, env=without_leak_check())
            expect(done.returncode == 0, what, done)
            names = re.findall(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]*(?:model|train)\.h5)", O_RDONLY',
                               open(work.at("trace")).read())
            most = 2 if what == "cv" else 1  # each fold is a run
            expect(names and all(names.count(n) <= most for n in names), f"{what} opens {names}")

    def replaced(self):
        """Two models replace each other under one name. Each prediction is that of one of them, not a
        mixture."""
        work, stop = self.work, threading.Event()

        def take_turns():
            while not stop.is_set():
                for name in "ab":
                    shutil.copy(work.at(name, "model.h5"), work.at("next"))
                    os.rename(work.at("next"), work.at("live.h5"))

        shutil.copy(work.at("a/model.h5"), work.at("live.h5"))
        turns = threading.Thread(target=take_turns)
        turns.start()
        try:
            for _ in range(20):
                done = work.run("predict", "live.h5", "train.h5", "--scores")
                expect(done.stdout in self.answers.values(), "answers of neither model", done)
        finally:
            stop.set()
            turns.join()

    def directory_moved(self):
        """If its directory is renamed, a run continues in it, and does not touch another directory that has
        got the name."""
        work = self.work
        first = self.begin("run")
        os.rename(work.at("run"), work.at("moved"))
        self.short("run")
        before = {n: read(work.at("run", n)) for n in ("model.h5", "config.yaml", "metrics.jsonl")}
        held = steps_of(work.at("moved"))[0]
        until(first, lambda: steps_of(work.at("moved"))[0] > held,
              "no checkpoint came after the directory was renamed")
        first.terminate()
        said = first.communicate(timeout=60)[1]
        expect(first.returncode == 75 and "warning: run is not the directory this run began in" in said,
               f"exit {first.returncode}: {said}")
        expect(all(read(work.at("run", n)) == b for n, b in before.items()),
               "the run in its place was changed")
        expect(not os.path.exists(work.at("moved/lock")) and steps_of(work.at("moved"))[0] > held,
               "the moved directory")

    def directory_deleted(self):
        """A run whose directory was deleted does not remove another run's lock."""
        work = self.work
        first = self.begin("gone")
        os.rename(work.at("gone"), work.at("away"))
        shutil.rmtree(work.at("away"))
        second = self.begin("gone")
        first.terminate()
        said = first.communicate(timeout=60)[1]
        expect(first.returncode == 3 and "No such file" in said.splitlines()[-1],
               f"deleted: exit {first.returncode}: {said}")
        expect(os.path.exists(work.at("gone/lock")), "the lock of the second run is gone")
        for remove in (False, True):  # even if somebody deletes the file
            if remove:
                os.unlink(work.at("gone/lock"))
            refused(work.run("train", "run.yaml", "--quiet", "--resume", "--set", "output.directory=gone",
                             timeout=60), 2, "is using this directory")
        second.terminate()
        second.communicate(timeout=60)
        expect(second.returncode == 75, "the second run")

    def cv_locked(self):
        work = self.work
        first = self.begin("cvdir")
        refused(work.run("cv", "--quiet", "--folds", "2", "--set", "data.train=train.h5",
                         "--set", "output.directory=cvdir", timeout=60), 2,
                "is using this directory")
        first.kill()
        first.communicate()

    def long_paths(self):
        """A path may be as long as the system allows; a longer one is refused before anything is written."""
        work, part = self.work, "d" * 99
        path = work.path
        while len(path) < 3000:
            path += "/" + part
        self.short(path)
        expect(read(os.path.join(path, "model.h5")) == read(work.at("a/model.h5")),
               "the model of a long path")
        done = work.run("path", "--C", "0.1:1:10", "--quiet", "--set", "data.train=train.h5",
                        "--set", "data.validation=0.3",
                        "--set", f"output.directory={path}/p")
        expect(done.returncode == 0 and os.path.exists(path + "/p/path.jsonl")
               and path + "/p/model.h5" in done.stdout, "path", done)
        done = work.run("cv", "--folds", "2", "--quiet", "--set", "data.train=train.h5",
                        "--set", f"output.directory={path}/c")
        expect(done.returncode == 0 and os.path.exists(path + "/c/cv.jsonl"), "cv", done)
        done = work.run("train", "--quiet", "--set", "data.train=train.h5",
                        "--set", f"output.directory={path}")
        # The middle is removed and marked.
        refused(done, 2, " ... ", "start a new one with --overwrite, or set output.directory")
        while len(path) < 4100:
            path += "/" + part
        for command in (["train"], ["path", "--C", "0.1:1:10"], ["cv", "--folds", "2"]):
            refused(work.run(*command, "--quiet", "--set", "data.train=train.h5",
                             "--set", f"output.directory={path}"), 2, "is too long (at most")

    def answers_go(self):
        work, lines = self.work, "1:1\n2:1\n"
        predict = ["predict", "a/model.h5", "-", "--base", "1"]
        wanted = work.run(*predict, input=lines).stdout
        expect(wanted.count("\n") == 2, "two answers")
        script = 'echo header; printf "1:1\\n2:1\\n" | "$0" predict a/model.h5 - --base 1 -o {}; echo footer'
        for to in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
            with open(work.at("log"), "w") as out:
                subprocess.run(["bash", "-c", script.format(to), work.margin], cwd=work.path, stdout=out,
                               check=True)
            expect(read(work.at("log")).decode() == f"header\n{wanted}footer\n", f"-o {to}")
        with open(work.at("log"), "w") as out:
            subprocess.run(["bash", "-c", script.format("/dev/stderr"), work.margin], cwd=work.path,
                           stdout=subprocess.DEVNULL, stderr=out, check=True)
        expect(read(work.at("log")).decode() == wanted, "-o /dev/stderr")
        expect(work.run(*predict, "-o", "/dev/null", input=lines).returncode == 0
               and not os.path.isfile("/dev/null"), "-o /dev/null")
        reader = subprocess.Popen(["cat", "fifo"], cwd=work.path, stdout=subprocess.PIPE, text=True)
        expect(work.run(*predict, "-o", "fifo", input=lines).returncode == 0
               and reader.communicate(timeout=60)[0] == wanted, "-o FIFO")
        os.mkdir(work.at("there"))
        os.symlink("there/target", work.at("link"))
        for _ in range(2):  # a link to a missing file, then to an existing one
            done = work.run(*predict, "-o", "link", input=lines)
            expect(done.returncode == 0 and os.path.islink(work.at("link"))
                   and read(work.at("there/target")).decode() == wanted, "a link", done)
        os.symlink("loop", work.at("loop"))
        refused(work.run(*predict, "-o", "loop", input=lines), 3, "loop: ")
        refused(work.run(*predict, "-o", "there", input=lines), 3, "there: ")
        # If reading fails within a line, nothing is predicted for the incomplete line.
        ends = os.pipe()
        os.set_blocking(ends[0], False)
        for more in ([], ["-o", "part.txt"]):
            os.write(ends[1], lines.encode() + b"1:1 2:")
            done = work.run(*predict, *more, stdin=ends[0])
            refused(done, 3, "standard input: cannot be read: Resource temporarily unavailable")
            expect(done.stdout == ("" if more else wanted) and not os.path.exists(work.at("part.txt")),
                   "an answer for a part of a line")
        # Temporary files of killed processes have no effect.
        for number in range(300):
            with open(work.at(f"out.txt.{number}.tmp"), "w"):
                pass
        expect(work.run(*predict, "-o", "out.txt", input=lines).returncode == 0
               and read(work.at("out.txt")).decode() == wanted, "leftovers")
        for to in ("/dev/stdout", "/dev/null", "fifo"):
            with open(work.at("t.csv"), "w") as out:
                out.write("a,label\n1,x\n2,y\n")
            refused(work.run("convert", "--quiet", "--format", "csv", "--header", "yes", "--label", "label",
                             "--overwrite", "t.csv", to), 3, to)


def main():
    with Work(sys.argv[1]) as work:
        files = Files(work)
        try:
            for test in ("special_files", "name_in_the_way", "opened_once", "replaced", "directory_moved",
                         "directory_deleted", "cv_locked",
                         "long_paths", "answers_go"):
                getattr(files, test)()
                print(test)
        finally:
            for process in files.processes:
                process.kill()
                process.wait()


main()
