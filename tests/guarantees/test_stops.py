# test_stops.py - a run that is stopped by any signal at any moment can be resumed to the same model.
#
#     test_stops.py MARGIN [SEED]
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, checkpoint, fail, namespaces, read, settings, steps_of, without_leak_check

STOPPED = 75
RUN = {
    "data": {"train": "train.h5", "validation": 0.2, "scale": "standard"},
    "model": {"loss": "weston-watkins"},
    "train": {"solver": "sgd", "batch": 8, "threads": 2, "parts": 2},
    "sgd": {"eta": 0.05, "update": "momentum", "rate": "constant", "average": "true"},
    "checkpoint": {"every_seconds": 0.05},
}


class Stops:
    def __init__(self, work, draw):
        self.work, self.draw = work, draw
        self.count = {}
        work.data("train.h5", 1000, 20, 4, sparse=False)
        with open(work.at("run.yaml"), "w") as out:
            out.write(settings(RUN))
        self.epochs = 8
        while True:  # long enough for a signal to arrive
            start = time.monotonic()
            self.train("whole", check=True)
            self.took = time.monotonic() - start
            if self.took > 0.7:
                break
            self.epochs *= 2
        self.model = read(work.at("whole/model.h5"))

    def arguments(self, directory, *more):
        return ["train", "run.yaml", "--quiet", "--set", f"train.epochs={self.epochs}",
                "--set", f"output.directory={directory}", *more]

    def train(self, directory, *more, check=False):
        if "--resume" not in more:
            shutil.rmtree(self.work.at(directory), ignore_errors=True)
        done = self.work.run(*self.arguments(directory, *more))
        if check and done.returncode:
            fail(f"{directory}: exit {done.returncode}: {done.stderr}")
        return done

    def begin(self, *more, within=()):
        shutil.rmtree(self.work.at("stopped"), ignore_errors=True)
        environment = without_leak_check() if within else None
        return subprocess.Popen([*within, self.work.margin, *self.arguments("stopped", *more)],
                                cwd=self.work.path, text=True,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)

    def await_file(self, process, condition):
        until = time.monotonic() + 60
        while process.poll() is None and not condition():
            if time.monotonic() > until:
                fail("the awaited output did not come")

    def expect(self, process, what, early=()):
        """Checks the outcome, counts it under `what`, and resumes the run, which must give the same files."""
        _, said = process.communicate(timeout=300)
        status = process.returncode
        if (status not in (0, STOPPED)
            and not (status in early and not os.path.exists(self.work.at("stopped")))):
            fail(f"{what}: exit {status}: {said}")
        if status == STOPPED and (said.count("\n") != 1 or "--resume" not in said):
            fail(f"{what}: said '{said}'")
        for step in steps_of(self.work.at("stopped")):
            if not self.work.whole(checkpoint(self.work.at("stopped"), step)):
                fail(f"{what}: the checkpoint of step {step} is damaged")
        self.train("stopped", "--resume", "--set", f"train.threads={self.draw.choice((1, 2, 3))}", check=True)
        last = steps_of(self.work.at("whole"))[0]
        if read(self.work.at("stopped/model.h5")) != self.model:
            fail(f"{what}: the model of the resumed run differs")
        if read(checkpoint(self.work.at("stopped"), last)) != read(checkpoint(self.work.at("whole"), last)):
            fail(f"{what}: the last checkpoint of the resumed run differs")
        key = (what, "stopped" if status == STOPPED else "was done before" if status == 0
               else "had not begun")
        self.count[key] = self.count.get(key, 0) + 1
        return said

    def at_random(self, number):
        for _ in range(5):
            process = self.begin()
            time.sleep(self.draw.random() * self.took)
            process.send_signal(number)
            self.expect(process, f"{number.name} at random", early=(-number,))

    def while_written(self):
        """Sends TERM as soon as there is a temporary file of a checkpoint."""
        folder = self.work.at("stopped/checkpoints")

        def being_written():
            try:
                return any(name.endswith(".tmp") for name in os.listdir(folder))
            except FileNotFoundError:
                return False

        for _ in range(5):
            process = self.begin("--set", "checkpoint.every_steps=1")
            self.await_file(process, being_written)
            process.send_signal(signal.SIGTERM)
            self.expect(process, "TERM while a checkpoint is written")

    def before_the_first(self):
        """Sends TERM as soon as the run's directory exists, when the learning rate is still being searched
        for."""
        whole, self.model = self.model, None
        self.train("searched", "--set", "sgd.eta=~", check=True)
        self.model = read(self.work.at("searched/model.h5"))
        early = 0
        for _ in range(5):
            process = self.begin("--set", "sgd.eta=~")
            self.await_file(process, lambda: os.path.exists(self.work.at("stopped/lock")))
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=300)
            early += "before the first step" in said
            if process.returncode != STOPPED:
                fail(f"TERM before the first batch: exit {process.returncode}: {said}")
            self.train("stopped", "--resume", "--set", "sgd.eta=~", check=True)
            if read(self.work.at("stopped/model.h5")) != self.model:
                fail("TERM before the first batch: the model of the resumed run differs")
        if not early:
            fail("not one of 5 was stopped before its first step")
        self.count[("TERM while the rate is looked for", f"stopped, {early} before the first step")] = 5
        self.model = whole

    def first_process(self):
        """Runs margin as the first process of a container. The kernel delivers only signals that it
        catches."""
        within = namespaces("-f", "-p", "--mount-proc")
        if not within:
            self.count[("as process 1", "not tried, namespaces are not allowed")] = 0
            return
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            process = self.begin(within=within)
            self.await_file(process, lambda: os.path.exists(self.work.at("stopped/metrics.jsonl")))
            send_to_child(process, number)
            self.expect(process, f"{number.name} as process 1")
        self.second_interrupt(within)

    def second_interrupt(self, within):
        """After a second INT, the process ends without waiting for the minibatch, which takes long here."""
        rows, features = 4000, 1000
        with open(self.work.at("rows.idx"), "wb") as out:
            out.write(b"\0\0\x08\x02" + rows.to_bytes(4, "big") + features.to_bytes(4, "big") +
                      b"\1" * (rows * features))
        with open(self.work.at("labels.idx"), "wb") as out:
            out.write(b"\0\0\x08\x01" + rows.to_bytes(4, "big") + bytes(i % 50 for i in range(rows)))
        self.work.run("convert", "--quiet", "--format", "idx", self.work.at("rows.idx"),
                      self.work.at("labels.idx"), self.work.at("long.h5"))
        for _ in range(20):
            process = self.begin("--set", "data.train=long.h5", "--set", f"train.batch={rows}",
                                 "--set", "train.epochs=100000", "--set",
                                 "data.scale=none", "--set", "data.validation=~",
                                 "--set", "train.evaluate_every=0", within=within)
            self.await_file(process, lambda: os.path.exists(self.work.at("stopped/metrics.jsonl")))
            send_to_child(process, signal.SIGINT, signal.SIGINT)
            process.communicate(timeout=300)
            if process.returncode == 130:
                self.count[("INT twice as process 1", "left at once")] = 1
                return
            if process.returncode != STOPPED:
                break
        fail(f"INT twice as process 1: exit {process.returncode}")


def send_to_child(process, *numbers):
    """Sends two signals, with so much time between them that both arrive. The child may have ended before."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        children = file.read().split()
    try:
        for number in numbers if children else ():
            os.kill(int(children[0]), number)
            time.sleep(0.002)
    except ProcessLookupError:
        pass


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    with Work(sys.argv[1]) as work:
        stops = Stops(work, random.Random(seed))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            stops.at_random(number)
        stops.while_written()
        stops.before_the_first()
        stops.first_process()
        for (what, outcome), count in stops.count.items():
            print(f"{count:3} x {what}: {outcome}")


main()
