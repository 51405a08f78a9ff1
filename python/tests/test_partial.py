"""partial_fit, warm_start."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits, load_iris, load_wine

from margin import MarginClassifier

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
@pytest.mark.parametrize("scale", [1 / 16, 100])
def test_batches(loss, scale):
    X, y = load_digits(return_X_y=True)
    X = (X * scale).astype(np.float32)
    classifier, draw = MarginClassifier(loss), np.random.RandomState(0)
    for _ in range(5):
        order = draw.permutation(len(y))
        for at in range(0, len(y), 200):
            rows = order[at : at + 200]
            classifier.partial_fit(X[rows], y[rows], classes=range(10))
    assert classifier.score(X, y) > 0.93


def test_batch_with_few_classes():
    X, y = load_digits(return_X_y=True)
    for rows in (X.astype(np.float32), sp.csr_matrix(X)):
        classifier = MarginClassifier().partial_fit(rows[:3], y[:3], classes=range(10))
        assert classifier.coef_.shape == (10, 64)
        assert set(classifier.predict(rows)) <= set(range(10))


def test_after_fit():
    X, y = load_digits(return_X_y=True)
    classifier = MarginClassifier(C=0.01).fit(X, y)
    before = classifier.score(X, y)
    assert classifier.partial_fit(X[:50], y[:50]).score(X, y) > before - 0.03


def test_errors():
    X, y = load_digits(return_X_y=True)
    with pytest.raises(ValueError, match="classes must be passed"):
        MarginClassifier().partial_fit(X, y)
    classifier = MarginClassifier().partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match=r"y\[0\] is 11, which is not one of the classes"):
        classifier.partial_fit(X[:1], [11])
    with pytest.raises(ValueError, match="but the first call had"):
        classifier.partial_fit(X, y, classes=range(11))


@pytest.mark.parametrize(
    "y, classes, message",
    [
        ([0, 1, 2], ["a", "b", "c"], r"y\[0\] is 0, which is not one of the classes \['a', 'b', 'c'\]"),
        (["a", "b", "c"], [0, 1, 2], r"y\[0\] is 'a', which is not one of the classes \[0, 1, 2\]"),
        (["0", "1", "2"], [0, 1, 2], r"y\[0\] is '0', which is not one of the classes \[0, 1, 2\]"),
        ([0, 1, 2], [0, 1, 2, np.nan], r"classes\[3\] is nan, which is not a label"),
        ([0, 1, 2], [0, 1, 2, None], r"classes\[3\] is None, which is not a label"),
        ([0, 1, 2], [[0, 1, 2]], r"classes has shape \(1, 3\)"),
        ([0, 1, 2], 3, r"classes has shape \(\)"),
    ],
)
def test_labels_that_are_no_classes(blobs, y, classes, message):
    with pytest.raises(ValueError, match=message):
        MarginClassifier().partial_fit(blobs[0][:3], y, classes=classes)


def test_classes_of_another_type(blobs):
    X, y = blobs
    for classes in ([0.0, 1.0, 2.0], {2, 1, 0}, np.array([2, 1, 0], np.uint8)):
        assert MarginClassifier().partial_fit(X, y, classes=classes).classes_.tolist() == [0, 1, 2]
    names = np.array(["a", "b", "c"])
    learner = MarginClassifier().partial_fit(X, names[y].astype(object), classes=names)
    assert set(learner.predict(X)) <= set(names)


def test_warm_start_of_another_problem(blobs):
    X, y = blobs
    learner = MarginClassifier(solver="sgd", warm_start=True, max_iter=9).fit(X, y)
    with pytest.warns(UserWarning, match="weights of zero, because the classes are others"):
        learner.fit(X, y + 1)
    with pytest.warns(UserWarning, match="weights of zero, because the features are others"):
        learner.fit(X[:, :5], y + 1)


def test_warm_start():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    how = dict(solver="sgd", max_iter=2, C=0.1)
    cold = MarginClassifier(**how).fit(X, y)
    warm = MarginClassifier(warm_start=True, **how).fit(X, y)
    assert np.array_equal(cold.coef_, warm.coef_)
    for _ in range(5):
        warm.fit(X, y)
    assert warm.objective_ < cold.objective_


def test_first_rows_without_a_length(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match=r"Input X contains NaN. X: X\[0, 0\] is nan"):
        MarginClassifier().partial_fit(X * np.nan, y, classes=[0, 1, 2])
    late = MarginClassifier().partial_fit(X * 0, y, classes=[0, 1, 2])
    for _ in range(20):
        late.partial_fit(1000 * X, y)
    assert late.score(1000 * X, y) > 0.8


def test_balanced_is_refused(blobs):
    with pytest.raises(ValueError, match="class_weight 'balanced' is not allowed in partial_fit"):
        MarginClassifier(class_weight="balanced").partial_fit(*blobs, classes=[0, 1, 2])


@pytest.mark.parametrize("loss", ["crammer-singer", "weston-watkins", "one-vs-rest", "softmax"])
@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_keeps_a_certified_fit(load, loss):
    X, y = load(return_X_y=True)
    classifier = MarginClassifier(loss=loss).fit(X, y)
    fitted = classifier.score(X, y)
    for _ in range(5):
        assert classifier.partial_fit(X, y).score(X, y) > fitted - 0.03


def test_learns_after_a_fit():
    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))
    few, more, test = rows[:100], rows[100:1300], rows[1300:]
    classifier = MarginClassifier().fit(X[few], y[few])
    before = classifier.score(X[test], y[test])
    for _ in range(4):
        classifier.partial_fit(X[more], y[more])
    assert classifier.score(X[test], y[test]) > before + 0.03
