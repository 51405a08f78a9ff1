#!/usr/bin/python3
"""Compares the seconds of training to a certified optimum, with margin on one thread and on all, and with
LIBLINEAR to the same gap. Prints a Markdown table.

    solvers.py MARGIN WORK [PROBLEM ...]

Run it from the root of the repository; scripts/bench_solvers.sh calls it. Environment: ROUNDS (5), TIMEOUT
(300 seconds per run), SCALE (1), DATA (../shared/data).
"""
import os
import statistics
import sys

import problems
import programs
from programs import Broken, Late, say

ROUNDS = int(os.environ.get("ROUNDS", "5"))
TIMEOUT = float(os.environ.get("TIMEOUT", "300"))
SCALE = float(os.environ.get("SCALE", "1"))
LADDER = [5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001]
CS, WW = "crammer-singer", "weston-watkins"
# Problem, C, and the goal for each pair of loss and tolerance.
CASES = [
    ("fashion-mnist", "0.01", {(CS, 1e-3): "8x", (CS, 1e-4): "10x"}),
    ("fashion-mnist", "1/16", {(CS, 1e-3): "10x", (CS, 1e-4): "12x"}),
    ("fashion-mnist", "1", {(CS, 1e-3): "6 s", (WW, 1e-3): "6 s"}),
    ("mnist", "1/16", {(CS, 1e-4): "1.2 s", (WW, 1e-4): "1.2 s"}),
    ("news20", "1", {(CS, 1e-3): "8x", (CS, 1e-4): "6x"}),
    ("news20-counts", "0.1", {(CS, 1e-3): "20x"}),
    ("languages", "1", {(CS, 1e-3): "8 s"}),
]
TOLERANCES = (1e-3, 1e-4)
WW_GOAL = "1.7x of CS"


def passes(events, rows):
    """Returns the number of visited rows divided by the number of rows. An epoch of a solver may be only part
    of a pass."""
    visited, before = 0.0, 0.0
    for event in events:
        if event["event"] == "epoch":
            visited += event["rows_per_second"] * (event["seconds"] - before)
        before = event["seconds"]
    return visited / rows


class Cell:
    """Runs margin with one problem, loss, tolerance and number of threads."""

    def __init__(self, margin, problem, loss, tolerance, threads):
        self.problem, self.loss = problem.but(loss=loss), loss
        self.tolerance, self.threads = tolerance, threads
        settings = [f"train.tolerance={tolerance:g}", f"train.threads={threads}",
                    f"train.time_limit={TIMEOUT:g}"]
        self.program = programs.Margin(margin, "margin", settings, "")
        self.seconds = []

    def round(self):
        events = self.program.run(self.problem, None).events
        self.seconds.append(events[-1]["seconds"])
        self.gap, self.converged = events[-1]["gap"], events[-1]["converged"]
        self.passes = passes(events, self.problem.rows)
        say(f"  {self.loss} {self.tolerance:g}, {self.threads} threads: {self.seconds[-1]:.2f} s, gap"
            f" {self.gap:.1e}")

    def median(self):
        return statistics.median(self.seconds)

    def text(self):
        return f"{self.median():.2f} s" + ("" if self.converged else ", not reached")


class Peer:
    """Runs LIBLINEAR with the largest -e that ends within a gap of the optimum."""

    def __init__(self, stop, gap):
        self.stop, self.gap, self.walls, self.late = stop, gap, [], False


def find_stops(problem, dual):
    """The other program's runs by tolerance; None if no run got there in time."""
    program, judge, found = programs.Liblinear(), problems.Judge(problem), dict.fromkeys(TOLERANCES)
    for stop in LADDER:
        try:
            objective = judge.objective(*program.run(problem, TIMEOUT, stop).weights())
        except (Late, Broken) as failure:
            say(f"  liblinear -e {stop:g}: " + ("late" if isinstance(failure, Late) else str(failure)))
            break
        gap = (objective - dual) / objective
        say(f"  liblinear -e {stop:g}: gap {gap:.2e}")
        for tolerance in TOLERANCES:
            if gap <= tolerance and not found[tolerance]:
                found[tolerance] = Peer(stop, gap)
        if gap <= min(TOLERANCES):
            break
    return found


def time_peers(problem, peers, reading):
    program = programs.Liblinear()
    stops = {peer.stop for peer in peers.values() if peer}
    if not stops:
        return
    reading.append(program.run(problem, None, program.nothing).wall)
    for stop in sorted(stops):
        try:
            wall = program.run(problem, TIMEOUT, stop).wall
        except Late:
            wall = None
        for peer in peers.values():
            if peer and peer.stop == stop:
                peer.walls += [] if wall is None else [wall]
                peer.late |= wall is None


def lines(problem, goals, cells, peers, reading):
    threads = sorted({key[2] for key in cells})
    for loss in (CS, WW):
        for tolerance in TOLERANCES:
            own = [cells[loss, tolerance, count] for count in threads]
            goal = goals.get((loss, tolerance), "")
            peer = peers[tolerance] if loss == CS else None
            beside, ratios = ["-", "-"], ["-" for _ in own]
            if peer and peer.walls and not peer.late:
                train = statistics.median(peer.walls) - statistics.median(reading)
                beside = [f"{train:.2f} s", f"-e {peer.stop:g}: {peer.gap:.1e}"]
                ratios = [f"{train / cell.median():.1f}x" if cell.converged else "-" for cell in own]
            elif loss == CS:
                beside[0] = f"not within {TIMEOUT:g} s"
            else:
                ratios = [f"{cell.median() / cells[CS, tolerance, cell.threads].median():.2f}x of CS"
                          for cell in own]
                goal = ", ".join(filter(None, (goal, WW_GOAL)))
            margin = [*(cell.text() for cell in own), f"{own[-1].gap:.1e}", f"{own[-1].passes:.0f}"]
            yield [problem.name, problem.C, loss, f"{tolerance:g}", *margin, *beside, *ratios, goal]


def case(margin, problem, goals, all_threads):
    reference = programs.optimum(margin, problem, TIMEOUT)
    say(f"{problem.name}, C = {problem.C}: optimum {reference['primal']:.7f}, certified within"
        f" {reference['gap']:.2g}")
    peers, reading = find_stops(problem, reference["dual"]), []
    cells = {(loss, tolerance, threads): Cell(margin, problem, loss, tolerance, threads)
             for loss in (CS, WW) for tolerance in TOLERANCES for threads in all_threads}
    for turn in range(ROUNDS):
        say(f"{problem.name}, C = {problem.C}, round {turn + 1} of {ROUNDS}")
        for cell in cells.values():
            if cell.seconds and not cell.converged:
                continue  # it reached the time limit, and would reach it again
            cell.round()
        time_peers(problem, peers, reading)
    for line in lines(problem, goals, cells, peers, reading):
        print("| " + " | ".join(line) + " |", flush=True)


def main():
    margin, work, *names = sys.argv[1:]
    known = problems.known(os.environ.get("DATA", "../shared/data"))
    all_threads = sorted({1, len(os.sched_getaffinity(0))})
    head = ["problem", "C", "loss", "to gap",
            *(f"{count} thread{'s' if count > 1 else ''}" for count in all_threads), "certified gap",
            "passes",
            "liblinear", "its stop and gap", *(f"ratio, {count}" for count in all_threads), "goal"]
    if SCALE != 1:
        print(f"**A trial with a share of {SCALE:g} of the rows: these numbers mean nothing.**\n")
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head), flush=True)
    ready = {}
    for name, C, goals in CASES:
        if name not in known or names and name not in names:
            say(f"{name}: left out")
            continue
        if name not in ready:
            problems.prepare(known[name], margin, work, SCALE)
            ready[name] = known[name]
        case(margin, ready[name].but(C=C), goals, all_threads)


if __name__ == "__main__":
    main()
