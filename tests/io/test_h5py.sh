#!/bin/sh
# test_h5py.sh - h5py reads what margin writes, and margin reads what h5py writes: model.h5 with everything in
# docs/formats.md, training from a file like AnnData's, and scores computed again with NumPy. Skipped (77)
# without h5py.
#
#     test_h5py.sh MARGIN
set -eu

MARGIN=$(readlink -f "$1")
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || { echo "skipped: no python3"; exit 77; }
"$python" -c 'import h5py, numpy' 2>/dev/null || { echo "skipped: no h5py"; exit 77; }
base=${TMPDIR:-/dev/shm}
[ -w "$base" ] || base=/tmp
work=$(mktemp -d "$base/margin-h5py-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >write.py <<'P'
# Files as a user of h5py would write them.
import h5py, numpy as np
rng = np.random.default_rng(1)
n, d, k = 300, 40, 4
names = np.array(["B cell", "T cell", "monocyte", "n\u00e4ive"], dtype=object)
y = rng.integers(0, k, n)
counts = rng.poisson(0.3 + 2.5 * (np.arange(d)[None, :] % k == y[:, None]))
np.save("counts.npy", counts)
np.save("y.npy", y)
indptr = np.concatenate([[0], np.cumsum((counts > 0).sum(1))])
rows, indices = np.nonzero(counts)
with h5py.File("cells.h5ad", "w") as f: # like anndata, except for what margin does not read
    f.attrs["encoding-type"], f.attrs["encoding-version"] = "anndata", "0.1.0"
    x = f.create_group("X")
    x.attrs["encoding-type"], x.attrs["encoding-version"] = "csr_matrix", "0.1.0"
    x.attrs["shape"] = np.array([n, d])
    x.create_dataset("data", data=counts[rows, indices].astype(np.float32), chunks=(64,), compression="gzip",
                     shuffle=True)
    x.create_dataset("indices", data=indices.astype(np.int32), chunks=(64,), compression="gzip")
    x.create_dataset("indptr", data=indptr.astype(np.int32))
    column = f.create_group("obs/cell_type")
    column.attrs["encoding-type"], column.attrs["ordered"] = "categorical", False
    column.create_dataset("codes", data=y.astype(np.int8))
    column.create_dataset("categories", data=names, dtype=h5py.string_dtype())
with h5py.File("dense.h5", "w") as f:
    f.create_dataset("X", data=counts.astype(np.float64), chunks=(50, 10), compression="gzip")
    f["y"] = y.astype(np.int16) * 10 - 5
P
"$python" write.py

"$MARGIN" train --quiet --set data.train=cells.h5ad --set data.labels=obs/cell_type --set data.rows=total \
    --set data.transform=log1p \
    --set data.scale=standard --set train.epochs=5 --set model.loss=weston-watkins --set model.lambda=1e-3 \
    --set output.directory=cells >/dev/null
"$MARGIN" train --quiet --set data.train=dense.h5 --set train.epochs=5 --set data.validation=0.2 \
    --set model.bias=0 \
    --set output.directory=dense >/dev/null
"$MARGIN" predict cells/model.h5 cells.h5ad --scores >cells.scores
"$MARGIN" predict dense/model.h5 dense.h5 --scores >dense.scores
"$MARGIN" eval cells/model.h5 cells.h5ad --json >cells.json

cat >read.py <<'P'
import json
import h5py, numpy as np
counts, y = np.load("counts.npy"), np.load("y.npy")
k, d = 4, counts.shape[1]

def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)

def read(path):
    with h5py.File(path, "r") as f:
        assert sorted(set(f) - {"scale"}) == ["bias", "classes", "shares", "weights"], sorted(f)
        assert abs(f["shares"][:].sum() - 1) < 1e-12 and f["shares"].shape == (k,)
        assert f["weights"].shape == (k, d) and f["weights"].dtype == np.float32
        assert f["bias"].shape == (k,) and f["bias"].dtype == np.float32 and f["classes"].shape == (k,)
        classes = f["classes"].asstr()[:] if f["classes"].dtype.kind in "SO" else f["classes"][:]
        return f["weights"][:].astype(float), f["bias"][:].astype(float), list(classes), dict(f.attrs)

def scores(path):
    lines = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")]
    return [line[0] for line in lines], np.array([[float(s) for s in line[1:]] for line in lines])

def agree(path, x, weights, bias, classes):
    labels, told = scores(path)
    own = x @ weights.T + bias
    worst = np.abs(own - told).max() / np.abs(own).max()
    assert worst < 1e-5, (path, worst)
    assert labels == [str(classes[j]) for j in told.argmax(1)]
    return own

weights, bias, classes, attributes = read("cells/model.h5")
assert classes == sorted(["B cell", "T cell", "monocyte", "n\u00e4ive"], key=lambda s: s.encode()), classes
assert text(attributes["format"]) == "margin model" and attributes["format_version"] == 1
assert text(attributes["loss"]) == "weston-watkins" and attributes["delta"] == 1
assert abs(attributes["lambda"] - 1e-3) < 1e-18
x = counts * (1e4 / np.maximum(counts.sum(1, keepdims=True), 1e-300))
own = agree("cells.scores", np.log1p(x), weights, bias, classes)
true = own[np.arange(len(y)), y][:, None]
hinges = np.maximum(0, own - true + 1)
hinges[np.arange(len(y)), y] = 0
told = json.load(open("cells.json"))
assert abs(told["mean_loss"] - hinges.sum(1).mean()) < 1e-5 * told["mean_loss"]
# The objective uses the weights of scaled features, W = weights / scale. Without centring, the weight of the
# constant feature is the bias.
logs = np.log1p(x)
deviation, mean = logs.std(0), logs.mean(0)
w = weights * deviation
b = bias + weights @ mean
objective = hinges.sum(1).mean() + 0.5e-3 * ((w**2).sum() + (b**2).sum())
assert abs(attributes["objective"] - objective) < 1e-4 * objective, (attributes["objective"], objective)
assert told["accuracy"] > 0.9, told["accuracy"]

weights, bias, classes, attributes = read("dense/model.h5")
assert classes == [-5, 5, 15, 25] and classes[0].dtype == np.int64, classes
assert text(attributes["loss"]) == "crammer-singer" and not bias.any()
agree("dense.scores", counts.astype(float), weights, bias, classes)
with h5py.File("dense/checkpoints/" + sorted(__import__("os").listdir("dense/checkpoints"))[-1], "r") as f:
    assert text(f.attrs["format"]) == "margin checkpoint" and "weights" in f["state"]
print("model.h5, scores, loss and objective agree with NumPy")
P
"$python" read.py

# A model that another program has edited in any way is refused.
"$python" - <<'P'
import h5py
with h5py.File("dense/model.h5", "r+") as f:
    f["bias"][0] = 1
P
status=0
"$MARGIN" predict dense/model.h5 dense.h5 >out 2>err || status=$?
[ $status -eq 3 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -s out ] ||
    { echo "an edited model was not refused: $status"; cat err; exit 1; }

# float16 cells stay float16 in memory and in the file. The weights have the bits of training on the same
# values as float32, whether rows are widened in registers (few classes) or once (many classes).
"$python" - <<'P'
import h5py, numpy as np
rng = np.random.default_rng(2)
for k in (4, 20):
    y = rng.integers(0, k, 400)
    x = (rng.normal(size=(400, 53)) + (np.arange(53)[None, :] % k == y[:, None])).astype(np.float16)
    x[0, :3] = 6e-8, -6e-5, 65504 # subnormal, and the largest number
    for name, kind in (("half", np.float16), ("single", np.float32)):
        with h5py.File(f"{name}{k}.h5", "w") as f:
            f["X"], f["y"] = x.astype(kind), y
P
for k in 4 20; do
    for settings in "train.solver=sgd" "train.solver=dual" "train.solver=newton train.tolerance=1e-3" \
        "train.solver=sgd data.scale=standard"; do
        for name in half single; do
            set --
            for setting in $settings; do set -- "$@" --set "$setting"; done
            "$MARGIN" train --quiet --overwrite --set data.train=$name$k.h5 --set data.scale=none \
                --set model.lambda=0.1 --set train.epochs=3 "$@" \
                --set output.directory=$name >/dev/null
        done
        "$python" - "$k classes, $settings" <<'P'
import sys
import h5py
with h5py.File("half/model.h5") as a, h5py.File("single/model.h5") as b:
    same = all(a[name][:].tobytes() == b[name][:].tobytes() for name in ("weights", "bias"))
    same = same and a["weights"][:].any()
    assert same, sys.argv[1]
P
    done
done
# Streamed float16 rows are compared with float16 rows in memory, because the size of windows depends on the
# bytes of a row.
for limit in 0 36000; do
    "$MARGIN" train --quiet --overwrite --set data.train=half20.h5 --set data.scale=none \
        --set model.lambda=0.1 --set train.solver=sgd --set train.epochs=3 \
        --set data.memory_limit=$limit --set data.window=4KiB --set train.batch=16 \
        --set output.directory=limit$limit >/dev/null
done
"$python" - <<'P'
import h5py
with h5py.File("limit0/model.h5") as a, h5py.File("limit36000/model.h5") as b:
    assert a["weights"][:].tobytes() == b["weights"][:].tobytes(), "streamed float16"
P
"$MARGIN" info half4.h5 | grep -q float16 || { echo "margin info does not report float16"; exit 1; }
echo "float16 gives the weights of float32"
