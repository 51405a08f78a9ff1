"""RunDisplay, TemplateDisplay, TopFeaturesDisplay: what they draw, and what they refuse."""

import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import margin

OPTIONS = {"model.C": 0.1, "train.tolerance": 1e-3}
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture
def fitted(blobs):
    X, y = blobs
    return margin.MarginClassifier(C=0.1).fit(X, np.array(["a", "b", "c"])[y])


@pytest.fixture
def run(blobs, tmp_path):
    return margin.train({**OPTIONS, "data.validation": 0.3}, blobs, directory=tmp_path / "run")


def test_run(run):
    display = run.plot()
    assert display.panels == ["objective", "gap", "accuracy"] and len(display.axes_) == 3
    assert display.ax_ is display.axes_[0] and display.figure_ is display.ax_.figure
    lines = {line.get_label(): line.get_ydata() for line in display.ax_.get_lines()}
    assert (
        lines["objective"][-1] == run.result["objective"] and lines["lower bound"][-1] == run.result["dual"]
    )
    labels = [axes.get_ylabel() for axes in display.axes_]
    assert labels == ["objective", "(objective - bound) / objective", "accuracy (%)"]
    assert display.axes_[2].get_lines()[0].get_ydata()[-1] == pytest.approx(100 * run.result["accuracy"])
    # All of the last values are inside the picture.
    low, high = display.ax_.get_ylim()
    assert low < run.result["dual"] <= run.result["objective"] < high
    assert display.axes_[1].get_ylim()[0] < 1e-3


def test_axes_and_x(run):
    figure, axes = plt.subplots(1, 3)
    assert run.plot(ax=axes, x="seconds").axes_.tolist() == axes.tolist()
    assert axes[0].get_xlabel() == "training time (s)"
    figure, ax = plt.subplots()
    display = margin.RunDisplay.from_run(run.directory, ax=ax, panels=["gap", "accuracy"])
    assert display.figure_ is figure and len(display.axes_) == 2
    one = run.plot(ax=plt.subplots()[1], panels=["gap"])
    assert len(one.axes_) == 1 and one.ax_.get_yscale() == "log"
    for how, message in (
        ({"x": "step"}, "x is 'step'"),
        ({"panels": ["rate"]}, "'rate' was not measured; measured: objective, gap, accuracy"),
        ({"ax": plt.subplots(1, 2)[1]}, "ax has 2 axes; one or 3 are needed"),
    ):
        with pytest.raises(ValueError, match=message):
            run.plot(**how)


def test_history(blobs):
    history = {}
    fitted = margin.MarginClassifier(C=0.1, callbacks=[margin.record_evaluation(history)]).fit(*blobs)
    display = margin.RunDisplay.from_history(history, tolerance=1e-3)
    bounds = {line.get_label(): line.get_ydata() for line in display.ax_.get_lines()}["lower bound"]
    assert bounds[-1] == pytest.approx(fitted.dual_bound_)


def test_other_directories(blobs, tmp_path):
    margin.path(None, blobs, [0.1], directory=tmp_path / "path")
    with pytest.raises(ValueError, match="holds several runs"):
        margin.RunDisplay.from_run(tmp_path / "path")


def test_handover():
    curves = {"epoch": [1, 2, 3], "objective": [9, 3, 2], "dual": [-50, 1, 1.9], "gap": [2, 0.5, 0.05]}
    display = margin.RunDisplay(curves, 1e-3, [(2, 2, "newton")]).plot()
    assert "newton" in [text.get_text() for text in display.ax_.texts]
    assert display.ax_.get_ylim()[0] > -1  # a bound far below zero is cut off


def test_templates(fitted):
    display = margin.TemplateDisplay.from_estimator(fitted, (2, 4))
    assert [axes.get_title() for axes in display.axes_] == ["a", "b", "c"]
    for axes, weights in zip(display.axes_, fitted.coef_):
        assert np.array_equal(axes.images[0].get_array(), weights.reshape(2, 4).astype(float))
        assert axes.images[0].get_clim()[0] == -axes.images[0].get_clim()[1]
    assert display.colorbar_ is not None
    some = margin.TemplateDisplay.from_estimator(fitted.to_model(), (4, 2), classes=["c", "a"], limit=1.0)
    assert [axes.get_title() for axes in some.axes_] == ["c", "a"] and some.ax_.images[0].get_clim() == (
        -1,
        1,
    )
    with pytest.raises(ValueError, match=r"shape \(3, 3\) has 9 cells, but rows have 8 features"):
        margin.TemplateDisplay.from_estimator(fitted, (3, 3))
    with pytest.raises(ValueError, match="'d' is not a class of the model"):
        margin.TemplateDisplay.from_estimator(fitted, (2, 4), classes=["d"])


def test_colour_templates(blobs):
    X, y = blobs
    wide = np.hstack([X, X[:, :4]])
    display = margin.TemplateDisplay.from_estimator(margin.MarginClassifier(C=0.1).fit(wide, y), (2, 2, 3))
    image = display.ax_.images[0].get_array()
    assert image.shape == (2, 2, 3) and 0 <= image.min() <= image.max() <= 1 and display.colorbar_ is None


def test_two_classes(blobs):
    X, y = blobs
    fitted = margin.MarginClassifier(C=0.1).fit(X[y < 2], np.array(["no", "yes"])[y[y < 2]])
    display = margin.TemplateDisplay.from_estimator(fitted, (2, 4))
    assert display.ax_.get_title() == "yes (against no)" and len(display.axes_) == 1
    assert np.allclose(display.weights, fitted.coef_)


def test_top_features(fitted):
    names = [f"name {d}" for d in range(8)]
    display = margin.TopFeaturesDisplay.from_estimator(fitted, top=2, feature_names=names)
    for features, weights in zip(display.features_, fitted.coef_):
        order = np.argsort(-weights)
        assert [name for name, _ in features] == [
            names[d] for d in (order[0], order[1], order[-2], order[-1])
        ]
        assert [weight for _, weight in features] == [
            weights[d] for d in (order[0], order[1], order[-2], order[-1])
        ]
    assert [text.get_text() for text in display.ax_.texts] == [name for name, _ in display.features_[0]]
    scaled = margin.TopFeaturesDisplay.from_estimator(fitted, top=1, scale=np.eye(8)[5])
    assert all([name for name, _ in features] == ["feature 5"] for features in scaled.features_)
    for how, message in (
        ({"top": 0}, "top is 0"),
        ({"feature_names": names[:3]}, "feature_names has 3 names"),
    ):
        with pytest.raises(ValueError, match=message):
            margin.TopFeaturesDisplay.from_estimator(fitted, **how)


@pytest.mark.parametrize("size", [(3, 2.5), (5, 4), (12, 9)])
def test_top_features_in_axes_of_any_size(size):
    """No text covers another one, and no name reaches out of its axes."""
    draw = np.random.RandomState(0)
    names = [f"{'a long name of feature' if d % 3 else 'feature'} {d}" for d in range(40)]
    figure, ax = plt.subplots(figsize=size)
    titles = [f"class {k}" for k in range(6)]
    display = margin.TopFeaturesDisplay(draw.randn(6, 40), titles, names, top=5).plot(ax=ax)
    figure.draw_without_rendering()
    boxes = []
    for axes in display.axes_:
        assert len(axes.texts) == 10
        shown = [text.get_window_extent() for text in (axes.title, *axes.texts)]
        ticks = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        whole = axes.get_window_extent()
        assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 for box in shown[1:])
        boxes += shown + [box for box in ticks if whole.x0 <= box.x0 and box.x1 <= whole.x1]
    assert not [one for one in boxes for other in boxes if one is not other and one.overlaps(other)]
    plt.close(figure)


def test_names_of_models(blobs, tmp_path):
    pandas = pytest.importorskip("pandas")
    X, y = blobs
    frame = pandas.DataFrame(X, columns=[f"gene {d}" for d in range(8)])
    run = margin.train(OPTIONS, (frame, y), directory=tmp_path / "run")
    pipeline = make_pipeline(StandardScaler(), margin.MarginClassifier(C=0.1)).fit(frame, y)
    for model in (run, run.model, pipeline, margin.MarginClassifier().fit(frame, y)):
        display = margin.TopFeaturesDisplay.from_estimator(model, top=1)
        assert all(name.startswith("gene ") for features in display.features_ for name, _ in features)


def test_without_matplotlib(run, fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for draw in (
        lambda: run.plot(),
        lambda: margin.TemplateDisplay.from_estimator(fitted, (2, 4)),
        lambda: margin.TopFeaturesDisplay.from_estimator(fitted),
    ):
        with pytest.raises(
            ImportError, match="Display draws with matplotlib, which is not installed: pip install"
        ):
            draw()


@pytest.mark.parametrize("classes", [[], (), "a", 3, np.array([])])
def test_no_classes(fitted, classes):
    says = r"^classes is .*; None \(all\), or a list of at least one label, is allowed$"
    with pytest.raises(ValueError, match=says):
        margin.TemplateDisplay.from_estimator(fitted, (2, 4), classes=classes)
    with pytest.raises(ValueError, match=says):
        margin.TopFeaturesDisplay.from_estimator(fitted, classes=classes)


@pytest.mark.parametrize(
    "weights, titles", [([], []), (np.zeros((0, 4)), []), (np.eye(4), ["a"]), ([1, 2], ["a"])]
)
def test_rows_without_titles(weights, titles):
    says = r"^weights has shape \(.*\), and there are \d titles: one row or more, and a title for each"
    with pytest.raises(ValueError, match=says):
        margin.TemplateDisplay(weights, titles, (2, 2))
    with pytest.raises(ValueError, match=says):
        margin.TopFeaturesDisplay(weights, titles)
