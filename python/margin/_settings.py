"""From the parameters of MarginClassifier to the options of the library."""

from __future__ import annotations

import contextlib
import numbers
import re
from collections.abc import Mapping
from typing import Any, Iterator, Optional, Union

import numpy as np
from sklearn.utils import check_random_state

from ._data import flatten
from ._validation import threads


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not float(value) > 0:
        raise ValueError(f"{name} is {value!r}; a number above 0 is allowed")
    return float(value)


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name} is {value!r}; a whole number from {least} on is allowed")
    return int(value)


# What the library calls options is a parameter here.
_PARAMETERS = {
    "model.loss": "loss",
    "model.C": "C",
    "model.lambda": "alpha",
    "model.bias": "intercept_scaling",
    "model.penalize_bias": "penalize_intercept",
    "model.delta": "delta",
    "model.class_weight": "class_weight",
    "model.calibration": "calibration",
    "train.solver": "solver",
    "train.tolerance": "tol",
    "train.epochs": "max_iter",
    "train.threads": "n_jobs",
    "train.seed": "random_state",
    "train.patience": "n_iter_no_change",
    "data.validation": "validation_fraction",
}
# The advice of the library, and of the estimator.
_CALIBRATE = (
    "leave it out, and run margin calibrate MODEL DATA on labelled rows that were not trained on",
    "set it to None, or give MarginClassifier.fit other labelled rows as X_val and y_val",
)
_OPTION = re.compile(r"\b(?:" + "|".join(map(re.escape, _PARAMETERS)) + r")\b")


def in_own_words(text: str) -> str:
    """A message of the library with the names of the parameters of MarginClassifier."""
    if text.startswith("unknown key"):  # of the parameter options
        return text
    text = text.replace(*_CALIBRATE)
    text = re.sub(r"^X: weights\[", "sample_weight[", text)
    return _OPTION.sub(lambda found: _PARAMETERS[found[0]], text)


@contextlib.contextmanager
def own_words() -> Iterator[None]:
    """Errors of the library about options become errors about parameters."""
    try:
        yield
    except ValueError as error:
        raise ValueError(in_own_words(str(error))) from None


class SettingsMixin:
    """The part of MarginClassifier that checks parameters."""

    loss: str
    C: Union[float, str]
    alpha: Optional[float]
    max_iter: Optional[int]
    solver: str
    fit_intercept: bool
    intercept_scaling: float
    penalize_intercept: bool
    class_weight: Union[dict, str, None]
    delta: float
    calibration: Optional[str]
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    n_jobs: Optional[int]
    verbose: int
    random_state: Any
    options: Optional[dict]

    def _settings(self, classes: np.ndarray, validated: bool) -> dict:
        """Options for a fit, as "section.key": value."""
        for name in ("loss", "solver"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} is {getattr(self, name)!r}; a text is allowed")
        for name in ("fit_intercept", "penalize_intercept", "early_stopping", "warm_start"):
            value = getattr(self, name, False)  # MarginClassifierCV has some of them
            if not isinstance(value, (bool, np.bool_)):
                raise ValueError(f"{name} is {value!r}; True or False is allowed")
        if not isinstance(self.verbose, (numbers.Integral, np.bool_)):
            raise ValueError(f"verbose is {self.verbose!r}; 0, 1 or 2 is allowed")
        settings = {
            "model.loss": self.loss,
            "model.delta": _positive("delta", self.delta),
            "model.bias": _positive("intercept_scaling", self.intercept_scaling) if self.fit_intercept else 0,
            "model.class_weight": self._class_weight(classes),
            "train.solver": self.solver,
            "train.threads": threads(self.n_jobs),
            "train.seed": self._seed(),
        }
        if self.fit_intercept and not self.penalize_intercept:
            settings["model.penalize_bias"] = "false"
        if self.alpha is not None:
            settings["model.lambda"] = _positive("alpha", self.alpha)
        elif isinstance(self.C, str) and self.C == "auto":
            settings["model.C"] = "auto"
        else:
            settings["model.C"] = _positive("C", self.C)
        if self.calibration is not None:
            if self.calibration not in ("temperature", "sigmoid", "adaptive"):
                raise ValueError(
                    f"calibration is {self.calibration!r}; None, 'temperature', 'sigmoid' or 'adaptive' is"
                    " allowed"
                )
            settings["model.calibration"] = self.calibration
        if self.max_iter is not None:
            settings["train.epochs"] = _whole("max_iter", self.max_iter, 1)
        if self.early_stopping:
            settings["train.patience"] = _whole("n_iter_no_change", self.n_iter_no_change, 1)
            settings.setdefault("train.epochs", 100)
            if not validated:
                settings["data.validation"] = self._fraction()
        elif self.solver != "sgd":
            settings["train.tolerance"] = self._tolerance()
        settings.update(self._more())
        return settings

    def _more(self) -> dict:
        """`options`, without those that the estimator has to know as parameters. Errors: ValueError."""
        if not isinstance(self.options or {}, Mapping):
            raise ValueError(f"options is {self.options!r}; a dict or None is allowed")
        options = flatten(self.options)
        for key in ("model.loss", "model.C", "model.lambda", "model.class_weight", "model.calibration"):
            if key in options:
                raise ValueError(f"options has {key!r}: set the parameter {_PARAMETERS[key]} instead")
        for key in options:
            if key.startswith(("output.", "checkpoint.")):
                raise ValueError(
                    f"options has {key!r}, but fit writes no files: margin.train writes a directory"
                )
        return options

    def _tolerance(self, name: str = "tol") -> float:
        value = getattr(self, name)
        if value is not None and (not isinstance(value, numbers.Real) or not 0 <= float(value) <= 1):
            raise ValueError(f"{name} is {value!r}; None or a number from 0 to 1 is allowed")
        return float(value or 0)

    def _fraction(self) -> float:
        if not isinstance(self.validation_fraction, numbers.Real) or not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction is {self.validation_fraction!r}; a number between 0 and 1 is allowed"
            )
        return float(self.validation_fraction)

    def _seed(self) -> int:
        if self.random_state is None:
            return 1
        if isinstance(self.random_state, numbers.Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _class_weight(self, classes: np.ndarray) -> Any:
        if self.class_weight is None:
            return "none"
        if isinstance(self.class_weight, str):
            if self.class_weight != "balanced":
                raise ValueError(
                    f"class_weight is {self.class_weight!r}; None, 'balanced' or a dict is allowed"
                )
            return "balanced"
        if not hasattr(self.class_weight, "items"):
            raise ValueError(f"class_weight is {self.class_weight!r}; None, 'balanced' or a dict is allowed")
        weights = dict(self.class_weight.items())
        known = {label: number for number, label in enumerate(classes.tolist())}
        unknown = [label for label in weights if label not in known]
        if unknown:
            raise ValueError(f"class_weight has the class {unknown[0]!r}, which is not in y")
        for label, weight in weights.items():
            if not isinstance(weight, numbers.Real) or not 0 <= float(weight) <= 1e30:
                raise ValueError(
                    f"class_weight[{label!r}] is {weight!r}; a number from 0 to 1e30 is allowed"
                )
        return {known[label]: float(weight) for label, weight in weights.items()}
