"""One fit of one estimator in a process of its own, for scripts/bench_python.py.

    fit_python.py prepare PROBLEM DATA WORK ROWS       writes WORK/PROBLEM.npz
    fit_python.py fit WORK/PROBLEM.npz SETTINGS        SETTINGS and the printed result are JSON

Settings: estimator, loss, C, tol, threads, limit (seconds). The objective is computed here, in double
precision and by the same formula for every estimator: 1/2 ||W||^2 + C * sum of the losses, where W has a
column of intercepts.
"""

import gzip
import json
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp

PREDICTED = 10_000  # rows of the timed predictions
BLOCK = 4096  # rows whose scores are computed at a time

# ---- problems ---------------------------------------------------------------------------------------


def fashion_mnist(data):
    base = Path("/usr/share/datasets/fashion-mnist")

    def read(name, offset):
        path = base / name
        content = gzip.open(f"{path}.gz").read() if not path.exists() else path.read_bytes()
        return np.frombuffer(content, np.uint8, offset=offset)

    out = []
    for part in ("train", "t10k"):
        images = read(f"{part}-images-idx3-ubyte", 16).reshape(-1, 784)
        out += [images.astype(np.float32) / 255, read(f"{part}-labels-idx1-ubyte", 8).astype(np.int64)]
    return out


def news20(data):
    from sklearn.datasets import load_svmlight_files
    from sklearn.feature_extraction.text import TfidfTransformer

    files = [str(data / "news20" / name) for name in ("news20.svm.gz", "news20.t.svm.gz")]
    X, y, X_test, y_test = load_svmlight_files(files)
    weigh = TfidfTransformer(sublinear_tf=True).fit(X)
    X, X_test = (weigh.transform(rows).astype(np.float32).tocsr() for rows in (X, X_test))
    return X, y.astype(np.int64), X_test, y_test.astype(np.int64)


def letter(data):
    lines = (data / "letter" / "letter-recognition.data").read_text().split()
    y = np.array([ord(line[0]) - ord("A") for line in lines], np.int64)
    X = np.array([line[2:].split(",") for line in lines], np.float32) / 15
    return X[:16000], y[:16000], X[16000:], y[16000:]


def embeddings(data):
    """50,000 rows of length 1 in 100 classes that overlap."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(100, 512))
    y = draw.integers(0, 100, 60_000)
    X = 0.14 * centres[y] + draw.normal(size=(60_000, 512))
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    return X[:50_000], y[:50_000], X[50_000:], y[50_000:]


PROBLEMS = {"fashion-mnist": fashion_mnist, "news20": news20, "letter": letter, "embeddings": embeddings}


def prepare(name, data, work, rows):
    """Writes the problem, with classes from 0; with `rows` > 0 only so many training and test rows."""
    X, y, X_test, y_test = PROBLEMS[name](Path(data))
    arrays = {"all_rows": np.array(len(y))}
    if rows:
        X, y, X_test, y_test = X[:rows], y[:rows], X_test[:rows], y_test[:rows]
    classes, arrays["y"] = np.unique(y, return_inverse=True)
    known = np.isin(y_test, classes)
    X_test, arrays["y_test"] = X_test[known], np.searchsorted(classes, y_test[known])
    for key, part in (("X", X), ("X_test", X_test)):
        if sp.issparse(part):
            part.sort_indices()
            values = {
                "data": part.data,
                "indices": part.indices.astype(np.int32),
                "shape": np.array(part.shape),
            }
            values["indptr"] = part.indptr.astype(np.int64)
            arrays.update({f"{key}_{name}": value for name, value in values.items()})
        else:
            arrays[key] = np.ascontiguousarray(part)
    np.savez(Path(work) / f"{name}.npz", **arrays)


def load(path):
    """X, y, X_test, y_test."""
    with np.load(path) as arrays:
        return tuple(
            _rows(arrays, key) if key[0] == "X" else arrays[key] for key in ("X", "y", "X_test", "y_test")
        )


def _rows(arrays, key):
    if key in arrays:
        return arrays[key]
    data, indices, indptr, shape = (
        arrays[f"{key}_{name}"] for name in ("data", "indices", "indptr", "shape")
    )
    rows = sp.csr_matrix((data, indices, indptr), shape=tuple(shape), copy=False)
    rows.indptr = rows.indptr.astype(np.int32) if indptr[-1] < 2**31 else rows.indptr
    return rows


# ---- estimators -------------------------------------------------------------------------------------


class Margin:
    losses = {"crammer-singer": "crammer-singer", "one-vs-rest": "one-vs-rest-squared", "softmax": "softmax"}

    def __init__(self, how):
        import margin
        from margin import _library

        self.estimator = margin.MarginClassifier(
            self.losses[how["loss"]], C=how["C"], tol=how["tol"], n_jobs=how["threads"]
        )
        self.library, self.inside = _library, 0.0

    def fit(self, X, y):
        call = self.library.call

        def timed(name, *arguments):
            begun = time.perf_counter()
            call(name, *arguments)
            self.inside += time.perf_counter() - begun if name == "mg_fit" else 0

        self.library.call = timed
        self.estimator.fit(X, y)
        self.library.call = call

    def result(self):
        fitted = self.estimator
        return {"inside_seconds": self.inside, "gap": fitted.gap_, "converged": bool(fitted.converged_)}

    def weights(self):
        return self.estimator.coef_, self.estimator.intercept_


class Peer:
    """LinearSVC for the hinges; LogisticRegression for softmax, with the intercept as the weight of a
    constant feature: so the intercept is regularised, as in the two others."""

    def __init__(self, how):
        import inspect

        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        self.constant = how["loss"] == "softmax"
        if how["loss"] == "softmax":
            self.estimator = LogisticRegression(C=how["C"], max_iter=1000, fit_intercept=False)
        elif how["loss"] == "crammer-singer":
            self.estimator = LinearSVC(C=how["C"], multi_class="crammer_singer")
        else:
            newer = "auto" in str(inspect.signature(LinearSVC))
            self.estimator = LinearSVC(C=how["C"], **({"dual": "auto"} if newer else {}))

    def before(self, X):
        """The rows with the constant feature; not timed."""
        if not self.constant:
            return X
        ones = np.ones((X.shape[0], 1), np.float32)
        return sp.hstack([X, sp.csr_matrix(ones)], format="csr") if sp.issparse(X) else np.hstack([X, ones])

    def fit(self, X, y):
        self.estimator.fit(X, y)

    def result(self):
        return {"iterations": int(np.max(self.estimator.n_iter_))}

    def weights(self):
        weights = np.asarray(self.estimator.coef_)
        if self.constant:
            return weights[:, :-1], weights[:, -1]
        return weights, np.broadcast_to(self.estimator.intercept_, len(weights))


# ---- measurements -----------------------------------------------------------------------------------


def losses_of(loss, scores, y):
    """Sum of the losses of rows, in double precision."""
    rows = np.arange(len(y))
    own = scores[rows, y].copy()
    if loss == "softmax":
        highest = scores.max(axis=1)
        return float((highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1)) - own).sum())
    if loss == "one-vs-rest":
        margins = 1 + scores
        margins[rows, y] = 1 - own
        return float(np.square(np.maximum(0, margins)).sum())
    scores[rows, y] = own - 1
    return float(np.maximum(0, 1 + scores.max(axis=1) - own).sum())


def objective(loss, C, weights, bias, X, y):
    weights, bias = weights.astype(np.float64), np.asarray(bias, np.float64)
    total = 0.0
    for at in range(0, len(y), BLOCK):
        part = X[at : at + BLOCK]
        scores = np.asarray(part.astype(np.float64) @ weights.T) + bias
        total += losses_of(loss, scores, y[at : at + BLOCK])
    return 0.5 * (np.square(weights).sum() + np.square(bias).sum()) + C * total


def peak_mb():
    lines = Path("/proc/self/status").read_text().split("\n")
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def forget_peak():
    """Linux counts the peak anew from here."""
    Path("/proc/self/clear_refs").write_text("5")


def median_of(work, repeats=7):
    work()
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds))


def predictions(estimator, weights, bias, X):
    """Seconds for the labels of the rows: by the estimator, and by numpy. 10,000 rows, repeated if needed."""
    parts = [X] * -(-PREDICTED // X.shape[0])
    many = (sp.vstack(parts, format="csr") if sp.issparse(X) else np.concatenate(parts))[:PREDICTED]
    classes, transposed = estimator.classes_, np.ascontiguousarray(weights.T.astype(np.float32))
    bias = np.asarray(bias, np.float32)
    return {
        "predict_seconds": median_of(lambda: estimator.predict(many)),
        "numpy_seconds": median_of(lambda: classes[np.asarray(many @ transposed + bias).argmax(axis=1)]),
    }


def warm_up(estimator, sparse):
    """Imports what a first fit imports, and starts threads."""
    from sklearn.base import clone

    X = np.eye(12, dtype=np.float32)
    clone(estimator).fit(sp.csr_matrix(X) if sparse else X, np.arange(12) % 3)


def fit(path, how):
    X, y, X_test, y_test = load(path)
    worker = Margin(how) if how["estimator"] == "margin" else Peer(how)
    rows = worker.before(X) if isinstance(worker, Peer) else X
    if rows is not X:
        X = None  # the peak is not to hold both
    warm_up(worker.estimator, sp.issparse(rows))
    forget_peak()
    before = peak_mb()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # The alarm ends the process, also within the code of a library.
        signal.setitimer(signal.ITIMER_REAL, how["limit"])
        begun = time.perf_counter()
        worker.fit(rows, y)
        seconds = time.perf_counter() - begun
        signal.setitimer(signal.ITIMER_REAL, 0)
    peak = peak_mb()
    weights, bias = worker.weights()
    X = rows if X is not None else rows[:, :-1]
    return {
        "seconds": seconds,
        "peak_mb": peak,
        "fit_mb": peak - before,
        "objective": objective(how["loss"], how["C"], weights, bias, X, y),
        "accuracy": float(((X_test @ weights.T + bias).argmax(axis=1) == y_test).mean()),
        "warnings": sorted({str(warning.message).split("\n")[0] for warning in caught}),
        **worker.result(),
        **(predictions(worker.estimator, weights, bias, X_test) if how["estimator"] == "margin" else {}),
    }


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
    else:
        print(json.dumps(fit(sys.argv[2], json.loads(sys.argv[3]))))
