"""Models in formats of other programs: ONNX, LIBLINEAR, npz, safetensors and CSV."""

from __future__ import annotations

import ctypes as c
import os
from typing import Any, Optional

from . import _library
from . import _structs as s


def format_of(path: Any) -> str:
    """The format that the name of a file ends with."""
    found = _library.lib.mg_export_format_of(os.fsencode(path))
    if found is not None:
        return found.decode("ascii")
    names, name = [], _library.lib.mg_export_format_name(0)
    while name is not None:
        names.append(name.decode("ascii"))
        name = _library.lib.mg_export_format_name(len(names))
    raise ValueError(
        f"{os.fsdecode(path)}: its name does not end with a format: give format ({', '.join(names)})"
    )


def to_bytes(handle: _library.Handle, format: str) -> bytes:
    """The content of the file."""
    taken: list = [b"", None]

    def take(_: Any, content: int, count: int, error: Any) -> int:
        try:
            taken[0] = c.string_at(content, count)
            return 0
        except BaseException as reason:  # such as MemoryError, which must not be lost in the library
            taken[1] = reason
            return 1

    sink = s.ExportSink(write=s.OnBytes(take))
    try:
        _library.call("mg_model_export_to", handle.address, format.encode("utf-8"), c.byref(sink))
    except RuntimeError:
        raise taken[1] or RuntimeError("the model cannot be exported") from None
    return taken[0]


class ExportMixin:
    """export and to_onnx for a class whose _exported() is a model of the library."""

    def _exported(self) -> _library.Handle:
        raise NotImplementedError

    def export(self, path: Any, format: Optional[str] = None) -> None:
        """Writes the model for other programs.

        Parameters
        ----------
        path : str or path-like
            The file, which appears only when it is complete. A file of this name is replaced.
        format : {"onnx", "liblinear", "npz", "safetensors", "csv"}, default=None
            What docs/formats.md describes. None: the end of the name, such as model.npz.

        Raises
        ------
        ValueError
            If the format is unknown, or cannot hold this model: LIBLINEAR has no texts as labels, and neither
            LIBLINEAR nor CSV can say how rows are prepared. If `path` is an HDF5 file, such as the model.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import margin, numpy as np, os, tempfile
        >>> model = margin.Model(weights=[[1, 0], [0, 1]], bias=[0, 0], classes=["right", "up"])
        >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
        >>> model.export(path)
        >>> np.load(path)["classes"].tolist(), np.load(path)["coef"].shape
        (['right', 'up'], (2, 2))
        """
        name = os.fsencode(path)
        chosen = format_of(path) if format is None else format
        handle = self._exported()  # held, because the model is destroyed with it
        _library.call("mg_model_export", handle.address, chosen.encode("utf-8"), name)

    def to_onnx(self, path: Any = None) -> Optional[bytes]:
        """The model as a graph of ONNX (opset 13), which prepares raw rows itself.

        The graph takes ``X``, float32 of shape (N, D), and returns ``label`` of shape (N,), int64 or string;
        ``scores``, float32 of shape (N, K); and ``probabilities``, float32 of shape (N, K), if the loss is
        "softmax" or the model is calibrated.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write. None: the content is returned.

        Returns
        -------
        bytes, or None with a path

        Raises
        ------
        ValueError
            If the graph needs 2 GB or more.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import margin, numpy as np
        >>> model = margin.Model(weights=[[1, 0], [0, 1]], bias=[0, 0], classes=["right", "up"])
        >>> content = model.to_onnx()
        >>> import onnxruntime  # doctest: +SKIP
        >>> session = onnxruntime.InferenceSession(content)  # doctest: +SKIP
        >>> session.run(["label"], {"X": np.array([[2, 1]], dtype=np.float32)})[0].tolist()  # doctest: +SKIP
        ['right']
        """
        if path is None:
            return to_bytes(self._exported(), "onnx")
        self.export(path, "onnx")
        return None
