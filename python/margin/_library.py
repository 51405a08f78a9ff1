"""The C library: found, loaded, and its errors turned into exceptions."""

from __future__ import annotations

import ctypes as c
import json
import os
import re
import threading
from pathlib import Path
from typing import Any, Callable, Optional, Sequence

from . import _structs as s

_HANDLE = c.c_void_p
_ERROR: Any = c.POINTER(s.Error)
_PROTOTYPES: dict[str, tuple[Any, list]] = {
    "mg_config_load": (c.c_int, [c.c_char_p, c.POINTER(c.c_char_p), c.c_int, c.POINTER(_HANDLE), _ERROR]),
    "mg_config_destroy": (None, [_HANDLE]),
    "mg_config_origin": (c.c_char_p, [_HANDLE, c.c_char_p]),
    "mg_config_directory": (c.c_char_p, [_HANDLE]),
    "mg_fit": (
        c.c_int,
        [_HANDLE, c.POINTER(s.FitRequest), c.POINTER(_HANDLE), c.POINTER(s.FitResult), _ERROR],
    ),
    "mg_train": (c.c_int, [_HANDLE, c.POINTER(s.TrainRequest), c.POINTER(s.TrainResult), _ERROR]),
    "mg_train_stop": (None, []),
    "mg_path": (c.c_int, [_HANDLE, c.POINTER(s.PathRequest), c.POINTER(s.PathResult), _ERROR]),
    "mg_cv": (c.c_int, [_HANDLE, c.POINTER(s.CvRequest), c.POINTER(s.CvResult), _ERROR]),
    "mg_model_create": (c.c_int, [c.POINTER(s.ModelParts), c.POINTER(_HANDLE), _ERROR]),
    "mg_model_get": (None, [_HANDLE, c.POINTER(s.ModelParts)]),
    "mg_model_destroy": (None, [_HANDLE]),
    "mg_model_load": (c.c_int, [c.c_char_p, c.POINTER(_HANDLE), _ERROR]),
    "mg_model_save": (c.c_int, [_HANDLE, c.c_char_p, _ERROR]),
    "mg_model_score": (c.c_int, [_HANDLE, c.POINTER(s.ScoreRequest), _ERROR]),
    "mg_model_export": (c.c_int, [_HANDLE, c.c_char_p, c.c_char_p, _ERROR]),
    "mg_model_export_to": (c.c_int, [_HANDLE, c.c_char_p, c.POINTER(s.ExportSink), _ERROR]),
    "mg_export_format_name": (c.c_char_p, [c.c_int]),
    "mg_export_format_of": (c.c_char_p, [c.c_char_p]),
    "mg_version_text": (c.c_int, [c.c_char_p, c.c_size_t, _ERROR]),
}


def _load() -> c.CDLL:
    """The library beside this file, or the one that MARGIN_LIBRARY names."""
    chosen = os.environ.get("MARGIN_LIBRARY")
    path = Path(chosen) if chosen else Path(__file__).with_name("libmargin.so")
    if not path.exists():
        raise ImportError(
            f"{path}: the library of margin is not there; install the package (pip install .), "
            "or set MARGIN_LIBRARY to a libmargin.so that was built from the same source"
        )
    # RTLD_LOCAL, the default: no symbol of margin or of its HDF5 is seen by other libraries.
    library = c.CDLL(str(path.resolve()))
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _load()


def check(status: int, error: c.Structure) -> None:
    """Raises the exception that fits a status of the library."""
    if status == 0:
        return
    name = s.STATUS[status] if status < len(s.STATUS) else "MG_FAILED"
    text = _in_python(error.text.decode("utf-8", "replace")) or name
    if name in ("MG_USAGE", "MG_CONFIG", "MG_DATA"):
        raise ValueError(text)
    if name == "MG_MEMORY":
        raise MemoryError(text)
    if name == "MG_IO":
        raise OSError(text)
    if name == "MG_NONFINITE":
        raise FloatingPointError(text)
    if name == "MG_STOPPED":
        raise KeyboardInterrupt(text)
    raise RuntimeError(text)


def _in_python(text: str) -> str:
    """A message in the words of Python. For files the library writes --set: model.C, --folds: 1 and continue
    with --resume; for arrays continue with resume."""
    flags = r"((?<!\S)--|(?<=\bwith )|(?<=\bwith resume or ))(resume|overwrite)\b"
    return re.sub(flags, r"\2=True", re.sub(r"^--(set: )?", "", text))


def call(name: str, *arguments: Any) -> None:
    """Calls a function whose last argument is the error, and raises if it fails."""
    error = s.Error()
    check(getattr(lib, name)(*arguments, c.byref(error)), error)


class Handle:
    """An object of the library, destroyed with this one."""

    def __init__(self, address: c.c_void_p, destroy: str) -> None:
        self.address = address
        self._destroy = getattr(lib, destroy)

    def __del__(self) -> None:
        if self.address:
            self._destroy(self.address)


def texts(values: Sequence[str]) -> Any:
    """An array of C strings; it keeps the bytes alive. Errors: ValueError (a text has a zero byte)."""
    for value in values:
        if "\0" in str(value):
            raise ValueError(f"{str(value)!r} has a zero byte, which no label or name may have")
    return (c.c_char_p * len(values))(*[str(value).encode("utf-8", "surrogateescape") for value in values])


def from_texts(values: Any, count: int) -> list:
    """The texts of an array of C strings. Bytes that are not UTF-8 become surrogates."""
    return [values[i].decode("utf-8", "surrogateescape") for i in range(count)]


def load_config(path: Optional[str], settings: dict) -> Handle:
    """A configuration from a file (or None) and a dict of "section.key": value, whose values win."""
    sets = [f"{key}={_yaml(value)}" for key, value in settings.items()]
    config = c.c_void_p()
    if path is not None and not os.path.exists(path):
        raise FileNotFoundError(f"{path}: cannot be opened: there is no such file")
    file = None if path is None else os.fsencode(path)
    call("mg_config_load", file, texts(sets), len(sets), c.byref(config))
    return Handle(config, "mg_config_destroy")


def _yaml(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        # JSON's quoted texts are YAML's.
        pairs = ((json.dumps(str(key), ensure_ascii=False), _yaml(item)) for key, item in value.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    if isinstance(value, float) or hasattr(value, "dtype") and value.dtype.kind == "f":
        return repr(float(value))
    return str(value)


def version() -> str:
    """The versions of margin, its libraries, the compiler, the processor and the kernel, a line each.

    Examples
    --------
    >>> import margin
    >>> margin.version().split()[0]
    'margin'
    """
    out = c.create_string_buffer(1024)
    call("mg_version_text", out, len(out))
    return out.value.decode("utf-8", "replace").rstrip("\n")


def flag() -> Any:
    """A flag that the library reads (volatile sig_atomic_t, which is an int)."""
    return c.c_int(0)


def run(work: Callable[[], Any], stop: Callable[[], None]) -> Any:
    """Runs `work`, a long call of the library, so that Ctrl-C ends it: `stop` is called, the call returns
    after its minibatch, and KeyboardInterrupt is raised.

    Signals reach Python's main thread only between its own instructions. So there the call runs in another
    thread while this one waits. In other threads no signal arrives, and the call runs directly.

    `work` must hold everything that the library reads and writes: several signals in quick succession can
    end this function while the call still runs.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome: list = [None, None]
    done = threading.Event()

    def target() -> None:
        try:
            outcome[0] = work()
        except BaseException as error:  # handed to the waiting thread
            outcome[1] = error
        finally:
            done.set()

    interrupted: Optional[BaseException] = None
    try:
        threading.Thread(target=target, name="margin", daemon=True).start()
    except RuntimeError:  # the system grants no thread
        return work()
    except BaseException as error:  # KeyboardInterrupt, or what a signal handler of the program raises
        interrupted = error
        stop()
    ended = False
    while not ended:
        try:
            # A signal that another thread received, or interrupt_main(), does not wake this one.
            ended = done.wait(0.05)
        except BaseException as raised:
            interrupted = interrupted or raised
            stop()
    result, failure = outcome[0], interrupted or outcome[1]
    if failure is None:
        return result
    outcome.clear()
    try:
        raise failure
    finally:  # an error that its own frames refer to would keep the rows alive
        interrupted = failure = None
