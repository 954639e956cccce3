"""The influence of inputs over a cohort."""

from pathlib import Path

import numpy as np

from .. import columns, tables
from ..participants import mean_and_sd
from .explain import COLUMNS

DICTIONARY = {
    "experiment": columns.EXPERIMENT,
    "kind": {
        "Description": "How influence is measured",
        "Levels": {
            "p3s": "Absolute derivative of the squared error with respect to the input (Wei 2019), in normalised units",
            "gradient": "Absolute derivative of the prediction with respect to the input, in normalised units",
            "without": "Absolute change of the prediction when the input is left out, or replaced by its mean",
        },
    },
    "input": {"Description": "Input contrast or map"},
    "n": columns.N,
    "share_mean": {
        "Description": "Mean over participants of the input's share of the influence of all inputs"
    },
    "share_sd": {"Description": "Its standard deviation (n - 1); n/a for one participant"},
    "mean": {"Description": "Mean over participants of the influence averaged over the mask"},
}


def summarize_influence(*, listed: Path, table: Path) -> None:
    """Summarise over participants how strongly synthetic images depend on each input.

    Args:
        listed: table with a column `file`: the tables of single sessions, relative to the working folder.
        table: summary to write; its data dictionary is written beside it as JSON.
    """
    groups: dict[tuple[str, str, str], dict[str, list[tuple[float, float]]]] = {}
    for entry in tables.read(listed, ["file"]):
        for row in tables.read(entry["file"], COLUMNS):
            people = groups.setdefault((row["experiment"], row["kind"], row["input"]), {})
            values = tables.number(row["share"]), tables.number(row["mean"])
            people.setdefault(row["participant_id"], []).append(values)
    rows = []
    for (experiment, kind, name), people in groups.items():
        shares, means = np.array([np.mean(visits, axis=0) for visits in people.values()]).T
        rows.append(
            {"experiment": experiment, "kind": kind, "input": name, "n": len(people)}
            | {"share_mean": float(np.nanmean(shares)), "mean": float(means.mean())}
            | {"share_sd": float(np.std(shares, ddof=1)) if len(people) > 1 else float("nan")}
        )
    tables.write_described(table, DICTIONARY, rows)
    for row in rows:
        spread = mean_and_sd(row["share_mean"], row["share_sd"], ".1%")
        print("{experiment} {kind} {input}: {spread}, n = {n}".format(spread=spread, **row))
