"""From a fitted estimator to a Model, its file, and estimators of scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any, Optional, Union

import numpy as np
from sklearn.utils.validation import check_is_fitted

from . import _model, _train
from ._export import ExportMixin


class ConversionMixin(ExportMixin):
    """The part of MarginClassifier that makes other objects of the fitted weights."""

    loss: str
    C: Union[float, str]
    fit_intercept: bool
    intercept_scaling: float
    coef_: np.ndarray
    intercept_: np.ndarray
    classes_: np.ndarray
    n_features_in_: int
    n_iter_: int
    _parts: dict

    def _weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights (K, D) and bias (K,), also for two classes."""
        weights, bias = np.asarray(self.coef_, np.float32), np.asarray(self.intercept_, np.float32)
        if len(self.classes_) == 2:  # halves, so that the difference of the two scores is exact
            return np.vstack([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2])
        return weights, bias

    def to_model(self) -> _model.Model:
        """The fitted model with its labels, feature names and certificate, as a margin.Model.

        Examples
        --------
        >>> from margin import MarginClassifier
        >>> clf = MarginClassifier().fit([[0, 1], [1, 0], [0, 2], [3, 1]], ["up", "right", "up", "right"])
        >>> clf.to_model()
        Model(crammer-singer, 2 classes, 2 features)
        """
        check_is_fitted(self)
        weights, bias = self._weights()
        labels, order = _model.stored_labels(self.classes_)
        names = self._names()
        weights, bias = weights[order], bias[order]
        calibration = _model.reordered(self._parts.get("calibration"), order)
        parts = {**self._parts, "calibration": calibration, "feature_names": names}
        return _model.Model(**{**parts, "weights": weights, "bias": bias, "classes": labels})

    def _names(self) -> Optional[np.ndarray]:
        """The names of the features, unless two are the same: rows could not be matched by them."""
        names = getattr(self, "feature_names_in_", None)
        if names is None or len(set(names)) == len(names):
            return names
        warnings.warn(
            "two features have the same name, so that the model has no names, and knows features by their "
            "position only: rename columns before fit",
            UserWarning,
            stacklevel=3,
        )
        return None

    def _exported(self) -> Any:
        return self.to_model()._made()

    def save(self, path: Any) -> None:
        """Writes model.h5, which `margin predict` and load_model read. Errors: OSError.

        Examples
        --------
        >>> import margin, os, tempfile
        >>> X, y = [[0, 1], [1, 0], [0, 2], [3, 1]], ["up", "right", "up", "right"]
        >>> path = os.path.join(tempfile.mkdtemp(), "model.h5")
        >>> margin.MarginClassifier().fit(X, y).save(path)
        >>> margin.load_model(path).predict([[0, 5]]).tolist()
        ['up']
        """
        self.to_model().save(path)

    def to_sklearn(self) -> Any:
        """A fitted estimator of scikit-learn with the same weights: LogisticRegression for softmax, otherwise
        LinearSVC. Errors: ValueError if the model prepares rows (data.rows, data.transform).

        Examples
        --------
        >>> from margin import MarginClassifier
        >>> clf = MarginClassifier().fit([[0, 1], [1, 0], [0, 2], [3, 1]], ["up", "right", "up", "right"])
        >>> clf.to_sklearn().predict([[0, 5]]).tolist()
        ['up']
        """
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        check_is_fitted(self)
        for name in ("rows", "transform"):
            prepared = self._parts.get(name)
            if prepared not in (None, "", "none"):
                raise ValueError(
                    f"data.{name} is {prepared!r}, which estimators of scikit-learn do not apply"
                )
        C = getattr(self, "C_", None) or (1.0 if isinstance(self.C, str) else self.C)
        alpha = getattr(self, "alpha", None)  # MarginClassifierCV has none
        if alpha is not None:
            C = 1 / (alpha * self._parts["training_rows"])
        kind = LogisticRegression if self._parts["loss"] == "softmax" else LinearSVC
        if kind is LogisticRegression and self._parts.get("calibration"):
            _train.warn(
                "the estimator of scikit-learn has the scores of this one, but no calibration, so that its "
                "probabilities differ: set calibration to None before fit, or keep this estimator"
            )
        out = kind(C=C, fit_intercept=self.fit_intercept, intercept_scaling=self.intercept_scaling)
        for name in ("coef_", "intercept_", "classes_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(out, name, np.array(getattr(self, name)))
        out.n_features_in_, out.n_iter_ = self.n_features_in_, self.n_iter_
        return out
