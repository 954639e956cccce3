"""Figures of the report, as SVG whose bytes depend on the numbers alone."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ..images import replacing

STYLE = {
    "svg.hashsalt": "recontrast",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#5a6675",
}
# Okabe and Ito: told apart by people with any colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A6A00", "#000000")
LEGEND = 8  # with more folds a legend hides the curves


def dots(path: Path, scores: pd.DataFrame, metrics: list[str]) -> None:
    """One dot per participant and experiment, one panel per metric, with mean and standard deviation.

    Args:
        path: SVG to write.
        scores: columns experiment, metric, participant_id, value (numbers).
        metrics: which to draw, from left to right.
    """
    experiments = list(dict.fromkeys(scores["experiment"]))
    with matplotlib.rc_context(STYLE):
        size = (3.8 * len(metrics) + 1.2, 0.7 * len(experiments) + 0.9)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for panel, metric in zip(panels, metrics, strict=True):
            for row, experiment in enumerate(experiments):
                chosen = scores[(scores["metric"] == metric) & (scores["experiment"] == experiment)]
                values = chosen.groupby("participant_id")["value"].mean().to_numpy()
                _row(panel, row, values[np.isfinite(values)], PALETTE[row % len(PALETTE)])
            panel.set_title(metric.upper(), loc="left", fontsize=9, fontweight="bold")
            panel.grid(axis="x", color="#dde2e8", linewidth=0.6)
            panel.set_axisbelow(True)
        panels[0].set_yticks(range(len(experiments)), experiments)
        panels[0].set_ylim(len(experiments) - 0.5, -0.5)
        _save(figure, path)


def _row(panel: Axes, row: int, values: np.ndarray, colour: str) -> None:
    # Spread by rank, not at random: equal numbers draw equal pictures.
    spread = 0.28 * np.sin(2.4 * np.argsort(np.argsort(values, kind="stable"), kind="stable"))
    panel.scatter(values, row + spread, s=20, color=colour, alpha=0.7, linewidths=0)
    if values.size:
        deviation = values.std(ddof=1) if values.size > 1 else 0.0
        mean = {"fmt": "D", "color": "#1c2430", "markersize": 5, "capsize": 3, "linewidth": 1.2}
        panel.errorbar(values.mean(), row, xerr=deviation, **mean)


def losses(path: Path, folds: dict[str, pd.DataFrame]) -> None:
    """Training (thin) and validation (thick) loss by epoch, one colour per fold.

    Args:
        path: SVG to write.
        folds: for each fold a table with the numeric columns epoch, training, validation.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.0), layout="constrained")
        panel = figure.subplots()
        for number, (fold, table) in enumerate(folds.items()):
            colour = PALETTE[number % len(PALETTE)]
            panel.plot(table["epoch"], table["training"], color=colour, linewidth=0.8, alpha=0.7)
            panel.plot(table["epoch"], table["validation"], color=colour, linewidth=1.8, label=f"fold {fold}")
        values = pd.concat(folds.values())[["training", "validation"]].to_numpy()
        values = values[np.isfinite(values)]
        if values.size and values.min() > 0 and values.max() > 10 * values.min():
            panel.set_yscale("log")
            panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.yaxis.set_major_formatter("{x:g}")
            panel.yaxis.set_minor_locator(NullLocator())
        panel.set_xlabel("epoch")
        panel.set_ylabel("loss")
        panel.grid(color="#dde2e8", linewidth=0.6)
        if len(folds) <= LEGEND:
            panel.legend(frameon=False, fontsize=8)
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as partial:
        figure.savefig(partial, format="svg", metadata={"Date": None, "Creator": "Recontrast"})
