"""margin.train, margin.path and margin.cv: the commands of margin as functions, for files and for arrays."""

from __future__ import annotations

import ctypes as c
import math
import os
import tempfile
from typing import Any, Callable, Optional, Sequence, Union

from . import _data, _library, _model, _tables, _train
from . import _structs as s
from ._run import Run
from ._validation import finite_errors
from .callbacks import checked, show_progress

_ARRAYS_ALONE = "train is not given, so the rows come from a file, but {} is for arrays: leave it out"


def train(
    config: Any = None,
    train: Any = None,
    *,
    validation: Any = None,
    directory: Any = None,
    options: Optional[dict] = None,
    resume: bool = False,
    overwrite: bool = False,
    init: Any = None,
    callbacks: Optional[Sequence[Callable]] = None,
    verbose: int = 0,
) -> Union[_model.Model, Run]:
    """Trains as `margin train` does, from files or from arrays.

    Parameters
    ----------
    config : dict, path of a YAML file, or None
        Options: ``{"model": {"C": 1}}`` or ``{"model.C": 1}``. docs/options.md lists them.
    train : tuple (X, y) or (X, y, weights), path, or None
        Rows of shape (N, D) with N labels, whole numbers or texts; or an HDF5 file. None: data.train of the
        configuration. Names of the columns of a frame are kept.
    validation : as train, or a fraction such as 0.1
        Validation rows.
    directory : path, default=None
        output.directory. None: that of the configuration, if it is set there.
    options : dict, default=None
        More options, which win over those of `config`.
    resume, overwrite : bool, default=False
        Continue the run in the directory; replace it.
    init : Model (for arrays) or path of a model.h5 (for files), default=None
        Weights to start from. Only for the solver "sgd".
    callbacks : list of callables, default=None
        See `margin.callbacks`.
    verbose : int, default=0
        1: a progress bar, or a line an epoch, and notes of the library.

    Returns
    -------
    Run, or Model if there is no directory
        ``Model.training`` is a dict: objective, gap, converged, reason, seconds, accuracy and others.

    Raises
    ------
    ValueError
        For options, values of rows, and files, in one line.
    OSError, MemoryError, FloatingPointError, KeyboardInterrupt

    Examples
    --------
    >>> import margin
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = margin.train({"model.C": 1, "train.tolerance": 1e-2}, (X, y))
    >>> model, model.training["converged"]
    (Model(crammer-singer, 3 classes, 4 features), True)
    """
    call = _Call(config, train, validation, directory, options, resume, overwrite, callbacks, verbose)
    return call.fit(init) if call.rows is not None else call.train(init)


def path(
    config: Any = None,
    train: Any = None,
    C: Any = None,
    *,
    alpha: Any = None,
    validation: Any = None,
    directory: Any = None,
    options: Optional[dict] = None,
    resume: bool = False,
    overwrite: bool = False,
    callbacks: Optional[Sequence[Callable]] = None,
    verbose: int = 0,
    return_model: bool = False,
) -> Any:
    """Trains at a series of values of C, each from the result of the one before, as `margin path` does.

    Parameters
    ----------
    C, alpha : text "from:to:factor", or a sequence of numbers
        The values, in this order; exactly one of the two is given. `alpha` is the command line's lambda.
    return_model : bool, default=False
        Also return the Model that is most accurate on the validation rows; None without them.
    config, train, validation, directory, options, resume, overwrite, callbacks, verbose
        As for `margin.train`. Arrays need no directory.

    Returns
    -------
    pandas.DataFrame, or list of dict without pandas
        A row for each value: C, lambda, objective, dual, gap, accuracy (on the validation rows), seconds,
        passes, converged (its gap is within the tolerance) and best.

    Examples
    --------
    >>> import margin
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> points, model = margin.path(None, (X, y), [0.01, 0.1, 1], validation=0.3, return_model=True)
    >>> len(points), model
    (3, Model(crammer-singer, 3 classes, 4 features))
    """
    call = _Call(config, train, validation, directory, options, resume, overwrite, callbacks, verbose)
    if (C is None) == (alpha is None):
        raise ValueError("exactly one of C and alpha must be given, such as C='1e-3:1:10' or C=[0.1, 1]")
    points, model = call.path(_grid("C", C), _grid("alpha", alpha))
    return (_tables.table(points), model) if return_model else _tables.table(points)


def cv(
    config: Any = None,
    train: Any = None,
    *,
    folds: int = 5,
    C: Any = None,
    alpha: Any = None,
    directory: Any = None,
    options: Optional[dict] = None,
    resume: bool = False,
    overwrite: bool = False,
    callbacks: Optional[Sequence[Callable]] = None,
    verbose: int = 0,
) -> Any:
    """Cross-validates as `margin cv` does.

    Parameters
    ----------
    folds : int, default=5
        2 to 100 stratified folds, which train.seed determines.
    C, alpha : as for `margin.path`, or both None
        Values to compare; every fold trains a path over them.
    config, train, directory, options, resume, overwrite, callbacks, verbose
        As for `margin.train`. Arrays need no directory.

    Returns
    -------
    pandas.DataFrame, or list of dict without pandas
        A row for each value: C or lambda, mean and deviation of the accuracies, not_converged (folds that
        missed the tolerance), best, and the accuracies fold_1, fold_2, ...

    Examples
    --------
    >>> import margin
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> len(margin.cv({"train.tolerance": 1e-2}, (X, y), folds=3, C="0.01:1:10"))
    3
    """
    call = _Call(config, train, None, directory, options, resume, overwrite, callbacks, verbose)
    return _tables.table(call.cv(folds, _grid("C", C), _grid("alpha", alpha)))


def _grid(name: str, values: Any) -> Optional[bytes]:
    """The text of a series as the library reads it."""
    if values is None or isinstance(values, str):
        return values if values is None else values.encode()
    try:
        numbers = [repr(float(value)) for value in values]
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} is {type(values).__name__}; a text such as '1e-3:1:10', or a list of numbers, is allowed"
        ) from None
    if not numbers:
        raise ValueError(f"{name} is empty; a text such as '1e-3:1:10', or at least one number, is allowed")
    return (",".join(numbers) if len(numbers) > 1 else f"{numbers[0]}:{numbers[0]}:2").encode()


class _Call:
    """What train, path and cv share: configuration, rows, observer."""

    def __init__(
        self,
        config: Any,
        train: Any,
        validation: Any,
        directory: Any,
        options: Any,
        resume: bool,
        overwrite: bool,
        callbacks: Any,
        verbose: int,
    ) -> None:
        if resume and overwrite:
            raise ValueError("resume and overwrite: at most one may be True")
        settings = _data.flatten(options)
        self.rows = None if train is None or _data.is_path(train) else _data.labelled(train, "train")
        self.validation = None
        if _data.is_path(train):
            settings["data.train"] = os.fspath(train)
        if _data.is_path(validation) or isinstance(validation, float):
            settings["data.validation"] = validation
        elif validation is not None and self.rows is None:
            raise ValueError(_ARRAYS_ALONE.format("validation"))
        elif validation is not None:
            self.validation = _data.labelled(validation, "validation")
        if directory is not None:
            settings["output.directory"] = os.fspath(directory)
        self.config = _data.load_config(config, settings)
        self.how = (config, settings)
        self.directory = _data.directory_of(self.config)
        self.resume, self.overwrite = resume, overwrite
        self.bar = show_progress(int(verbose)) if verbose else None
        self.watch = _train.Watch([*checked(callbacks), *([self.bar] if self.bar else [])])
        self.verbose = verbose

    def request(self) -> c.Structure:
        return _train.fit_request(self.watch, self.rows, self.validation, directory=self.directory)

    def run(self, name: str, *arguments: Any) -> None:
        try:
            with finite_errors():
                _train.call(self.watch, name, self.config, *arguments, files=self.rows is None)
        finally:
            if self.bar is not None and hasattr(self.bar, "close"):
                self.bar.close()

    def warn(self, result: Any = None) -> None:
        """Warns; with `verbose` also shows notes."""
        if result is not None:
            _train.warn_uncertified(result, self.watch)
        _train.report(self.watch.messages, int(self.verbose))

    # ---- a run ------------------------------------------------------------------------------------

    def fit(self, init: Any) -> Union[_model.Model, Run]:
        if init is not None and not isinstance(init, _model.Model):
            raise TypeError(
                f"init is {type(init).__name__}; for arrays a Model is allowed (margin.load_model)"
            )
        request, result = self.request(), s.FitResult()
        if init is not None:
            self.watch.held.append(init._made())
            request.start = init._made().address
        request.resume, request.overwrite = self.resume, self.overwrite
        made = _library.Handle(c.c_void_p(), "mg_model_destroy")
        self.run("mg_fit", c.byref(request), c.byref(made.address), c.byref(result))
        model = _model.adopt(made)
        self.warn(result.train)
        if self.directory is not None:
            return Run(self.directory)
        model.training = {**_training(result.train), "copied_bytes": result.copied_bytes}
        return model

    def train(self, init: Any) -> Union[_model.Model, Run]:
        if init is not None and not _data.is_path(init):
            raise TypeError(f"init is {type(init).__name__}; for files the path of a model.h5 is allowed")
        result = s.TrainResult()
        request = s.TrainRequest(
            resume=self.resume,
            overwrite=self.overwrite,
            init_model=None if init is None else os.fsencode(init),
            observer=c.pointer(self.watch.watch_steps()),
            finish=c.addressof(self.watch.finish),
        )
        with tempfile.TemporaryDirectory(prefix="margin-") as own:
            kept = self.directory is not None
            if not kept:
                config, settings = self.how
                self.config = _data.load_config(config, {**settings, "output.directory": own + "/run"})
            self.run("mg_train", c.byref(request), c.byref(result))
            self.warn(result)
            written = result.model_path.decode("utf-8", "surrogateescape")
            if kept:
                return Run(os.path.dirname(written))
            model = _model.load_model(written)
        model.training = _training(result)
        return model

    # ---- several runs -----------------------------------------------------------------------------

    def path(self, C: Optional[bytes], alpha: Optional[bytes]) -> tuple:
        request, result = s.PathRequest(C=C, resume=self.resume, overwrite=self.overwrite), s.PathResult()
        setattr(request, "lambda", alpha)
        request.observer = c.pointer(self.watch.watch_steps())
        rows, made = None, _library.Handle(c.c_void_p(), "mg_model_destroy")
        if self.rows is not None:
            rows = self.request()
            request.rows, request.model = c.pointer(rows), c.pointer(made.address)
        self.run("mg_path", c.byref(request), c.byref(result))
        self.warn()
        points = _train.points_of(result)
        for number, point in enumerate(points):
            point["best"] = number == result.best
        if made.address:
            return points, _model.adopt(made)
        written = result.model_path.decode("utf-8", "surrogateescape")
        return points, _model.load_model(written) if result.best >= 0 else None

    def cv(self, folds: int, C: Optional[bytes], alpha: Optional[bytes]) -> list:
        request, result = (
            s.CvRequest(folds=folds, C=C, resume=self.resume, overwrite=self.overwrite),
            s.CvResult(),
        )
        setattr(request, "lambda", alpha)
        request.observer = c.pointer(self.watch.watch_steps())
        if self.rows is not None:
            request.rows = c.pointer(self.request())
        accuracies: dict = {}

        def take(_: Any, fold: Any) -> None:
            at = fold.contents
            accuracies.setdefault(at.point, {})[f"fold_{at.fold + 1}"] = at.accuracy

        request.fold = s.OnFold(take)
        self.run("mg_cv", c.byref(request), c.byref(result))
        self.warn()
        name = "C" if C else "lambda" if alpha else None
        out = []
        for number in range(result.points):
            mean = result.mean[number]
            record = {name: mean.value} if name else {}
            record.update(mean=mean.mean, deviation=mean.deviation, not_converged=mean.missed)
            out.append({**record, "best": number == result.best, **accuracies[number]})
        return out


def _training(result: Any) -> dict:
    """The result of a run as a dict, without what there is not."""
    out = s.as_dict(result)
    del out["model_path"]
    if math.isnan(out["test_accuracy"]):
        del out["test_accuracy"]
    if not out["calibration"]["method"]:
        out["calibration"] = None
    return out
