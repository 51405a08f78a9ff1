# test_free_bias_peers.py - with model.penalize_bias: false, margin finds the optima that scikit-learn and
# minimisers of scipy find for the same objective: softmax as LogisticRegression on three data sets, the hinge
# of two classes as SVC, squared hinges.
#
#     test_free_bias_peers.py MARGIN
import sys
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from runs import Work, fail, need_modules

need_modules("h5py", "numpy", "scipy", "sklearn")

import h5py
import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

CLOSE = 1e-5  # relative difference of the objectives


def softmax(s, y):
    return logsumexp(s, axis=1) - s[np.arange(len(y)), y]


def hinge(s, y):
    return np.maximum(0, 1 - np.where(y == 1, 1, -1) * (s[:, 1] - s[:, 0]))


def one_vs_rest_squared(s, y):
    t = np.where(np.arange(s.shape[1]) == y[:, None], 1, -1)
    return (np.maximum(0, 1 - t * s) ** 2).sum(axis=1)


def weston_watkins_squared(s, y):
    m = np.maximum(0, s - s[np.arange(len(y)), y][:, None] + 1)
    m[np.arange(len(y)), y] = 0
    return (m ** 2).sum(axis=1)


def objective(x, y, W, b, lam, loss):
    W = W.astype(float)
    return lam / 2 * (W ** 2).sum() + loss(x @ W.T + b, y).mean()


def minimum(x, y, lam, loss):
    """By BFGS with gradients by central differences of each score; only for small data."""
    classes, width = y.max() + 1, x.shape[1]

    def value(v):
        W = v.reshape(classes, width + 1)
        s, step = x @ W[:, :width].T + W[:, width], 1e-6
        grad = np.empty_like(s)
        for k in range(classes):
            up, down = s.copy(), s.copy()
            up[:, k] += step
            down[:, k] -= step
            grad[:, k] = (loss(up, y) - loss(down, y)) / (2 * step) / len(y)
        g = np.hstack([grad.T @ x + lam * W[:, :width], grad.sum(axis=0)[:, None]])
        return lam / 2 * (W[:, :width] ** 2).sum() + loss(s, y).mean(), g.ravel()

    return minimize(value, np.zeros(classes * (width + 1)), jac=True, method="L-BFGS-B",
                    options={"maxiter": 20000, "maxfun": 20000, "ftol": 1e-14, "gtol": 1e-9}).fun


class Case:
    def __init__(self, work):
        self.work = work

    def train(self, name, x, y, lam, loss, *more):
        """Returns weights and bias of a certified model."""
        with h5py.File(self.work.at(name + ".h5"), "w") as f:
            f["X"], f["y"] = x, y
        sets = (f"data.train={name}.h5", f"output.directory={name}-{loss}", f"model.loss={loss}",
                f"model.lambda={lam!r}",
                "model.penalize_bias=false", "train.tolerance=5e-6", *more)
        got = self.work.run("train", "-q", *[word for text in sets for word in ("--set", text)])
        if got.returncode or "warning" in got.stderr:
            fail(f"{name}, {loss}: {got.stderr}")
        with h5py.File(self.work.at(f"{name}-{loss}", "model.h5")) as f:
            return f["weights"][:], f["bias"][:].astype(float), float(f.attrs["objective"])

    def same(self, name, x, y, lam, loss, function, best, *more):
        W, b, told = self.train(name, x, y, lam, loss, *more)
        mine = objective(x.astype(float), y, W, b, lam, function)
        if abs(mine - best) > CLOSE * best or abs(told - mine) > CLOSE * best:
            fail(f"{name}, {loss}: the objective is {mine:.9g}, reported as {told:.9g}; the optimum is"
                 f" {best:.9g}")
        print(f"{name}, {loss}: {mine:.9g}, optimum {best:.9g}")


def main(margin):
    warnings.filterwarnings("ignore")
    with Work(margin) as work:
        case = Case(work)
        sets = {"iris": (datasets.load_iris, 1), "wine": (datasets.load_wine, 0.1),
                "digits": (datasets.load_digits, 1 / 16)}
        for name, (load, scale) in sets.items():
            x, y = load(return_X_y=True)
            x = (x * scale).astype("f4")
            lam = 1 / len(y)
            peer = LogisticRegression(C=1, tol=1e-10, max_iter=100000).fit(x.astype(float), y)
            best = objective(x.astype(float), y, peer.coef_, peer.intercept_, lam, softmax)
            case.same(name, x, y, lam, "softmax", softmax, best)
        x, y = datasets.load_iris(return_X_y=True)
        x = x.astype("f4") + 8  # far from the origin, where a regularised bias would be very wrong
        for loss, function in ("one-vs-rest-squared",
                               one_vs_rest_squared), ("weston-watkins-squared", weston_watkins_squared):
            case.same("far", x, y, 0.01, loss, function, minimum(x.astype(float), y, 0.01, function))
        x, y = x[50:] - 8, y[50:] - 1
        # ||W||^2 of two classes is half that of the difference of their weights
        peer = SVC(C=2 / (len(y) * 0.01), kernel="linear", tol=1e-8).fit(x.astype(float), y)
        both = np.vstack([-peer.coef_ / 2, peer.coef_ / 2])
        best = objective(x.astype(float), y, both, np.array([0, peer.intercept_[0]]), 0.01, hinge)
        for loss in "crammer-singer", "weston-watkins":
            case.same("two", x, y, 0.01, loss, hinge, best)


main(sys.argv[1])
