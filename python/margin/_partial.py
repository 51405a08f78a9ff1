"""MarginClassifier.partial_fit: stochastic gradient descent, one call after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.multiclass import check_classification_targets

from ._arrays import Rows
from ._settings import _positive
from ._validation import check_weights, validate


def partial_fit(estimator: Any, X: Any, y: Any, classes: Any, sample_weight: Any) -> Any:
    first = not hasattr(estimator, "classes_")
    if first and classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    X, y = validate(estimator, X, y, reset=first)
    check_classification_targets(y)
    known = np.unique(classes) if first else estimator.classes_
    if not first and classes is not None and not np.array_equal(known, np.unique(classes)):
        raise ValueError(f"classes are {np.unique(classes)!r}, but the first call had {known!r}")
    estimator._check_classes(known)
    labels = _numbers(y, known)
    weights = check_weights(sample_weight, X)
    seen = {"weight": 0.0, "eta": None, "rows": 0} if first else dict(getattr(estimator, "_seen", None) or _seen(estimator))
    seen["weight"] += X.shape[0] if weights is None else float(weights.sum())
    settings = _settings(estimator, known, seen)
    rows = _with_all_classes(X, labels, weights, len(known))
    plan = estimator._run(settings, rows, None, None if first else estimator._made(), known)
    seen["rows"] += X.shape[0]
    if seen["eta"] is None:
        seen["eta"] = plan["learning_rate"]
        seen["first"] = X.shape[0]
    estimator._seen = seen
    return estimator


def _seen(estimator: Any) -> dict:
    """What partial_fit has to know after a fit."""
    rows = estimator._parts["training_rows"]
    return {"weight": float(rows), "eta": None, "rows": rows}


def _numbers(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    at = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    unknown = classes[at] != y
    if unknown.any():
        row = int(np.argmax(unknown))
        raise ValueError(f"y[{row}] is {y[row]!r}, which is not one of the classes {classes!r}")
    return at.astype(np.int64)


def _settings(estimator: Any, classes: np.ndarray, seen: dict) -> dict:
    settings = estimator._settings(classes, False)
    for key in ("train.tolerance", "train.patience", "data.validation", "model.C"):
        settings.pop(key, None)
    if estimator.alpha is None:
        settings["model.lambda"] = 1 / (_positive("C", estimator.C) * seen["weight"])
    settings.update({"train.solver": "sgd", "train.epochs": 1, "sgd.update": "plain", "sgd.rate": "constant", "sgd.average": False})
    settings["train.seed"] += seen["rows"]  # another order in every call
    if seen["eta"] is not None:  # falls with the rows that were seen
        settings["sgd.eta"] = seen["eta"] / (1 + (seen["rows"] - seen["first"]) / (10.0 * seen["first"])) ** 0.5
    settings.update(estimator.options or {})
    return settings


def _with_all_classes(X: Any, labels: np.ndarray, weights: Any, classes: int) -> Rows:
    """The rows, and a row of zeros with weight 0 for each class that has none, so that the library knows it."""
    missing = np.setdiff1d(np.arange(classes), labels)
    if len(missing):
        count = X.shape[0]
        if sp.issparse(X):
            X = sp.vstack([X, sp.csr_matrix((len(missing), X.shape[1]), dtype=X.dtype)], format="csr")
        else:
            X = np.concatenate([X, np.zeros((len(missing), X.shape[1]), X.dtype)])
        weights = np.concatenate([np.ones(count) if weights is None else weights, np.zeros(len(missing))])
        labels = np.concatenate([labels, missing])
    return Rows(X).label(labels, weights)
