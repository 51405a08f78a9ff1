"""MarginClassifier: a linear SVM or softmax classifier for scikit-learn."""

from __future__ import annotations

import weakref
from typing import Any, Callable, Optional, Sequence, Union

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import column_or_1d

from . import _model, _train
from ._arrays import Rows, converted_bytes
from ._conversions import ConversionMixin
from ._scoring import ScoringMixin
from ._settings import SettingsMixin, in_own_words, own_words
from ._validation import (EXPECTED_FAILURES, check_weights, class_numbers, encode_targets, finite_errors,
                          keeps_state, validate)
from .callbacks import checked, show_progress

# estimator -> (coef_, intercept_, model of the library). Estimators themselves hold numpy arrays only.
_HANDLES: Any = weakref.WeakKeyDictionary()


class MarginClassifier(SettingsMixin, ScoringMixin, ConversionMixin, ClassifierMixin, BaseEstimator):
    """Multiclass linear SVM, or multinomial logistic regression, with a certified optimum.

    Minimises ``1/2 ||W||^2 + C * sum of (weight * loss)`` over the rows, with the intercepts in W
    unless `penalize_intercept` is False. Rows are used where they are: C-ordered float32, float16, uint8 and
    int8 arrays and CSR matrices of float32 are not copied.

    Parameters
    ----------
    loss : str, default="crammer-singer"
        "crammer-singer", "weston-watkins", "one-vs-rest", each also with "-squared", or "softmax".
    C : float or "auto", default=1.0
        Regularisation, as in LinearSVC: larger is weaker. "auto": the value that is most accurate on held-out
        rows, or on X_val; then all rows are trained with it. Ignored if `alpha` is given.
    alpha : float, default=None
        Regularisation as in SGDClassifier, instead of C: ``alpha/2 ||W||^2 + mean loss``. The command line
        calls it lambda; alpha = 1 / (C * total weight of the rows).
    tol : float, default=1e-3
        Training ends when the objective is proven to be within this fraction of the optimum. 0 or None: no
        certificate; a few epochs are trained, see `max_iter`. The solver "sgd" does not certify.
    max_iter : int, default=None
        Largest number of epochs. None: no limit with a tolerance, otherwise 2 to 60 by the size of the rows.
    solver : {"auto", "dual", "newton", "sgd"}, default="auto"
    fit_intercept : bool, default=True
    intercept_scaling : float, default=1.0
        Value of the constant feature; its weights are the intercepts.
    penalize_intercept : bool, default=True
        True: the intercepts are regularised, as in LinearSVC. False: they are not, as in LogisticRegression
        and SVC. False needs a tolerance or the solver "sgd".
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes. "balanced" counts rows by their weights.
    delta : float, default=1.0
        By how much the score of the true class must exceed those of the others.
    calibration : {"temperature", "sigmoid", "adaptive"} or None, default=None
        Fit probabilities, for `predict_proba`: on X_val, on the rows that early stopping holds out or,
        without these, on rows that five further trainings hold out. "temperature" divides all scores by one
        number before the softmax; "sigmoid" fits a curve to each class, as CalibratedClassifierCV does.
    early_stopping : bool, default=False
        Hold out rows (`validation_fraction`, or X_val), and keep the epoch that classifies them best. No
        certificate is computed.
    validation_fraction : float, default=0.1
        Share of the rows to hold out for early stopping. Not used with X_val.
    n_iter_no_change : int, default=5
        Epochs without a better accuracy before early stopping ends the training.
    n_jobs : int, default=None
        Threads. None and -1: all that this process may use (affinity, control group, OMP_NUM_THREADS); -2:
        all but one, and so on, but at least one. The result does not depend on it.
    random_state : int, RandomState or None, default=None
        Order of the rows. None: always the same.
    warm_start : bool, default=False
        Start from the weights of the fit before. Only the solver "sgd" can; the others find the same
        certified optimum from zero.
    verbose : int, default=0
        1: a progress bar (with tqdm) or a line an epoch; 2: always lines. They go to the standard error.
    callbacks : list of callables, default=None
        See `margin.callbacks`.
    options : dict, default=None
        Any other option of docs/options.md, such as ``{"train.time_limit": 60, "data.rows": "unit"}``.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    coef_ : ndarray of float32, shape (K, D), or (1, D) for two classes
    intercept_ : ndarray of float32, shape (K,) or (1,)
    n_features_in_, feature_names_in_
    n_iter_ : int
        Epochs.
    objective_, dual_bound_, gap_ : float
        ``alpha/2 ||W||^2 + weighted mean loss`` of the result, a lower bound of it for any W, and
    (objective_ - dual_bound_) / objective_. Without `tol` the bound is that of the last dual variables. The
        last two are NaN if there is no useful bound.
    converged_ : bool
        gap_ is at most tol.
    validation_score_ : float
        Accuracy on X_val or the held-out rows; NaN without them.
    calibration_ : dict or None
        method, temperature (or arrays slope and intercept), rows, and log_loss and ece on these rows, with
        the calibration and before it (log_loss_before, ece_before).
    copied_bytes_ : int
        Bytes of rows that were copied or converted, because they could not be used where they are.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from margin import MarginClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MarginClassifier(C=10).fit(X, y)
    >>> clf.converged_, clf.coef_.shape, bool(clf.score(X, y) > 0.95)
    (True, (3, 4), True)
    """

    def __init__(
        self,
        loss: str = "crammer-singer",
        *,
        C: Union[float, str] = 1.0,
        alpha: Optional[float] = None,
        tol: Optional[float] = 1e-3,
        max_iter: Optional[int] = None,
        solver: str = "auto",
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        penalize_intercept: bool = True,
        class_weight: Union[dict, str, None] = None,
        delta: float = 1.0,
        calibration: Optional[str] = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        n_jobs: Optional[int] = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        callbacks: Optional[Sequence[Callable]] = None,
        options: Optional[dict] = None,
    ) -> None:
        self.loss = loss
        self.C = C
        self.alpha = alpha
        self.tol = tol
        self.max_iter = max_iter
        self.solver = solver
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.penalize_intercept = penalize_intercept
        self.class_weight = class_weight
        self.delta = delta
        self.calibration = calibration
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.callbacks = callbacks
        self.options = options

    @keeps_state
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None
    ) -> "MarginClassifier":
        """Trains.

        Parameters
        ----------
        X : array, sparse matrix or frame of shape (N, D)
        y : array of shape (N,)
            Labels: numbers or texts, of at least two classes.
        sample_weight : array of shape (N,), default=None
            From 0 to 1e30. Weight 2 equals the row twice.
        X_val, y_val : arrays, default=None
            Validation rows, for `validation_score_`, and `early_stopping`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For parameters, shapes, and values that are not finite, with their row and column.
        MemoryError
        KeyboardInterrupt
            After Ctrl-C.

        After any of them the estimator has the attributes that it had before.

        Examples
        --------
        >>> import numpy as np
        >>> from margin import MarginClassifier
        >>> X = np.array([[0, 1], [1, 0], [0, 2], [3, 1]], dtype=np.float32)
        >>> MarginClassifier().fit(X, ["up", "right", "up", "right"]).predict([[0, 5]]).tolist()
        ['up']
        """
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val: either both or none must be given")
        given = X
        X, y = validate(self, given, y)
        classes, labels = encode_targets(y)
        self._check_classes(classes)
        rows = Rows(X).label(labels, check_weights(sample_weight, X))
        rows.copied += converted_bytes(given, X)
        validation = None if X_val is None else self._validation_rows(X_val, y_val, classes)
        settings = self._settings(classes, validation is not None)
        start = self._start(classes) if self.warm_start else None
        self._run(settings, rows, validation, start, classes)
        self._seen = None
        return self

    @keeps_state
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> "MarginClassifier":
        """Trains one epoch of stochastic gradient descent on some rows, from the present weights.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array of shape (K,), default=None
            All classes that will occur; needed in the first call only.

        With C, the regularisation is that of `fit` on all rows seen so far.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from margin import MarginClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MarginClassifier()
        >>> for _ in range(20):
        ...     clf = clf.partial_fit(X, y, classes=[0, 1, 2])
        >>> bool(clf.score(X, y) > 0.9)
        True
        """
        from ._partial import partial_fit

        return partial_fit(self, X, y, classes, sample_weight)

    def _check_classes(self, classes: np.ndarray) -> None:
        if len(classes) < 2:
            raise ValueError(f"y has 1 class, {classes.tolist()[0]!r}, but training needs at least 2 classes")

    def _validation_rows(self, X: Any, y: Any, classes: np.ndarray) -> Rows:
        X = validate(self, X, reset=False)
        y = column_or_1d(y)
        if len(y) != X.shape[0]:
            raise ValueError(f"y_val has {len(y)} labels, but X_val has {X.shape[0]} rows")
        return Rows(X, "X_val").label(class_numbers(y, classes, "y_val", "a class of y"), None)

    def _start(self, classes: np.ndarray) -> Any:
        if not hasattr(self, "coef_") or self.solver != "sgd":
            return None
        same = np.array_equal(classes, self.classes_)
        if same and self.coef_.shape[1] == self.n_features_in_:
            return self._made()
        what = "features" if same else "classes"
        _train.warn(
            f"warm_start starts from weights of zero, because the {what} are others than in the last fit"
        )
        return None

    def _run(
        self,
        settings: dict,
        rows: Rows,
        validation: Optional[Rows],
        start: Any,
        classes: np.ndarray,
        judged: bool = True,
    ) -> dict:
        callbacks = checked(self.callbacks)
        bar = show_progress(int(self.verbose)) if self.verbose else None
        if bar is not None:
            callbacks.append(bar)
        try:
            with finite_errors(), own_words():
                handle, result, watch = _train.fit(settings, rows, validation, start, callbacks)
        finally:
            if bar is not None and hasattr(bar, "close"):
                bar.close()
        self._take(_model.read_parts(handle), result, classes, rows.copied)
        if len(classes) > 2:
            self._keep(handle)
        _train.warn_uncertified(result.train, watch, in_own_words)
        _train.report(watch.messages, int(self.verbose), in_own_words, judged)
        return watch.plan

    def _take(self, parts: dict, result: Any, classes: np.ndarray, copied: int) -> None:
        """The attributes after a fit."""
        trained = result.train
        weights, bias = parts.pop("weights"), parts.pop("bias")
        self.classes_ = classes
        # For two classes only the difference of the scores matters.
        self.coef_ = weights if len(classes) > 2 else weights[1:] - weights[:1]
        self.intercept_ = bias if len(classes) > 2 else bias[1:] - bias[:1]
        self.n_iter_ = max(1, int(trained.epoch))
        self.objective_, self.dual_bound_, self.gap_ = trained.objective, trained.dual, trained.gap
        self.converged_ = bool(trained.converged)
        self.validation_score_ = trained.accuracy
        self.calibration_ = parts["calibration"]
        self.copied_bytes_ = copied + result.copied_bytes
        self._parts = {key: value for key, value in parts.items() if key not in ("classes", "feature_names")}

    def _made(self) -> Any:
        """The model of the library with the present coef_ and intercept_."""
        kept = _HANDLES.get(self)
        if kept is not None and kept[0] is self.coef_ and kept[1] is self.intercept_:
            return kept[2]
        _model.check_weights(self.coef_, self.intercept_, len(self.classes_), self.n_features_in_)
        weights, bias = self._weights()
        parts = {**self._parts, "weights": weights, "bias": bias, "classes": np.arange(len(bias))}
        handle = _model.make_handle(parts)
        self._keep(handle)
        return handle

    def _keep(self, handle: Any) -> None:
        # A change in place would not be noticed; a new array is.
        self.coef_.flags.writeable = self.intercept_.flags.writeable = False
        _HANDLES[self] = (self.coef_, self.intercept_, handle)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _more_tags(self) -> dict:  # before scikit-learn 1.6
        return {"_xfail_checks": EXPECTED_FAILURES}
