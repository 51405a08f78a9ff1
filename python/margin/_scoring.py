"""Scores, labels and probabilities of rows from a fitted MarginClassifier."""

from __future__ import annotations

from typing import Any, Callable, Optional

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from . import _library, _model
from ._arrays import Rows
from ._validation import finite_errors, threads, validate


def _gives_probabilities(estimator: Any) -> bool:
    fitted = getattr(estimator, "calibration_", None)
    wanted = estimator.calibration is not None and not hasattr(estimator, "coef_")
    # A parameter that was set after fit has no effect on the fitted model.
    loss = estimator._parts["loss"] if hasattr(estimator, "coef_") else estimator.loss
    if loss == "softmax" or fitted is not None or wanted:
        return True
    raise AttributeError(
        f"loss {loss!r} has no probabilities: set calibration='temperature', or loss='softmax'"
    )


class ScoringMixin:
    """The part of MarginClassifier that scores rows; `_made` gives the model of the library."""

    classes_: np.ndarray
    n_jobs: Optional[int]
    _made: Callable[[], _library.Handle]

    def _score(self, X: Any, what: str) -> np.ndarray:
        check_is_fitted(self)
        X = validate(self, X, reset=False)
        handle = self._made()
        with finite_errors():
            return _model.score(handle, Rows(X), len(self.classes_), what, threads(self.n_jobs))

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of rows.

        Returns
        -------
        ndarray of float32, shape (N, K), or (N,) for two classes: positive means classes_[1]

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from margin import MarginClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> MarginClassifier().fit(X, y).decision_function(X[:2]).shape
        (2, 3)
        """
        scores = self._score(X, "scores")
        return scores if len(self.classes_) > 2 else scores[:, 1] - scores[:, 0]

    def predict(self, X: Any) -> np.ndarray:
        """The class of the highest score of each row, ndarray of shape (N,); of equal scores, the first.

        Examples
        --------
        >>> from margin import MarginClassifier
        >>> clf = MarginClassifier().fit([[0, 1], [1, 0], [0, 2], [3, 1]], ["up", "right", "up", "right"])
        >>> clf.predict([[0, 5], [4, 0]]).tolist()
        ['up', 'right']
        """
        best = self._score(X, "best")
        return self.classes_[best]

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, ndarray of shape (N, K), for loss "softmax" or with `calibration`.

        With ``calibration="sigmoid"`` the most probable class may differ from that of `predict`, which has
        the highest score.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from margin import MarginClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> p = MarginClassifier("softmax").fit(X, y).predict_proba(X)
        >>> p.shape, bool(abs(p.sum(axis=1) - 1).max() < 1e-5)
        ((150, 3), True)
        >>> svm = MarginClassifier(calibration="temperature").fit(X, y)
        >>> svm.predict_proba(X).shape, svm.calibration_["log_loss"] < svm.calibration_["log_loss_before"]
        ((150, 3), True)
        """
        return self._score(X, "probabilities")

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities, ndarray of shape (N, K).

        Examples
        --------
        >>> import numpy as np
        >>> from margin import MarginClassifier
        >>> X = [[0, 1], [1, 0], [0, 2], [3, 1]]
        >>> clf = MarginClassifier("softmax").fit(X, ["up", "right", "up", "right"])
        >>> np.allclose(np.exp(clf.predict_log_proba(X)), clf.predict_proba(X))
        True
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))
