"""What stands below a printed table."""

from .. import tables
from ..measures import MEASURES
from .grid import DAGGER, LEVELS, Cell, Context


def notes(table: dict, grid: list[list[Cell]], context: Context, published: dict | None = None) -> list[str]:
    """What a reader of the printed table must know, one sentence each."""
    everything = [cell for line in grid for cell in line]
    counts = sorted({cell["n"] for cell in everything if isinstance(cell["n"], int)})
    folds = sorted({cell["fold"] for cell in everything} - {tables.MISSING})
    said = []
    if counts:
        n = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
        spread = "" if table.get("spread") == "none" else " and standard deviation"
        said.append(f"Mean{spread} over participants, {n}{'; folds ' + ', '.join(folds) if folds else ''}.")
    said += _single_folds(everything, context)
    marks, shown = table.get("marks", {}), {cell["marks"] for cell in everything}
    correction = "not corrected" if marks.get("correction") == "none" else "Holm's correction"
    if counts and (marks.get("against") or marks.get("regions")) and 2 / 2 ** counts[-1] >= LEVELS[-1][0]:
        said.append(f"With n = {counts[-1]} no p below {2 / 2 ** counts[-1]:.3g} can be reached: no marks.")
    test = f"exact Wilcoxon signed-rank test, {correction}"
    if any("*" in mark for mark in shown):
        said.append(f"* p < .05, ** p < .01, *** p < .001 against {marks['against']}: {test}.")
    if any(DAGGER in mark for mark in shown):
        said.append(f"{DAGGER} p < .05 against every other region of the table: {test}.")
    if any(cell["published"] != tables.MISSING for cell in everything):
        said.append(f"In square brackets: {published['source']}; the numbers of another cohort.")
    said += _seconds(everything, context) + _candidates(everything)
    metrics = dict.fromkeys(cell["metric"] for cell in everything if cell["metric"] in MEASURES)
    return said + _truths(everything) + [_define(name) for name in metrics]


def _single_folds(everything: list[Cell], context: Context) -> list[str]:
    """Which experiments of a table ran on some of the folds only, as ablations may."""
    ran = {
        name: [
            fold for fold, values in context.values.items() if fold and any(key[0] == name for key in values)
        ]
        for name in dict.fromkeys(cell["experiment"] for cell in everything)
    }
    return [
        f"{name}: fold {' and '.join(folds)} only."
        for name, folds in ran.items()
        if folds and len(folds) < max(map(len, ran.values()))
    ]


def _seconds(everything: list[Cell], context: Context) -> list[str]:
    """On what the time of a prediction was taken."""
    timed = [
        context.times[c["experiment"]] for c in everything if c["value"] == "seconds" and c["number"] > 0
    ]
    return [
        f"Time to predict one session ({where}); it differs from run to run."
        for where in dict.fromkeys(
            f"{t['device']}, threads: {t['threads']}, voxels in the box of the mask: {t['voxels']:,}"
            for t in timed
        )
    ]


def _candidates(everything: list[Cell]) -> list[str]:
    if not any(cell["value"] == "candidate" for cell in everything):
        return []
    return [
        "Mean squared error on the fold's validation participants; in bold the settings that were chosen."
    ]


def _truths(everything: list[Cell]) -> list[str]:
    """What lesions are judged by."""
    words = {"manual": "drawn by hand", "acquired": "found on the acquired image"}
    used = dict.fromkeys(
        c["region"] for c in everything if c["metric"] in MEASURES and _of_lesions(c["metric"])
    )
    return [f"True lesions: {' and '.join(words[name] for name in used)}."] if used else []


def _of_lesions(metric: str) -> bool:
    return MEASURES[metric].scope == "lesions"


def _define(metric: str) -> str:
    measure = MEASURES[metric]
    source = f" ({measure.source})" if measure.source else ""
    return f"{measure.title}, {metric}{source}: {measure.definition}."
