"""TemplateDisplay and TopFeaturesDisplay: the weights of a model, as images and as bars."""

from __future__ import annotations

import math
from typing import Any, Optional, Sequence

import numpy as np

from ._displays import BLUE, ORANGE, make_axes

_LONGEST_NAME = 32
_BESIDE = 4  # points between a name and the axis


def weights_of(model: Any, classes: Optional[Sequence] = None) -> tuple:
    """Weights (M, D), one title for each row, and names of the features or None.

    `model` is an estimator, a Pipeline that ends with one, a Model or a Run. Two classes have one row, for
    the second against the first.
    """
    names = None
    if classes is not None and (not np.iterable(classes) or isinstance(classes, str) or not len(classes)):
        raise ValueError(f"classes is {classes!r}; None (all), or a list of at least one label, is allowed")
    if hasattr(model, "steps"):
        if len(model.steps) > 1 and hasattr(model[:-1], "get_feature_names_out"):
            names = _names_after(model)
        model = model.steps[-1][1]
    if hasattr(model, "directory"):
        model = model.model
    if hasattr(model, "to_model"):
        model = model.to_model()
    weights, labels = np.asarray(model.weights, np.float64), np.asarray(model.classes).tolist()
    names = model.feature_names if names is None else names
    if len(labels) == 2:
        return weights[1:] - weights[:1], [f"{labels[1]} (against {labels[0]})"], names
    if classes is None:
        return weights, [str(label) for label in labels], names
    unknown = [label for label in classes if label not in labels]
    if unknown:
        raise ValueError(f"classes: {unknown[0]!r} is not a class of the model")
    return weights[[labels.index(label) for label in classes]], [str(label) for label in classes], names


def _names_after(pipeline: Any) -> Optional[np.ndarray]:
    """Names of the features that the last step sees; None if a step does not tell them."""
    try:
        return pipeline[:-1].get_feature_names_out()
    except (AttributeError, ValueError):
        return None


def _rows_and_titles(weights: Any, titles: Sequence[str]) -> tuple:
    weights, titles = np.asarray(weights, np.float64), list(titles)
    if weights.ndim != 2 or not len(weights) or len(titles) != len(weights):
        raise ValueError(
            f"weights has shape {weights.shape}, and there are {len(titles)} titles: "
            "one row or more, and a title for each, are needed"
        )
    return weights, titles


class TemplateDisplay:
    """The weights of each class as an image: where bright pixels speak for the class, and where against it.

    Parameters
    ----------
    weights : array of shape (M, D)
    titles : list of M texts
    shape : (height, width), or (height, width, 3) for colours

    Attributes
    ----------
    figure_, axes_, ax_
        The matplotlib figure, the axes of the images, the first of them.
    colorbar_ : None for colours

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from margin import MarginClassifier, TemplateDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = TemplateDisplay.from_estimator(MarginClassifier(C=0.01).fit(X, y), (8, 8))
    >>> len(display.axes_)
    10
    """

    def __init__(self, weights: Any, titles: Sequence[str], shape: Sequence[int]) -> None:
        self.weights, self.titles = _rows_and_titles(weights, titles)
        self.shape = tuple(shape)
        if len(self.shape) not in (2, 3) or (len(self.shape) == 3 and self.shape[2] != 3):
            raise ValueError(f"shape is {self.shape}; (height, width) or (height, width, 3) is allowed")
        if math.prod(self.shape) != self.weights.shape[1]:
            raise ValueError(
                f"shape {self.shape} has {math.prod(self.shape)} cells, "
                f"but rows have {self.weights.shape[1]} features"
            )

    @classmethod
    def from_estimator(
        cls, estimator: Any, shape: Sequence[int], *, classes: Optional[Sequence] = None, **how: Any
    ) -> "TemplateDisplay":
        """Draws the weights of a fitted estimator, a Pipeline that ends with one, a Model or a Run.

        Parameters
        ----------
        shape : (height, width) or (height, width, 3)
        classes : list of labels, default=None
            None: all. Two classes have one image, for the second against the first.
        how : as for `plot`

        Examples
        --------
        >>> import margin
        >>> model = margin.Model([[1, 0, 0, 2], [0, 1, 3, 0], [2, 2, 0, 1]], [0, 0, 0], ["a", "b", "c"])
        >>> margin.TemplateDisplay.from_estimator(model, (2, 2), classes=["b"]).ax_.get_title()
        'b'
        """
        weights, titles, _ = weights_of(estimator, classes)
        return cls(weights, titles, shape).plot(**how)

    from_run = from_estimator

    def plot(
        self,
        ax: Any = None,
        *,
        columns: Optional[int] = None,
        cmap: str = "RdBu",
        limit: Optional[float] = None,
    ) -> "TemplateDisplay":
        """Draws.

        Parameters
        ----------
        ax : matplotlib axes, or as many as images, default=None
        columns : int, default=None
            Images beside each other. None: 5, or fewer if there are fewer.
        cmap : str, default="RdBu"
            Red against the class, white 0, blue for it.
        limit : float, default=None
            Magnitude with the full colour. None: that below which 99.5% of all weights are.

        Returns
        -------
        self

        Examples
        --------
        >>> import margin
        >>> display = margin.TemplateDisplay([[1, 0, 0, 2], [0, 1, 3, 0]], ["a", "b"], (2, 2))
        >>> len(display.plot(columns=1, limit=2.0).axes_)
        2
        """
        count = len(self.titles)
        columns = columns or min(5, count)
        width = 3.4 if count == 1 else 2.4 if count <= 3 else 1.75
        size = (width, 0.9 * width * self.shape[0] / self.shape[1] + 0.3)
        self.figure_, self.axes_ = make_axes("TemplateDisplay", ax, count, min(columns, count), size)
        self.ax_, self.colorbar_ = self.axes_[0], None
        limit = limit or float(np.quantile(np.abs(self.weights), 0.995)) or 1.0
        for weights, title, axes in zip(self.weights, self.titles, self.axes_):
            image = weights.reshape(self.shape)
            if len(self.shape) == 3:
                shown = axes.imshow(np.clip(0.5 + image / (2 * limit), 0, 1))
            else:
                shown = axes.imshow(image, cmap=cmap, vmin=-limit, vmax=limit, interpolation="nearest")
            axes.set_title(shorten(title), fontsize="small")
            axes.set_xticks([])
            axes.set_yticks([])
        if len(self.shape) == 2:
            how = {"fraction": 0.05, "pad": 0.02, "shrink": 0.9, "extend": "both"}
            self.colorbar_ = self.figure_.colorbar(shown, ax=list(self.axes_), **how)
            self.colorbar_.set_label("score per unit of the cell", fontsize="small")
            self.colorbar_.formatter.set_powerlimits((-2, 3))
            self.colorbar_.ax.tick_params(labelsize="small")
        return self


class TopFeaturesDisplay:
    """The features that speak most for and most against each class.

    Parameters
    ----------
    weights : array of shape (M, D)
    titles : list of M texts
    names : list of D texts, or None: "feature 0", ...
    top : int, default=10
        Features for, and features against.

    Attributes
    ----------
    features_ : list of M lists of (name, weight)
        Those that are shown, from the largest weight to the smallest.
    figure_, axes_, ax_
        The matplotlib figure, the axes of the classes, the first of them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from margin import MarginClassifier, TopFeaturesDisplay
    >>> iris = load_iris()
    >>> clf = MarginClassifier(C=0.1).fit(iris.data, iris.target)
    >>> display = TopFeaturesDisplay.from_estimator(clf, top=1, feature_names=iris.feature_names)
    >>> [name for name, weight in display.features_[2]]
    ['petal length (cm)', 'sepal width (cm)']
    """

    def __init__(
        self, weights: Any, titles: Sequence[str], names: Optional[Sequence[str]] = None, top: int = 10
    ) -> None:
        self.weights, self.titles = _rows_and_titles(weights, titles)
        width = self.weights.shape[1]
        self.names = (
            [f"feature {d}" for d in range(width)] if names is None else [str(name) for name in names]
        )
        if len(self.names) != width:
            raise ValueError(f"feature_names has {len(self.names)} names, but rows have {width} features")
        if top < 1:
            raise ValueError(f"top is {top}; a whole number from 1 on is allowed")
        self.features_ = [self._top(row, min(top, width)) for row in self.weights]

    def _top(self, row: np.ndarray, top: int) -> list:
        order = np.argsort(-row, kind="stable")
        chosen = [d for d in order[:top] if row[d] > 0] + [d for d in order[-top:] if row[d] < 0]
        return [(self.names[d], float(row[d])) for d in chosen]

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        top: int = 10,
        classes: Optional[Sequence] = None,
        feature_names: Optional[Sequence[str]] = None,
        scale: Any = None,
        **how: Any,
    ) -> "TopFeaturesDisplay":
        """Draws the top features of a fitted estimator, a Pipeline that ends with one, a Model or a Run.

        Parameters
        ----------
        top : int, default=10
        classes : list of labels, default=None
            None: all. Two classes have one panel, for the second against the first.
        feature_names : list of D texts, default=None
            None: those of the model.
        scale : array of shape (D,), default=None
            Factors of the weights, such as the standard deviations of the features, which make features of
            different units comparable.
        how : as for `plot`

        Examples
        --------
        >>> import margin
        >>> model = margin.Model([[1, 0, 0, 2], [0, 1, 3, 0], [2, 2, 0, 1]], [0, 0, 0], ["a", "b", "c"])
        >>> margin.TopFeaturesDisplay.from_estimator(model, top=1, classes=["b"]).features_
        [[('feature 2', 3.0)]]
        """
        weights, titles, names = weights_of(estimator, classes)
        if scale is not None:
            weights = weights * np.asarray(scale, np.float64)
        display = cls(weights, titles, names if feature_names is None else feature_names, top)
        return display.plot(xlabel="weight" if scale is None else "weight x scale of the feature", **how)

    from_run = from_estimator

    def plot(
        self, ax: Any = None, *, columns: Optional[int] = None, xlabel: str = "weight"
    ) -> "TopFeaturesDisplay":
        """Draws.

        Parameters
        ----------
        ax : matplotlib axes, or as many as classes, default=None
        columns : int, default=None
            Classes beside each other. None: 3, or 2 for two or four classes.
        xlabel : str

        Returns
        -------
        self

        Examples
        --------
        >>> import margin
        >>> display = margin.TopFeaturesDisplay([[1, -2], [0, 3]], ["a", "b"], ["x", "y"], top=1)
        >>> [axes.get_title() for axes in display.plot().axes_]
        ['a', 'b']
        """
        count = len(self.titles)
        columns = min(columns or (2 if count == 4 else 3), count)
        most = max(len(features) for features in self.features_)
        self.figure_, self.axes_ = make_axes(
            "TopFeaturesDisplay", ax, count, columns, (3.8, 0.19 * most + 0.9)
        )
        self.ax_ = self.axes_[0]
        limit = 1.05 * max(
            [abs(weight) for features in self.features_ for _, weight in features], default=1.0
        )
        for at, (features, title, axes) in enumerate(zip(self.features_, self.titles, self.axes_)):
            self._draw(axes, features)
            axes.set_xlim(-limit, limit)
            axes.set_title(shorten(title), fontsize="medium")
            if at + columns >= count:
                axes.set_xlabel(xlabel, fontsize="small")
        self.figure_.draw_without_rendering()  # sets the sizes of the axes
        for axes in self.axes_:
            _fit_texts(axes, most)
        return self

    @staticmethod
    def _draw(axes: Any, features: list) -> None:
        places = np.arange(len(features))
        values = np.array([weight for _, weight in features])
        axes.barh(places, values, color=np.where(values > 0, BLUE, ORANGE), height=0.75)
        # A name stands beside the axis, on the side without a bar: so it reaches into no other axes.
        for place, (name, weight) in enumerate(features):
            side = -1 if weight > 0 else 1
            how = {"ha": "right" if weight > 0 else "left", "va": "center", "fontsize": "small"}
            axes.annotate(shorten(name), (0, place), (_BESIDE * side, 0), textcoords="offset points", **how)
        axes.set_yticks([])
        axes.invert_yaxis()
        axes.axvline(0, color="0.3", linewidth=0.8)
        axes.locator_params(axis="x", nbins=5)
        axes.ticklabel_format(axis="x", scilimits=(-2, 3), useMathText=True)
        axes.tick_params(labelsize="small")
        axes.spines[["top", "right", "left"]].set_visible(False)


def _fit_texts(axes: Any, lines: int) -> None:
    """Makes names low enough for axes with so many lines, and cuts names and title that are too wide."""
    box, points = axes.get_window_extent(), 72 / axes.figure.dpi
    for text in axes.texts:
        text.set_fontsize(min(text.get_fontsize(), 0.75 * points * box.height / max(lines, 1)))
        _cut(text, 0.5 * box.width - (_BESIDE + 1) / points)
    _cut(axes.title, 1.1 * box.width)


def _cut(text: Any, room: float) -> None:
    """Leaves out the middle of a text that is wider than `room` pixels."""
    whole = text.get_text()
    kept = len(whole)
    while kept > 1 and (width := text.get_window_extent().width) > room:
        kept = min(kept - 1, int(kept * room / width))
        text.set_text(whole[: (kept + 1) // 2] + "…" + whole[len(whole) - kept // 2 :])


def shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
