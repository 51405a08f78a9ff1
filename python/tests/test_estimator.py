"""MarginClassifier at work in scikit-learn, and what it reports."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from margin import MarginClassifier, load_model


def objective(classifier, X, y, weights=None):
    """Crammer-Singer's, in double precision."""
    scores = X.astype(float) @ classifier.coef_.T.astype(float) + classifier.intercept_
    rows = np.arange(len(y))
    own = scores[rows, y].copy()
    scores[rows, y] -= 1
    losses = np.maximum(0, 1 + scores.max(axis=1) - own)
    squares = (
        np.square(classifier.coef_.astype(float)).sum() + np.square(classifier.intercept_.astype(float)).sum()
    )
    weights = np.ones(len(y)) if weights is None else weights
    return squares / (2 * classifier.C * weights.sum()) + (weights * losses).sum() / weights.sum()


def test_certificate(blobs):
    X, y = blobs
    fitted = MarginClassifier().fit(X, y)
    assert fitted.converged_ and 0 <= fitted.gap_ <= 1e-3
    assert fitted.dual_bound_ <= fitted.objective_
    assert objective(fitted, X, y) == pytest.approx(fitted.objective_, rel=1e-5)


def test_not_converged(blobs):
    with pytest.warns(ConvergenceWarning, match="not certified within tol=1e-06"):
        fitted = MarginClassifier(tol=1e-6, max_iter=1).fit(*blobs)
    assert not fitted.converged_ and fitted.n_iter_ == 1


def test_no_warning_without_tolerance(blobs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MarginClassifier(tol=None).fit(*blobs)
        MarginClassifier(solver="sgd", max_iter=2).fit(*blobs)


LOSSES = [
    "crammer-singer",
    "crammer-singer-squared",
    "weston-watkins",
    "weston-watkins-squared",
    "one-vs-rest",
    "one-vs-rest-squared",
    "softmax",
]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_weights_repeat_rows(blobs, loss, kind):
    """In the place of scikit-learn's check, which wants equal decisions. Weighted and repeated rows are the
    same problem, and both results are certified: each objective is above the bound of the other, and the
    two agree within the tolerance. Weights of 0 leave rows out."""
    X, y = blobs
    weights = np.random.RandomState(1).randint(0, 4, len(y)).astype(float)
    repeated = np.repeat(np.arange(len(y)), weights.astype(int))
    weighted = MarginClassifier(loss, C=0.1, tol=1e-5).fit(kind(X), y, weights)
    copies = MarginClassifier(loss, C=0.1, tol=1e-5).fit(kind(X)[repeated], y[repeated])
    assert weighted.converged_ and copies.converged_
    assert max(weighted.dual_bound_, copies.dual_bound_) <= min(weighted.objective_, copies.objective_)
    assert weighted.objective_ == pytest.approx(copies.objective_, rel=1e-5)
    if loss == "crammer-singer":
        first, second = (objective(fitted, X, y, weights) for fitted in (weighted, copies))
        assert first == pytest.approx(second, rel=2e-5)
    # The objective is convex with a modulus of lambda, so decisions differ by at most this.
    apart = 2 * np.sqrt(2e-5 * weighted.objective_ * 0.1 * weights.sum())
    difference = np.linalg.norm(weighted.coef_.astype(float) - copies.coef_)
    assert difference <= apart


def test_weights_of_one_change_nothing(blobs):
    X, y = blobs
    without = MarginClassifier().fit(X, y)
    assert np.array_equal(MarginClassifier().fit(X, y, np.ones(len(y))).coef_, without.coef_)


def test_class_weight(blobs):
    X, y = blobs
    keep = (y > 0) | (np.arange(len(y)) % 10 == 0)
    X, y = X[keep], y[keep]
    balanced = MarginClassifier(tol=1e-5, class_weight="balanced").fit(X, y)
    weights = len(y) / (3 * np.bincount(y))
    given = MarginClassifier(tol=1e-5, class_weight=dict(enumerate(weights))).fit(X, y)
    by_row = MarginClassifier(tol=1e-5).fit(X, y, weights[y])
    assert balanced.objective_ == pytest.approx(by_row.objective_, rel=2e-5)
    assert given.objective_ == pytest.approx(by_row.objective_, rel=2e-5)
    with pytest.raises(ValueError, match="class 7"):
        MarginClassifier(class_weight={7: 1}).fit(X, y)


def test_alpha_and_C(blobs):
    X, y = blobs
    assert np.array_equal(
        MarginClassifier(C=2).fit(X, y).coef_, MarginClassifier(alpha=1 / (2 * len(y))).fit(X, y).coef_
    )


def test_validation_labels_are_one_column(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="1d array"):
        MarginClassifier().fit(X, y, X_val=X, y_val=np.column_stack([y, y]))


def test_validation_labels_of_another_type(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match=r"y_val\[0\] is '\d', which is not a class of y"):
        MarginClassifier().fit(X, y, X_val=X, y_val=y.astype(str))
    for strange in (None, np.nan):
        with pytest.raises(ValueError, match=rf"y_val\[0\] is {strange}, which is not a class of y"):
            MarginClassifier().fit(X, y, X_val=X[:2], y_val=np.array([strange, 1], object))
    assert MarginClassifier().fit(X, y, X_val=X, y_val=y.astype(float)).validation_score_ > 0.5


def test_validation_rows(blobs):
    X, y = blobs
    fitted = MarginClassifier(early_stopping=True).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert fitted.validation_score_ == pytest.approx(fitted.score(X[200:], y[200:]), abs=1e-12)
    assert 0 < MarginClassifier(early_stopping=True).fit(X, y).validation_score_ <= 1
    with pytest.raises(ValueError, match="not a class of y"):
        MarginClassifier().fit(X, y, X_val=X[:1], y_val=[9])
    with pytest.raises(ValueError, match="either both or none"):
        MarginClassifier().fit(X, y, X_val=X)


@pytest.mark.parametrize(
    "how, message",
    [
        ({"loss": "hinge"}, "hinge"),
        ({"C": 0}, "C is 0"),
        ({"tol": 2}, "tol is 2"),
        ({"solver": "lbfgs"}, "lbfgs"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"options": {"train.epoch": 3}}, "train.epochs"),
    ],
)
def test_bad_parameters(blobs, how, message):
    with pytest.raises(ValueError, match=message):
        MarginClassifier(**how).fit(*blobs)


def test_bad_weights(blobs):
    X, y = blobs
    for weights, message in ((np.zeros(300), "zero"), (-np.ones(300), "Negative"), (np.ones(3), "shape")):
        with pytest.raises(ValueError, match=message):
            MarginClassifier().fit(X, y, weights)


def test_state(blobs):
    X, y = blobs
    fitted = MarginClassifier("softmax").fit(X, y)
    scores = fitted.decision_function(X)
    for again in (pickle.loads(pickle.dumps(fitted)), clone(fitted).fit(X, y)):
        assert np.array_equal(again.decision_function(X), scores)
    fitted.coef_ = -fitted.coef_
    assert not np.array_equal(fitted.decision_function(X), scores)
    with pytest.raises(ValueError):
        fitted.coef_ *= 2


def test_two_classes(blobs):
    X, y = blobs
    X, y = X[y < 2], np.array(["no", "yes"])[y[y < 2]]
    for loss in ("crammer-singer", "one-vs-rest", "softmax"):
        fitted = MarginClassifier(loss).fit(X, y)
        scores = fitted.decision_function(X)
        assert fitted.coef_.shape == (1, 8) and scores.shape == (len(y),)
        assert np.array_equal(fitted.predict(X), fitted.classes_[(scores > 0).astype(int)])
        assert np.allclose(scores, X @ fitted.coef_[0] + fitted.intercept_, atol=1e-5)
    assert np.allclose(fitted.predict_proba(X)[:, 1], 1 / (1 + np.exp(-scores)), atol=1e-6)


def test_no_probabilities(blobs):
    with pytest.raises(AttributeError):
        MarginClassifier().fit(*blobs).predict_proba


def test_in_scikit_learn(blobs):
    X, y = blobs
    pipeline, grid = make_pipeline(StandardScaler(), MarginClassifier()), {"marginclassifier__C": [0.01, 1]}
    chosen = GridSearchCV(pipeline, grid, n_jobs=-1, cv=3).fit(X, y)
    alone = GridSearchCV(pipeline, grid, n_jobs=1, cv=3).fit(X, y)
    assert np.array_equal(chosen.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert chosen.best_score_ > 0.7
    assert cross_val_score(MarginClassifier(), X, y, cv=3).mean() > 0.7
    columns = ColumnTransformer([("scaled", StandardScaler(), [0, 1, 2, 3])], remainder="passthrough")
    assert make_pipeline(columns, MarginClassifier()).fit(X, y).score(X, y) > 0.7
    for method in ("sigmoid", "isotonic"):
        proba = CalibratedClassifierCV(MarginClassifier(), method=method, cv=3).fit(X, y).predict_proba(X)
        assert np.allclose(proba.sum(axis=1), 1)


def test_set_output(blobs):
    pytest.importorskip("pandas")
    X, y = blobs
    scaled = StandardScaler().set_output(transform="pandas")
    model = make_pipeline(scaled, MarginClassifier()).fit(X, y)
    assert model[-1].feature_names_in_.tolist() == [f"x{d}" for d in range(8)]


def test_save(blobs, tmp_path):
    X, y = blobs
    for labels in (y, np.array(["a", "b", "c"])[y], y % 2):
        fitted = MarginClassifier().fit(X, labels)
        fitted.save(tmp_path / "model.h5")
        model = load_model(tmp_path / "model.h5")
        assert np.array_equal(model.predict(X), fitted.predict(X))
        assert model.objective == fitted.objective_


def rows():
    random = np.random.default_rng(5)
    y = random.integers(0, 4, 400)
    return (random.normal(size=(400, 12)) + 2 * np.eye(4, 12)[y]).astype(np.float32), y


def test_C_auto_is_a_value_of_C():
    X, y = rows()
    chosen = MarginClassifier(C="auto", tol=1e-2).fit(X.astype(np.float32), y)
    value = 1 / (chosen._parts["lambda"] * len(y))
    same = MarginClassifier(C=value, tol=1e-2).fit(X.astype(np.float32), y)
    assert chosen.converged_ and np.allclose(chosen.coef_, same.coef_, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="C is 'best'; a number above 0 is allowed"):
        MarginClassifier(C="best").fit(X, y)


def test_rows_that_are_read_unchecked(blobs):
    """Arrays that the library reads skip scikit-learn's checks in predict; what these refuse is refused."""
    X, y = blobs
    fitted = MarginClassifier().fit(X, y)
    for other in (X.astype(np.float16), X.astype(np.float64), np.asfortranarray(X), X.astype(object)):
        assert np.array_equal(fitted.predict(other), fitted.predict(other.tolist()))
    for bad, says in (
        (X[:, :5], "has 5 features, but MarginClassifier is expecting 8"),
        (X[0], "Expected 2D array"),
        (X[:0], "0 sample"),
        (X.astype(complex), "[Cc]omplex"),
        (X * np.inf, "infinity|NaN"),
        (np.ma.masked_array(X * np.nan), "NaN"),
    ):
        with pytest.raises(ValueError, match=says):
            fitted.predict(bad)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "other, how",
    [
        (LinearSVC(C=0.3, multi_class="crammer_singer", max_iter=10**5, tol=1e-7), {}),
        (LinearSVC(C=0.3, dual=False, tol=1e-7), {"loss": "one-vs-rest-squared"}),
        (LinearSVC(C=0.3, loss="hinge", max_iter=10**6, tol=1e-7), {"loss": "one-vs-rest"}),
        (LogisticRegression(C=0.3, tol=1e-7), {"loss": "softmax", "penalize_intercept": False}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_the_same_as_other_estimators(blobs, other, how, classes):
    """The table of docs/python.md."""
    X, y = blobs[0][blobs[1] < classes], blobs[1][blobs[1] < classes]
    C = 0.15 if classes == 2 and how.get("loss") == "softmax" else 0.3
    twice = 2 if classes == 2 and how.get("loss", "").startswith("one-vs-rest") else 1
    ours, theirs = MarginClassifier(C=C, tol=1e-6, **how).fit(X, y), clone(other).fit(X, y)
    assert np.allclose(ours.coef_, twice * theirs.coef_, atol=2e-3)
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.99


def test_joblib(blobs, tmp_path):
    """Also with weights that are mapped from the file."""
    X, y = blobs
    fitted = MarginClassifier().fit(X, y)
    joblib.dump(fitted, tmp_path / "model.joblib")
    for mode in None, "r":
        again = joblib.load(tmp_path / "model.joblib", mmap_mode=mode)
        assert np.array_equal(again.decision_function(X), fitted.decision_function(X))


@pytest.mark.parametrize("loss", ["crammer-singer", "one-vs-rest-squared", "softmax"])
@pytest.mark.parametrize("classes", [2, 3])
def test_to_sklearn(blobs, loss, classes):
    X, y = blobs[0], np.array(["c", "a", "b"])[blobs[1] % classes]
    fitted = MarginClassifier(loss, C=0.1).fit(X, y)
    other = fitted.to_sklearn()
    assert np.array_equal(other.coef_, fitted.coef_) and np.array_equal(other.predict(X), fitted.predict(X))
    assert np.allclose(other.decision_function(X), fitted.decision_function(X), atol=1e-5)
    if loss == "softmax" and classes == 3:
        assert np.allclose(other.predict_proba(X), fitted.predict_proba(X), atol=1e-5)


def test_to_sklearn_can_be_fitted_again(blobs):
    X, y = blobs
    clf = MarginClassifier("softmax", alpha=0.1, fit_intercept=False).fit(X, y)
    other = clf.to_sklearn()
    assert other.C == pytest.approx(1 / (0.1 * len(X))) and not other.fit_intercept
    assert np.allclose(other.fit(X, y).coef_, clf.coef_, atol=0.02)


def test_to_sklearn_leaves_out_the_calibration(blobs):
    X, y = blobs
    fitted = MarginClassifier("softmax", calibration="temperature").fit(X, y)
    with pytest.warns(UserWarning, match="no calibration, so that its probabilities differ"):
        fitted.to_sklearn()


def test_parameters_set_after_fit(blobs):
    X, y = blobs
    soft = MarginClassifier("softmax", C=0.1).fit(X, y)
    probabilities = soft.predict_proba(X)
    soft.set_params(loss="crammer-singer")
    assert np.array_equal(soft.predict_proba(X), probabilities)
    assert isinstance(soft.to_sklearn(), LogisticRegression)
    hinge = MarginClassifier(C=0.1).fit(X, y).set_params(loss="softmax", calibration="sigmoid")
    assert not hasattr(hinge, "predict_proba")
    assert isinstance(hinge.to_sklearn(), LinearSVC)


def test_to_sklearn_refuses_prepared_rows():
    X, y = rows()
    prepared = MarginClassifier(options={"data.rows": "unit"}).fit(X, y)
    with pytest.raises(ValueError, match="data.rows is 'unit'"):
        prepared.to_sklearn()


def test_free_intercepts_are_those_of_logistic_regression(blobs):
    X, y = blobs
    ours = MarginClassifier("softmax", C=0.5, tol=1e-6, penalize_intercept=False).fit(X + 5, y)
    peer = LogisticRegression(C=0.5, tol=1e-9, max_iter=10000).fit((X + 5).astype(float), y)
    assert ours.converged_
    np.testing.assert_allclose(ours.predict_proba(X + 5), peer.predict_proba((X + 5).astype(float)),
                               atol=2e-4)
    with pytest.raises(ValueError, match="penalize_intercept is 3; True or False is allowed"):
        MarginClassifier(penalize_intercept=3).fit(X, y)
    with pytest.raises(ValueError, match="dual cannot be used: penalize_intercept is false; use newton"):
        MarginClassifier(penalize_intercept=False, solver="dual").fit(X, y)


def test_clip_is_for_files(blobs):
    with pytest.raises(ValueError, match="data.clip: is only for files"):
        MarginClassifier(options={"data.clip": 2}).fit(*blobs)
