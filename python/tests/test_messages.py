"""Warnings and errors: all that the library has to say is passed on, in the words of Python."""

import inspect
import os
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import margin
from margin import MarginClassifier, MarginClassifierCV, _library
from margin._validation import threads


def test_warnings_of_the_library(blobs, capsys):
    """Columns of very different scale, for which stochastic gradients fail."""
    X, y = blobs
    uneven = X * np.geomspace(1e-3, 1e5, 8)
    with pytest.warns(UserWarning, match="set data.scale to standard") as found:
        MarginClassifier(solver="sgd").fit(uneven, y)
    assert found[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MarginClassifier(verbose=1).fit(X, y)  # notes are no warnings
        MarginClassifier().partial_fit(X[:1], y[:1], classes=[0, 1, 2])
    assert "[margin] solver newton from here on" in capsys.readouterr().err


def test_uncertified(blobs):
    """The advice names the parameter; the warning is about the line that calls."""
    for work in (
        lambda: MarginClassifier(max_iter=1, tol=1e-6).fit(*blobs),
        lambda: MarginClassifierCV(Cs=[1], cv=2, max_iter=1, tol=1e-6, path_tol=0).fit(*blobs),
    ):
        says = "not certified within tol=1e-06: .*: raise max_iter$"
        with pytest.warns(ConvergenceWarning, match=says) as found:
            work()
        assert [line.filename for line in found] == [__file__]
        assert found[0].lineno == inspect.getsourcelines(work)[1]


@pytest.mark.parametrize(
    "parameters, says",
    [
        ({"loss": "hinge"}, "^loss: 'hinge' is not allowed"),
        ({"loss": None}, "loss is None; a text is allowed"),
        ({"solver": None}, "solver is None; a text is allowed"),
        ({"solver": "lbfgs"}, "^solver: 'lbfgs' is not allowed"),
        ({"C": 1e300}, r"^C: 1e\+300 is not allowed"),
        ({"max_iter": 10**12}, "^max_iter: 1000000000000 is not allowed"),
        ({"class_weight": [1, 2, 3]}, r"class_weight is \[1, 2, 3\]; None, 'balanced' or a dict is allowed"),
        ({"fit_intercept": "no"}, "fit_intercept is 'no'; True or False is allowed"),
        ({"penalize_intercept": 1}, "penalize_intercept is 1; True or False is allowed"),
        ({"verbose": "x"}, "verbose is 'x'; 0, 1 or 2 is allowed"),
        ({"class_weight": 3}, "class_weight is 3; None, 'balanced' or a dict is allowed"),
        ({"class_weight": {0: -1}}, r"^class_weight\[0\] is -1; a number from 0 to 1e30 is allowed"),
        ({"class_weight": {0: None}}, r"^class_weight\[0\] is None; a number"),
        ({"options": [1]}, r"options is \[1\]; a dict or None is allowed"),
        ({"options": {"train.foo": 1}}, "^unknown key train.foo"),
        ({"options": {"model.C": 3}}, "options has 'model.C': set the parameter C instead"),
        ({"options": {"model": {"loss": "softmax"}}}, "options has 'model.loss': set the parameter loss"),
    ],
)
def test_parameters(blobs, parameters, says):
    for kind in (MarginClassifier, MarginClassifierCV):
        if "C" in parameters and kind is MarginClassifierCV:
            continue
        with pytest.raises(ValueError, match=says):
            kind(**parameters).fit(*blobs)


def test_weight_of_a_text(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match=r"^class_weight\['b'\] is nan; a number from 0 to 1e30"):
        MarginClassifier(class_weight={"b": float("nan")}).fit(X, np.array(["a", "b", "c"])[y])


@pytest.mark.parametrize(
    "labels, says",
    [
        (["a", 1, "b"], r"^y\[\d+\] is .*, but y\[0\] is .*: labels are all texts, or all numbers$"),
        (["a", None, "b"], r"^Input y contains NaN. y\[\d+\] is None: label the row, or leave it out$"),
        ([1, "a", 2], r"^y\[\d+\] is .*, but y\[0\] is .*: labels are all texts|^Unknown label type"),
    ],
)
def test_labels_of_two_kinds(blobs, labels, says):
    X, y = blobs
    for kind in (MarginClassifier, MarginClassifierCV):
        with pytest.raises(ValueError, match=says):
            kind().fit(X, np.array(labels, dtype=object)[y])


def test_missing_texts_of_pandas(blobs):
    pandas = pytest.importorskip("pandas")
    X, y = blobs
    labels = pandas.Series(np.array(["a", None, "b"], dtype=object)[y], dtype="string")
    with pytest.raises(ValueError, match="^Input y contains NaN"):
        MarginClassifier().fit(X, labels)


def test_large_weights(blobs):
    with pytest.raises(ValueError, match=r"^sample_weight\[0\] is 1e\+31; weights from 0 to 1e30"):
        MarginClassifier().fit(*blobs, np.full(len(blobs[1]), 1e31))


def test_too_few_rows_to_calibrate(blobs):
    """The advice of the message works."""
    X, y = blobs
    few = [int(np.argmax(y == label)) for label in range(3)]
    says = "set it to None, or give MarginClassifier.fit other .* X_val and y_val$"
    with pytest.raises(ValueError, match=says):
        MarginClassifier(calibration="temperature").fit(X[few], y[few])
    clf = MarginClassifier(calibration="temperature").fit(X[few], y[few], X_val=X, y_val=y)
    assert clf.calibration_["rows"] == len(X)


def test_a_callback_may_end_training_without_a_warning(blobs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = MarginClassifier(C=100, callbacks=[lambda event: True]).fit(*blobs)
        model = margin.train({"train.tolerance": 1e-6}, blobs, callbacks=[lambda event: True])
    assert not clf.converged_ and not model.training["converged"]


def test_resume_and_overwrite(blobs, tmp_path):
    for call in margin.train, margin.path, margin.cv:
        with pytest.raises(ValueError, match="^resume and overwrite: at most one may be True$"):
            call(None, blobs, directory=tmp_path / "run", resume=True, overwrite=True)


def test_path_tol(blobs):
    with pytest.raises(ValueError, match="path_tol is 'a'; None or a number from 0 to 1 is allowed"):
        MarginClassifierCV(path_tol="a").fit(*blobs)


@pytest.mark.parametrize("key", ["output.directory", "checkpoint.every_steps"])
def test_options_that_need_a_directory(blobs, key):
    with pytest.raises(ValueError, match=f"options has '{key}', but fit writes no files"):
        MarginClassifier(options={key: "5"}).fit(*blobs)


def test_options_by_section(blobs):
    with pytest.warns(ConvergenceWarning):
        assert MarginClassifier(tol=1e-9, options={"train": {"epochs": 1}}).fit(*blobs).n_iter_ == 1


def test_state_after_an_error(blobs):
    """Also the number of features is that of the weights."""
    X, y = blobs
    for fitted in (MarginClassifier().fit(X, y), MarginClassifierCV(Cs=[1], cv=2).fit(X, y)):
        before = dict(vars(fitted))
        with pytest.raises(ValueError, match="NaN"):
            fitted.fit(X[:, :2] * np.nan, y)
        assert vars(fitted).keys() == before.keys()
        assert all(value is before[name] for name, value in vars(fitted).items())
        assert fitted.predict(X).shape == y.shape


def test_advice_on_directories(blobs, tmp_path):
    margin.train({"train.epochs": 1}, blobs, directory=tmp_path / "run")
    for advised in ({"resume": True}, {"overwrite": True}):
        with pytest.raises(ValueError, match="with resume=True, start a new one with overwrite=True"):
            margin.train({"train.epochs": 1}, blobs, directory=tmp_path / "run")
        margin.train({"train.epochs": 1}, blobs, directory=tmp_path / "run", **advised)


def end(event):
    return True


@pytest.mark.parametrize("given", [end, 3, "end", {"end": end}, margin.early_stopping])
def test_callbacks_that_are_no_list(blobs, given):
    for work in (
        lambda: MarginClassifier(callbacks=given).fit(*blobs),
        lambda: MarginClassifier(callbacks=given).partial_fit(*blobs, classes=[0, 1, 2]),
        lambda: margin.train(None, blobs, callbacks=given),
    ):
        with pytest.raises(TypeError, match="^callbacks is .*; a list of functions, or None, is allowed$"):
            work()
    with pytest.raises(TypeError, match=r"^callbacks\[1\] is 3; a function of an event is allowed$"):
        margin.train(None, blobs, callbacks=[end, 3])
    history = {}
    fitted = MarginClassifier(callbacks=(margin.record_evaluation(history),)).fit(*blobs)
    assert len(history["gap"]) == fitted.n_iter_


@pytest.mark.parametrize("given", ["a", 2.5, True, 0, np.float64(1)])
def test_n_jobs(blobs, given):
    fitted = MarginClassifier().fit(*blobs)
    for work in (
        lambda: MarginClassifier(n_jobs=given).fit(*blobs),
        lambda: fitted.set_params(n_jobs=given).predict(blobs[0]),
    ):
        with pytest.raises(ValueError, match=r"^n_jobs is .*; None or -1 \(all\), -2 \(all but one\)"):
            work()
    assert MarginClassifier(n_jobs=np.int64(1)).fit(*blobs).predict(blobs[0]).shape == (300,)


@pytest.mark.parametrize("n_jobs", [-2, -3, -100])
def test_n_jobs_below_minus_one(n_jobs):
    """As joblib counts: all but some, and at least one."""
    usable = len(os.sched_getaffinity(0))
    assert threads(n_jobs) == max(1, usable + 1 + n_jobs) >= 1


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.h5: cannot be opened: No such file or directory"):
        margin.load_model(tmp_path / "none.h5")
    (tmp_path / "link.h5").symlink_to(tmp_path / "none.h5")
    with pytest.raises(FileNotFoundError, match="link.h5: cannot be opened"):
        margin.load_model(tmp_path / "link.h5")
    with pytest.raises(OSError, match="is a directory; a file is needed") as found:
        margin.load_model(tmp_path)
    assert found.type is not FileNotFoundError


def test_words_of_the_command_line():
    for text in ("f: go on with --resume or --overwrite", "f: go on with resume or overwrite"):
        assert _library._in_python(text) == "f: go on with resume=True or overwrite=True"
    assert _library._in_python("--set: model.C: -1") == "model.C: -1"
    assert _library._in_python("/a--resume/overwrite: no file") == "/a--resume/overwrite: no file"
