# test_disk.py - during a run the disk becomes full, or the directory disappears. Earlier checkpoints are
# kept, there is a warning, the exit status reports it, and the run is resumed to the same model.
#
#     test_disk.py MARGIN          restarts itself in a mount namespace, with a disk of two megabytes
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, checkpoint, counted, fail, namespaces, read, settings, skip, steps_of

INPUT_OUTPUT = 3
RUN = {
    "data": {"train": "train.h5", "validation": 0.2},
    "model": {"lambda": 0.01},
    "train": {"solver": "sgd", "batch": 8, "threads": 1},
    "sgd": {"eta": 0.05, "update": "adagrad", "rate": "constant", "average": "true"},
    "checkpoint": {"every_seconds": 0.02},
}


class Disk:
    def __init__(self, work):
        self.work = work
        work.data("train.h5", 1000, 100, 10, sparse=True)
        with open(work.at("run.yaml"), "w") as out:
            out.write(settings(RUN))
        self.epochs = 8
        while True:
            start = time.monotonic()
            self.train("whole", self.epochs, "--overwrite")
            self.took = time.monotonic() - start
            if self.took > 1:
                break
            self.epochs *= 2
        self.model = read(work.at("whole/model.h5"))
        os.mkdir(work.at("disk"))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", work.at("disk")],
                              capture_output=True, text=True)
        if done.returncode:
            skip(f"nothing may be mounted here: {done.stderr.strip()}")

    def arguments(self, directory, epochs, *more):
        return ["train", "run.yaml", "--set", f"train.epochs={epochs}",
                "--set", f"output.directory={directory}", *more]

    def train(self, directory, epochs, *more):
        done = self.work.run(*self.arguments(directory, epochs, "--quiet", *more))
        if done.returncode:
            fail(f"{directory}: exit {done.returncode}: {done.stderr}")

    def fill(self):
        with open(self.work.at("disk/filler"), "wb", buffering=0) as out:
            try:
                while True:
                    out.write(b"x" * 512)
            except OSError:
                pass

    def begin(self, directory):
        with open(self.work.at("said"), "w") as said:
            process = self.work.start(*self.arguments(directory, self.epochs, "--quiet"), stderr=said)
        self.await_first(process, lambda: steps_of(self.work.at(directory)))
        return process

    def await_first(self, process, condition):
        until = time.monotonic() + 60
        while process.poll() is None and not condition() and time.monotonic() < until:
            time.sleep(0.001)

    def said(self):
        return read(self.work.at("said")).decode()

    def expect_whole(self, directory, what):
        steps = steps_of(self.work.at(directory))
        if not steps:
            fail(f"{what}: no checkpoint is left")
        for step in steps:
            if not self.work.whole(checkpoint(self.work.at(directory), step)):
                fail(f"{what}: the checkpoint of step {step} is damaged")

    def filled(self, freed):
        """The disk is full from the middle of the run on; if `freed`, only for some time."""
        for _ in range(10):  # on a busy machine the run may have ended before the disk is full
            shutil.rmtree(self.work.at("disk/a"), ignore_errors=True)
            process = self.begin("disk/a")
            time.sleep(self.took * 0.1)
            self.fill()
            if process.poll() is None:
                break
            os.unlink(self.work.at("disk/filler"))
        else:
            fail("every run ended before the disk was full")
        before = steps_of(self.work.at("disk/a"))[0]
        self.await_first(process, lambda: "no checkpoint" in self.said())
        if freed:
            os.unlink(self.work.at("disk/filler"))
        else:
            self.expect_whole("disk/a", "a full disk")
        process.wait(timeout=300)
        said = self.said()
        lines = said.splitlines()
        warnings = [line for line in lines if line.startswith("warning: ")]
        if not [line for line in warnings if "no checkpoint" in line and "No space left" in line]:
            fail(f"a full disk: no warning of a checkpoint in {lines}")
        self.expect_whole("disk/a", "a full disk")
        if steps_of(self.work.at("disk/a"))[0] < before:
            fail("a full disk: the newest checkpoint is missing")
        if freed:
            if process.returncode or read(self.work.at("disk/a/model.h5")) != self.model:
                fail(f"a disk full for a while: exit {process.returncode}: {said}")
        else:
            if (process.returncode != INPUT_OUTPUT or len(lines) != len(warnings) + 1
                or "No space left" not in lines[-1]):
                fail(f"a full disk: exit {process.returncode}: {said}")
            os.unlink(self.work.at("disk/filler"))
            self.train("disk/a", self.epochs, "--resume")
        self.expect_same_log("disk/a")
        print(f"full {'for a while' if freed else 'to the end'}: {len(warnings)} warnings, exit"
              f" {process.returncode}, the same model and log")

    def expect_same_log(self, directory):
        if read(self.work.at(directory, "model.h5")) != self.model:
            fail(f"{directory}: the model differs")
        logs = [counted(self.work.at(d, "metrics.jsonl")) for d in ("whole", directory)]
        if logs[0] != logs[1]:
            fail(f"{directory}: the metrics differ")
        left = [n for n in os.listdir(self.work.at(directory)) if n.endswith(".tmp") or n == "lock"]
        if left:
            fail(f"{directory}: {left} remain")

    def removed(self):
        """The run's directory is deleted while it trains."""
        process = self.begin("gone")
        shutil.move(self.work.at("gone"), self.work.at("moved"))
        shutil.rmtree(self.work.at("moved"))
        process.wait(timeout=300)
        said = self.said()
        lines = said.splitlines()
        if (process.returncode != INPUT_OUTPUT or "No such file or directory" not in lines[-1]
            or not lines[0].startswith("warning: no checkpoint")):
            fail(f"a directory that was removed: exit {process.returncode}: {said}")
        if os.path.exists(self.work.at("gone")):
            fail("a directory that was removed was created again")
        print(f"directory removed under the run: {len(lines) - 1} warnings, exit {process.returncode}")

    def read_only(self):
        """Nothing can be written to the disk; a run that is stored there does not change."""
        before = {n: read(self.work.at("disk/a", n)) for n in ("model.h5", "config.yaml", "metrics.jsonl")}
        subprocess.run(["mount", "-o", "remount,ro", self.work.at("disk")], check=True)
        for how in ("--resume", "--overwrite"):
            done = self.work.run(*self.arguments("disk/a", self.epochs, "--quiet", how))
            if (done.returncode != INPUT_OUTPUT or done.stderr.count("\n") != 1
                or "Read-only file system" not in done.stderr):
                fail(f"a read-only disk: exit {done.returncode}: {done.stderr}")
        if any(read(self.work.at("disk/a", n)) != b for n, b in before.items()):
            fail("a read-only disk: something changed")
        print("read-only: refused, unchanged")


def main():
    if "inside" not in sys.argv:
        within = namespaces("-m")
        if not within:
            skip("namespaces are not allowed here")
        os.execvp(within[0], [*within, sys.executable, "-B", *sys.argv, "inside"])
    with Work(sys.argv[1]) as work:
        disk = Disk(work)
        try:
            disk.filled(freed=True)
            disk.filled(freed=False)
            disk.read_only()
        finally:
            subprocess.run(["umount", "-l", work.at("disk")], check=False)
        disk.removed()


main()
