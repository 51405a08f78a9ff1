"""Rows, labels and names as the functions train, path and cv take them."""

from __future__ import annotations

import os
from typing import Any, Optional

import numpy as np
from sklearn.utils.validation import _check_sample_weight, check_array

from . import _library
from ._arrays import Rows, canonical, plain, whole
from ._validation import _CHECK

KINDS = "arrays: (X, y) or (X, y, weights); or the path of an HDF5 file"


def is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def flatten(options: Optional[dict]) -> dict:
    """{"section.key": value} from that, or from {"section": {"key": value}}."""
    out: dict = {}
    for name, value in (options or {}).items():
        if "." not in name and isinstance(value, dict):
            out.update({f"{name}.{key}": item for key, item in value.items()})
        else:
            out[name] = value
    return out


def labelled(data: Any, name: str) -> Rows:
    """Rows of the tuple (X, y) or (X, y, weights). Errors: ValueError, TypeError."""
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise TypeError(f"{name} is {type(data).__name__}; it may be {KINDS}")
    X, y = data[:2]
    names = _names_of(X)
    X = canonical(check_array(plain(X), **_CHECK))
    weights = (
        None if len(data) == 2 or data[2] is None else _check_sample_weight(data[2], X, dtype=np.float64)
    )
    rows = Rows(X, name)
    _label(rows, np.asarray(y), name)
    rows.weigh(weights)
    return rows if names is None else rows.name_features(names)


def _names_of(X: Any) -> Optional[list]:
    """The names of the columns of a frame, if all are texts."""
    names = list(getattr(X, "columns", []))
    return names if names and all(isinstance(name, str) for name in names) else None


def _label(rows: Rows, y: np.ndarray, name: str) -> None:
    if y.shape != (rows.rows,):
        raise ValueError(f"{name}: y has shape {y.shape}, but there are {rows.rows} rows")
    if y.dtype.kind in "iub" or y.dtype.kind == "f" and np.isfinite(y).all() and (y == np.floor(y)).all():
        rows.label(whole(y, f"{name}: y"), None)
    elif y.dtype.kind == "f":
        row = int(np.argmax(~np.isfinite(y) | (y != np.floor(y))))
        raise ValueError(f"{name}: y[{row}] is {y[row]:g}; whole numbers and texts are labels")
    else:
        rows.label_texts(_texts(y, name))


def _texts(y: np.ndarray, name: str) -> list:
    values = y.tolist()
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise ValueError(f"{name}: y[{row}] is {value!r}; labels are all texts, or all whole numbers")
    return values


def load_config(config: Any, options: dict) -> _library.Handle:
    """The configuration of a dict or of a YAML file, with `options` ("section.key": value) in addition."""
    if config is None or isinstance(config, dict):
        return _library.load_config(None, {**flatten(config), **options})
    if not is_path(config):
        raise TypeError(f"config is {type(config).__name__}; a dict or the path of a YAML file is allowed")
    return _library.load_config(os.fspath(config), options)


def directory_of(config: _library.Handle) -> Optional[str]:
    """output.directory, if it is set."""
    if _library.lib.mg_config_origin(config.address, b"output.directory") is None:
        return None
    return os.fsdecode(_library.lib.mg_config_directory(config.address))
