"""RunDisplay: the curves of a run; and what all displays share."""

from __future__ import annotations

import math
from typing import Any, Optional, Sequence

import numpy as np

# Colours that people with any kind of colour vision tell apart (Okabe and Ito); lines also differ in style.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6B6B6B"


def pyplot(who: str) -> Any:
    """matplotlib.pyplot. Errors: ImportError with what to do."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{who} draws with matplotlib, which is not installed: pip install matplotlib"
        ) from error
    return plt


def make_axes(who: str, ax: Any, count: int, columns: int, size: tuple) -> tuple:
    """A figure and `count` axes in so many columns: new ones, those given, or parts of the one that is given.

    `size` is that of one of them, in inches.
    """
    plt = pyplot(who)
    rows = math.ceil(count / columns)
    if ax is None:
        figure = plt.figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
        return figure, _parts(figure, figure.add_gridspec(rows, columns), count, columns)
    given = np.asarray(ax, dtype=object).reshape(-1)
    if len(given) == count:
        return given[0].figure, given
    if len(given) > 1:
        raise ValueError(f"ax has {len(given)} axes; one or {count} are needed")
    given[0].set_axis_off()
    # Between two rows there must be room for ticks and a title, which are as high in small axes as in large.
    height = given[0].get_window_extent().height / given[0].figure.dpi
    between = min(0.45, 0.5 * height / rows)
    apart = between / ((height - (rows - 1) * between) / rows)
    grid = given[0].get_subplotspec().subgridspec(rows, columns, hspace=apart, wspace=0.4)
    return given[0].figure, _parts(given[0].figure, grid, count, columns)


def _parts(figure: Any, grid: Any, count: int, columns: int) -> np.ndarray:
    return np.array(
        [figure.add_subplot(grid[at // columns, at % columns]) for at in range(count)], dtype=object
    )


class RunDisplay:
    """The curves of a run: objective and certified lower bound, gap, and accuracy on validation rows.

    `from_run` and `from_history` make and draw one.

    Parameters
    ----------
    curves : dict of arrays of equal length
        "epoch", "seconds", and what was measured: "objective", "dual", "train_loss", "gap", "accuracy". NaN
        where it was not.
    tolerance : float, default=0
        Of the gap; 0: none.
    handovers : list of (epoch, seconds, solver), default=()
        When the run went on with another solver.

    Attributes
    ----------
    figure_, axes_
        The matplotlib figure, and an array with the axes of each panel.
    ax_
        The first of them.

    Examples
    --------
    >>> import margin
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> history = {}
    >>> clf = margin.MarginClassifier(callbacks=[margin.record_evaluation(history)]).fit(X, y)
    >>> margin.RunDisplay.from_history(history).panels
    ['objective', 'gap']
    """

    _PANELS = ("objective", "gap", "accuracy")

    def __init__(self, curves: dict, tolerance: float = 0.0, handovers: Sequence[tuple] = ()) -> None:
        self.curves = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
        self.tolerance, self.handovers = tolerance, list(handovers)

    @property
    def panels(self) -> list:
        """The panels that have something to show."""
        return [name for name in self._PANELS if self._measured(name).any()]

    def _measured(self, name: str) -> np.ndarray:
        values = self.curves.get(name)
        return np.zeros(0, bool) if values is None else np.isfinite(values)

    @classmethod
    def from_run(cls, run: Any, **how: Any) -> "RunDisplay":
        """Draws the curves of a run.

        Parameters
        ----------
        run : Run, or the path of its directory
        how : as for `plot`

        Raises
        ------
        ValueError
            If the directory holds a path or a cross-validation, or nothing was measured yet.
        ImportError
            Without matplotlib.

        Examples
        --------
        >>> import margin, numpy as np, tempfile
        >>> rows = np.eye(3).repeat(5, axis=0), np.arange(3).repeat(5)
        >>> run = margin.train({"train.tolerance": 1e-3}, rows, directory=tempfile.mkdtemp() + "/run")
        >>> margin.RunDisplay.from_run(run.directory, x="seconds").panels
        ['objective', 'gap']
        """
        from ._run import Run

        run = run if isinstance(run, Run) else Run(run)
        if (run.directory / "path.jsonl").exists() or (run.directory / "cv.jsonl").exists():
            raise ValueError(
                f"{run.directory}: holds several runs, so there is no curve: see Run.points and Run.folds"
            )
        epochs = [event for event in run.events if event["event"] == "epoch"]
        names = ("epoch", "seconds", "objective", "dual", "train_loss", "gap", "accuracy")
        curves = {name: [event.get(name, math.nan) for event in epochs] for name in names}
        handovers = [
            (event["epoch"], event["seconds"], event["solver"]) for event in epochs if "solver" in event
        ]
        begun = next(event for event in run.events if event["event"] == "start")
        tolerance = float(begun.get("tolerance", 0))
        return cls(curves, tolerance, handovers).plot(**how)

    @classmethod
    def from_history(cls, history: dict, *, tolerance: float = 0.0, **how: Any) -> "RunDisplay":
        """Draws what `margin.record_evaluation` collected. `how`: as for `plot`.

        Examples
        --------
        >>> import margin
        >>> history = {"epoch": [1, 2], "objective": [3.0, 2.0], "gap": [0.5, 0.1]}
        >>> margin.RunDisplay.from_history(history, tolerance=0.2).curves["dual"].tolist()
        [1.5, 1.8]
        """
        curves = dict(history)
        objective, gap = (np.asarray(history[name], float) for name in ("objective", "gap"))
        curves["dual"] = objective * (1 - gap)
        return cls(curves, tolerance).plot(**how)

    def plot(
        self, ax: Any = None, *, x: str = "epoch", panels: Optional[Sequence[str]] = None
    ) -> "RunDisplay":
        """Draws.

        Parameters
        ----------
        ax : matplotlib axes, or as many as panels, default=None
            None: a new figure. One is divided among the panels.
        x : {"epoch", "seconds"}, default="epoch"
        panels : list of {"objective", "gap", "accuracy"}, default=None
            None: all that were measured.

        Returns
        -------
        self

        Examples
        --------
        >>> import margin
        >>> curves = {"epoch": [1, 2], "objective": [3.0, 2.0], "accuracy": [0.5, 0.9]}
        >>> margin.RunDisplay(curves).plot(panels=["accuracy"]).ax_.get_ylabel()
        'accuracy (%)'
        """
        if x not in ("epoch", "seconds"):
            raise ValueError(f"x is {x!r}; 'epoch' or 'seconds' is allowed")
        panels = self.panels if panels is None else list(panels)
        unknown = [name for name in panels if name not in self.panels]
        if unknown or not panels:
            what = f"{unknown[0]!r} was not measured" if unknown else "nothing was measured"
            raise ValueError(f"{what}; measured: {', '.join(self.panels) or 'nothing'}")
        self.figure_, self.axes_ = make_axes("RunDisplay", ax, len(panels), len(panels), (4.4, 3.4))
        self.ax_ = self.axes_[0]
        for name, axes in zip(panels, self.axes_):
            getattr(self, f"_draw_{name}")(axes, x)
            self._draw_handovers(axes, x)
            axes.set_xlabel("epoch" if x == "epoch" else "training time (s)")
            axes.xaxis.get_major_locator().set_params(nbins=5, integer=x == "epoch")
            axes.grid(True, color="0.9", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        return self

    def _draw(self, axes: Any, x: str, name: str, color: str, style: str, label: str) -> None:
        if self._measured(name).any():
            self._line(axes, x, self.curves[name], color=color, linestyle=style, label=label)

    def _line(self, axes: Any, x: str, values: np.ndarray, **how: Any) -> None:
        """A line through what was measured; points are marked if they are few."""
        there = np.isfinite(values)
        marker = "o" if there.sum() <= 40 else None
        axes.plot(self.curves[x][there], values[there], marker=marker, markersize=3, linewidth=1.6, **how)

    def _draw_objective(self, axes: Any, x: str) -> None:
        self._draw(axes, x, "train_loss", GREY, ":", "mean loss")
        self._draw(axes, x, "objective", BLUE, "-", "objective")
        self._draw(axes, x, "dual", ORANGE, "--", "lower bound")
        self._limit(axes)
        axes.set_ylabel("objective")
        certified = self._measured("dual").any()
        axes.set_title("Objective and certified lower bound" if certified else "Objective", fontsize="medium")
        axes.legend(frameon=False, loc="best", fontsize="small")

    def _limit(self, axes: Any) -> None:
        """Cuts off first bounds that are far below zero, and first objectives far above the last."""
        values = self.curves["objective"][self._measured("objective")]
        last, low = values[-1], values[-1]
        losses = self._measured("train_loss")
        if losses.any():
            low = min(low, self.curves["train_loss"][losses].min())
        if self._measured("dual").any():
            low = min(low, max(np.nanmin(self.curves["dual"]), 0.0 if last > 0 else -math.inf))
        high = min(values.max(), last + 10 * max(last - low, 0.3 * abs(last)))
        room = 0.06 * max(high - low, 1e-9 * abs(last) + 1e-300)
        axes.set_ylim(min(low, last) - room, high + room)

    def _draw_gap(self, axes: Any, x: str) -> None:
        gap = self.curves["gap"]
        self._line(axes, x, np.where(gap > 0, gap, np.nan), color=BLUE)
        axes.set_yscale("log")
        if self.tolerance > 0:
            axes.axhline(self.tolerance, color=ORANGE, linestyle="--", linewidth=1.2)
            place = {"xytext": (4, -3), "textcoords": "offset points", "xycoords": ("axes fraction", "data")}
            how = {"va": "top", "color": ORANGE, "fontsize": "small"}
            axes.annotate(f"tolerance {self.tolerance:g}", (0, self.tolerance), **how, **place)
            axes.set_ylim(bottom=min(axes.get_ylim()[0], self.tolerance / 3))
        axes.set_ylabel("(objective - bound) / objective")
        axes.set_title("Relative gap", fontsize="medium")

    def _draw_accuracy(self, axes: Any, x: str) -> None:
        self._line(axes, x, 100 * self.curves["accuracy"], color=GREEN)
        axes.set_ylabel("accuracy (%)")
        axes.set_title("Validation rows", fontsize="medium")

    def _draw_handovers(self, axes: Any, x: str) -> None:
        for epoch, seconds, solver in self.handovers:
            at = epoch if x == "epoch" else seconds
            axes.axvline(at, color=GREY, linewidth=0.8, linestyle="-.")
            place = {"xytext": (3, -2), "textcoords": "offset points", "xycoords": ("data", "axes fraction")}
            how = {"rotation": 90, "ha": "left", "va": "top", "fontsize": "x-small", "color": GREY}
            axes.annotate(solver, (at, 1), **how, **place)
