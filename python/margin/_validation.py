"""scikit-learn's checks of X and y, in 1.2 and in newer releases."""

from __future__ import annotations

import contextlib
import functools
import numbers
import os
import re
from typing import Any, Callable, Iterator, Optional, TypeVar, cast

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_array

from ._arrays import DENSE_TYPES, Rows, canonical, encode, plain, shown

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # before 1.6
    validate_data = None

_FINITE = "force_all_finite" if validate_data is None else "ensure_all_finite"
# The library finds NaN and infinity itself, without another pass over X, and names their row and column.
_CHECK: dict[str, Any] = {
    "accept_sparse": "csr",
    "accept_large_sparse": True,
    "dtype": [np.dtype(name) for name in DENSE_TYPES],
    _FINITE: False,
}

_Method = TypeVar("_Method", bound=Callable)

# Checks of scikit-learn that fail, and why.
EXPECTED_FAILURES = {
    name: (
        "the check wants decisions that agree within 1e-7, but rows and weights are in single precision; "
        "tests/test_estimator.py compares certified objectives instead"
    )
    for name in (
        "check_sample_weights_invariance",
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    )
}


def validate(estimator: Any, X: Any, *y: Any, reset: bool = True) -> Any:
    """X, or (X, y), after scikit-learn's checks; sets n_features_in_ and feature_names_in_ if `reset`."""
    X = plain(X)
    if not y and not reset and _is_readable(estimator, X):
        return X
    if y and y[0] is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    extra = {"y": y[0]} if y else {}
    with _named_labels(y[0] if y else None):
        if validate_data is None:
            out = estimator._validate_data(X, reset=reset, **extra, **_CHECK)
        else:
            out = validate_data(estimator, X, reset=reset, **extra, **_CHECK)
    return (canonical(out[0]), out[1]) if y else canonical(out)


def _is_readable(estimator: Any, X: Any) -> bool:
    """scikit-learn's checks would find nothing, but take longer than the prediction of a few rows."""
    return (
        type(X) in (np.ndarray, np.memmap)
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == estimator.n_features_in_
        and X.dtype in _CHECK["dtype"]
        and not hasattr(estimator, "feature_names_in_")
    )


def check_rows(X: Any, features: int) -> Rows:
    """Rows for a model without an estimator. Errors: ValueError."""
    X = canonical(check_array(plain(X), **_CHECK))
    if X.shape[1] != features:
        raise ValueError(f"X has {X.shape[1]} features, but the model has {features}")
    return Rows(X)


def check_weights(sample_weight: Any, X: Any) -> Optional[np.ndarray]:
    """Weights of the rows as float64, or None. Errors: ValueError for shape, sign, NaN, and zeros only."""
    if sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise ValueError(
            f"Negative values in data passed to `sample_weight`: sample_weight[{row}] is {weights[row]:g}"
        )
    if not weights.any():
        raise ValueError("sample_weight: all sample weights are zero, so there is nothing to train on")
    return weights


@contextlib.contextmanager
def _named_labels(y: Any) -> Iterator[None]:
    """Errors of numpy about labels that cannot be compared become errors that name the row."""
    try:
        yield
    except (AttributeError, TypeError):  # the first, of NA of pandas, in 1.2
        for row, value in enumerate([] if y is None else np.asarray(y, dtype=object).reshape(-1)):
            if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
                raise ValueError(
                    f"Input y contains NaN. y[{row}] is {value!r}: label the row, or leave it out"
                ) from None
            if row == 0:
                text = isinstance(value, str)
            elif isinstance(value, str) != text:
                raise ValueError(
                    f"y[{row}] is {shown(value)!r}, but y[0] is {shown(y[0])!r}: "
                    "labels are all texts, or all numbers"
                ) from None
        raise


def encode_targets(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes in ascending order, and each label's number among them. Errors: ValueError for targets that
    are no classes.

    scikit-learn's check sorts y. It cannot refuse whole numbers, and it warns only if most of them differ.
    """
    with _named_labels(y):
        if y.dtype.kind not in "iub":
            check_classification_targets(y)
        classes, labels = encode(y)
    if y.dtype.kind in "iub" and 2 * len(classes) > len(y):
        check_classification_targets(y)
    return classes, labels


def known_classes(classes: Any) -> np.ndarray:
    """The classes of partial_fit, ascending. Errors: ValueError."""
    given = np.asarray(list(classes) if isinstance(classes, (set, frozenset, range)) else classes)
    if given.ndim != 1:
        raise ValueError(f"classes has shape {given.shape}; a list of labels is allowed")
    for number, label in enumerate(given.tolist()):
        if label is None or label != label:
            raise ValueError(f"classes[{number}] is {label!r}, which is not a label: leave it out")
    return encode_targets(given)[0]


def class_numbers(y: np.ndarray, classes: np.ndarray, name: str, of: str) -> np.ndarray:
    """The number of each label among the classes. Errors: ValueError for a label that is none of them, with
    the name of the labels, and `of`, which says what they should be."""
    if y.dtype.kind == classes.dtype.kind and y.dtype.kind != "O":
        at = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        unknown = classes[at] != y
    else:  # numpy cannot compare numbers with texts
        numbered = {label: number for number, label in enumerate(classes.tolist())}
        at = np.array([numbered.get(label, -1) for label in y.tolist()])
        unknown = at < 0
    if unknown.any():
        row = int(np.argmax(unknown))
        raise ValueError(f"{name}[{row}] is {shown(y[row])!r}, which is not {of}")
    return at.astype(np.int64, copy=False)


def keeps_state(fit: _Method) -> _Method:
    """A method that leaves the attributes of its object as they were if it raises."""

    @functools.wraps(fit)
    def wrapped(self: Any, *arguments: Any, **named: Any) -> Any:
        before = dict(vars(self))
        try:
            return fit(self, *arguments, **named)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return cast(_Method, wrapped)


class finite_errors:
    """Adds scikit-learn's words to the library's error about a value that is not finite."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, ValueError):
            found = re.search(r"\] is [+-]?(nan|inf)", str(error))
            if found:
                what = "NaN" if found[1] == "nan" else "infinity (inf)"
                raise ValueError(f"Input X contains {what}. {error}") from None


def threads(n_jobs: Optional[int]) -> int:
    """Threads for the library from scikit-learn's n_jobs: None and -1 are all that the process may use."""
    if n_jobs is None:
        return 0
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, numbers.Integral) or n_jobs == 0:
        raise ValueError(
            f"n_jobs is {n_jobs!r}; None or -1 (all), -2 (all but one) and so on, or a number of threads "
            "from 1 on, is allowed"
        )
    if n_jobs == -1:
        return 0
    if n_jobs < 0:
        return max(1, len(os.sched_getaffinity(0)) + 1 + int(n_jobs))
    return int(n_jobs)
