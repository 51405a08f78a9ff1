"""MarginClassifierCV: MarginClassifier with C chosen by cross-validation."""

from __future__ import annotations

import math
import sys
from typing import Any, Callable, Iterable, NamedTuple, Optional, Sequence, Union

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv

from . import _train
from ._arrays import Rows, converted_bytes, mean_square
from ._classifier import MarginClassifier
from ._partial import with_all_classes
from ._settings import _positive, _whole, own_words
from ._validation import check_weights, encode_targets, finite_errors, keeps_state, validate

# As model.C: auto of the library: lambda begins at a tenth of the rows' mean squared length (over delta).
_FIRST_LAMBDA, _FACTOR = 0.1, math.sqrt(10)


class _Problem(NamedTuple):
    """What all folds share."""

    X: Any
    labels: np.ndarray
    weights: Optional[np.ndarray]
    classes: int
    settings: dict

    def follow(self, fold: tuple, Cs: np.ndarray, name: str) -> list:
        """The points of one fold."""
        train, test = fold
        weights = None
        if self.weights is not None:
            weights = self.weights[train]
            test = np.arange(len(self.labels))[test]
            test = test[self.weights[test] > 0]
        if len(self.labels[test]) == 0:
            raise ValueError(
                f"cv: {name} holds out no rows of a weight above 0, so nothing can be compared on it"
            )
        rows = with_all_classes(self.X[train], self.labels[train], weights, self.classes)
        held_out = Rows(self.X[test], "held-out rows").label(self.labels[test], None)
        values = [repr(float(C)) for C in Cs]
        grid = ",".join(values) if len(values) > 1 else f"{values[0]}:{values[0]}:2"
        return _train.path(self.settings, rows, held_out, grid)


class MarginClassifierCV(MarginClassifier):
    """MarginClassifier that chooses C by cross-validation.

    On every fold the values of C are trained from small to large, each from the result of the one before. The
    C of the highest mean accuracy on the held-out rows is taken; of equal ones, the smallest. Then all rows
    are trained with it.

    Parameters
    ----------
    loss : str, default="crammer-singer"
        As in MarginClassifier, like all parameters that are not listed here.
    Cs : int or sequence of float, default=10
        Values of C. A number: so many values that suit the lengths of the rows, each sqrt(10) times the one
        before.
    cv : int, splitter or iterable of (train, test), default=5
        A number: so many stratified folds, without shuffling.
    tol : float, default=1e-3
        Of the model of all rows.
    path_tol : float, default=1e-2
        Tolerance of the models of the folds, which are only compared by their accuracy.
    solver : {"auto", "dual", "newton"}, default="auto"
    verbose : int, default=0
        1: also a line for every fold.
    callbacks : list of callables, default=None
        They watch the training of all rows.

    Attributes
    ----------
    C_ : float
        The chosen value.
    Cs_ : ndarray of shape (n_Cs,), ascending
    scores_ : ndarray of shape (n_folds, n_Cs)
        Accuracies on the held-out rows. Rows of weight 0 are left out; the others count once.
    mean_scores_, std_scores_ : ndarray of shape (n_Cs,)
        Their means, and their standard deviations with divisor n_folds - 1.
    missed_ : ndarray of bool, shape (n_folds, n_Cs)
        Points that were not certified to path_tol. If one of them belongs to C_, a ConvergenceWarning
        says so.
    best_score_ : float
    classes_, coef_, intercept_, gap_ and the others
        As in MarginClassifier, of the model of all rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from margin import MarginClassifierCV
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MarginClassifierCV(Cs=[0.01, 0.1, 1], cv=3).fit(X, y)
    >>> clf.C_ in (0.01, 0.1, 1), clf.scores_.shape, clf.converged_
    (True, (3, 3), True)
    """

    def __init__(
        self,
        loss: str = "crammer-singer",
        *,
        Cs: Union[int, Sequence[float]] = 10,
        cv: Union[int, Iterable, Any] = 5,
        tol: Optional[float] = 1e-3,
        path_tol: float = 1e-2,
        max_iter: Optional[int] = None,
        solver: str = "auto",
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        penalize_intercept: bool = True,
        class_weight: Union[dict, str, None] = None,
        delta: float = 1.0,
        calibration: Optional[str] = None,
        n_jobs: Optional[int] = None,
        random_state: Any = None,
        verbose: int = 0,
        callbacks: Optional[Sequence[Callable]] = None,
        options: Optional[dict] = None,
    ) -> None:
        self.loss = loss
        self.Cs = Cs
        self.cv = cv
        self.tol = tol
        self.path_tol = path_tol
        self.max_iter = max_iter
        self.solver = solver
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.penalize_intercept = penalize_intercept
        self.class_weight = class_weight
        self.delta = delta
        self.calibration = calibration
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.options = options

    # Folds hold rows out, so this fit has no X_val and y_val.
    @keeps_state
    def fit(  # type: ignore[override]
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> "MarginClassifierCV":
        """Chooses C and trains all rows.

        Parameters
        ----------
        X : array, sparse matrix or frame of shape (N, D)
        y : array of shape (N,)
        sample_weight : array of shape (N,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError, MemoryError, KeyboardInterrupt
            As MarginClassifier.fit; ValueError also for Cs and cv.

        Examples
        --------
        >>> import numpy as np
        >>> from margin import MarginClassifierCV
        >>> X = np.array([[0, 1], [1, 0], [0, 2], [3, 1], [0, 4], [2, 0]], dtype=np.float32)
        >>> MarginClassifierCV(cv=3).fit(X, ["up", "right"] * 3).predict([[0, 5]]).tolist()
        ['up']
        """
        given = X
        X, y = validate(self, given, y)
        classes, labels = encode_targets(y)
        self._check_classes(classes)
        weights = check_weights(sample_weight, X)
        self._tolerance("path_tol")
        Cs = self._values(X, weights)
        settings = self._with_C(Cs[0], tol=self.path_tol)._settings(classes, True)
        for key in "model.C", "model.calibration":
            settings.pop(key, None)
        problem = _Problem(X, labels, weights, len(classes), settings)
        folds = list(check_cv(self.cv, y, classifier=True).split(X, y))
        paths = []
        for number, fold in enumerate(folds, 1):
            with finite_errors(), own_words():
                paths.append(problem.follow(fold, Cs, f"fold {number}"))
            if self.verbose:
                shown = "  ".join(
                    f"C {point['C']:.3g}: {100 * point['accuracy']:.2f}%" for point in paths[-1]
                )
                print(f"[margin] fold {number} of {len(folds)}  {shown}", file=sys.stderr)
        self._choose(Cs, paths)
        final = self._with_C(self.C_, tol=self.tol).fit(X, y, sample_weight)
        for name, value in vars(final).items():
            if name.endswith("_") or name == "_parts":
                setattr(self, name, value)
        self.copied_bytes_ += converted_bytes(given, X)
        return self

    def _values(self, X: Any, weights: Optional[np.ndarray]) -> np.ndarray:
        """The values of C, ascending."""
        given: Any = self.Cs
        if not np.isscalar(given):
            values = np.unique([_positive(f"Cs[{at}]", value) for at, value in enumerate(given)])
            if not 1 <= len(values) <= 100:
                raise ValueError(f"Cs has {len(values)} different values; 1 to 100 are allowed")
            return values
        count = _whole("Cs", self.Cs, 1)
        prepared = [
            key for key in ("data.rows", "data.transform", "data.scale") if key in self._more()
        ]
        if prepared or count > 100:
            what = (
                f"options set {prepared[0]}, which changes their lengths"
                if prepared
                else "1 to 100 are allowed"
            )
            raise ValueError(
                f"Cs is {count}, a number of values that suit the rows, but {what}: list the values"
            )
        total = X.shape[0] if weights is None else float(weights.sum())
        square = mean_square(X, weights)
        first = _positive("delta", self.delta) / (
            _FIRST_LAMBDA * (square if 0 < square < math.inf else 1.0) * total
        )
        return first * _FACTOR ** np.arange(count)

    def _with_C(self, C: float, tol: Any) -> MarginClassifier:
        """An estimator of one C with the other parameters of this one."""
        own = self.get_params(deep=False)
        shared = {name: own[name] for name in MarginClassifier().get_params(deep=False) if name in own}
        return MarginClassifier(**{**shared, "C": float(C), "tol": tol})

    def _choose(self, Cs: np.ndarray, paths: list) -> None:
        self.Cs_ = Cs
        self.scores_ = np.array([[point["accuracy"] for point in points] for points in paths])
        self.missed_ = np.array([[not point["converged"] for point in points] for points in paths])
        self.mean_scores_ = self.scores_.mean(axis=0)
        several = len(paths) > 1
        self.std_scores_ = self.scores_.std(axis=0, ddof=1) if several else np.full(len(Cs), np.nan)
        best = int(np.argmax(self.mean_scores_))
        self.C_, self.best_score_ = float(Cs[best]), float(self.mean_scores_[best])
        missed = int(self.missed_[:, best].sum())
        if missed and self.path_tol:
            text = (
                f"C={self.C_:.4g} was chosen, but {missed} of {len(paths)} of its models were not certified "
                f"to path_tol={self.path_tol:g}: set max_iter to None, path_tol higher, or scale X"
            )
            _train.warn(text, ConvergenceWarning)

    @property
    def partial_fit(self) -> Any:
        raise AttributeError("MarginClassifierCV has no partial_fit: a batch of rows cannot choose C")
