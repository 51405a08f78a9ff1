#!/bin/sh
# test_peers.sh - compares margin's final objective with the optimum that scikit-learn (LinearSVC,
# multi_class="crammer_singer") and liblinear-train -s 4 find for the same rows, lambda and constant feature.
# margin's objective may exceed the optimum by at most the fraction $allowed, and no program may be below it.
# Skipped (77) without scikit-learn.
#
#     test_peers.sh MARGIN
set -eu

MARGIN=$(readlink -f "$1")
allowed=0.02
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || { echo "skipped: no python3"; exit 77; }
"$python" -c 'import h5py, numpy, sklearn' 2>/dev/null ||
    { echo "skipped: no scikit-learn or h5py"; exit 77; }
base=${TMPDIR:-/dev/shm}
[ -w "$base" ] || base=/tmp
work=$(mktemp -d "$base/margin-peers-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >write.py <<'P'
# Data sets included in scikit-learn. The constant feature is a column for the other programs, and model.bias
# for margin.
import h5py, numpy as np
from sklearn import datasets
for name, load, scale in [("digits", datasets.load_digits, 1 / 16), ("iris", datasets.load_iris, 1 / 4)]:
    x, y = load(return_X_y=True)
    x = (x * scale).astype(np.float32)
    with h5py.File(name + ".h5", "w") as f:
        f["X"], f["y"] = x, y
    with open(name + ".svm", "w") as f:
        for row, label in zip(x, y):
            f.write("%d %s\n" % (label, " ".join("%d:%.9g" % (j + 1, v) for j, v in enumerate(row) if v)))
P
"$python" write.py

for pair in digits:0.1 digits:1 iris:1; do
    name=${pair%:*}
    C=${pair#*:}
    "$MARGIN" train --quiet --set data.train=$name.h5 --set model.C=$C --set model.loss=crammer-singer \
        --set model.bias=1 \
        --set train.epochs=300 --set train.batch=16 --set sgd.rate=cosine --set train.evaluate_every=0 \
        --set output.directory=$pair >/dev/null
    if command -v liblinear-train >/dev/null; then
        liblinear-train -q -s 4 -c $C -e 1e-4 -B 1 $name.svm $pair.liblinear
    fi
done

cat >compare.py <<'P'
import os, sys, warnings
import h5py, numpy as np
from sklearn.svm import LinearSVC
allowed = float(sys.argv[1])
failed = False

def objective(w, x, y, C):
    scores = x @ w.T
    true = scores[np.arange(len(y)), y]
    scores[np.arange(len(y)), y] = -np.inf
    return 0.5 / (C * len(y)) * (w**2).sum() + np.maximum(0, scores.max(1) - true + 1).mean()

def liblinear(path, columns):
    lines = open(path).read().split("\nw\n")
    head = dict(line.split(" ", 1) for line in lines[0].split("\n"))
    order = [int(v) for v in head["label"].split()]
    w = np.array([[float(v) for v in line.split()] for line in lines[1].strip().split("\n")]).T
    assert w.shape == (len(order), columns)
    return w[np.argsort(order)]

for pair in sys.argv[2:]:
    name, C = pair.split(":")[0], float(pair.split(":")[1])
    with h5py.File(name + ".h5", "r") as f:
        x, y = f["X"][:].astype(float), f["y"][:]
    x = np.hstack([x, np.ones((len(x), 1))])
    with h5py.File(pair + "/model.h5", "r") as f:
        w = np.hstack([f["weights"][:], f["bias"][:][:, None]]).astype(float)
        told = f.attrs["objective"]
    ours = objective(w, x, y, C)
    peer = LinearSVC(multi_class="crammer_singer", C=C, fit_intercept=False, tol=1e-5, max_iter=200000,
                     random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(x, y)
    optimum = objective(peer.coef_, x, y, C)
    if os.path.exists(pair + ".liblinear"):
        other = objective(liblinear(pair + ".liblinear", x.shape[1]), x, y, C)
        print("%s: liblinear %.9f" % (pair, other))
        optimum = min(optimum, other)
    gap = ours / optimum - 1
    print("%s: margin %.9f (told %.9f), optimum %.9f, gap %.4f%% (%.1f%% are allowed)"
          % (pair, ours, told, optimum, 100 * gap, 100 * allowed))
    failed |= not (-1e-5 < gap < allowed) or not abs(told - ours) < 1e-5 * ours
sys.exit(failed)
P
"$python" compare.py $allowed digits:0.1 digits:1 iris:1
