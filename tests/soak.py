# soak.py - the work of scripts/soak.sh.
#
#     soak.py MARGIN [MINUTES] [SEED]
#
# A round is a function of its seed but for the moments at which a process meets its signal: a configuration, an oracle run with one
# thread, rows in memory and nobody in its way, and a run of the same configuration that is killed, stopped or out of disk some times
# and resumed with other threads and memory. Both must leave the same model, last checkpoint and metrics.
import random
import resource
import signal
import shutil
import sys
import time

from runs import Work, checkpoint, counted, read, settings, steps_of

STOPPED, NONFINITE = 75, 4
LOSSES = ("weston-watkins", "crammer-singer", "weston-watkins-squared", "crammer-singer-squared", "one-vs-rest", "one-vs-rest-squared", "softmax")


class Mismatch(Exception):
    pass


def draw_configuration(draw):
    validation = draw.choice(("~", 0.2, 0.35))
    return {
        "data": {"train": "train.h5", "validation": validation, "scale": draw.choice(("none", "none", 0.1, "standard", "max-abs")),
                 "rows": draw.choice(("none", "none", "unit", "total")), "transform": draw.choice(("none", "none", "log1p")),
                 "window": draw.choice((4096, 20000, "64MiB"))},
        "model": {"loss": draw.choice(LOSSES), "lambda": draw.choice((1e-4, 1e-2)), "bias": draw.choice((0, 1)),
                  "class_weight": draw.choice(("none", "balanced"))},
        "train": {"solver": "sgd", "epochs": draw.randrange(1, 40), "batch": draw.choice((4, 16, 64, 1000)), "seed": draw.randrange(1000),
                  "parts": draw.choice((0, 1, 3, 8)), "evaluate_every": draw.choice((0, 1, 1, 3)), "max_steps": draw.choice((0, 0, 333)),
                  "patience": 0 if validation == "~" else draw.choice((0, 2, 5))},
        "sgd": {"update": draw.choice(("plain", "momentum", "adagrad")), "rate": draw.choice(("constant", "inverse-time", "cosine")),
                "average": draw.choice(("true", "false")), "eta": draw.choice(("~", 0.001, 0.01))},
    }


class Soak:
    def __init__(self, work):
        self.work = work
        self.count = dict.fromkeys(("runs", "lives", "killed", "stopped", "out of disk", "resumed", "logs cut short", "not finite"), 0)

    def train(self, directory, *more):
        return self.work.start("train", "run.yaml", "--quiet", "--set", f"output.directory={directory}", *more)

    def oracle(self):
        start = time.monotonic()
        process = self.train("oracle", "--set", "train.threads=1")
        _, said = process.communicate()
        if process.returncode not in (0, NONFINITE):
            raise Mismatch(f"the oracle: exit {process.returncode}: {said}")
        return process.returncode, time.monotonic() - start

    def life(self, draw, took, calm):
        """One process of the disturbed run, from its start or resumption to its end. True when the run is over."""
        memory = [] if draw.random() < 0.5 else ["--set", f"data.memory_limit={self.streaming}"]
        process = self.train("disturbed", "--resume", "--set", f"train.threads={draw.choice((1, 2, 3, 5))}", *memory, "--set",
                             f"checkpoint.every_steps={draw.choice((1, 7, 50))}", "--set", f"checkpoint.keep={draw.choice((1, 2, 4))}")
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
        allowed = {"calm": (0,), "killed": (0, -9), "stopped": (0, STOPPED, -number), "out of disk": (0, 3)}[fate]
        if process.returncode not in allowed or "trying the one before" in said:
            raise Mismatch(f"{fate}: exit {process.returncode}: {said}")
        for step in steps_of(self.work.at("disturbed")):
            if not self.work.whole(checkpoint(self.work.at("disturbed"), step)):
                raise Mismatch(f"{fate}: the checkpoint of step {step} is damaged")
        # Lines for which there was no room to the end are gone, and the run said so; a checkpoint may well know of them.
        self.log_is_whole &= "metrics.jsonl: cannot be written" not in said
        self.count["lives"] += 1
        if process.returncode:
            self.count[fate] += 1
        return process.returncode == 0

    def round(self, seed):
        draw = random.Random(seed)
        for directory in ("oracle", "disturbed"):
            shutil.rmtree(self.work.at(directory), ignore_errors=True)
        sparse, features = draw.random() < 0.5, draw.choice((5, 30, 200))
        rows = draw.choice((300, 700, 1500))
        self.work.data("train.h5", rows, features, draw.choice((2, 3, 11)), sparse, seed)
        configuration = draw_configuration(draw)
        window, batch = configuration["data"]["window"], configuration["train"]["batch"]
        # Two windows, of a batch at least; where that holds all the rows they are not streamed after all.
        self.streaming = 0 if window == "64MiB" else 2 * max(window, min(batch, rows) * (8 * features + 64)) + 40 * rows
        with open(self.work.at("run.yaml"), "w") as out:
            out.write(settings(configuration))
        self.count["runs"] += 1
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
        for name in ("model.h5", last[len(self.work.at("oracle")) + 1 :]):
            if read(self.work.at("oracle", name)) != read(self.work.at("disturbed", name)):
                raise Mismatch(f"{name} is another")
        self.count["logs cut short"] += not self.log_is_whole
        if self.log_is_whole and counted(self.work.at("oracle/metrics.jsonl")) != counted(self.work.at("disturbed/metrics.jsonl")):
            raise Mismatch("the metrics tell another story")


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
                print(", ".join(f"{n} {what}" for what, n in soak.count.items()), "0 mismatches", sep=", ", flush=True)
            if time.monotonic() >= end:
                return


main()
