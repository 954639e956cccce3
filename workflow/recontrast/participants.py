"""Scores by participant: what statistics and tables are made over."""

from collections.abc import Collection, Iterable

import numpy as np

from . import tables
from .layout import ALL

# (experiment, region, metric) -> participant -> value
Values = dict[tuple[str, str, str], dict[str, float]]


def by_participant(scores: Iterable[tables.Row], fold: str = "") -> Values:
    """One value per participant, the mean over sessions; values that are no numbers do not count.

    Args:
        scores: rows of a long table of scores.
        fold: only the scores of this fold. If empty those of all folds, which together are the cross-validation;
            those of the model of everyone (fold `all`), whose people are in no fold, only if there are no others.
    """
    sessions: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for row in in_folds(scores, fold):
        value = tables.number(row["value"])
        if not np.isnan(value):
            group = sessions.setdefault((row["experiment"], row["region"], row["metric"]), {})
            group.setdefault(row["participant_id"], []).append(value)
    return {
        key: {who: float(np.mean(found)) for who, found in people.items()} for key, people in sessions.items()
    }


def in_folds(scores: Iterable[tables.Row], fold: str = "") -> list[tables.Row]:
    """The scores of a fold, or those of the cross-validation, as `by_participant` takes them."""
    rows = list(scores)
    folds = {row.get("fold") for row in rows} - {tables.MISSING}
    wanted = {fold} if fold else (folds - {ALL} or folds) | {tables.MISSING}
    return [row for row in rows if row.get("fold") in wanted]


def describe(values: Collection[float]) -> dict[str, float]:
    """`n`, `mean`, `sd` (n - 1) and `median` of the values of participants; NaN what they are too few for."""
    found = np.array(list(values))
    with np.errstate(invalid="ignore"):  # an infinite PSNR has no standard deviation
        return {
            "n": len(found),
            "mean": float(found.mean()) if len(found) else float("nan"),
            "sd": float(found.std(ddof=1)) if len(found) > 1 else float("nan"),
            "median": float(np.median(found)) if len(found) else float("nan"),
        }


def mean_and_sd(mean: float, sd: float, form: str) -> str:
    """Both in the same format, such as 0.712 ± 0.034; the mean alone where one participant has no spread."""
    return f"{mean:{form}}" if np.isnan(sd) else f"{mean:{form}} ± {sd:{form}}"
