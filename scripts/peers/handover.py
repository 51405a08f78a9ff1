#!/usr/bin/python3
"""Compares train.solver auto with dual and newton alone, to a certified gap, on data sets and random shapes.
Prints a Markdown table.

    handover.py MARGIN WORK [PROBLEM ...]

scripts/bench_handover.sh calls it. A cell is the user CPU seconds of training on one thread: those of the
process minus those of a run that stops after one step. Environment: CS ("0.01 1 100"), TOLERANCE (1e-3),
SOLVERS ("dual newton auto"), TIMEOUT (60 CPU seconds per run), ROUNDS (1; the least of several is taken),
DATA (../shared/data; sets that are missing are left out). """
import json
import os
import re
import resource
import subprocess
import sys

import h5py
import numpy as np
import scipy.sparse as sp

CS = os.environ.get("CS", "0.01 1 100").split()
TOLERANCE = os.environ.get("TOLERANCE", "1e-3")
SOLVERS = os.environ.get("SOLVERS", "dual newton auto").split()
TIMEOUT = float(os.environ.get("TIMEOUT", "60"))
ROUNDS = int(os.environ.get("ROUNDS", "1"))
DATA = os.environ.get("DATA", "../shared/data")
FASHION = "/usr/share/datasets/fashion-mnist"
LIMIT, CONSTANT = 1.3, 0.05  # auto may take this many times as long as the faster solver, plus these seconds

# Name, files below DATA, options of `margin convert`, settings of the run.
SETS = [
    ("fashion-mnist", [FASHION + "/train-images-idx3-ubyte.gz", FASHION + "/train-labels-idx1-ubyte.gz"], [],
     ["data.scale=1/255"]),
    ("mnist", ["mnist/train-images-idx3-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz"], [],
     ["data.scale=1/255"]),
    ("news20", ["news20/news20.svm.gz"], [], ["data.rows=unit"]),
    ("news20-counts", ["news20/news20.svm.gz"], [], []),
    ("usps", ["usps/usps.train.svm.gz"], ["--layout=dense"], []),
    ("dna", ["dna/dna.svm.gz"], [], []),
    ("letter", ["letter/letter-recognition.data"], ["--label=first"], ["data.scale=standard"]),
    ("pendigits", ["pendigits/pendigits.tra"], ["--label=last"], ["data.scale=standard"]),
    ("satimage", ["satimage/sat.trn"], ["--label=last"], ["data.scale=standard"]),
    ("banking77", ["banking77/train.csv"], ["--format=text", "--text=text", "--label=category"],
     ["data.rows=unit"]),
    ("clinc150", ["clinc150/train.tsv"], ["--format=text"], ["data.rows=unit"]),
    ("singlecell", ["singlecell/anndata-v0.5.0.h5ad"], None, ["data.labels=obs/bulk_labels"]),
]
# Name: rows, features, classes, share of stored values (1: dense), noise of dense rows.
SHAPES = {
    "13440x1024 K=28": (13440, 1024, 28, 1, 1.0),
    "2000x2000 CSR K=25": (2000, 2000, 25, .065, 0),
    "2000x16 K=2": (2000, 16, 2, 1, 1.0),
    "20000x64 K=100": (20000, 64, 100, 1, 1.0),
    "5000x256 K=10": (5000, 256, 10, 1, 3.0),
    "3000x1000 K=1000": (3000, 1000, 1000, 1, .5),
    "10000x512 K=200": (10000, 512, 200, 1, 1.0),
    "4000x4000 K=8": (4000, 4000, 8, 1, 2.0),
    "30000x300 K=2": (30000, 300, 2, 1, 4.0),
    "20000x32 K=50": (20000, 32, 50, 1, 1.5),
    "6000x4000 CSR K=5": (6000, 4000, 5, .01, 0),
    "20000x500 CSR K=40": (20000, 500, 40, .05, 0),
    "1000x3000 CSR K=300": (1000, 3000, 300, .02, 0),
}


def convert(margin, work, name, files, options):
    paths = [os.path.join(DATA, f) for f in files]
    out = os.path.join(work, name + ".h5")
    if not all(map(os.path.exists, paths)):
        return None
    if options is None:
        return paths[0]
    if not os.path.exists(out):
        subprocess.run([margin, "convert", "-q", *options, *paths, out], check=True)
    return out


def generate(work, name):
    out = os.path.join(work, re.sub(r"\W", "_", name) + ".h5")
    rows, features, classes, share, noise = SHAPES[name]
    if os.path.exists(out):
        return out
    random = np.random.RandomState(len(name) * 1000 + classes)
    y = random.randint(classes, size=rows)
    with h5py.File(out + ".part", "w") as file:
        file["y"] = y
        if share == 1:
            means = random.randn(classes, features) / np.sqrt(features) * 4
            file["X"] = (means[y] + noise * random.randn(rows, features)).astype("f4")
        else:
            values = lambda n: random.rand(n) * 5
            x = sp.random(rows, features, share, format="csr", random_state=random, data_rvs=values)
            means = sp.random(classes, features, share, format="csr", random_state=random, data_rvs=values)
            x = (x + means[y]).tocsr()
            x.sort_indices()
            group = file.create_group("X")
            group.attrs["encoding-type"], group.attrs["shape"] = "csr_matrix", np.array([rows, features])
            group["data"], group["indices"] = x.data.astype("f4"), x.indices.astype("i4")
            group["indptr"] = x.indptr.astype("i8")
    os.rename(out + ".part", out)
    return out


def user_seconds(command, timeout):
    """Returns the user CPU seconds of a command; None if it needs more than `timeout`."""
    before = os.times().children_user
    limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(timeout), int(timeout) + 5))
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          preexec_fn=limit if timeout else None)
    if done.returncode and "stopped at step" in done.stderr:
        return None
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return os.times().children_user - before


class Problem:
    def __init__(self, margin, work, data, settings, c):
        run = os.path.join(work, f"run-{os.getpid()}")
        self.log = os.path.join(run, "metrics.jsonl")
        self.command = [margin, "train", "-q", "--overwrite"]
        for setting in [f"data.train={data}", f"model.C={c}", f"train.tolerance={TOLERANCE}",
                        "train.threads=1",
                        f"output.directory={run}", *settings]:
            self.command += ["--set", setting]
        self.empty = min(user_seconds(self.command + ["--set", "train.max_steps=1"], None)
                         for _ in range(ROUNDS))

    def measure(self, solver, timeout):
        """Returns the seconds, and whether the gap was reached."""
        best, events = None, []
        for _ in range(ROUNDS):
            seconds = user_seconds(self.command + ["--set", f"train.solver={solver}"], timeout)
            if seconds is None:
                return None, False, "-"
            best = seconds if best is None else min(best, seconds)
        with open(self.log, encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        changes = [e["solver"] for e in events if e["event"] == "epoch" and "solver" in e]
        return max(0.0, best - self.empty), events[-1].get("converged", False), " ".join(changes) or "-"


def text(cell):
    seconds, converged, _ = cell
    return f"> {TIMEOUT:g} s" if seconds is None else f"{seconds:.2f} s" + ("" if converged else " (no)")


def row(problem, name, c):
    cells = {s: problem.measure(s, TIMEOUT) for s in SOLVERS}
    alone = [cells[s][0] for s in SOLVERS if s != "auto" and cells[s][1]]
    ratio, verdict = "-", "-"
    if "auto" in cells and alone:
        best, auto = min(alone), cells["auto"]
        reached = auto[0] is not None and auto[1]
        ratio = f"{auto[0] / max(best, .005):.2f}" if auto[0] is not None else "-"
        verdict = "yes" if reached and auto[0] <= LIMIT * best + CONSTANT else "NO"
    changes = cells["auto"][2] if "auto" in cells else "-"
    print(f"| {name} | {c} | " + " | ".join(text(cells[s]) for s in SOLVERS) +
          f" | {changes} | {ratio} | {verdict} |",
          flush=True)
    return verdict


def main():
    margin, work, wanted = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]
    found = []
    os.makedirs(work, exist_ok=True)
    for name, files, options, settings in SETS:
        if not wanted or name in wanted:
            path = convert(margin, work, name, files, options)
            found += [(name, path, settings)] if path else []
    found += [(name, generate(work, name), []) for name in SHAPES if not wanted or name in wanted]
    print("| problem | C | " + " | ".join(SOLVERS) + " | changes to | auto / faster | within 1.3x |")
    print("|---" * (5 + len(SOLVERS)) + "|")
    verdicts = [row(Problem(margin, work, os.path.abspath(path), settings, c), name, c)
                for name, path, settings in found for c in CS]
    print(f"\nwithin {LIMIT} times the faster solver + {CONSTANT:g} s: {verdicts.count('yes')} of "
          f"{len(verdicts) - verdicts.count('-')}")


if __name__ == "__main__":
    main()
