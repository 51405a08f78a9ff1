"""margin.Model and changed weights of estimators: parts that do not fit together are refused."""

import copy
import pickle

import h5py
import numpy as np
import pytest

import margin
from margin import MarginClassifier, Model


def test_lengths():
    """The library gets addresses only, so it would read past the end of a short array."""
    wide = np.ones((3000, 2))
    for parts, says in (
        ((wide, [0], np.arange(3000)), r"3000 rows, .* shape of bias is \(1,\)"),
        ((wide, np.zeros(3000), ["1"]), r"shape of bias is \(3000,\) and that of classes \(1,\)"),
        ((np.ones(3), [0, 0, 0], [1, 2, 3]), r"weights has shape \(3,\)"),
        ((np.ones((3, 2, 2)), [0, 0, 0], [1, 2, 3]), r"weights has shape \(3, 2, 2\)"),
    ):
        with pytest.raises(ValueError, match=says):
            Model(*parts).predict(np.ones((2, 2)))
    with pytest.raises(ValueError, match="feature_names has 1 names, but weights has 2 columns"):
        Model(wide, np.zeros(3000), np.arange(3000), feature_names=["a"]).predict(np.ones((2, 2)))
    with pytest.raises(TypeError, match="no part 'lambda_'"):
        Model(np.eye(2), [0, 0], [1, 2], lambda_=3)


@pytest.mark.parametrize("classes", [2, 3])
def test_changed_weights(blobs, classes):
    X, y = blobs
    fitted = MarginClassifier().fit(X, y % classes)
    fitted.coef_ = -fitted.coef_
    assert fitted.predict(X).shape == y.shape
    for coef, intercept in (
        (np.ones((900, 8)), np.zeros(900)),
        (np.ones((900, 8)), fitted.intercept_),
        (fitted.coef_, np.zeros(9)),
        (np.ones((len(fitted.coef_), 9)), fitted.intercept_),
    ):
        changed = MarginClassifier().fit(X, y % classes)
        changed.coef_, changed.intercept_ = coef, intercept
        with pytest.raises(ValueError, match="coef_ and intercept_ have the shapes"):
            changed.predict(X)


def test_labels_beyond_int64(blobs, tmp_path):
    X, y = blobs
    large = y.astype(np.uint64) + 2**63
    fitted = MarginClassifier().fit(X, large)
    assert set(fitted.predict(X)) == set(large)
    says = r"\[0\] is 9223372036854775808; whole numbers from -2\^63 to 2\^63 - 1, and texts, are labels"
    with pytest.raises(ValueError, match="classes" + says):
        fitted.save(tmp_path / "model.h5")
    with pytest.raises(ValueError, match=r"train: y\[\d+\] is \d+; whole numbers"):
        margin.train(None, (X, large))
    with pytest.raises(ValueError, match=r"train: y\[\d+\] is 1e\+300"):
        margin.train(None, (X, y * 1e300))


@pytest.mark.parametrize("values", [1.0, (np.eye(3), [0, 1, 2])])
def test_series_of_C(blobs, values):
    with pytest.raises(TypeError, match="C is (float|tuple); a text such as '1e-3:1:10', or a list"):
        margin.path(None, blobs, values)


def test_attributes_are_listed():
    assert {"weights", "bias", "classes", "loss", "predict"} <= set(dir(Model(np.eye(2), [0, 0], [1, 2])))


def test_parts_that_are_not_given(tmp_path):
    """They are those that a file of the model has."""
    model = Model([[1, 0], [0, 1]], [0, 0], ["a", "b"])
    model.save(tmp_path / "model.h5")
    read = margin.load_model(tmp_path / "model.h5")
    assert set(dir(model)) == set(dir(read))
    assert model.feature_names is None and np.isnan(model.dual)
    for name in ("rows", "transform", "delta", "lambda_", "objective", "bias_value", "step", "epoch"):
        assert getattr(model, name) == getattr(read, name), name
    assert model.training_rows == read.training_rows and model.calibration is None


def test_limits(blobs, tmp_path):
    """A model of data.clip clips rows, also after pickling and saving."""
    X, y = blobs
    with h5py.File(tmp_path / "data.h5", "w") as f:
        f["X"], f["y"] = X, y
    model = margin.train({"data.train": str(tmp_path / "data.h5"), "data.scale": "standard",
                          "data.clip": 0.5, "data.clip_below": 0.5})
    clipped = np.clip(X, model.clip_low, model.clip_high)
    assert (clipped != X).mean() > 0.3
    wanted = clipped @ model.weights.T + model.bias
    model.save(tmp_path / "saved.h5")
    changed = Model(model.weights, model.bias, model.classes, clip_low=model.clip_low,
                    clip_high=model.clip_high)
    for one in model, pickle.loads(pickle.dumps(model)), margin.load_model(tmp_path / "saved.h5"), changed:
        np.testing.assert_allclose(one.decision_function(X), wanted, atol=1e-4)
    parts = (model.weights, model.bias, model.classes)
    for limits, says in (
        ({"clip_low": model.clip_low}, "clip_low, clip_high: only one of them is given"),
        ({"clip_low": model.clip_high, "clip_high": model.clip_low},
         r"clip_low\[0\] is .* not above clip_high"),
        ({"clip_low": [0], "clip_high": [1]}, r"clip_low has shape \(1,\), but weights has 8 columns"),
    ):
        with pytest.raises(ValueError, match=says):
            Model(*parts, **limits).predict(X)


def test_copies_are_whole(tmp_path):
    """A file has more than the parts that Model shows, such as the scale of the columns: copies keep it."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 3, 200)
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["X"] = (draw.normal(size=(200, 4)) + y[:, None]) * [1, 10, 100, 1000]
        file["y"] = np.array([b"th\xe9", b"caf\xe9", b"lait"])[y]  # Latin-1, not UTF-8
    settings = {"data.train": str(tmp_path / "rows.h5"), "data.scale": "max-abs", "data.clip": 0.5}
    directory = str(tmp_path / "run")
    margin.train({**settings, "output.directory": directory, "train.tolerance": 1e-3})
    model = margin.load_model(f"{directory}/model.h5")
    assert sorted(model.classes) == ["caf\udce9", "lait", "th\udce9"]  # like names of files in Python
    model.save(tmp_path / "saved.h5")
    for one in pickle.loads(pickle.dumps(model)), copy.copy(model), copy.deepcopy(model):
        one.save(tmp_path / "copy.h5")
        assert (tmp_path / "copy.h5").read_bytes() == (tmp_path / "saved.h5").read_bytes()
        np.testing.assert_array_equal(one.weights, model.weights)
    made = pickle.loads(pickle.dumps(Model([[1, 0], [0, 1]], [0, 0], ["right", "up"])))
    assert made.predict([[2.0, 0.5]]) == ["right"]


def test_names_that_repeat(tmp_path):
    """A model file with a name twice could not be read again."""
    with pytest.raises(ValueError, match=r"feature_names\[0\] and \[2\] are the same name"):
        Model(np.eye(3), [0, 0, 0], [1, 2, 3], feature_names=["a", "b", "a"]).save(tmp_path / "no.h5")
    with pytest.raises(ValueError, match="has a zero byte"):
        Model(np.eye(2), [0, 0], ["a\0x", "b"]).predict(np.eye(2))
    fitted = MarginClassifier().fit(np.eye(4)[:, :3], [0, 1, 2, 0])
    # As fit takes them from a DataFrame; newer releases of scikit-learn refuse such a DataFrame.
    fitted.feature_names_in_ = np.array(["a", "b", "a"], dtype=object)
    with pytest.warns(UserWarning, match="two features have the same name"):
        fitted.save(tmp_path / "two.h5")
    assert margin.load_model(tmp_path / "two.h5").feature_names is None
