#!/usr/bin/python3
"""Compares the seconds of training to a certified optimum of the softmax loss: margin on one thread and on
all, and scikit-learn's LogisticRegression (L-BFGS, with the fewest iterations of 25, 50, 100, ... that
suffice). Prints a Markdown table. There is no constant feature, because scikit-learn would not regularise it.

    softmax.py MARGIN WORK

Run it from the root of the repository; scripts/bench_solvers.sh calls it. Environment: ROUNDS (5), TIMEOUT
(300 seconds per run), SCALE (1), DATA (../shared/data).
"""
import os
import statistics
import sys
import time
import warnings

import numpy
from sklearn.linear_model import LogisticRegression

import problems
import programs
from programs import say
from solvers import ROUNDS, SCALE, TIMEOUT, Cell

CASES = [("fashion-mnist", "0.01"), ("fashion-mnist", "1/16"), ("fashion-mnist", "1"), ("news20", "1")]
TOLERANCES = (1e-3, 1e-4)
MOST_ITERATIONS = 6400


def objective(judge, weights):
    loss = 0.0
    for s, y in judge.scores(0, weights, numpy.zeros(len(weights))):
        most = s.max(axis=1)
        loss += (numpy.log(numpy.exp(s - most[:, None]).sum(axis=1)) +
                 most - s[numpy.arange(len(y)), y]).sum()
    return judge.lam / 2 * float((weights.astype(float)**2).sum()) + loss / len(judge.parts[0][1])


def fit(problem, rows, iterations):
    """Returns the weights, and the seconds of training."""
    model = LogisticRegression(C=problems.number(problem.C), multi_class="multinomial", solver="lbfgs",
                               tol=1e-12, max_iter=iterations,
                               fit_intercept=False)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns when it has not converged
        model.fit(*rows)
    return model.coef_, time.perf_counter() - start


def case(margin, problem, all_threads):
    reference = programs.optimum(margin, problem, TIMEOUT)
    judge, seconds, stops = problems.Judge(problem), {}, {}
    say(f"softmax, {problem.name}, C = {problem.C}: optimum {reference['primal']:.7f}, certified within"
        f" {reference['gap']:.2g}")
    cells = {(tolerance, threads): Cell(margin, problem, "softmax", tolerance, threads)
             for tolerance in TOLERANCES for threads in all_threads}
    iterations = 25
    while len(stops) < len(TOLERANCES) and iterations <= MOST_ITERATIONS:
        weights, took = fit(problem, judge.parts[0], iterations)
        gap = (objective(judge, weights) - reference["dual"]) / reference["dual"]
        say(f"  scikit-learn, {iterations} iterations: {took:.2f} s, gap {gap:.1e}")
        for tolerance in TOLERANCES:
            if gap <= tolerance and tolerance not in stops:
                stops[tolerance], seconds[iterations] = (iterations, gap), [took]
        iterations *= 2
        if took > TIMEOUT / 2:
            break
    for turn in range(ROUNDS):
        for cell in cells.values():
            cell.round()
        for iterations, times in seconds.items():
            if turn:
                times.append(fit(problem, judge.parts[0], iterations)[1])
    for tolerance in TOLERANCES:
        own = [cells[tolerance, threads] for threads in all_threads]
        peer, ratios = ["-", "-"], ["-" for _ in own]
        if tolerance in stops:
            iterations, gap = stops[tolerance]
            median = statistics.median(seconds[iterations])
            peer, ratios = ([f"{median:.1f} s", f"{iterations} iterations: {gap:.1e}"],
                            [f"{median / cell.median():.0f}x" for cell in own])
        print("| " + " | ".join([problem.name, problem.C, f"{tolerance:g}", *(cell.text() for cell in own),
                                 f"{own[-1].gap:.1e}", *peer, *ratios])
              + " |", flush=True)


def main():
    margin, work = sys.argv[1:]
    known = problems.known(os.environ.get("DATA", "../shared/data"))
    all_threads = sorted({1, len(os.sched_getaffinity(0))})
    head = ["problem", "C", "to gap", *(f"{count} thread{'s' if count > 1 else ''}" for count in all_threads),
            "certified gap", "scikit-learn",
            "its stop and gap", *(f"ratio, {count}" for count in all_threads)]
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head), flush=True)
    for name, C in CASES:
        if name not in known:
            say(f"{name}: left out")
            continue
        problems.prepare(known[name], margin, work, SCALE, text=False)
        case(margin, known[name].but(C=C, bias=0, loss="softmax"), all_threads)


if __name__ == "__main__":
    main()
