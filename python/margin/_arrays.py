"""Rows, labels and weights of Python as the C library reads them: borrowed if possible, else converted."""

from __future__ import annotations

import ctypes as c
import sys
from typing import Any, Optional

import numpy as np
import scipy.sparse as sp

from . import _library
from . import _structs as s

DENSE_TYPES = ("float32", "float64", "float16", "uint8", "int8")


class Rows:
    """Rows that the library can read. `copied` counts the bytes that Python had to copy or convert.

    Attributes
    ----------
    rows, features : int
    copied : int
        Bytes of the copies that this class made; the library reports its own.
    """

    def __init__(self, X: Any, name: str = "X") -> None:
        self.rows, self.features = X.shape
        self.copied = 0
        self._keep: list = [name.encode("utf-8")]
        self.data = s.Data(name=self._keep[0], rows=self.rows, features=self.features)
        if sp.issparse(X):
            self._take_csr(X)
        else:
            self._take_dense(X)

    def _take_dense(self, X: np.ndarray) -> None:
        size = X.itemsize
        readable = X.dtype.name in DENSE_TYPES and X.dtype.isnative
        # Rows must be contiguous and lie in ascending order; they may be apart.
        apart = self.rows < 2 or X.strides[0] >= self.features * size
        if not (readable and apart and (X.strides[1] == size or self.features == 1)):
            X = np.ascontiguousarray(X, dtype=None if readable else np.float32)
            self.copied += X.nbytes
        row_bytes = X.strides[0] if self.rows > 1 else 0
        dense = s.DataDense(s.DATA_TYPES[X.dtype.name], X.ctypes.data, row_bytes)
        self._keep += [X, dense]
        self.data.dense = c.pointer(dense)

    def _take_csr(self, X: Any) -> None:
        values = self._converted(X.data, ("float32", "float64"), np.float32)
        indices = self._converted(X.indices, ("int32", "int64"), np.int64)
        indptr = self._converted(X.indptr, ("int32", "int64"), np.int64)
        csr = s.DataCsr(
            s.DATA_TYPES[values.dtype.name],
            values.ctypes.data,
            s.DATA_TYPES[indices.dtype.name],
            indices.ctypes.data,
            s.DATA_TYPES[indptr.dtype.name],
            indptr.ctypes.data,
            int(indptr[-1]),
        )
        self._keep += [values, indices, indptr, csr]
        self.data.csr = c.pointer(csr)

    def _converted(self, array: np.ndarray, allowed: tuple, otherwise: Any) -> np.ndarray:
        readable = array.dtype.name in allowed and array.dtype.isnative
        out = np.ascontiguousarray(array, dtype=None if readable else otherwise)
        self.copied += out.nbytes if out is not array and not np.shares_memory(out, array) else 0
        return out

    def label(self, labels: np.ndarray, weights: Optional[np.ndarray]) -> "Rows":
        """Adds labels (int64 [rows]) and weights (float64 [rows] or None)."""
        labels = np.ascontiguousarray(labels, dtype=np.int64)
        self.data.labels = labels.ctypes.data
        self._keep.append(labels)
        return self.weigh(weights)

    def label_texts(self, labels: list) -> "Rows":
        """Adds labels that are texts, one for each row."""
        array = _library.texts(labels)
        self._keep.append(array)
        self.data.text_labels = array
        return self

    def weigh(self, weights: Optional[np.ndarray]) -> "Rows":
        """Adds weights, or none."""
        if weights is not None:
            weights = np.ascontiguousarray(weights, dtype=np.float64)
            self.data.weights = weights.ctypes.data
            self._keep.append(weights)
        return self

    def name_features(self, names: Any) -> "Rows":
        """Adds the names of the features."""
        array = _library.texts(list(names))
        self._keep.append(array)
        self.data.feature_names = array
        return self


def plain(X: Any) -> Any:
    """X as numpy or scipy can take it: CPU tensors of torch and other DLPack arrays are borrowed, bfloat16
    becomes float32, and sparse rows with repeated indices are summed up."""
    if sp.issparse(X):
        _check_structure(X)
        return X
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(X, torch.Tensor):
        X = X.detach()
        if X.device.type != "cpu":
            raise ValueError(f"X is a tensor on {X.device}, but training runs on the CPU: pass X.cpu()")
        if X.dtype is torch.bfloat16:
            return _widen(X.view(torch.int16).numpy())
        return X.numpy()
    if isinstance(X, np.ndarray):
        return _widen(X.view(np.int16)) if X.dtype.name == "bfloat16" else X
    if hasattr(X, "__dlpack__") and not hasattr(X, "__array__"):
        return np.from_dlpack(X)
    return X


def _check_structure(X: Any) -> None:
    """Errors: ValueError for an indptr that leads scipy and the library out of the arrays."""
    if X.format not in ("csr", "csc"):
        return
    stored, lines = min(len(X.indices), len(X.data)), X.shape[X.format == "csc"]
    pointers, name = X.indptr, f"X is not a valid {X.format.upper()} matrix"
    if len(pointers) != lines + 1 or pointers[0] != 0 or pointers[-1] > stored:
        raise ValueError(
            f"{name}: indptr has {len(pointers)} elements, from {pointers[0]} to {pointers[-1]}, "
            f"but {lines + 1} are needed, from 0 to at most {stored}, the length of indices and data"
        )
    descending = pointers[1:] < pointers[:-1]
    if descending.any():
        at = int(np.argmax(descending))
        raise ValueError(
            f"{name}: indptr[{at + 1}] is {pointers[at + 1]}, below indptr[{at}], which is {pointers[at]}"
        )


def converted_bytes(before: Any, after: Any) -> int:
    """Bytes of `after`, if scikit-learn's checks made it as a copy of `before`."""
    if sp.issparse(after):
        if not sp.issparse(before) or before.format != "csr":
            return after.data.nbytes + after.indices.nbytes + after.indptr.nbytes
        pairs = ((getattr(before, name), getattr(after, name)) for name in ("data", "indices", "indptr"))
        return sum(new.nbytes for old, new in pairs if not np.may_share_memory(old, new))
    if isinstance(before, np.ndarray):
        return 0 if np.may_share_memory(before, after) else after.nbytes
    return after.nbytes if after.flags.owndata else 0


def _widen(halves: np.ndarray) -> np.ndarray:
    """float32 from the 16 bits of bfloat16 numbers."""
    out = np.empty(halves.shape, np.float32)
    wide = out.view(np.uint32)
    wide[...] = halves.view(np.uint16)
    wide <<= 16
    return out


def canonical(X: Any) -> Any:
    """CSR rows without repeated indices, which the library refuses; X itself where there are none."""
    if not sp.issparse(X) or X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


def mean_square(X: Any, weights: Optional[np.ndarray] = None) -> float:
    """Weighted mean of the squared lengths of the rows, in double precision."""
    total = 0.0
    step = max(1, (1 << 22) // max(1, X.shape[1]))  # rows that are converted at a time
    for at in range(0, X.shape[0], step):
        part = X[at : at + step]
        if sp.issparse(part):
            squares = np.asarray(part.astype(np.float64).multiply(part).sum(axis=1)).reshape(-1)
        else:
            squares = np.einsum("ij,ij->i", part, part, dtype=np.float64)
        total += float(squares.sum() if weights is None else squares @ weights[at : at + step])
    return total / (X.shape[0] if weights is None else float(weights.sum()))


def whole(labels: np.ndarray, name: str) -> np.ndarray:
    """Labels that are whole numbers, as int64. Errors: ValueError for one that int64 cannot hold."""
    if labels.dtype.kind in "fu" and labels.size:
        wide = labels if labels.dtype.kind == "u" else labels.astype(np.float64)  # float16 has no 2^63
        beyond = (wide >= 2**63) | (wide < -(2**63))
        if beyond.any():
            at = int(np.argmax(beyond))
            raise ValueError(
                f"{name}[{at}] is {shown(labels[at])}; "
                "whole numbers from -2^63 to 2^63 - 1, and texts, are labels"
            )
    return np.ascontiguousarray(labels, np.int64)


def shown(value: Any) -> Any:
    """A label as a message shows it: numpy 2 prints np.int64(3) for 3."""
    return value.item() if hasattr(value, "item") else value


def encode(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes in ascending order, and each label's number among them (int64).

    Whole numbers in a small range are counted instead of sorted.
    """
    if y.dtype.kind in "iu" and y.size:
        low, high = int(y.min()), int(y.max())
        if high - low < max(65536, 4 * y.size) and abs(low) < 2**62 and abs(high) < 2**62:
            shifted = y.astype(np.int64)
            shifted -= low
            present = np.bincount(shifted, minlength=high - low + 1) > 0
            numbers = np.cumsum(present, dtype=np.int64) - 1
            return (np.flatnonzero(present) + low).astype(y.dtype), numbers[shifted]
    classes, numbers = np.unique(y, return_inverse=True)
    return classes, numbers.reshape(-1).astype(np.int64, copy=False)
