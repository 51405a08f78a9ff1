"""Probabilities of calibrated models: on X_val or folds, equal to scikit-learn's, pickles and files."""

import copy
import pickle

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict

from margin import MarginClassifier, MarginClassifierCV, Model, load_model


@pytest.fixture
def halves(blobs):
    X, y = blobs
    return X[:200], y[:200], X[200:], y[200:]


@pytest.mark.parametrize("classes", [2, 3])
def test_sigmoid_is_that_of_scikit_learn(halves, classes):
    X, y, X_val, y_val = (half[halves[k + 1 - k % 2] < classes] for k, half in enumerate(halves))
    ours = MarginClassifier(calibration="sigmoid").fit(X, y, X_val=X_val, y_val=y_val)
    plain = MarginClassifier().fit(X, y)
    if sklearn.__version__ < "1.6":
        theirs = CalibratedClassifierCV(plain, method="sigmoid", cv="prefit")
    else:
        from sklearn.frozen import FrozenEstimator

        theirs = CalibratedClassifierCV(FrozenEstimator(plain), method="sigmoid", ensemble=False)
    theirs.fit(X_val, y_val)
    assert np.allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-3)
    assert ours.calibration_["rows"] == len(y_val)


def test_temperature_is_that_of_scikit_learn(halves):
    X, y, X_val, y_val = halves
    ours = MarginClassifier(calibration="temperature").fit(X, y, X_val=X_val, y_val=y_val)
    scores = MarginClassifier().fit(X, y).decision_function(X_val).astype(float)
    losses = []
    for factor in (0.99, 1, 1.01):
        p = np.exp(scores / (ours.calibration_["temperature"] * factor))
        losses.append(log_loss(y_val, p / p.sum(axis=1, keepdims=True)))
    assert losses[1] < min(losses[0], losses[2])
    assert abs(losses[1] - ours.calibration_["log_loss"]) < 1e-6
    if sklearn.__version__ >= "1.8":
        from sklearn.frozen import FrozenEstimator

        theirs = CalibratedClassifierCV(
            FrozenEstimator(MarginClassifier().fit(X, y)), method="temperature", ensemble=False
        )
        assert np.allclose(ours.predict_proba(X), theirs.fit(X_val, y_val).predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("method", ["temperature", "sigmoid", "adaptive"])
def test_folds_pickles_and_files(blobs, tmp_path, method):
    X, y = blobs
    names = np.array(["c", "b", "a"])[y]
    fitted = MarginClassifier(calibration=method).fit(X, names)
    p = fitted.predict_proba(X)
    assert fitted.calibration_["rows"] == len(y) and fitted.calibration_["method"] == method
    assert fitted.calibration_["log_loss"] < fitted.calibration_["log_loss_before"]
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(pickle.loads(pickle.dumps(fitted)).predict_proba(X), p, atol=1e-6)
    fitted.save(tmp_path / "model.h5")
    assert np.allclose(load_model(tmp_path / "model.h5").predict_proba(X), p, atol=1e-6)
    held_out = cross_val_predict(MarginClassifier(calibration=method), X, y, method="predict_proba", cv=3)
    assert log_loss(y, held_out) < 0.8 * np.log(3)


def rebuilt(model):
    """A Model of the attributes of another one."""
    names = set(dir(model)) - set(dir(Model)) - {"weights", "bias", "classes", "loss", "training"}
    parts = {name.rstrip("_"): getattr(model, name) for name in names if not name.startswith("_")}
    return Model(model.weights, model.bias, model.classes, model.loss, **parts)


@pytest.mark.parametrize("loss, method", [("crammer-singer", "temperature"), ("softmax", "sigmoid"),
                                          ("crammer-singer", "adaptive")])
@pytest.mark.parametrize("classes", [2, 3])
def test_copies_of_a_model(blobs, tmp_path, loss, method, classes):
    X, y = blobs
    labels = np.array(["c", "b", "a"])[y % classes]
    options = {"data.rows": "unit"}
    fitted = MarginClassifier(loss, calibration=method, options=options).fit(X, labels)
    model = fitted.to_model()
    p = fitted.predict_proba(X)
    model.save(tmp_path / "model.h5")
    read = load_model(tmp_path / "model.h5")
    pickled = pickle.loads(pickle.dumps(model))
    for other in (model, read, pickled, copy.copy(model), copy.deepcopy(read), rebuilt(model), rebuilt(read)):
        assert np.array_equal(other.predict_proba(X), p)
        assert repr(other.calibration) == repr(fitted.calibration_)
        assert other.rows == "unit" and other.training is None


@pytest.mark.parametrize("method", ["temperature", "sigmoid"])
def test_parts_of_a_model_do_not_change(blobs, method):
    """The library has its own copy, so a change would count in pickles and files only."""
    X, y = blobs
    model = MarginClassifier(calibration=method).fit(X, y).to_model()
    p = model.predict_proba(X)
    for found in (model, pickle.loads(pickle.dumps(model))):
        for name in ("weights", "bias", "classes", "calibration", "lambda_", "loss"):
            with pytest.raises(AttributeError, match=f"Model.{name} cannot be set: build another Model"):
                setattr(found, name, getattr(found, name))
        for name in ("weights", "bias", "classes"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(found, name)[0] = 0
        found.calibration["temperature" if method == "temperature" else "slope"] *= 3
        assert np.array_equal(pickle.loads(pickle.dumps(found)).predict_proba(X), p)
        assert np.array_equal(rebuilt(found).predict_proba(X), p)


def test_arrays_that_a_model_was_built_of_may_change():
    weights, bias, labels = np.eye(2, dtype=np.float32), np.zeros(2, np.float32), np.arange(2)
    model = Model(weights, bias, labels, "softmax")
    p = model.predict_proba([[1.0, 0.0]])
    weights[:], bias[:], labels[:] = 7, 7, 7
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba([[1.0, 0.0]]), p)
    assert model.predict([[1.0, 0.0]]) == [0] and np.array_equal(model.weights, np.eye(2))


def test_when_there_are_probabilities(blobs):
    X, y = blobs
    assert not hasattr(MarginClassifier(), "predict_proba")
    assert hasattr(MarginClassifier(calibration="sigmoid"), "predict_proba")
    partial = MarginClassifier(calibration="sigmoid").partial_fit(X, y, classes=[0, 1, 2])
    assert not hasattr(partial, "predict_proba") and partial.calibration_ is None
    with pytest.raises(ValueError, match="calibration is 'isotonic'"):
        MarginClassifier(calibration="isotonic").fit(X, y)
    grid = GridSearchCV(
        MarginClassifier(calibration="temperature"), {"C": [0.01, 1]}, scoring="neg_log_loss", cv=3
    )
    assert grid.fit(X, y).best_score_ > -np.log(3)
    assert MarginClassifierCV(calibration="temperature", cv=3, Cs=3).fit(X, y).predict_proba(X).shape == (
        300,
        3,
    )


def test_rows_that_do_not_determine_a_temperature(blobs):
    X, y = blobs
    apart = X + 1000 * np.eye(3, 8, dtype=np.float32)[y]
    with pytest.warns(UserWarning, match="do not determine a temperature"):
        fitted = MarginClassifier(calibration="temperature", C=1e-6).fit(apart, y)
    assert abs(fitted.calibration_["log_loss"] - np.log(302 / 301)) < 1e-6
