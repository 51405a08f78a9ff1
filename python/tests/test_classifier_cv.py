"""MarginClassifierCV: what it compares, what it chooses, and what it says about points that missed."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from margin import MarginClassifier, MarginClassifierCV, load_model

CS = [0.001, 0.01, 0.1]


def test_scores_are_those_of_fits(blobs):
    X, y = blobs
    fitted = MarginClassifierCV(Cs=CS[::-1], cv=3, path_tol=1e-6, tol=1e-5).fit(X, y)
    assert fitted.Cs_.tolist() == CS and not fitted.missed_.any()
    for fold, (train, test) in enumerate(StratifiedKFold(3).split(X, y)):
        for at, C in enumerate(CS):
            alone = MarginClassifier(C=C, tol=1e-6).fit(X[train], y[train])
            assert abs(fitted.scores_[fold, at] - alone.score(X[test], y[test])) <= 1 / len(test)
    assert np.allclose(fitted.mean_scores_, fitted.scores_.mean(axis=0))
    assert np.allclose(fitted.std_scores_, fitted.scores_.std(axis=0, ddof=1))
    assert fitted.best_score_ == fitted.mean_scores_.max() == fitted.mean_scores_[CS.index(fitted.C_)]
    assert np.array_equal(fitted.coef_, MarginClassifier(C=fitted.C_, tol=1e-5).fit(X, y).coef_)
    assert fitted.converged_ and fitted.gap_ <= 1e-5


def test_equal_scores_take_the_smallest_C(blobs):
    y = blobs[1]
    X = 20 * np.eye(3, dtype=np.float32)[y]
    fitted = MarginClassifierCV(Cs=[1, 0.1, 10], cv=3).fit(X, y)
    assert fitted.mean_scores_.tolist() == [1, 1, 1] and fitted.C_ == 0.1


def test_missed_points_are_marked(blobs):
    with pytest.warns(
        ConvergenceWarning, match=r"was chosen, but [1-3] of 3 of its models .* path_tol=1e-06"
    ):
        fitted = MarginClassifierCV(Cs=[1, 10], cv=3, path_tol=1e-6, max_iter=1, tol=None).fit(*blobs)
    assert fitted.missed_.shape == (3, 2) and fitted.missed_.any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not MarginClassifierCV(Cs=[0.01], cv=3).fit(*blobs).missed_.any()


def test_kinds_of_cv(blobs):
    X, y = blobs
    splits = list(StratifiedKFold(4).split(X, y))
    wanted = MarginClassifierCV(Cs=CS, cv=4).fit(X, y)
    for cv in (splits, iter(splits), StratifiedKFold(4)):
        assert np.array_equal(MarginClassifierCV(Cs=CS, cv=cv).fit(X, y).scores_, wanted.scores_)
    one = MarginClassifierCV(Cs=CS, cv=ShuffleSplit(1, random_state=0)).fit(X, y)
    assert one.scores_.shape == (1, 3) and np.isnan(one.std_scores_).all()
    assert MarginClassifierCV(Cs=CS, cv=None).fit(X, y).scores_.shape == (5, 3)


def test_default_values_follow_the_scale(blobs):
    X, y = blobs
    narrow, wide = (MarginClassifierCV(cv=3).fit(scale * X, y) for scale in (1, 64))
    assert len(narrow.Cs_) == 10 and np.allclose(narrow.Cs_, wide.Cs_ * 64**2)
    assert np.allclose(narrow.Cs_[1:] / narrow.Cs_[:-1], np.sqrt(10))
    # The first is lambda = a tenth of the mean squared length of the rows.
    assert narrow.Cs_[0] == pytest.approx(10 / (np.square(X.astype(float)).sum(axis=1).mean() * len(y)))
    assert len(MarginClassifierCV(Cs=1, cv=3).fit(X, y).Cs_) == 1
    sparse = MarginClassifierCV(cv=3).fit(sp.csr_matrix(X), y)
    assert np.allclose(sparse.Cs_, narrow.Cs_) and sparse.score(X, y) > 0.7


def test_weights(blobs):
    X, y = blobs
    weights = np.where(np.arange(300) < 200, 1.0, 0.0)
    splits = [(np.arange(0, 300, 2), np.arange(1, 300, 2))]
    without = [(np.arange(0, 200, 2), np.arange(1, 200, 2))]
    weighted = MarginClassifierCV(Cs=CS, cv=splits, path_tol=1e-5).fit(X, y, weights)
    alone = MarginClassifierCV(Cs=CS, cv=without, path_tol=1e-5).fit(X[:200], y[:200])
    assert np.abs(weighted.scores_ - alone.scores_).max() <= 1 / 100
    with pytest.raises(ValueError, match="fold 1 holds out no rows"):
        MarginClassifierCV(cv=[(np.arange(200), np.arange(200, 300))]).fit(X, y, weights)


def test_class_with_one_row(blobs):
    X, y = blobs
    labels = np.array(["a", "b", "c"])[y]
    labels[17] = "d"
    splits = list(StratifiedKFold(3).split(X, y))
    for rows in (X, sp.csr_matrix(X)):
        fitted = MarginClassifierCV(Cs=CS, cv=splits).fit(rows, labels)
        assert fitted.classes_.tolist() == ["a", "b", "c", "d"]
        assert (fitted.scores_ > 0.6).all()


@pytest.mark.parametrize(
    "how, message",
    [
        ({"Cs": 0}, "Cs is 0; a whole number from 1 on"),
        ({"Cs": [1, -2]}, r"Cs\[1\] is -2; a number above 0"),
        ({"Cs": []}, "Cs has 0 different values; 1 to 100 are allowed"),
        ({"Cs": 101}, "Cs is 101, .* 1 to 100 are allowed"),
        (
            {"options": {"data.rows": "unit"}},
            "options set data.rows, which changes their lengths: list the values",
        ),
        ({"solver": "sgd"}, "sgd cannot start from the previous point"),
        ({"cv": 1}, "n_splits=1|k-fold"),
        ({"path_tol": 2}, "tol is 2"),
        ({"loss": "hinge"}, "hinge"),
    ],
)
def test_bad_parameters(blobs, how, message):
    with pytest.raises(ValueError, match=message):
        MarginClassifierCV(**how).fit(*blobs)


def test_bad_rows(blobs):
    X, y = blobs[0].copy(), blobs[1]
    X[7, 1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        MarginClassifierCV(Cs=CS).fit(X, y)


def test_in_scikit_learn(blobs, tmp_path):
    X, y = blobs
    fitted = MarginClassifierCV("softmax", Cs=CS, cv=3).fit(X, y)
    assert np.allclose(fitted.predict_proba(X).sum(axis=1), 1, atol=1e-5)
    for again in (pickle.loads(pickle.dumps(fitted)), clone(fitted).fit(X, y)):
        assert np.array_equal(again.decision_function(X), fitted.decision_function(X))
    fitted.save(tmp_path / "model.h5")
    assert np.array_equal(load_model(tmp_path / "model.h5").predict(X), fitted.predict(X))
    assert fitted.to_sklearn().C == fitted.C_
    assert not hasattr(fitted, "partial_fit")
    pipeline = make_pipeline(StandardScaler(), MarginClassifierCV(Cs=CS, cv=3))
    grid = GridSearchCV(pipeline, {"marginclassifiercv__loss": ["one-vs-rest", "softmax"]}, cv=2)
    assert grid.fit(X, y).best_score_ > 0.7


def test_verbose(blobs, capsys):
    MarginClassifierCV(Cs=CS, cv=3, verbose=2).fit(*blobs)
    shown = capsys.readouterr().err
    assert "fold 3 of 3  C 0.001: " in shown and "epoch 1" in shown
