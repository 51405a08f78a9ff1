#!/usr/bin/env python3
"""Compares the probabilities of margin with those of scikit-learn on the same scores.

    bench_calibration.py NAME TRAIN.h5 TEST.h5 C [OPTION=VALUE...]

A fifth of the training rows calibrates a model of the others, once by margin and once by
CalibratedClassifierCV(method="temperature"), which needs scikit-learn 1.8. The table has log-loss and
expected calibration error (15 bins) on the test rows. `folds`: margin trains all rows and calibrates on its
five folds. """
import sys

import h5py
import numpy as np
import scipy.sparse as sp
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from margin import MarginClassifier


def read(path):
    with h5py.File(path) as f:
        X, y = f["X"], f["y"][:]
        if isinstance(X, h5py.Group):
            return sp.csr_matrix((X["data"][:], X["indices"][:], X["indptr"][:]), X.attrs["shape"]), y
        return X[:].reshape(len(y), -1), y


def ece(p, right):
    top = p.max(axis=1)
    bins = np.clip(np.ceil(top * 15).astype(int) - 1, 0, 14)
    return sum(abs(np.sum(right[bins == b] - top[bins == b])) for b in range(15)) / len(p)


def main():
    name, train, test, C, *options = sys.argv[1:]
    (X, y), (X_test, y_test) = read(train), read(test)
    # From 0, because the temperature of scikit-learn 1.9.1 is wrong for other labels.
    classes, y = np.unique(y, return_inverse=True)
    y_test = np.searchsorted(classes, y_test)
    if sp.issparse(X) and X_test.shape[1] < X.shape[1]:
        X_test = sp.csr_matrix((X_test.data, X_test.indices, X_test.indptr), (X_test.shape[0], X.shape[1]))
    settings = {"C": float(C), "options": dict(option.split("=") for option in options)}
    X_fit, X_val, y_fit, y_val = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    plain = MarginClassifier(**settings).fit(X_fit, y_fit)
    softmax = np.exp(plain.decision_function(X_test).astype(float))
    rows = {"softmax of the scores": softmax / softmax.sum(axis=1, keepdims=True)}
    for method in ("temperature", "adaptive", "sigmoid"):
        one = MarginClassifier(calibration=method, **settings).fit(X_fit, y_fit, X_val=X_val, y_val=y_val)
        rows[f"margin, {method}"] = one.predict_proba(X_test)
        if method == "adaptive":  # scikit-learn has no such method
            continue
        theirs = CalibratedClassifierCV(FrozenEstimator(plain), method=method,
                                        ensemble=False).fit(X_val, y_val)
        rows[f"scikit-learn, {method}"] = theirs.predict_proba(X_test)
    for method in ("temperature", "adaptive"):
        calibrated = MarginClassifier(calibration=method, **settings).fit(X, y)
        rows[f"margin, {method}, folds"] = calibrated.predict_proba(X_test)
    for what, p in rows.items():
        p = np.asarray(p, float)
        right = (p.argmax(axis=1) == y_test).astype(float)
        print(f"| {name} | {what} | {log_loss(y_test, p / p.sum(axis=1, keepdims=True)):.4f} |"
              f" {ece(p, right):.4f} |")


main()
