"""The cells of a table: what a study asks for in rows and columns, answered from scores and statistics.

A cell is what its row and its column say together; a column goes before a row, both before the whole table.
"""

import math
from dataclasses import dataclass

import numpy as np

from .. import tables
from ..measures import IMAGE, MEASURES
from .participants import Values

NOTHING = "–"
LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
DAGGER = "†"

Cell = dict[str, object]  # by the columns of `table.DICTIONARY`


@dataclass(frozen=True)
class Context:
    """What is known of a study's results.

    Attributes:
        values: fold -> scores by participant; those of all folds under the empty name.
        comparisons: rows of statistics.tsv.
        ranks: rows of ranks.tsv.
        parameters: numbers of trained parameters by model.
        inputs: inputs by experiment.
        region: of the study.
    """

    values: dict[str, Values]
    comparisons: list[tables.Row]
    ranks: list[tables.Row]
    parameters: dict[str, int]
    inputs: dict[str, list[str]]
    region: str


def cells(table: dict, context: Context, published: dict | None = None) -> list[list[Cell]]:
    """The grid of cells, row by row.

    Args:
        table: a table of the study, as `scoring.Table` dumps it; keys without a value may be missing.
        context: results.
        published: `source`, and `cells` by row and column label.
    """
    rows = [part for given in table["rows"] for part in _by_fold(_given(given), context)]
    columns = [part for given in table["columns"] for part in _by_fold(_given(given), context)]
    shared = _given(table.get("cells", {}))
    spread = table.get("spread", "plus-minus")
    grid = [
        [_cell(shared | row | column, row["label"], column["label"], spread, context) for column in columns]
        for row in rows
    ]
    _mark(grid, table.get("marks", {}), context)
    _find_best(grid, table.get("best", "none"))
    for cell in (cell for line in grid for cell in line):
        printed = published["cells"].get(cell["row"], {}).get(cell["column"], "") if published else ""
        cell["published"] = printed or tables.MISSING
        cell["published_source"] = published["source"] if printed else tables.MISSING
    return grid


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
    metrics = dict.fromkeys(cell["metric"] for cell in everything if cell["metric"] in MEASURES)
    return said + [_define(name) for name in metrics]


def _define(metric: str) -> str:
    measure = MEASURES[metric]
    source = f" ({measure.source})" if measure.source else ""
    return f"{measure.title}, {metric}{source}: {measure.definition}."


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


def _given(part: dict) -> dict:
    return {key: value for key, value in part.items() if value is not None}


def _by_fold(part: dict, context: Context) -> list[dict]:
    """A row or column with its label, or one for every fold."""
    if part.get("fold") == "each":
        label = part.get("label", "Fold {fold}")
        return [part | {"fold": fold, "label": label.format(fold=fold)} for fold in context.values if fold]
    metric = part.get("metric")
    names = (part.get("experiment"), part.get("input"), part.get("region"), metric and MEASURES[metric].title)
    fold = f"Fold {part['fold']}" if "fold" in part else ""
    return [{"label": next((name for name in (*names, fold) if name), "")} | part]


def _cell(part: dict, row: str, column: str, spread: str, context: Context) -> Cell:
    """One cell, without what depends on others."""
    experiment, metric = part.get("experiment"), part.get("metric")
    region = part.get("region", "region")
    if metric and MEASURES[metric].scope == "image":
        region = IMAGE
    place = context.region if region == "region" else region
    kind = part.get("value") or ("text" if "text" in part else "input" if "input" in part else "mean")
    found: Cell = {"n": tables.MISSING, "number": math.nan, "sd": math.nan}
    text = NOTHING
    if kind == "text":
        text = part["text"]
    elif kind == "input" and experiment:
        text = "included" if part["input"] in context.inputs.get(experiment, ()) else "omitted"
    elif kind == "parameters" and experiment in context.parameters:
        found["number"] = context.parameters[experiment]
        text = f"{found['number']:,}"
    elif kind in ("mean", "median", "change", "rank") and experiment and metric:
        found |= _number(kind, part, (experiment, place, metric), context)
        text = _say(found, kind, part, spread)
    about = {"experiment": experiment, "region": place if metric else None, "metric": metric}
    about |= {"fold": part.get("fold"), "value": kind}
    return (
        {"row": row, "column": column}
        | {name: value or tables.MISSING for name, value in about.items()}
        | found
        | {"p": math.nan, "marks": "", "best": 0, "text": text}
    )


def _number(kind: str, part: dict, key: tuple[str, str, str], context: Context) -> Cell:
    """The number of a cell, its spread and over how many participants."""
    if kind == "rank":
        experiment, region, metric = key
        asked = {"experiment": experiment, "region": region, "metric": metric}
        rank = next((row for row in context.ranks if asked.items() <= row.items()), None)
        return {"n": int(rank["n"]), "number": tables.number(rank["mean_rank"])} if rank else {}
    values = context.values.get(part.get("fold", ""), {})
    own = values.get(key, {})
    if kind == "change":
        other = values.get((part["against"], *key[1:]), {})
        own = {who: 100 * (own[who] / other[who] - 1) for who in own if other.get(who)}
    numbers = np.array(list(own.values()))
    if not len(numbers):
        return {}
    middle = np.median(numbers) if kind == "median" else np.mean(numbers)
    # An infinite PSNR has no standard deviation.
    spread = np.std(numbers, ddof=1) if len(numbers) > 1 and np.isfinite(numbers).all() else math.nan
    return {"n": len(numbers), "number": float(middle), "sd": float(spread)}


def _say(found: Cell, kind: str, part: dict, spread: str) -> str:
    """A number as printed."""
    if math.isnan(found["number"]):
        return NOTHING
    usual = {"rank": 2, "change": 2}.get(kind, MEASURES[part["metric"]].digits)
    digits, scale = part.get("digits", usual), part.get("scale", 1) if kind in ("mean", "median") else 1
    if kind == "change":
        return f"{found['number']:+.{digits}f} %"
    text = f"{found['number'] * scale:.{digits}f}"
    if kind != "mean" or spread == "none" or math.isnan(found["sd"]):
        return text
    deviation = f"{found['sd'] * scale:.{digits}f}"
    return f"{text} ({deviation})" if spread == "brackets" else f"{text} ± {deviation}"


def _mark(grid: list[list[Cell]], marks: dict, context: Context) -> None:
    """Add p values and marks to the means over all folds."""
    column = "p" if marks.get("correction") == "none" else "p_holm"
    p = {
        (row["metric"], row["between"], row["within"], frozenset((row["a"], row["b"]))): tables.number(
            row[column]
        )
        for row in context.comparisons
    }
    everything = [cell for line in grid for cell in line]
    means = [cell for cell in everything if cell["value"] == "mean" and cell["fold"] == tables.MISSING]
    for cell in means:
        metric, experiment, region = cell["metric"], cell["experiment"], cell["region"]
        if against := marks.get("against"):
            found = p.get((metric, "experiments", region, frozenset((experiment, against))), math.nan)
            cell["p"] = found
            cell["marks"] += next((mark for bound, mark in LEVELS if found < bound), "")
        if marks.get("regions"):
            same = {c["region"] for c in means if (c["metric"], c["experiment"]) == (metric, experiment)}
            # The region of the study contains the others: there is nothing to compare it with.
            pairs = [frozenset((region, other)) for other in same - {region, context.region}]
            found = [p.get((metric, "regions", experiment, pair), math.nan) for pair in pairs]
            if region != context.region and found and all(value < 0.05 for value in found):
                cell["marks"] += DAGGER


def _find_best(grid: list[list[Cell]], where: str) -> None:
    """Tell the best number of each row or column from the others of its metric."""
    if where == "none":
        return
    for line in grid if where == "rows" else zip(*grid, strict=True):
        for metric in {cell["metric"] for cell in line} & set(MEASURES):
            rivals = [c for c in line if c["metric"] == metric and c["value"] in ("mean", "median", "rank")]
            rivals = [cell for cell in rivals if not math.isnan(cell["number"])]
            better = MEASURES[metric].better
            if len(rivals) < 2 or better == "neither":
                continue
            higher = better == "higher" and rivals[0]["value"] != "rank"
            best = (max if higher else min)(cell["number"] for cell in rivals)
            for cell in rivals:
                cell["best"] = int(cell["number"] == best)
