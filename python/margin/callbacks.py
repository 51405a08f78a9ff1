"""Callbacks for `callbacks=`: functions of an event, which may return True to end the training.

margin.path and margin.cv ignore what they return.

An event is a dict. event["kind"] is "plan" (once, before training) or "progress". The other keys are the
fields of mg_plan and mg_progress in the headers; at the end of an epoch, event["epoch_end"] is True and
event["objective"], event["train_loss"], event["gap"] and event["accuracy"] (of validation rows) hold what
was measured, or NaN.
"""

from __future__ import annotations

import math
import sys
from typing import Any, Callable

RECORDED = ("epoch", "step", "seconds", "train_loss", "objective", "gap", "accuracy", "rows_per_second")


class record_evaluation:
    """Collects what is measured at the end of every epoch as lists in `store`, a dict.

    Examples
    --------
    >>> import margin
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> history = {}
    >>> fitted = margin.MarginClassifier(callbacks=[margin.record_evaluation(history)]).fit(X, y)
    >>> len(history["objective"]) == fitted.n_iter_
    True
    """

    def __init__(self, store: dict) -> None:
        self.store = store

    def __call__(self, event: dict) -> None:
        if event["kind"] == "plan":
            self.store.clear()
            self.store.update({name: [] for name in RECORDED})
        elif event["epoch_end"]:
            for name in RECORDED:
                self.store[name].append(event[name])


class early_stopping:
    """Ends training when `metric` has not improved by more than `min_delta` for `stopping_rounds` epochs.

    Parameters
    ----------
    stopping_rounds : int
    min_delta : float
    metric : "accuracy" (needs validation rows; larger is better), "objective", "train_loss" or "gap"

    The model is that of the last epoch. MarginClassifier(early_stopping=True) keeps that of the best one.

    Examples
    --------
    >>> import margin
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = margin.MarginClassifier(tol=0, max_iter=100, callbacks=[margin.early_stopping(3)])
    >>> clf.fit(X, y, X_val=X, y_val=y).n_iter_ < 100
    True
    """

    def __init__(self, stopping_rounds: int, min_delta: float = 0.0, metric: str = "accuracy") -> None:
        if metric not in RECORDED:
            raise ValueError(f"metric is {metric!r}; one of {', '.join(RECORDED[3:7])} is allowed")
        self.stopping_rounds, self.min_delta, self.metric = stopping_rounds, min_delta, metric

    def __call__(self, event: dict) -> bool:
        if event["kind"] == "plan":
            self.best, self.waited = -math.inf, 0
            return False
        if not event["epoch_end"] or math.isnan(event[self.metric]):
            return False
        value = event[self.metric] if self.metric == "accuracy" else -event[self.metric]
        if value > self.best + self.min_delta:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.stopping_rounds


def checked(callbacks: Any) -> list:
    """The callbacks as a list. Errors: TypeError for anything but functions in a list."""
    if callbacks is None:
        return []
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"callbacks is {callbacks!r}; a list of functions, or None, is allowed")
    for at, callback in enumerate(callbacks):
        if not callable(callback):
            raise TypeError(f"callbacks[{at}] is {callback!r}; a function of an event is allowed")
    return list(callbacks)


def show_progress(verbose: int) -> Any:
    """A progress bar (tqdm, if it is installed) or, for verbose > 1 or without tqdm, one line an epoch."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Lines()
    return _Lines() if verbose > 1 else _Bar(tqdm)


def _figures(event: dict) -> dict:
    names = {"train_loss": "loss", "objective": "objective", "gap": "gap", "accuracy": "accuracy"}
    return {names[key]: f"{event[key]:.4g}" for key in names if not math.isnan(event[key])}


class _Lines:
    def __call__(self, event: dict) -> None:
        if event["kind"] == "plan":
            data = event["data"]
            print(
                f"[margin] {data['rows']:,} rows x {data['features']:,} features, "
                f"{data['classes']:,} classes; {event['loss']}, lambda {event['lambda']:.4g}; "
                f"solver {event['solver']}, {event['threads']} threads",
                file=sys.stderr,
            )
        elif event["epoch_end"]:
            figures = "  ".join(f"{name} {value}" for name, value in _figures(event).items())
            print(f"[margin] epoch {event['epoch']}  {figures}  {event['seconds']:.2f} s", file=sys.stderr)


class _Bar:
    def __init__(self, tqdm: Any) -> None:
        self.tqdm, self.bar = tqdm, None

    def __call__(self, event: dict) -> None:
        if event["kind"] == "plan":
            total = event["epochs"] if 0 < event["epochs"] < 10**6 else None
            self.bar = self.tqdm(total=total, unit="epoch", desc=f"margin ({event['solver']})", leave=True)
        elif event["epoch_end"] and self.bar is not None:
            self.bar.set_postfix(_figures(event), refresh=False)
            self.bar.update(event["epoch"] - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
