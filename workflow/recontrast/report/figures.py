"""Figures of the report, as SVG whose bytes depend on the numbers alone."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from .. import tables
from ..images import replacing
from ..participants import by_participant
from .pages import heading

STYLE = {
    "svg.hashsalt": "recontrast",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#5a6675",
}
PANELS = 5  # beside each other
# Okabe and Ito: told apart by people with any colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A6A00", "#000000")
DASHES = ("-", "--", ":")  # of losses that are trained in turns
LEGEND = 8  # with more folds a legend hides the curves
BINS = 100  # of epochs; in each, a curve of more points shows its lowest and its highest


def dots(path: Path, scores: list[tables.Row], metrics: list[str], targets: dict[str, str]) -> None:
    """One dot per participant and experiment, one panel per metric, with mean and standard deviation.

    A thin line joins the dots of one participant in experiments below each other that have the same target.

    Args:
        path: SVG to write.
        scores: rows with experiment, metric, participant_id, value.
        metrics: which to draw, from left to right.
        targets: experiment -> its target.
    """
    found, order = {row["experiment"] for row in scores}, list(targets.values())
    # Those of one target below each other, else as the study has them.
    experiments = sorted((name for name in targets if name in found), key=lambda n: order.index(targets[n]))
    people = sorted({row["participant_id"] for row in scores})
    with matplotlib.rc_context(STYLE):
        size = (3.8 * len(metrics) + 1.2, 0.55 * len(experiments) + 0.9)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for panel, metric in zip(panels, metrics, strict=True):
            own = [row for row in scores if row["metric"] == metric]
            values = _by_person(own, experiments, people)
            for target in dict.fromkeys(targets[name] for name in experiments):
                rows = [row for row, name in enumerate(experiments) if targets[name] == target]
                _paired_rows(panel, rows, values[rows])
            panel.set_title(heading(metric), loc="left", fontsize=9, fontweight="bold")
            panel.grid(axis="x", color="#dde2e8", linewidth=0.6)
            panel.set_axisbelow(True)
        panels[0].set_yticks(range(len(experiments)), experiments)
        panels[0].set_ylim(len(experiments) - 0.5, -0.5)
        _save(figure, path)


def _by_person(scores: list[tables.Row], experiments: list[str], people: list[str]) -> np.ndarray:
    """The mean over sessions of every participant, shape (experiments, people); NaN where there is none."""
    means = {experiment: values for (experiment, _, _), values in by_participant(scores).items()}
    values = [[means.get(name, {}).get(who, np.nan) for who in people] for name in experiments]
    values = np.array(values).reshape(len(experiments), len(people))
    return np.where(np.isfinite(values), values, np.nan)


def _paired_rows(panel: Axes, rows: list[int], values: np.ndarray) -> None:
    """Dots, means and lines of some experiments; `values` has shape (rows, people)."""
    # A participant is as far above or below the row in all of them; not at random, so that equal numbers
    # draw equal pictures.
    places = np.array(rows)[:, None] + 0.28 * np.sin(2.4 * np.arange(values.shape[1]))
    if len(rows) > 1:
        panel.plot(values, places, color="#5a6675", linewidth=0.5, alpha=0.5, zorder=1)
    for row, place, own in zip(rows, places, values, strict=True):
        there = np.isfinite(own)
        colour = PALETTE[row % len(PALETTE)]
        panel.scatter(own[there], place[there], s=20, color=colour, alpha=0.7, linewidths=0, zorder=2)
        if there.any():
            deviation = own[there].std(ddof=1) if there.sum() > 1 else 0.0
            mean = {"fmt": "D", "color": "#1c2430", "markersize": 5, "capsize": 3, "linewidth": 1.2}
            panel.errorbar(own[there].mean(), row, xerr=deviation, zorder=3, **mean)


def agreement(path: Path, pairs: dict[str, list[tuple[float, float]]]) -> None:
    """Bland and Altman's figure of volumes: difference against mean, a panel for every two sources.

    Args:
        path: SVG to write.
        pairs: title of a panel -> volume by the judged and by the true mask, in ml, of every participant.
    """
    with matplotlib.rc_context(STYLE):
        across = min(len(pairs), PANELS)
        down = -(-len(pairs) // across)
        figure = Figure(figsize=(3.6 * across, 3.0 * down), layout="constrained")
        panels = figure.subplots(down, across, sharey=True, squeeze=False)
        for unused in panels.flat[len(pairs) :]:
            unused.remove()
        for number, (title, volumes) in enumerate(pairs.items()):
            panel = panels.flat[number]
            found, true = np.array(volumes).T
            difference, colour = found - true, PALETTE[number % len(PALETTE)]
            panel.scatter((found + true) / 2, difference, s=20, color=colour, alpha=0.7, linewidths=0)
            spread = 1.96 * difference.std(ddof=1) if len(difference) > 1 else 0.0
            panel.axhline(0, color="#9aa5b1", linewidth=0.8, zorder=0)  # no difference
            panel.axhline(difference.mean(), color="#1c2430", linewidth=1.2)
            for limit in (-spread, spread) if spread else ():
                panel.axhline(difference.mean() + limit, color="#1c2430", linewidth=0.8, linestyle="--")
            panel.set_title(f"{title}, n = {len(volumes)}", loc="left", fontsize=9, fontweight="bold")
            panel.set_xlabel("mean of both volumes (ml)")
        for panel in panels[:, 0]:
            panel.set_ylabel("difference of volumes (ml)")
        _save(figure, path)


def losses(path: Path, folds: dict[str, list[tables.Row]]) -> None:
    """Training (thin; adversaries of different dashes) and validation (thick) loss by epoch, a colour per fold.

    Args:
        path: SVG to write.
        folds: for each fold the rows of its table: epoch, what was trained, validation.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.0), layout="constrained")
        panel = figure.subplots()
        drawn = []
        for number, (fold, rows) in enumerate(folds.items()):
            colour = PALETTE[number % len(PALETTE)]
            columns = {name: np.array([tables.number(row[name]) for row in rows]) for name in rows[0]}
            epoch, validation = columns.pop("epoch"), columns.pop("validation")
            for training, dash in zip(columns.values(), DASHES, strict=False):
                panel.plot(*_thinned(epoch, training), dash, color=colour, linewidth=0.8, alpha=0.7)
            panel.plot(*_thinned(epoch, validation), color=colour, linewidth=1.8, label=f"fold {fold}")
            drawn += [*columns.values(), validation]
        _loss_axes(panel, np.concatenate(drawn))
        # Which dash is which, where several losses are trained in turns.
        trained = [name for name in next(iter(folds.values()))[0] if name not in ("epoch", "validation")]
        dashed = zip(trained, DASHES, strict=False) if len(trained) > 1 else ()
        keys = [Line2D([], [], color="#5a6675", linewidth=0.8, linestyle=dash, label=n) for n, dash in dashed]
        if len(folds) <= LEGEND:
            keys = [*panel.get_legend_handles_labels()[0], *keys]
        if keys:
            panel.legend(handles=keys, frameon=False, fontsize=8)
        _save(figure, path)


def curves(path: Path, experiments: dict[str, list[tables.Row]]) -> None:
    """The validation loss of several experiments by epoch; the training loss, thin, where there is no other.

    Args:
        path: SVG to write.
        experiments: for each experiment the rows of its table, as for `losses`, of one fold.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.4), layout="constrained")
        panel, drawn = figure.subplots(), []
        for number, (name, rows) in enumerate(experiments.items()):
            colour, dash = PALETTE[number % len(PALETTE)], DASHES[number // len(PALETTE) % len(DASHES)]
            columns = {key: np.array([tables.number(row[key]) for row in rows]) for key in rows[0]}
            validated = np.isfinite(columns["validation"]).any()
            values = columns["validation" if validated else list(columns)[1]]
            width = 1.6 if validated else 0.8
            points = _thinned(columns["epoch"], values)
            panel.plot(*points, dash, color=colour, linewidth=width, label=name)
            drawn.append(values)
        _loss_axes(panel, np.concatenate(drawn))
        panel.legend(frameon=False, fontsize=8)
        _save(figure, path)


def profile(path: Path, curves: dict[str, list[tuple[float, float]]], unit: str = "") -> None:
    """Intensities along a line: the acquired image in black, a colour for each experiment.

    Args:
        path: SVG to write.
        curves: name -> distance in mm and intensity of every point; the first is the acquired image.
        unit: of the intensities; arbitrary if empty.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.0), layout="constrained")
        panel = figure.subplots()
        for number, (name, points) in enumerate(curves.items()):
            colour = PALETTE[(number - 1) % (len(PALETTE) - 1)] if number else PALETTE[-1]
            dash = DASHES[(number - 1) // (len(PALETTE) - 1) % len(DASHES)] if number else "-"
            panel.plot(*np.array(points).T, dash, color=colour, linewidth=1.2 if number else 2.2, label=name)
        panel.set_xlabel("distance (mm)")
        panel.set_ylabel(unit or "intensity (arbitrary units)")
        panel.grid(color="#dde2e8", linewidth=0.6)
        figure.legend(frameon=False, fontsize=8, loc="outside right upper")
        _save(figure, path)


def _thinned(epoch: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve of thousands of epochs with as many points as can be seen, without losing its spikes."""
    if len(epoch) <= 2 * BINS:
        return epoch, values
    kept = set()
    for part in np.array_split(np.arange(len(epoch)), BINS):
        there = part[np.isfinite(values[part])]
        kept |= {there[values[there].argmin()], there[values[there].argmax()]} if len(there) else {part[0]}
    chosen = sorted(kept)
    return epoch[chosen], values[chosen]


def _loss_axes(panel: Axes, values: np.ndarray) -> None:
    """Epochs and losses, the latter by decades where they span more than one."""
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() > 10 * values.min():
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_locator(NullLocator())
    panel.set_xlabel("epoch")
    panel.set_ylabel("loss")
    panel.grid(color="#dde2e8", linewidth=0.6)


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as partial:
        figure.savefig(partial, format="svg", metadata={"Date": None, "Creator": "Recontrast"})
