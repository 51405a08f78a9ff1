"""Models: the parts of model.h5 as numpy arrays, and scores of rows."""

from __future__ import annotations

import copy
import ctypes as c
from typing import Any, Optional

import numpy as np

from . import _file, _library
from . import _structs as s
from ._arrays import Rows, whole
from ._export import ExportMixin


_LIMITS = ("clip_low", "clip_high")


def read_parts(handle: _library.Handle) -> dict:
    """Copies of the parts of a model of the library: arrays, texts and numbers."""
    parts = s.ModelParts()
    _library.lib.mg_model_get(handle.address, c.byref(parts))
    shape = (parts.classes, parts.features)
    out = {name: getattr(parts, name) for name, _ in s.ModelParts._fields_[7:-5]}
    for name in ("loss", "rows", "transform"):
        out[name] = out[name].decode("utf-8")
    out["weights"] = _copy(parts.weights, np.float32, shape)
    out["bias"] = _copy(parts.bias, np.float32, shape[:1])
    if parts.labels:
        out["classes"] = _copy(parts.labels, np.int64, shape[:1])
    else:
        out["classes"] = np.array(_library.from_texts(parts.text_labels, shape[0]))
    out["feature_names"] = None
    if parts.feature_names:
        out["feature_names"] = np.array(_library.from_texts(parts.feature_names, shape[1]), dtype=object)
    out["calibration"] = _read_calibration(parts)
    for name in _LIMITS:
        limits = getattr(parts, name)
        out[name] = _copy(limits, np.float32, shape[1:]) if limits else None
    return out


def _read_calibration(parts: c.Structure) -> Optional[dict]:
    """The calibration as numbers, a name and, of sigmoids, arrays of float64 with a value for each class."""
    out = s.as_dict(parts.calibration)
    if not out["method"]:
        return None
    if out["method"] != "adaptive":
        del out["exponent"]
    if parts.slope:
        del out["temperature"]
        out["slope"] = _copy(parts.slope, np.float64, (parts.classes,))
        out["intercept"] = _copy(parts.intercept, np.float64, (parts.classes,))
    return out


def reordered(calibration: Optional[dict], order: np.ndarray) -> Optional[dict]:
    """The calibration of a model whose classes are put into another order."""
    if calibration is None or "slope" not in calibration:
        return calibration
    return {**calibration, **{name: calibration[name][order] for name in ("slope", "intercept")}}


def _fixed(array: np.ndarray) -> np.ndarray:
    """A view that cannot be written."""
    view = array.view()
    view.flags.writeable = False
    return view


def _copy(address: int, dtype: Any, shape: tuple) -> np.ndarray:
    out = np.empty(shape, dtype)
    c.memmove(out.ctypes.data, address, out.nbytes)
    return out


def stored_labels(classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labels as a file holds them, whole numbers or texts, and the order of `classes` in which they
    ascend."""
    if (
        classes.dtype.kind == "f"
        and np.array_equal(classes, np.trunc(classes))
        and (np.abs(classes.astype(np.float64)) < 2**53).all()
    ):
        classes = classes.astype(np.int64)
    labels = classes if classes.dtype.kind in "iu" else classes.astype(str)
    order = np.argsort(labels, kind="stable")
    return labels[order], order


def check_weights(coef: Any, intercept: Any, classes: int, features: int) -> None:
    """Errors: ValueError for a coef_ or intercept_ that a program set to another shape."""
    rows = 1 if classes == 2 else classes
    found, needed = (np.shape(coef), np.shape(intercept)), ((rows, features), (rows,))
    if found != needed:
        raise ValueError(
            f"coef_ and intercept_ have the shapes {found[0]} and {found[1]}; "
            f"{needed[0]} and {needed[1]} are needed"
        )


def _check_shapes(weights: np.ndarray, bias: np.ndarray, classes: np.ndarray, names: Any) -> None:
    """The library gets addresses: it would read past the end of an array that is too short."""
    if weights.ndim != 2:
        raise ValueError(f"weights has shape {weights.shape}; (classes, features) is needed")
    if bias.shape != weights.shape[:1] or classes.shape != weights.shape[:1]:
        raise ValueError(
            f"weights has {weights.shape[0]} rows, one for each class, but the shape of bias is {bias.shape} "
            f"and that of classes {classes.shape}"
        )
    if names is not None and len(names) != weights.shape[1]:
        raise ValueError(f"feature_names has {len(names)} names, but weights has {weights.shape[1]} columns")


def make_handle(parts: dict) -> _library.Handle:
    """A model of the library from `parts`, as read_parts returns them."""
    weights = np.ascontiguousarray(parts["weights"], np.float32)
    bias = np.ascontiguousarray(parts["bias"], np.float32)
    classes = np.asarray(parts["classes"])
    _check_shapes(weights, bias, classes, parts.get("feature_names"))
    given = s.ModelParts(
        classes=weights.shape[0],
        features=weights.shape[1],
        weights=weights.ctypes.data,
        bias=bias.ctypes.data,
    )
    keep: list = [weights, bias]
    if classes.dtype.kind in "iu":
        keep.append(whole(classes, "classes"))
        given.labels = keep[-1].ctypes.data
    else:
        keep.append(_library.texts([str(label) for label in classes]))
        given.text_labels = keep[-1]
    if parts.get("feature_names") is not None:
        keep.append(_library.texts(list(parts["feature_names"])))
        given.feature_names = keep[-1]
    for name in ("loss", "rows", "transform"):
        setattr(given, name, parts[name].encode("utf-8") if parts.get(name) else None)
    for name in ("delta", "lambda", "objective", "dual", "bias_value", "step", "epoch", "training_rows"):
        if parts.get(name) is not None:
            setattr(given, name, parts[name])
    for name, value in (parts.get("calibration") or {}).items():
        if name in ("slope", "intercept"):
            keep.append(np.ascontiguousarray(value, np.float64))
            if keep[-1].shape != bias.shape:
                raise ValueError(
                    f"calibration: {name} has shape {keep[-1].shape}, but there are {len(bias)} classes"
                )
            setattr(given, name, keep[-1].ctypes.data)
        else:
            setattr(given.calibration, name, value.encode("utf-8") if isinstance(value, str) else value)
    for name in _LIMITS:
        if parts.get(name) is not None:
            keep.append(np.ascontiguousarray(parts[name], np.float32))
            if keep[-1].shape != weights.shape[1:]:
                raise ValueError(
                    f"{name} has shape {keep[-1].shape}, but weights has {weights.shape[1]} columns"
                )
            setattr(given, name, keep[-1].ctypes.data)
    address = c.c_void_p()
    _library.call("mg_model_create", c.byref(given), c.byref(address))
    return _library.Handle(address, "mg_model_destroy")


def score(handle: _library.Handle, rows: Rows, classes: int, what: str, threads: int = 0) -> np.ndarray:
    """Scores rows. `what`: "scores" or "probabilities" (float32 [rows, classes]); "best" (int32 [rows])."""
    shape, dtype = ((rows.rows,), np.int32) if what == "best" else ((rows.rows, classes), np.float32)
    out = np.empty(shape, dtype)
    stop = _library.flag()
    request = s.ScoreRequest(data=c.pointer(rows.data), threads=threads, stop=c.addressof(stop))
    setattr(request, what, out.ctypes.data)

    def work() -> None:
        held = (handle, rows, out, stop)  # as long as the call lasts
        _library.call("mg_model_score", held[0].address, c.byref(request))

    # A thread of Python costs more than a call of a few milliseconds.
    if rows.rows * (rows.features + 16) * classes < 1 << 30:
        work()
    else:
        _library.run(work, lambda: setattr(stop, "value", 1))
    return out


# Beside weights, bias, classes and loss; as the library writes them.
_DEFAULTS = {
    "rows": "none",
    "transform": "none",
    "delta": 1.0,
    "lambda": 1.0,
    "objective": 0.0,
    "dual": float("nan"),
    "bias_value": 1.0,
    "step": 0,
    "epoch": 0,
    "training_rows": 1,
    "feature_names": None,
    "calibration": None,
    "clip_low": None,
    "clip_high": None,
}


class Model(ExportMixin):
    """A trained model, such as the model.h5 of a run.

    Attributes
    ----------
    weights : ndarray of float32, shape (K, D)
    bias : ndarray of float32, shape (K,)
    classes : ndarray of int64 or str, shape (K,), ascending
    feature_names : ndarray of str, shape (D,), or None
    loss, rows, transform : str
        The loss, and the preparation of rows and cells, as in a configuration.
    lambda_, delta, objective, dual, bias_value : float
    step, epoch, training_rows : int
    calibration : dict or None
    What turns scores into probabilities: method ("temperature", "sigmoid", "adaptive"), temperature (and
    exponent) or arrays slope
        and intercept, and how well it fits its rows: rows, log_loss, ece, and both before (log_loss_before,
        ece_before).
    clip_low, clip_high : ndarray of float32, shape (D,), or None
        The limits of prepared rows, of a model trained with data.clip or data.clip_below.
    training : dict or None
        How `margin.train` ended: objective, gap, converged, reason, seconds, accuracy and others.

    The parts of a model do not change; a program builds another Model of the changed parts.

    Examples
    --------
    >>> import margin, numpy as np
    >>> model = margin.Model(weights=[[1, 0], [0, 1]], bias=[0, 0], classes=["right", "up"])
    >>> model.predict(np.array([[2.0, 1.0], [0.5, 3.0]])).tolist()
    ['right', 'up']
    """

    def __init__(
        self, weights: Any, bias: Any, classes: Any, loss: str = "crammer-singer", **parts: Any
    ) -> None:
        unknown = sorted(set(parts) - set(_DEFAULTS))
        if unknown:
            raise TypeError(f"Model has no part {unknown[0]!r}; {', '.join(sorted(_DEFAULTS))} are allowed")
        self._parts = {
            "weights": _fixed(np.array(weights, np.float32, order="C")),
            "bias": _fixed(np.array(bias, np.float32)),
            "classes": _fixed(np.array(classes)),
            "loss": loss,
            **_DEFAULTS,
            **parts,
        }
        self._parts["calibration"] = copy.deepcopy(self._parts["calibration"])
        for name in _LIMITS:
            if self._parts[name] is not None:
                self._parts[name] = _fixed(np.array(self._parts[name], np.float32))
        self._handle: Optional[_library.Handle] = None
        self.training: Optional[dict] = None

    def __getattr__(self, name: str) -> Any:
        parts = self.__dict__.get("_parts", {})
        key = "lambda" if name == "lambda_" else name
        if key == "calibration" and key in parts:
            return copy.deepcopy(parts[key])
        if key in parts:
            return parts[key]
        raise AttributeError(f"Model has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        # The library scores with its own copy, which would not change.
        if ("lambda" if name == "lambda_" else name) in self.__dict__.get("_parts", {}):
            raise AttributeError(f"Model.{name} cannot be set: build another Model with the changed parts")
        super().__setattr__(name, value)

    def __dir__(self) -> list:
        names = {"lambda_" if name == "lambda" else name for name in self._parts}
        return sorted(names | set(super().__dir__()))

    def __copy__(self) -> Model:
        # Nobody changes the parts or the model of the library, so that both can be shared.
        return _assemble(self._parts, self._handle, self.training)

    def __deepcopy__(self, memo: dict) -> Model:
        return _assemble(self._parts, self._handle, copy.deepcopy(self.training, memo))

    def __getstate__(self) -> dict:
        # A model of a file has more than its parts.
        file = None if self._handle is None else _file.to_bytes(self._handle)
        return {"_parts": self._parts if file is None else None, "_file": file, "training": self.training}

    def __setstate__(self, state: dict) -> None:
        state = dict(state)
        file = state.pop("_file", None)
        state["_handle"] = state.get("_handle") if file is None else _file.from_bytes(file)
        if state["_parts"] is None:
            state["_parts"] = read_parts(state["_handle"])
        vars(self).update(state)
        for name in ("weights", "bias", "classes", *_LIMITS):
            if self._parts[name] is not None:
                self._parts[name] = _fixed(self._parts[name])

    def __repr__(self) -> str:
        classes, features = self.weights.shape
        return f"Model({self.loss}, {classes} classes, {features} features)"

    def _made(self) -> _library.Handle:
        if self._handle is None:
            self._handle = make_handle(self._parts)
        return self._handle

    def _exported(self) -> _library.Handle:
        return self._made()

    def _score(self, X: Any, what: str, threads: int) -> np.ndarray:
        from ._validation import check_rows

        return score(self._made(), check_rows(X, self.weights.shape[1]), len(self.bias), what, threads)

    def decision_function(self, X: Any, threads: int = 0) -> np.ndarray:
        """Scores of rows, float32 (N, K), for any K. X: dense or sparse, (N, D).

        Examples
        --------
        >>> import margin
        >>> model = margin.Model([[1, 0], [0, 1]], [0, 0], ["right", "up"])
        >>> model.decision_function([[2.0, 0.5]]).tolist()
        [[2.0, 0.5]]
        """
        return self._score(X, "scores", threads)

    def predict_proba(self, X: Any, threads: int = 0) -> np.ndarray:
        """Probabilities, float32 (N, K); ValueError unless the loss is softmax or the model is calibrated.

        Examples
        --------
        >>> import margin
        >>> model = margin.Model([[1, 0], [0, 1]], [0, 0], ["right", "up"], loss="softmax")
        >>> model.predict_proba([[2.0, 2.0]]).tolist()
        [[0.5, 0.5]]
        """
        return self._score(X, "probabilities", threads)

    def predict(self, X: Any, threads: int = 0) -> np.ndarray:
        """Label of the highest score of each row, (N,); of equal scores, the first.

        Examples
        --------
        >>> import margin
        >>> model = margin.Model([[1, 0], [0, 1]], [0, 0], ["right", "up"])
        >>> model.predict([[2.0, 0.5], [1.0, 3.0], [1.0, 1.0]]).tolist()
        ['right', 'up', 'right']
        """
        return self.classes[self._score(X, "best", threads)]

    def save(self, path: Any) -> None:
        """Writes model.h5, which `margin predict` and load_model read. A model at `path` is replaced.

        Raises
        ------
        OSError
            If the file cannot be written.
        ValueError
            If a file at `path` is not a model.

        Examples
        --------
        >>> import margin, os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "model.h5")
        >>> margin.Model([[1, 0], [0, 1]], [0, 0], ["right", "up"]).save(path)
        >>> margin.load_model(path).weights.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        _file.save(self._made(), path)


def load_model(path: Any) -> Model:
    """Reads a model.h5. Errors: OSError, such as FileNotFoundError; ValueError (not a model, damaged).

    Examples
    --------
    >>> import margin, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "model.h5")
    >>> margin.Model([[1, 0], [0, 1]], [0, 0], ["right", "up"]).save(path)
    >>> margin.load_model(path)
    Model(crammer-singer, 2 classes, 2 features)
    """
    return adopt(_file.load(path))


def adopt(handle: _library.Handle) -> Model:
    """The Model of a model of the library."""
    return _assemble(read_parts(handle), handle, None)


def _assemble(parts: dict, handle: Optional[_library.Handle], training: Optional[dict]) -> Model:
    """A Model without copies of the parts."""
    model = Model.__new__(Model)
    model.__setstate__({"_parts": parts, "_handle": handle, "training": training})
    return model
