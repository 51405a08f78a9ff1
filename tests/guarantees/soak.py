# soak.py - runs random configurations for scripts/soak.sh.
#
#     soak.py MARGIN [MINUTES] [SEED]
#
# A round is determined by its seed, except for the moments at which a process gets its signal. It draws a
# configuration of any solver, as a run or a path. The oracle trains it undisturbed, with one thread and rows
# in memory. A second run of the same configuration is killed, stopped or out of disk several times, and is
# resumed with other threads and memory. Both must leave the same model, points, last checkpoint and metrics.
import json
import os
import random
import resource
import signal
import shutil
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, checkpoint, counted, read, settings, steps_of

STOPPED, NONFINITE = 75, 4
LOSSES = ("weston-watkins", "crammer-singer", "weston-watkins-squared", "crammer-singer-squared",
          "one-vs-rest", "one-vs-rest-squared", "softmax")
DUAL_LOSSES = LOSSES[:-1]


class Mismatch(Exception):
    pass


def draw_solver(draw):
    """Draws solver and tolerance, and a grid if it is a path, otherwise None."""
    solver = draw.choice(("sgd", "sgd", "auto", "dual", "newton"))
    grid = draw.choice((None, None, "1e-3:1e-1:10")) if solver != "sgd" else None
    tolerance = (draw.choice((0.1, 1e-2, 1e-4)) if solver == "newton" else 0 if solver == "sgd"
                 else draw.choice((0, 0.1, 1e-2, 1e-4)))
    return solver, tolerance, grid


def draw_configuration(draw, sparse):
    solver, tolerance, grid = draw_solver(draw)
    validation = draw.choice(("~", 0.2, 0.35))
    dual = solver in ("dual", "newton") or tolerance > 0 or grid
    scales = ["none", "none", 0.1, "standard", "max-abs"]
    if dual and sparse:
        scales.remove("standard")
    return grid, {
        "data": {"train": "train.h5", "validation": validation, "scale": draw.choice(scales),
                 "rows": draw.choice(("none", "none", "unit", "total")),
                 "transform": draw.choice(("none", "none", "log1p")),
                 "window": draw.choice((4096, 20000, "64MiB"))},
        "model": {"loss": draw.choice(DUAL_LOSSES if solver == "dual" else LOSSES),
                  "lambda": draw.choice((1e-4, 1e-2)), "bias": draw.choice((0, 1)),
                  "class_weight": draw.choice(("none", "balanced"))},
        "train": {"solver": solver, "tolerance": tolerance, "epochs": draw.randrange(1, 40),
                  "batch": draw.choice((4, 16, 64, 1000)),
                  "seed": draw.randrange(1000), "parts": draw.choice((0, 1, 3, 8)),
                  "evaluate_every": draw.choice((0, 1, 1, 3)),
                  "max_steps": 0 if grid else draw.choice((0, 0, 333)), "patience": 0 if validation == "~"
                  else draw.choice((0, 2, 5))},
        "sgd": {"update": draw.choice(("plain", "momentum", "adagrad", "adam")),
                "rate": draw.choice(("constant", "inverse-time", "cosine")),
                "average": draw.choice(("true", "false")), "eta": draw.choice(("~", 0.001, 0.01))},
    }


def points_of(path):
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in open(path)]


class Soak:
    def __init__(self, work):
        self.work = work
        self.count = dict.fromkeys(("runs", "sgd", "auto", "dual", "newton", "certified", "paths", "lives",
                                    "killed", "stopped", "out of disk",
                                    "resumed", "results alone", "logs cut short", "not finite"), 0)

    def train(self, directory, *more):
        command = ["path", "--C", self.grid] if self.grid else ["train"]
        return self.work.start(*command, "run.yaml", "--quiet", "--set", f"output.directory={directory}",
                               *more)

    def oracle(self):
        start = time.monotonic()
        process = self.train("oracle", "--set", "train.threads=1")
        _, said = process.communicate()
        if process.returncode not in (0, NONFINITE):
            raise Mismatch(f"the oracle: exit {process.returncode}: {said}")
        return process.returncode, time.monotonic() - start

    def life(self, draw, took, calm):
        """Runs one process of the disturbed run, from its start or resumption to its end. Returns true if the
        run is finished."""
        memory = ([] if draw.random() < 0.5 or not self.streaming
                  else ["--set", f"data.memory_limit={self.streaming}"])
        process = self.train("disturbed", "--resume", "--set", f"train.threads={draw.choice((1, 2, 3, 5))}",
                             *memory, "--set",
                             f"checkpoint.every_steps={draw.choice((1, 7, 50))}",
                             "--set", f"checkpoint.keep={draw.choice((1, 2, 4))}")
        fate = "calm" if calm else draw.choice(("killed", "killed", "stopped", "out of disk"))
        number = draw.choice((signal.SIGTERM, signal.SIGINT, signal.SIGUSR1))
        if fate == "out of disk":
            limit = int(draw.choice((0.3, 0.9, 1.1, 2)) * self.checkpoint_bytes)
            time.sleep(draw.uniform(0, 0.5 * took))
            try:
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
            except ProcessLookupError:
                pass
        elif fate != "calm":
            time.sleep(draw.uniform(0, 1.1 * took))
            process.send_signal(signal.SIGKILL if fate == "killed" else number)
        _, said = process.communicate()
        allowed = {"calm": (0,), "killed": (0, -9), "stopped": (0, STOPPED, -number),
                   "out of disk": (0, 3)}[fate]
        if process.returncode not in allowed or "trying the previous checkpoint" in said:
            raise Mismatch(f"{fate}: exit {process.returncode}: {said}")
        for step in steps_of(self.work.at("disturbed")):
            if not self.work.whole(checkpoint(self.work.at("disturbed"), step)):
                raise Mismatch(f"{fate}: the checkpoint of step {step} is damaged")
        # If the disk was full until the end, lines are lost, which the run has reported. A checkpoint may
        # still count them.
        self.log_is_whole &= "metrics.jsonl: cannot be written" not in said
        self.count["lives"] += 1
        if process.returncode:
            self.count[fate] += 1
            self.take_results_alone()
        return process.returncode == 0

    def take_results_alone(self):
        """The disk has space for results but not for checkpoints. The results must be right, and while they
        exist the run cannot be resumed. The first point of a path is written before its first checkpoint, so
        it alone does not prevent a resumption."""
        name = "path.jsonl" if self.grid else "model.h5"
        if steps_of(self.work.at("disturbed")) or not os.path.exists(self.work.at("disturbed", name)):
            return
        if self.grid and len(points_of(self.work.at("disturbed", name))) < 2:
            return
        self.expect_right(name)
        _, said = self.train("disturbed", "--resume").communicate()
        if "nothing to resume" not in said:
            raise Mismatch(f"{name} without a checkpoint: {said}")
        self.expect_right(name)
        for file in (name, "model.h5"):
            if os.path.exists(self.work.at("disturbed", file)):
                os.remove(self.work.at("disturbed", file))
        self.count["results alone"] += 1

    def expect_right(self, name):
        """Checks that the model, or the first point of the path, is that of the oracle."""
        if not self.grid:
            return self.expect_same(name)
        points = points_of(self.work.at("disturbed", name))
        if points != points_of(self.work.at("oracle", name))[:len(points)]:
            raise Mismatch("the points differ")

    def expect_same(self, name):
        if read(self.work.at("oracle", name)) != read(self.work.at("disturbed", name)):
            raise Mismatch(f"{name} differs")

    def round(self, seed):
        draw = random.Random(seed)
        for directory in ("oracle", "disturbed"):
            shutil.rmtree(self.work.at(directory), ignore_errors=True)
        sparse, features = draw.random() < 0.5, draw.choice((5, 30, 200))
        rows = draw.choice((300, 700, 1500))
        self.work.data("train.h5", rows, features, draw.choice((2, 3, 11)), sparse, seed)
        self.grid, configuration = draw_configuration(draw, sparse)
        window, batch = configuration["data"]["window"], configuration["train"]["batch"]
        # Two windows of at least a minibatch each; if they hold all the rows, the rows are not streamed. The
        # solver auto depends on the free memory; dual and newton need all rows in memory.
        solver, certified = configuration["train"]["solver"], configuration["train"]["tolerance"] > 0
        self.streaming = (0 if window == "64MiB" or solver != "sgd"
                          else 2 * max(window, min(batch, rows) * (8 * features + 64)) + 40 * rows)
        with open(self.work.at("run.yaml"), "w") as out:
            out.write(settings(configuration))
        for what in ("runs", solver, *(["certified"] if certified else []),
                     *(["paths"] if self.grid else [])):
            self.count[what] += 1
        status, took = self.oracle()
        if status == NONFINITE:
            self.count["not finite"] += 1
            return
        last = checkpoint(self.work.at("oracle"), steps_of(self.work.at("oracle"))[0])
        self.checkpoint_bytes = len(read(last))
        lives, self.log_is_whole = 0, True
        while not self.life(draw, took, calm=lives >= 6):
            lives += 1
        self.count["resumed"] += lives
        # The checkpoints of a path contain training times, and without validation rows it writes no model.
        if not self.grid or configuration["data"]["validation"] != "~":
            self.expect_same("model.h5")
        if not self.grid:
            self.expect_same(os.path.relpath(last, self.work.at("oracle")))
        elif points_of(self.work.at("oracle/path.jsonl")) != points_of(self.work.at("disturbed/path.jsonl")):
            raise Mismatch("the points differ")
        self.count["logs cut short"] += not self.log_is_whole
        logs = [counted(self.work.at(name, "metrics.jsonl")) for name in ("oracle", "disturbed")]
        if self.log_is_whole and logs[0] != logs[1]:
            raise Mismatch("the metrics differ")


def main():
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 60
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    print(f"from seed {seed}", flush=True)
    end, told = time.monotonic() + 60 * minutes, time.monotonic()
    with Work(sys.argv[1]) as work:
        soak = Soak(work)
        while True:
            try:
                soak.round(seed)
            except Mismatch as why:
                print(f"MISMATCH: {why}")
                print(read(work.at("run.yaml")).decode())
                print(f"1 mismatch; {', '.join(f'{n} {what}' for what, n in soak.count.items())}")
                print(f"to repeat it: scripts/soak.sh 0 {seed}")
                sys.exit(1)
            seed += 1
            if time.monotonic() - told > 60 or time.monotonic() >= end:
                told = time.monotonic()
                print(", ".join(f"{n} {what}" for what, n in soak.count.items()), "0 mismatches", sep=", ",
                      flush=True)
            if time.monotonic() >= end:
                return


main()
