"""Calls of the library that train, with observers, Ctrl-C and the exceptions of callbacks."""

from __future__ import annotations

import ctypes as c
import math
import os
import sys
import warnings
from typing import Any, Callable, Optional, Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from . import _library
from . import _structs as s
from ._arrays import Rows


_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Watch:
    """The observer of a run: collects messages, calls callbacks, and keeps what they raise.

    A callback takes an event, a dict with "kind": "plan" or "progress", and the fields of mg_plan or
    mg_progress. It may return True to end the training early with the model of that moment.
    """

    def __init__(self, callbacks: Sequence[Callable] = ()) -> None:
        self.callbacks = list(callbacks)
        self.messages: list[str] = []
        self.plan: dict = {}
        self.error: Optional[BaseException] = None
        self.held: list = []  # what a request points to
        self.stop, self.finish = c.c_int(0), c.c_int(0)
        plan, progress = s.OnPlan(self._on_plan), s.OnProgress(self._on_progress)
        self._functions = (plan, progress, s.Message(self._on_message))
        self._step = s.OnStep(self._on_step)
        none = s.OnProgress(0)
        progress = self._functions[1] if self.callbacks else none
        self.observer = s.Observer(None, self._functions[0], progress, self._functions[2], s.OnStep(0))

    def watch_steps(self) -> c.Structure:
        """For calls without a stop flag: the observer is asked after every step."""
        self.observer.stop = self._step
        return self.observer

    def interrupt(self) -> None:
        self.stop.value = 1

    def _guard(self, work: Callable[[], Any]) -> None:
        # ctypes prints and forgets what a callback raises.
        try:
            work()
        except BaseException as error:
            self.error = self.error or error
            self.stop.value = 1

    def _on_plan(self, _: Any, plan: Any) -> None:
        def work() -> None:
            self.plan = {"kind": "plan", **s.as_dict(plan.contents)}
            self._tell(self.plan)

        self._guard(work)

    def _on_progress(self, _: Any, progress: Any) -> None:
        self._guard(lambda: self._tell({"kind": "progress", **s.as_dict(progress.contents)}))

    def _on_message(self, _: Any, line: bytes) -> None:
        self._guard(lambda: self.messages.append(line.decode("utf-8", "replace")))

    def _on_step(self, _: Any, step: int) -> bool:
        return bool(self.stop.value)

    def _tell(self, event: dict) -> None:
        for callback in self.callbacks:
            wanted = callback(event)
            if isinstance(wanted, (bool, np.bool_)) and wanted:  # comparisons of numpy give the second
                self.finish.value = 1

    def run(self, work: Callable[[], None], stop: Optional[Callable[[], None]] = None) -> None:
        """Runs `work`; raises what a callback raised in preference to the error that follows from it."""
        try:
            _library.run(work, stop or self.interrupt)
        except KeyboardInterrupt:
            if self.error is None:
                raise
        error, self.error = self.error, None
        if error is None:
            return
        try:
            raise error
        finally:  # ctypes hides references from the garbage collector, so a cycle would stay forever
            error = None


def fit_request(
    watch: Watch,
    train: Optional[Rows],
    validation: Optional[Rows] = None,
    start: Optional[_library.Handle] = None,
    directory: Any = None,
) -> c.Structure:
    """A request of mg_fit. It points to the watch, which holds what else it points to."""
    watch.held += [train, validation, start]
    return s.FitRequest(
        train=c.pointer(train.data) if train is not None else None,
        validation=c.pointer(validation.data) if validation is not None else None,
        start=start.address if start is not None else None,
        directory=None if directory is None else os.fsencode(directory),
        observer=c.pointer(watch.observer),
        stop=c.addressof(watch.stop),
        finish=c.addressof(watch.finish),
    )


def call(
    watch: Watch, name: str, config: _library.Handle, *arguments: Any, files: bool = False
) -> None:
    """Calls a function of the library that trains. `files`: it has no flags of its own to stop it."""

    running = [True]

    def stop() -> None:
        watch.interrupt()
        # For rows that are being read, when the observer is not asked. After the call it would stop the next.
        if files and running:
            _library.lib.mg_train_stop()

    def work() -> None:
        held = (watch, config)  # as long as the call lasts
        try:
            _library.call(name, held[1].address, *arguments)
        finally:
            running.clear()

    watch.run(work, stop)


def fit(
    settings: dict,
    train: Rows,
    validation: Optional[Rows] = None,
    start: Optional[_library.Handle] = None,
    callbacks: Sequence[Callable] = (),
) -> tuple[_library.Handle, c.Structure, Watch]:
    """Calls mg_fit. Returns the model, the result, and the watch with messages and plan."""
    watch = Watch(callbacks)
    config = _library.load_config(None, settings)
    model, result = _library.Handle(c.c_void_p(), "mg_model_destroy"), s.FitResult()
    request = fit_request(watch, train, validation, start)
    call(watch, "mg_fit", config, c.byref(request), c.byref(model.address), c.byref(result))
    return model, result, watch


def path(settings: dict, train: Rows, validation: Rows, C: str) -> list[dict]:
    """Calls mg_path on arrays. Returns the points, as points_of does."""
    watch = Watch()
    config = _library.load_config(None, settings)
    rows, result = fit_request(watch, train, validation), s.PathResult()
    request = s.PathRequest(C=C.encode(), observer=c.pointer(watch.observer), rows=c.pointer(rows))
    call(watch, "mg_path", config, c.byref(request), c.byref(result))
    return points_of(result)


def points_of(result: c.Structure) -> list[dict]:
    """The points of a path; NaN is what is not available."""
    points = [s.as_dict(result.point[number]) for number in range(result.points)]
    return [{**point, "converged": point["converged"] > 0} for point in points]


def warn_uncertified(trained: c.Structure, watch: Watch, words: Callable = str) -> None:
    """A ConvergenceWarning, if there is a tolerance and the run was not certified to it. `words` translates
    the text of the library."""
    if not trained.tolerance > 0 or trained.converged:
        return
    warning, reason = (text.decode("utf-8", "replace") for text in (trained.warning, trained.reason))
    if watch.finish.value:  # a callback wanted it
        watch.messages = [line for line in watch.messages if not warning or warning not in line]
        return
    gap = "no certificate" if math.isnan(trained.gap) else f"the gap is {trained.gap:.2g}"
    why = words(warning) or f"{gap}, training ended by {reason}"
    warn(f"not certified within tol={trained.tolerance:g}: {why}", ConvergenceWarning)
    watch.messages = [line for line in watch.messages if not warning or warning not in line]


def report(messages: Sequence[str], verbose: int, words: Callable = str, judged: bool = True) -> None:
    """Warnings of the library become Python's, unless `judged` is false; notes are printed if `verbose`."""
    for line in messages:
        if line.startswith("warning: "):
            if judged:
                warn(words(line[len("warning: ") :]))
        elif verbose:
            print(f"[margin] {line}", file=sys.stderr)


def warn(text: str, category: type = UserWarning) -> None:
    """A warning about the program's line that called this package."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)
