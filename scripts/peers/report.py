#!/usr/bin/python3
"""Turns the measurements of compare.py into the page benchmarks_peers.md, and two plots (SVG) for each
problem.

    report.py RESULTS.json DIRECTORY
"""
import json
import os
import statistics
import subprocess
import sys

# Why a goal is missed or another program is faster: (problem, what or program) -> text, written by hand after
# an investigation. The texts are here because every run of the script writes the whole page.
REASONS = {
    ("fashion-mnist", "training, margin (default) against PyTorch"):
        "PyTorch makes 20 epochs and ends 0.6 points lower; margin makes 10 and has PyTorch's accuracy after"
        " one",
    ("fashion-mnist", "file to model, margin (default) against liblinear-train -s 4"):
        "margin makes 10 epochs, although 4 are enough for this accuracy, and it needs 0.13 s to start, read"
        " and write",
    ("fashion-mnist", "file to model, margin (default) against PyTorch"): "the reasons of the two rows above",
    ("news20", "training, margin (default) against liblinear-train -s 4"):
        "margin makes 20 epochs, as for all small data, and reaches a lower objective; it has LIBLINEAR's"
        " accuracy after three",
    ("news20", "peak memory, margin (default) as a fraction of liblinear-train -s 4's"):
        "margin holds the weights, their average and the image of a checkpoint (6 MB each), the dual"
        " variables, and libhdf5 itself",
    ("news20", "margin (sgd)"): "its search for a rate takes nearly all of the time",
    ("languages", "training, margin (sgd) against liblinear-train -s 4"):
        "1.3 s to find a rate, then 4 epochs (the minimum of sgd) that take at least 1.3 s each",
    ("languages", "training, margin (default) against liblinear-train -s 4"):
        "a row takes 0.3 to 0.4 microseconds an epoch on two threads, limited by the latency of the weights'"
        " cache lines; LIBLINEAR takes 36 to 46 s here, while the goal assumed 57 s",
    ("languages", "peak memory, margin (default) as a fraction of SGDClassifier's"):
        "the rows themselves take 0.55 GB in both programs",
    ("languages", "margin (sgd)"): "sgd searches for a rate and makes 4 epochs of minibatches; dual ascent"
                                   " makes 2 epochs of rows",
}
OURS = ("margin (default)", "margin (sgd)")
SMALLEST_GAP = 1e-5
# Colours that differ for the colour-blind too (Okabe and Ito), and gnuplot's number of a shape of points.
STYLES = {
    "margin (default)": ("#d55e00", 7), "margin (sgd)": ("#e69f00", 5),
    "margin (tolerance 1e-4)": ("#000000", 13),
    "liblinear-train -s 4": ("#0072b2", 9), "msvmocas": ("#56b4e9", 11), "LinearSVC": ("#009e73", 4),
    "SGDClassifier": ("#cc79a7", 6),
    "PyTorch": ("#808080", 8),
}
# The goals: problem, what, our program, the other program, how many times faster.
GOALS = [
    ("fashion-mnist", "training", OURS[0], "liblinear-train -s 4", 10),
    ("fashion-mnist", "training", OURS[0], "PyTorch", 10),
    ("fashion-mnist", "file to model", OURS[0], "liblinear-train -s 4", 20),
    ("fashion-mnist", "file to model", OURS[0], "PyTorch", 20),
    ("languages", "training", OURS[1], "liblinear-train -s 4", 5),
    ("languages", "training", OURS[0], "liblinear-train -s 4", 50),
    ("languages", "file to model", OURS[0], "liblinear-train -s 4", 15),
    ("news20", "training", OURS[0], "liblinear-train -s 4", 3),
]


# ---- numbers -------------------------------------------------------------------------------------

def seconds(value):
    if value < 0.1:
        return f"{1e3 * value:.0f} ms"
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} s"


def spread(values):
    return f"{seconds(statistics.median(values))} ({seconds(min(values))} .. {seconds(max(values))})"


def times(peer, ours):
    return f"{peer / ours:.1f}x" if ours > 0 else "-"


def named(problem, name):
    return next((program for program in problem["programs"] if program["name"] == name), None)


def reached(program, accuracy):
    """Returns the seconds of training until the weights first reach an accuracy."""
    return min((point[0] for point in program["curve"] if point[1] >= accuracy and point[0] > 0),
               default=None)


def overhead(program):
    """Returns the seconds of the whole command minus those of training."""
    return (statistics.median(program["wall"]) - statistics.median(program["train"]) if program["wall"]
            else None)


def gap_of(problem, objective):
    return (objective - problem["reference"]["dual"]) / objective


# ---- tables --------------------------------------------------------------------------------------

def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def main_table(problem):
    ours = named(problem, OURS[0])
    ours = ours if ours and ours["wall"] else None
    rows = []
    for program in problem["programs"]:
        name, reason = program["name"], REASONS.get((problem["name"], program["name"]), "")
        if program["failure"]:
            rows.append([name, program["failure"]] + ["-"] * 7 + [reason])
        elif program["wall"]:
            wall, train, memory = (statistics.median(program[key]) for key in ("wall", "train", "memory"))
            compared = [times(wall, statistics.median(ours["wall"])),
                        times(train, statistics.median(ours["train"]))] if ours else ["-", "-"]
            rows.append([name, spread(program["wall"]), spread(program["train"]), f"{memory / 1e6:.0f} MB",
                         f"{100 * program['accuracy']:.2f}%",
                         f"{program['objective']:.5f}", f"{gap_of(problem, program['objective']):.1e}",
                         *compared, reason])
    return table(["program", "file to model", "training", "peak memory", "test accuracy", "objective", "gap",
                  "file to model / margin's",
                  "training / margin's", "reason of a loss"], rows)


def accuracy_table(problem):
    """Seconds of training until LIBLINEAR's accuracy is reached, and until a tenth of a point less is."""
    peer = named(problem, "liblinear-train -s 4")
    if not peer or "accuracy" not in peer:
        return []
    aims = (peer["accuracy"], peer["accuracy"] - 0.001)
    rows = []
    for program in problem["programs"]:
        cells = []
        for aim in aims:
            took = reached(program, aim)
            cells += [seconds(took) if took else "not reached", seconds(took + overhead(program)) if took
                      and program["wall"] else "-"]
        rows.append([program["name"], *cells])
    return table(["program", *(f"{what} {100 * aim:.2f}%" for aim in aims
                               for what in ("training to", "file to model at"))], rows)


def ratio(ours, peer, ours_took, peer_took):
    if ours_took and peer_took:
        return f"{peer_took / ours_took:.1f}x"
    return " and ".join(program["name"] for program, took in ((ours, ours_took), (peer, peer_took))
                        if not took) + ": not reached"


def goal_rows(problem):
    """Returns rows with ratios of the times of whole runs, and of the times until an accuracy is reached."""
    liblinear = named(problem, "liblinear-train -s 4")
    for name, what, ours, peer, goal in GOALS:
        pair = [named(problem, ours), named(problem, peer)]
        if (name != problem["name"] or not all(program and program["wall"] for program in pair)
            or not liblinear["wall"]):
            continue
        whole = [statistics.median(program["train" if what == "training" else "wall"]) for program in pair]
        cells = [f"{times(whole[1], whole[0])}, {100 * pair[0]['accuracy']:.2f} against"
                 f" {100 * pair[1]['accuracy']:.2f}%"]
        for aim in (liblinear["accuracy"], liblinear["accuracy"] - 0.001):
            took = [reached(program, aim) for program in pair]
            if what != "training":
                took = [t + overhead(program) if t else None for t, program in zip(took, pair)]
            cells.append(ratio(*pair, *took))
        what = f"{what}, {ours} against {peer}"
        yield [name, what, f"{goal}x", *cells, REASONS.get((name, what), "")]


def memory_rows(problem):
    ours = named(problem, OURS[0])
    for program in problem["programs"]:
        if ours and ours["wall"] and program["wall"] and program["name"] not in OURS:
            share = statistics.median(ours["memory"]) / statistics.median(program["memory"])
            what = f"peak memory, {ours['name']} as a fraction of {program['name']}'s"
            yield [problem["name"], what, "below 0.50", f"{share:.2f}", "", "",
                   REASONS.get((problem["name"], what), "")]


# ---- plots ---------------------------------------------------------------------------------------

def lowest(curves):
    """The lower end of the axis of the accuracies."""
    return max(y for _, points in curves for _, y in points) - 8


def draw(path, title, kind, curves):
    """kind: accuracy or gap; curves: (program, points of (seconds, height)). No point is on the edge of the
    frame."""
    if kind == "accuracy":
        curves = [(name, [point for point in points if point[1] > lowest(curves)]) for name, points in curves]
    curves = [(name, points) for name, points in curves if points]
    if not curves:
        return
    times = [x for _, points in curves for x, _ in points]
    blocks, lines = [], []
    for number, (name, points) in enumerate(curves):
        blocks.append(f"$p{number} << END\n" + "\n".join(f"{x:.6g} {y:.8g}" for x, y in sorted(points)) +
                      "\nEND\n")
        colour, shape = STYLES[name]
        width = 2.5 if name.startswith("margin") else 1.2
        style = (f'linecolor rgb "{colour}" linewidth {width} pointtype {shape} pointsize'
                 f' {0.5 if len(points) > 1 else 1.0}')
        lines.append(f"$p{number} with linespoints {style} title \"{name}\"")
    script = [f'set output "{path}"', f'set title "{title}" noenhanced', 'set xlabel "seconds of training"',
              "set logscale x",
              "set grid", "set bmargin 7",
              "set key at screen 0.5, screen 0.02 bottom center horizontal maxcols 3 Left reverse noenhanced",
              'set format x "%g"',
              f"set xrange [{min(times) / 1.3:.4g}:{1.3 * max(times):.4g}]"]
    if kind == "gap":
        script += ["set logscale y", 'set format y "%.0e"', 'set ylabel "(objective - bound) / objective"',
                   f"set yrange [{SMALLEST_GAP / 2}:2]"]
    else:
        low = lowest(curves)
        script += ['set ylabel "test accuracy, %"', f"set yrange [{low - 0.3:.1f}:{low + 8.5:.1f}]"]
    head = 'set terminal svg size 900,520 dynamic font "sans-serif,13" background "white"\n'
    subprocess.run(["gnuplot"], input=head + "".join(blocks) + "\n".join(script) + "\nplot " +
                   ", ".join(lines) + "\n", text=True, check=True)


def plot(problem, folder, kind, height):
    """height: of a point (seconds, accuracy, objective)."""
    curves = [(program["name"], [(point[0], height(point)) for point in program["curve"] if point[0] > 0])
              for program in problem["programs"]]
    title = (f"{problem['name']}: {problem['rows']:,} x {problem['features']:,}, {problem['classes']}"
             f" classes, C = {problem['C']}")
    draw(f"{folder}/plots/{problem['name']}_{kind}.svg", title, kind, curves)


# ---- the page ------------------------------------------------------------------------------------

HOW = """Figures are medians of {rounds} rounds, with the least and the largest value in parentheses. Within a
round the programs take turns. A command may take {timeout:g} seconds at most. Files are in the page cache.

- "File to model" is the wall time of the whole command. margin and the Python programs read HDF5; LIBLINEAR
  and msvmocas read svmlight text.
- "Test accuracy" and "objective" are computed from the weights that each program leaves, by the same
  function in double precision (`scripts/peers/problems.py`).
- The objective is Crammer-Singer, lambda/2 ||W||^2 + mean loss with lambda = 1/(C rows). It is also given
  for programs that minimise another objective (SGDClassifier, PyTorch); for these the difference shows how
  far apart the two objectives are.
- The gap is (objective - bound)/objective with the best lower bound that a run of margin certified.

`-c C` of LIBLINEAR and of msvmocas is the same C: both minimise 1/2 ||W||^2 + C (sum of losses), which is
the objective here divided by lambda. msvmocas has no constant feature, so its text has one as the last
column. LIBLINEAR, msvmocas and LinearSVC use one thread. SGDClassifier (n_jobs=-1), PyTorch and margin use
all cores.

No program is tuned for a data set. C and the preparation of the rows belong to the problem.
"""


READING = """## How to read the plots

For margin, SGDClassifier and PyTorch, each point of a curve is the end of an epoch. For LIBLINEAR and
msvmocas, each point is a whole run with another stopping tolerance. LinearSVC has a single point, its one
run. A curve ends where its program ends. Gaps below {gap:g} are drawn at {gap:g}. Points more than 8
percentage points below the best accuracy are left out.

A curve can be flat for one of three reasons:

- `margin (tolerance 1e-4)` is flat between two certificates, because its weights are those of the best
  certificate so far.
- The gap of SGDClassifier and PyTorch is flat at its end, because they minimise another objective. So their
  weights do not come closer to this optimum.
- An accuracy is flat at its end if the weights still come closer to the optimum, but no more test rows
  become right.
"""
PLATEAUS = "Flat parts of the curves are explained [above](#how-to-read-the-plots)."


GOAL_COLUMNS = """## Goals

"whole runs" compares the times of complete runs, and gives the test accuracies of both programs. The next two
columns compare the times until each program first has LIBLINEAR's test accuracy, and until it first has 0.1
percentage points less. In the rows on memory, the ratio is margin's memory divided by that of the other
program.
"""


def opening(told):
    machine = told["machine"]
    yield "# margin next to other programs\n"
    if told["scale"] != 1:
        yield f"**A trial with a share of {told['scale']:g} of the rows: these numbers mean nothing.**\n"
    yield (f"Made by `scripts/bench_peers.sh`. {machine['processor']}, {machine['cores']} cores"
           f" ({', '.join(machine['instructions'])}),"
           f" {machine['memory_gb']} GB; " +
           ", ".join(f"{name} {version}" for name, version in told["versions"].items()) + ".\n")
    yield HOW.format(**told)


def notes(told):
    seen = {}
    for problem in told["problems"]:
        for program in problem["programs"]:
            seen.setdefault(program["name"], (program["note"], program["command"]))
    yield "## The programs\n"
    yield from table(["program", "what is measured", "command, on " + told["problems"][0]["name"]],
                     [[name, note, f"`{command}`"] for name, (note, command) in seen.items()])


def chapter(problem):
    reference = problem["reference"]
    names = {"": "rows as they are", "unit": "rows of unit length"}
    preparation = names.get(problem["preparation"], f"rows times {problem['preparation']}")
    yield f"## {problem['name']}\n"
    constant = f"a constant feature of {problem['bias']}" if problem["bias"] else "no constant feature"
    yield (f"{problem['rows']:,} training and {problem['test_rows']:,} test rows, {problem['features']:,}"
           " features,"
           f" {problem['classes']} classes; {preparation}; C = {problem['C']}, {constant}."
           f" The optimum is at most {reference['primal']:.6f} and at least {reference['dual']:.6f}.\n")
    yield from main_table(problem)
    yield ("Seconds until the weights of a program first reached the test accuracy of LIBLINEAR (at"
           " LIBLINEAR's default stopping tolerance),"
           " and until they first reached 0.1 percentage points less. The times come from the runs that the"
           " plots show, one for each program:\n")
    yield from accuracy_table(problem)
    yield f"![test accuracy against seconds](plots/{problem['name']}_accuracy.svg)\n"
    yield f"![gap against seconds](plots/{problem['name']}_gap.svg)\n"
    yield PLATEAUS + "\n"


def page(told):
    yield from opening(told)
    yield GOAL_COLUMNS
    goals = [row for problem in told["problems"] for rows in (goal_rows, memory_rows)
             for row in rows(problem)]
    yield from table(["problem", "what", "goal", "whole runs", "until LIBLINEAR's accuracy",
                      "until 0.1 points less", "reason of a miss"], goals)
    yield READING.format(gap=SMALLEST_GAP)
    for problem in told["problems"]:
        yield from chapter(problem)
    yield from notes(told)


# This section and the next are written by texts.py and scripts/bench_python.py, and kept here.
LAST_SECTION = "## Texts next to fastText"


def main():
    results, folder = sys.argv[1:]
    with open(results) as file:
        told = json.load(file)
    os.makedirs(os.path.join(folder, "plots"), exist_ok=True)
    for problem in told["problems"]:
        plot(problem, folder, "accuracy", lambda point: 100 * point[1])
        plot(problem, folder, "gap", lambda point: max(gap_of(problem, point[2]), SMALLEST_GAP))
    path = os.path.join(folder, "benchmarks_peers.md")
    with open(path) as file:
        _, heading, last = file.read().partition(LAST_SECTION)
    with open(path, "w") as file:
        file.write("\n".join(page(told)).rstrip() + "\n" + ("\n" + heading + last if heading else ""))
    print(path)


if __name__ == "__main__":
    main()
