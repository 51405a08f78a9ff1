"""Run: what a training left in its directory."""

from __future__ import annotations

import fcntl
import os
import re
import struct
from pathlib import Path
from typing import Any, Optional

from . import _model, _tables

_F_OFD_GETLK = 36  # of Linux: asks for the lock of another open file, without taking one
_FILES = ("begun.h5", "metrics.jsonl", "cv.jsonl", "model.h5")


class Run:
    """The directory of a run, a path or a cross-validation, read when it is asked for.

    Parameters
    ----------
    directory : str or path
        The output.directory of `margin train`, or of `margin.train`.

    Attributes
    ----------
    directory : pathlib.Path
    config : dict
        All options, as ``{"section": {"key": value}}``.
    events : list of dict
        The lines of metrics.jsonl.
    metrics : pandas.DataFrame, or list of dict without pandas
        What was measured at the ends of the epochs.
    status : str
        "finished", "running" or "stopped" (it can be resumed).
    result : dict
        The last line of a finished run: objective, gap, accuracy, reason; otherwise empty.
    points, folds : as metrics
        The points of a path, the lines of a cross-validation; None if there are none.
    model : Model
        model.h5, read once.

    Examples
    --------
    >>> import margin, tempfile, numpy as np
    >>> X, y = np.eye(3, dtype=np.float32).repeat(5, axis=0), np.arange(3).repeat(5)
    >>> run = margin.train({"train.tolerance": 1e-3}, (X, y), directory=tempfile.mkdtemp() + "/run")
    >>> run.status, run.result["converged"], run.config["train"]["tolerance"], len(run.metrics) > 0
    ('finished', True, 0.001, True)
    """

    def __init__(self, directory: Any) -> None:
        self.directory = Path(directory)
        if not self.directory.is_dir():
            raise FileNotFoundError(f"{self.directory}: is not a directory")
        if not any((self.directory / name).exists() for name in _FILES):
            raise ValueError(f"{self.directory}: holds no run: it has none of {', '.join(_FILES)}")
        self._model: Optional[_model.Model] = None

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r}, {self.status})"

    @property
    def config(self) -> dict:
        """All options, as ``{"section": {"key": value}}``."""
        return read_config((self.directory / "config.yaml").read_text(encoding="utf-8"))

    @property
    def events(self) -> list:
        """The lines of metrics.jsonl."""
        path = self.directory / "metrics.jsonl"
        return _tables.read_lines(path) if path.exists() else []

    @property
    def metrics(self) -> Any:
        """What was measured at the ends of the epochs."""
        epochs = [dict(event) for event in self.events if event["event"] == "epoch"]
        for epoch in epochs:
            del epoch["event"]
        return _tables.table(epochs)

    @property
    def result(self) -> dict:
        """The last line of a finished run; otherwise empty."""
        events = self.events
        return dict(events[-1]) if events and events[-1]["event"] == "end" else {}

    @property
    def status(self) -> str:
        """"finished", "running" or "stopped"."""
        if self._is_locked():
            return "running"
        finished = self.result or (self.directory / "cv.jsonl").exists()
        return "finished" if finished else "stopped"

    def _is_locked(self) -> bool:
        """A run locks the file `lock` as long as it lasts. The process id in it may be that of another
        process."""
        whole_file = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        try:
            file = os.open(self.directory / "lock", os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            answer = fcntl.fcntl(file, _F_OFD_GETLK, whole_file)
        except OSError:
            return False
        finally:
            os.close(file)
        return struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK

    @property
    def points(self) -> Any:
        """The points of a path, or None."""
        return self._table("path.jsonl")

    @property
    def folds(self) -> Any:
        """The lines of a cross-validation, or None."""
        return self._table("cv.jsonl")

    def _table(self, name: str) -> Any:
        path = self.directory / name
        return _tables.table(_tables.read_lines(path)) if path.exists() else None

    @property
    def model(self) -> _model.Model:
        """model.h5, read once."""
        if self._model is None:
            self._model = _model.load_model(self.directory / "model.h5")
        return self._model

    def plot(self, **how: Any) -> Any:
        """Draws the curves of the run; returns the RunDisplay. `how`: as for RunDisplay.from_run.

        Examples
        --------
        >>> import margin, numpy as np, tempfile
        >>> rows = np.eye(3).repeat(5, axis=0), np.arange(3).repeat(5)
        >>> run = margin.train({"train.tolerance": 1e-3}, rows, directory=tempfile.mkdtemp() + "/run")
        >>> len(run.plot(panels=["objective"]).axes_)
        1
        """
        from ._displays import RunDisplay

        return RunDisplay.from_run(self, **how)

    def to_tensorboard(self, directory: Any = None) -> Path:
        """Writes the numbers of the run as an event file of TensorBoard; needs ``pip install tensorboard``.

        Parameters
        ----------
        directory : str or path, optional
        Where the file is written; by default ``tensorboard`` in the directory of the run. It must not hold
        event
            files already.

        Returns
        -------
        pathlib.Path
            The directory, for ``tensorboard --logdir``.

        Examples
        --------
        >>> import margin, numpy as np, tempfile
        >>> rows = np.eye(3).repeat(5, axis=0), np.arange(3).repeat(5)
        >>> run = margin.train({"train.tolerance": 1e-3}, rows, directory=tempfile.mkdtemp() + "/run")
        >>> run.to_tensorboard().name  # doctest: +SKIP
        'tensorboard'
        """
        from . import _trackers

        return _trackers.write_tensorboard(self, directory)

    def to_mlflow(self, experiment: str = "margin", name: Optional[str] = None) -> str:
        """Writes options and numbers of the run as a run of MLflow; needs ``pip install mlflow`` (or
        mlflow-skinny).

        Parameters
        ----------
        experiment : str
        Its experiment, created if it does not exist. The server is that of MLflow (``MLFLOW_TRACKING_URI``).
        name : str, optional
            Name of the run; by default that of the directory.

        Returns
        -------
        str
            The id of the run in MLflow.

        Examples
        --------
        >>> import margin, numpy as np, tempfile
        >>> rows = np.eye(3).repeat(5, axis=0), np.arange(3).repeat(5)
        >>> run = margin.train({"train.tolerance": 1e-3}, rows, directory=tempfile.mkdtemp() + "/run")
        >>> identity = run.to_mlflow("digits")  # doctest: +SKIP
        """
        from . import _trackers

        return _trackers.write_mlflow(self, experiment, name)


QUOTED = r'"(?:[^"\\]|\\.)*"'
OPTION = re.compile(rf"({QUOTED}|[^:]+):(?: (.*))?")
WEIGHT = re.compile(rf'(?:\? )?({QUOTED}|[^,:"]+): ([^,]+)')
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
WORDS = {"true": True, "false": False, "null": None, "~": None}


def read_config(text: str) -> dict:
    """The options of a config.yaml that margin wrote: sections, and in them lines `key: value`."""
    out: dict = {}
    section: dict = {}
    for line in text.split("\n"):
        found = None if line.lstrip().startswith("#") else OPTION.fullmatch(line.strip())
        if not found:
            continue
        if line.startswith(" "):
            section[found[1]] = _value(found[2] or "~")
        else:
            section = out[found[1]] = {}
    return out


def _value(text: str) -> Any:
    if text.startswith("{"):
        return {_value(label): float(weight) for label, weight in WEIGHT.findall(text[1:-1])}
    if text.startswith('"'):
        return ESCAPE.sub(_unescape, text[1:-1])
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return WORDS.get(text, text)


def _unescape(found: Any) -> str:
    what = found[1]
    if what[0] in "xu" and len(what) > 1:
        return chr(int(what[1:], 16))
    return {"n": "\n", "t": "\t"}.get(what, what)
