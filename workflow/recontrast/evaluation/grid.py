"""The cells of a table: what a study asks for in rows and columns, answered from scores and statistics.

A cell is what its row and its column say together; a column goes before a row, both before the whole table.
"""

import math
from dataclasses import dataclass, replace

from .. import tables
from ..measures import IMAGE, MEASURES
from ..participants import Values, describe
from .ranking import rank

NOTHING = "–"
BOLD = "**"  # around a published number that the paper prints in bold
ACQUIRED = "acquired"  # in place of an experiment: the acquired image itself, whose lesions are measured too
AVERAGED = ("mean", "median", "change", "quotient", "rank")

Cell = dict[str, object]  # by the columns of `table.DICTIONARY`


@dataclass(frozen=True)
class Context:
    """What is known of a study's results.

    Attributes:
        values: fold -> scores by participant; those of all folds under the empty name.
        comparisons: rows of statistics.tsv.
        cards: model cards by experiment and fold.
        times: how long a prediction takes, by experiment.
        inputs: inputs by experiment.
        region: of the study.
        truth: what lesions are judged by if a table does not say.
        given: what the masks that came with the cohort are called.
        by_slice: whether windows of SSIM stay in one slice.
        ranked: experiments that ranks are among: those of the table that is made.
    """

    values: dict[str, Values]
    comparisons: list[tables.Row]
    cards: dict[tuple[str, str], dict]
    times: dict[str, dict]
    inputs: dict[str, list[str]]
    region: str
    truth: str = "manual"
    given: str = "given masks"
    by_slice: bool = False
    ranked: tuple[str, ...] = ()


def cells(table: dict, context: Context, published: dict | None = None) -> list[list[Cell]]:
    """The grid of cells, row by row, without marks of significance.

    Args:
        table: a table of the study, as `scoring.Table` dumps it; keys without a value may be missing.
        context: results.
        published: `source`, and `cells` by row and column label.
    """
    rows = [part for given in table["rows"] for part in _by_fold(_given(given), context)]
    columns = [part for given in table["columns"] for part in _by_fold(_given(given), context)]
    shared = _given(table.get("cells", {}))
    spread = table.get("spread", "plus-minus")
    parts = [[shared | row | column for column in columns] for row in rows]
    ranked = [part.get("experiment") for line in parts for part in line if part.get("value") == "rank"]
    context = replace(context, ranked=tuple(dict.fromkeys(filter(None, ranked))))
    grid = [
        [
            _cell(part, row["label"], column["label"], spread, context)
            for part, column in zip(line, columns, strict=True)
        ]
        for line, row in zip(parts, rows, strict=True)
    ]
    _find_best(grid, table.get("best", "none"))
    for cell in (cell for line in grid for cell in line):
        cell |= printed(published, str(cell["row"]), str(cell["column"]))
    return grid


def printed(published: dict | None, row: str, column: str) -> Cell:
    """What a paper has in a cell, whether in bold, and where it stands."""
    text = published["cells"].get(row, {}).get(column, "") if published else ""
    if not text:
        return {"published": tables.MISSING, "published_best": 0, "published_source": tables.MISSING}
    bold = text.startswith(BOLD)  # stars of significance come last
    words = text.removeprefix(BOLD).removesuffix(BOLD) if bold else text
    return {"published": words, "published_best": int(bold), "published_source": published["source"]}


def _given(part: dict) -> dict:
    return {key: value for key, value in part.items() if value is not None}


def _by_fold(part: dict, context: Context) -> list[dict]:
    """A row or column with its label, or one for every fold."""
    if part.get("fold") == "each":
        label = part.get("label", "Fold {fold}")
        folds = [fold for fold in context.values if fold.isdecimal()]
        return [part | {"fold": fold, "label": label.format(fold=fold)} for fold in folds]
    metric = part.get("metric")
    names = (part.get("experiment"), part.get("input"), part.get("region"), metric and MEASURES[metric].title)
    fold = f"Fold {part['fold']}" if "fold" in part else ""
    return [{"label": next((name for name in (*names, fold) if name), "")} | part]


def _cell(part: dict, row: str, column: str, spread: str, context: Context) -> Cell:
    """One cell, without what depends on others."""
    experiment, metric = part.get("experiment"), part.get("metric")
    place = _place(part, context)
    kind = part.get("value") or next((key for key in ("text", "input", "candidate") if key in part), "mean")
    found: Cell = {"n": tables.MISSING, "number": math.nan, "sd": math.nan}
    text, best = NOTHING, 0
    if kind == "text":
        text = part["text"]
    elif kind == "input" and experiment:
        text = "included" if part["input"] in context.inputs.get(experiment, ()) else "omitted"
    elif kind == "parameters" and (card := _card(part, context)):
        found["number"] = card["parameters"]
        text = f"{found['number']:,}"
    elif kind == "seconds" and experiment in context.times:
        found["number"] = context.times[experiment]["seconds"]
        text = f"{found['number']:.{part.get('digits', 2)}f}"
    elif kind == "candidate" and (candidate := _candidate(part, context)):
        found["number"], best = candidate["validation_mse"], int(candidate["chosen"])
        text = f"{found['number']:.{part.get('digits', 4)}g}"
    elif kind in AVERAGED and experiment and metric:
        found |= _number(kind, part, (experiment, place, metric), context)
        text = _say(found, kind, part, spread)
    about = {"experiment": experiment, "region": place if metric else None, "metric": metric}
    about |= {"fold": part.get("fold"), "value": kind}
    return (
        {"row": row, "column": column}
        | {name: value or tables.MISSING for name, value in about.items()}
        | found
        | {"p": math.nan, "marks": "", "best": best, "text": text}
    )


def _place(part: dict, context: Context) -> str:
    """The region of a cell: as it says, or the usual one of its metric."""
    scope = MEASURES[part["metric"]].scope if "metric" in part else ""
    if scope == "image":
        return IMAGE
    usual = context.truth if scope == "lesions" else context.region
    return usual if part.get("region", "region") == "region" else part["region"]


def _card(part: dict, context: Context) -> dict | None:
    """The card of a fold's model of an experiment; of any fold if none is said."""
    asked = (part.get("experiment"), part.get("fold"))
    return next(
        (c for (name, fold), c in context.cards.items() if asked in ((name, fold), (name, None))), None
    )


def _candidate(part: dict, context: Context) -> dict | None:
    """One candidate of a fold, by its number, with whether it was chosen; None if its training failed."""
    chosen = (_card(part, context) or {}).get("chosen", {"candidates": []})
    found = (one for one in chosen["candidates"] if one["number"] == part["candidate"])
    return next((one | {"chosen": one["number"] == chosen["number"]} for one in found), None)


def _number(kind: str, part: dict, key: tuple[str, str, str], context: Context) -> Cell:
    """The number of a cell, its spread and over how many participants."""
    values = context.values.get(part.get("fold", ""), {})
    if kind == "rank":
        found = rank(values, context.ranked, *key[1:])
        return {"n": found.n, "number": found.means[key[0]]} if found and key[0] in found.means else {}
    own = values.get(key, {})
    if kind == "change":
        other = values.get((part["against"], *key[1:]), {})
        own = {who: 100 * (own[who] / other[who] - 1) for who in own if other.get(who)}
    elif kind == "quotient":
        other = values.get((*key[:2], part["over"]), {})
        own = {who: own[who] / other[who] for who in own if other.get(who)}
    if not own:
        return {}
    found = describe(own.values())
    return {"n": found["n"], "number": found["median" if kind == "median" else "mean"], "sd": found["sd"]}


def _say(found: Cell, kind: str, part: dict, spread: str) -> str:
    """A number as printed."""
    if math.isnan(found["number"]):
        return NOTHING
    usual = {"rank": 2, "change": 2, "quotient": 2}.get(kind, MEASURES[part["metric"]].digits)
    digits, scale = part.get("digits", usual), part.get("scale", 1) if kind in ("mean", "median") else 1
    if kind == "change":
        return f"{found['number']:+.{digits}f} %"
    text = f"{found['number'] * scale:.{digits}f}"
    if kind not in ("mean", "quotient") or spread == "none" or math.isnan(found["sd"]):
        return text
    deviation = f"{found['sd'] * scale:.{digits}f}"
    return f"{text} ({deviation})" if spread == "brackets" else f"{text} ± {deviation}"


def _find_best(grid: list[list[Cell]], where: str) -> None:
    """Tell the best number of each row or column from the others of its metric."""
    if where == "none":
        return
    for line in grid if where == "rows" else zip(*grid, strict=True):
        for metric in {cell["metric"] for cell in line} & set(MEASURES):
            rivals = [c for c in line if c["metric"] == metric and c["value"] in ("mean", "median", "rank")]
            rivals = [c for c in rivals if not math.isnan(c["number"]) and c["experiment"] != ACQUIRED]
            better = MEASURES[metric].better
            if len(rivals) < 2 or better == "neither":
                continue
            # Means over a few people say nothing against means over all.
            most = max(cell["n"] for cell in rivals)
            rivals = [cell for cell in rivals if cell["n"] == most]
            if len({cell["number"] for cell in rivals}) < 2:  # none is better than the others
                continue
            higher = better == "higher" and rivals[0]["value"] != "rank"
            best = (max if higher else min)(cell["number"] for cell in rivals)
            for cell in rivals:
                cell["best"] = int(cell["number"] == best)
