"""Models of the library as files, and as the bytes of a file."""

from __future__ import annotations

import ctypes as c
import os
import tempfile
from typing import Any

from . import _library


def load(path: Any) -> _library.Handle:
    """Errors: OSError, such as FileNotFoundError; ValueError (not a model, damaged)."""
    handle = _library.Handle(c.c_void_p(), "mg_model_destroy")
    try:
        _library.call("mg_model_load", os.fsencode(path), c.byref(handle.address))
    except OSError as error:
        try:
            os.stat(path)
        except FileNotFoundError:
            raise FileNotFoundError(str(error)) from None
        except OSError:  # such as a directory that may not be searched
            pass
        raise
    return handle


def save(handle: _library.Handle, path: Any) -> None:
    _library.call("mg_model_save", handle.address, os.fsencode(path))


def to_bytes(handle: _library.Handle) -> bytes:
    """The content of model.h5, which has more than Model shows: the recipe and the scale of the columns."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.h5")
        save(handle, path)
        with open(path, "rb") as file:
            return file.read()


def from_bytes(content: bytes) -> _library.Handle:
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.h5")
        with open(path, "wb") as file:
            file.write(content)
        return load(path)
