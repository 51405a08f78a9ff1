#!/usr/bin/python3
"""Compares margin with other programs: measures, and writes RESULTS.json, which report.py turns into a page
and plots.

    compare.py MARGIN WORK RESULTS.json [PROBLEM ...]

Run it from the root of the repository; scripts/bench_peers.sh calls it. Environment: ROUNDS (5), TIMEOUT (300
seconds per command), SCALE (1; 0.01 uses every hundredth row), DATA (../shared/data), PROGRAMS (all; some of
margin, liblinear, msvmocas, linearsvc, sgdclassifier, torch).
"""
import json
import os
import platform
import statistics
import subprocess
import sys

import numpy

import problems
import programs
from programs import Broken, Late, say

ROUNDS = int(os.environ.get("ROUNDS", "5"))
TIMEOUT = float(os.environ.get("TIMEOUT", "300"))
SCALE = float(os.environ.get("SCALE", "1"))
CLOSE_ENOUGH = 2e-5  # the reference optimum is only known to this precision


def machine():
    with open("/proc/cpuinfo") as file:
        fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in file)}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    instructions = [name for name in ("avx2", "avx512f") if name in fields.get("flags", "").split()]
    return {"processor": fields.get("model name", platform.machine()), "cores": len(os.sched_getaffinity(0)),
            "memory_gb": round(memory / 1e9), "instructions": instructions}


def versions(margin):
    found = {"margin": subprocess.run([margin, "--version"], check=True, capture_output=True,
                                      text=True).stdout.split()[1]}
    for package in ("liblinear-tools", "libocas-tools", "python3-sklearn", "python3-torch", "python3-numpy",
                    "python3-scipy",
                    "libopenblas0-pthread"):
        told = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True,
                              text=True).stdout
        if told:
            found[package] = told
    return found


def excuse(failure, program):
    if isinstance(failure, Late):
        return f"not within {TIMEOUT:g} s"
    say(f"  {program.name}: {failure}")
    return "failed"


class Record:
    """The results of one program on one problem."""

    def __init__(self, program, problem):
        self.program = program
        self.told = {"name": program.name, "note": program.note,
                     "command": " ".join(program.command(problem)), "wall": [], "train": [],
                     "memory": [], "failure": None, "curve": []}
        self.nothing = []  # wall times of runs that only read data and write the model

    def round(self, problem, judge):
        program, told = self.program, self.told
        if told["failure"]:
            return
        try:
            if getattr(program, "nothing", None):
                self.nothing.append(program.run(problem, TIMEOUT, program.nothing).wall)
            done = program.run(problem, TIMEOUT)
        except (Late, Broken) as failure:
            told["failure"] = excuse(failure, program)
            say(f"  {program.name}: {told['failure']}")
            return
        told["wall"].append(done.wall)
        told["train"].append(done.train)
        told["memory"].append(done.memory)
        if "objective" not in told:  # all rounds give the same weights
            weights = done.weights()
            told["accuracy"], told["objective"] = judge.accuracy(*weights), judge.objective(*weights)
            self.check(done)
        say(f"  {program.name}: {done.wall:.2f} s, {told['accuracy']:.4f}, {told['objective']:.5f}")

    def check(self, done):
        """Checks that the judge and margin compute the same objective."""
        if (isinstance(self.program, programs.Margin)
            and abs(done.events[-1]["objective"] / self.told["objective"] - 1) > 1e-4):
            sys.exit(f"margin reported an objective of {done.events[-1]['objective']}, but that of its"
                     f" weights is {self.told['objective']}")

    def finish(self):
        """Computes the seconds of training. If only the total is known, the time of reading and writing is
        subtracted."""
        if self.nothing:
            reading = statistics.median(self.nothing)
            self.told["reading"] = reading
            self.told["train"] = [wall - reading for wall in self.told["wall"]]

    def curve(self, problem, judge, dual):
        program, curve = self.program, self.told["curve"]
        if isinstance(program, programs.Margin):
            curve += program.curve(problem, TIMEOUT)
        elif getattr(program, "ladder", None):
            self.climb(problem, judge, dual)
        elif getattr(program, "epochs", 0):
            for seconds, *weights in program.curve(problem, TIMEOUT):
                curve.append((seconds, judge.accuracy(*weights), judge.objective(*weights)))
        elif self.told["wall"]:
            curve.append((statistics.median(self.told["train"]), self.told["accuracy"],
                          self.told["objective"]))
        say(f"  {program.name}: {len(curve)} points")

    def climb(self, problem, judge, dual):
        for tolerance in self.program.ladder:
            try:
                done = self.program.run(problem, TIMEOUT, tolerance)
            except (Late, Broken):
                return
            seconds = done.train if done.train is not None else done.wall - self.told.get("reading", 0)
            weights = done.weights()
            objective = judge.objective(*weights)
            self.told["curve"].append((seconds, judge.accuracy(*weights), objective))
            if (objective - dual) / objective < CLOSE_ENOUGH:
                return


def compare(problem, margin, wanted):
    judge = problems.Judge(problem)
    reference = programs.optimum(margin, problem, TIMEOUT)
    say(f"  optimum {reference['primal']:.6f}, certified within {reference['gap']:.2g}")
    records = [Record(program, problem) for program in wanted]
    for turn in range(ROUNDS):
        say(f"{problem.name}, round {turn + 1} of {ROUNDS}")
        for record in records:
            record.round(problem, judge)
    say(f"{problem.name}, curves")
    certified = programs.Margin(margin, "margin (tolerance 1e-4)", ["train.tolerance=1e-4"],
                                "default options except train.tolerance=1e-4; appears only in the plots and"
                                " in the tables of the seconds until a test accuracy is reached")
    for record in records:
        record.finish()
    plotted = records + ([Record(certified, problem)]
                         if any(isinstance(program, programs.Margin) for program in wanted) else [])
    for record in plotted:
        try:
            record.curve(problem, judge, reference["dual"])
        except Broken as failure:
            say(f"  {record.program.name}: {failure}")
    facts = {key: getattr(problem, key) for key in ("name", "C", "bias", "preparation", "rows", "features")}
    for record in plotted:
        for objective in [record.told.get("objective", numpy.inf),
                          *(point[2] for point in record.told["curve"])]:
            if objective < reference["dual"] * (1 - 1e-6):
                sys.exit(f"{record.program.name} has an objective of {objective}, below the certified bound"
                         f" {reference['dual']}")
    return {**facts, "classes": len(problem.classes), "test_rows": len(judge.parts[1][1]),
            "reference": reference,
            "programs": [record.told for record in plotted]}


def earlier(results, told):
    """Keeps the results of other problems from an earlier run under the same conditions, so that a single
    problem can be measured again."""
    if not os.path.exists(results):
        return []
    with open(results) as file:
        before = json.load(file)
    return before.pop("problems") if all(before[key] == told[key] for key in told) else []


def main():
    margin, work, results, *names = sys.argv[1:]
    known = problems.known(os.environ.get("DATA", "../shared/data"))
    wanted = [p for p in programs.everybody(margin)
              if p.short in os.environ.get("PROGRAMS",
                                           "margin liblinear msvmocas linearsvc sgdclassifier torch").split()]
    told = {"machine": machine(), "versions": versions(margin), "rounds": ROUNDS, "timeout": TIMEOUT,
            "scale": SCALE}
    told["problems"] = earlier(results, told)
    for name in names or ["fashion-mnist", "mnist", "news20", "languages"]:
        if name not in known:
            say(f"{name}: its files are not here, left out")
            continue
        problem = known[name]
        say(f"{name}: files")
        problems.prepare(problem, margin, work, SCALE)
        measured = compare(problem, margin, wanted)
        others = [one for one in told["problems"] if one["name"] != name]
        told["problems"] = sorted([*others, measured], key=lambda one: list(known).index(one["name"]))
        with open(results + ".part", "w") as file:
            json.dump(told, file, indent=1)
        os.replace(results + ".part", results)


if __name__ == "__main__":
    main()
