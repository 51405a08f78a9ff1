#!/usr/bin/env python3
"""Compares the test accuracy of the default solver, and of sgd at its default rate, with a grid of eight
rates at the same lambda: the Markdown table of docs/benchmarks.md.

    rate_table.py [MARGIN [DATA]]     default build/margin and ../shared/data

Needs the original data sets in DATA, and Debian's dataset-fashion-mnist; leaves no files behind.
"""

import os
import subprocess
import sys
import tempfile

MARGIN = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/margin")
DATA = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else "../shared/data")
FASHION = "/usr/share/datasets/fashion-mnist"
RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]
# name, train inputs, test inputs, settings, a good C (from the literature)
SETS = [
    (
        "fashion-mnist",
        [FASHION + "/train-images-idx3-ubyte.gz", FASHION + "/train-labels-idx1-ubyte.gz"],
        [FASHION + "/t10k-images-idx3-ubyte.gz", FASHION + "/t10k-labels-idx1-ubyte.gz"],
        ["data.scale=1/255"],
        "0.01",
    ),
    (
        "mnist",
        [DATA + "/mnist/train-images-idx3-ubyte.gz", DATA + "/mnist/train-labels-idx1-ubyte.gz"],
        [DATA + "/mnist/t10k-images-idx3-ubyte.gz", DATA + "/mnist/t10k-labels-idx1-ubyte.gz"],
        ["data.scale=1/255"],
        "1/16",
    ),
    ("news20", [DATA + "/news20/news20.svm.gz"], [DATA + "/news20/news20.t.svm.gz"], ["data.rows=unit"], "1"),
    ("usps", [DATA + "/usps/usps.train.svm.gz"], [DATA + "/usps/usps.test.svm.gz"], [], "0.1"),
    ("letter", [DATA + "/letter/letter-recognition.data"], None, ["data.scale=standard"], "1"),
    ("satimage", [DATA + "/satimage/sat.trn"], [DATA + "/satimage/sat.tst"], ["data.scale=standard"], "1"),
    (
        "pendigits",
        [DATA + "/pendigits/pendigits.tra"],
        [DATA + "/pendigits/pendigits.tes"],
        ["data.scale=standard"],
        "1",
    ),
    ("dna", [DATA + "/dna/dna.svm.gz"], [DATA + "/dna/dna.t.svm.gz"], [], "1/16"),
]


def convert(inputs, output, like=None):
    formats = {"ubyte.gz": "idx", "svm.gz": "svmlight"}
    name = next((f for end, f in formats.items() if inputs[0].endswith(end)), "csv")
    command = (
        [MARGIN, "convert", "-q", "--format", name] + (["--like", like] if like else []) + inputs + [output]
    )
    subprocess.run(command, check=True)


def accuracy(folder, settings):
    command = [MARGIN, "train", "-q", "--overwrite"]
    fixed = [
        "data.train=%s/train.h5" % folder,
        "data.test=%s/test.h5" % folder,
        "output.directory=%s/run" % folder,
        "train.evaluate_every=0",
        "checkpoint.every_seconds=0",
    ]
    for setting in fixed + settings:
        command += ["--set", setting]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 4:
        return 0.0  # the run diverged: the rate was too high
    result.check_returncode()
    line = next(line for line in result.stdout.splitlines() if line.startswith("test accuracy"))
    return float(line.split()[-1].rstrip("%"))


def main():
    print(
        "| data | lambda | auto | sgd | best of 8 | auto - best | sgd - best | "
        + " | ".join("%g" % rate for rate in RATES)
        + " |"
    )
    print("|---|---|---|---|---|---|---|" + "---|" * len(RATES))
    for name, train, test, settings, best_c in SETS:
        if not os.path.exists(train[0]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            if test is None:  # letter: the first 16,000 rows are for training, the last 4,000 for the test
                lines = open(train[0]).read().splitlines(True)
                for part, rows in (("train", lines[:16000]), ("test", lines[16000:])):
                    open("%s/%s.csv" % (folder, part), "w").writelines(rows)
                train, test = [folder + "/train.csv"], [folder + "/test.csv"]
            convert(train, folder + "/train.h5")
            convert(
                test,
                folder + "/test.h5",
                like=None if name in ("fashion-mnist", "mnist") else folder + "/train.h5",
            )
            for lam in ("lambda=1e-4", "C=" + best_c):
                chosen = settings + ["model." + lam]
                auto = accuracy(folder, chosen)
                chosen.append("train.solver=sgd")
                default = accuracy(folder, chosen)
                grid = [accuracy(folder, chosen + ["sgd.eta=%g" % rate]) for rate in RATES]
                print(
                    "| %s | %s | %.2f | %.2f | %.2f | %+.2f | %+.2f | "
                    % (name, lam, auto, default, max(grid), auto - max(grid), default - max(grid))
                    + " | ".join("%.2f" % value for value in grid)
                    + " |",
                    flush=True,
                )


main()
