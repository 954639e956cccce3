"""The agreement of lesion masks over a cohort."""

from pathlib import Path

from .. import columns, tables
from ..measures import MEASURES
from ..participants import by_participant, describe, in_folds, mean_and_sd

DICTIONARY = {
    "experiment": {
        "Description": "Image on which the lesions were found: acquired, or the experiment that made the FLAIR"
    },
    "region": {
        "Description": "What they are compared with: manual, the given mask (lesions.manual in the study), manual or "
        "from any tool; or acquired, the mask found on the acquired FLAIR"
    },
    "load": {
        "Description": "Volume of the true lesions",
        "Levels": {"all": "any"} | columns.LOAD_LEVELS,
    },
    "metric": {
        "Description": "Lesion metric",
        "Levels": {n: m.definition for n, m in MEASURES.items() if m.scope == "lesions"},
    },
    "n": columns.N,
    "mean": columns.MEAN,
    "sd": columns.SD,
    "median": columns.MEDIAN,
}
LOAD = "lesion_load"  # a metric whose values are words
SCORES = columns.SCORES | {
    "experiment": DICTIONARY["experiment"],
    "region": DICTIONARY["region"],
    "metric": DICTIONARY["metric"]
    | {"Levels": DICTIONARY["metric"]["Levels"] | {LOAD: "category of the true lesion volume"}},
    "value": columns.VALUE | {"Levels": columns.LOAD_LEVELS},
}


def summarize_lesions(*, listed: Path, scores: Path, summary: Path) -> None:
    """Join the comparisons of all sessions, and average them over participants by lesion load.

    Args:
        listed: table with a column `file`: the tables of single comparisons, relative to the working folder.
        scores: long table to write.
        summary: table to write; the data dictionaries of both are written beside them as JSON.
    """
    rows = [
        row for entry in tables.read(listed, ["file"]) for row in tables.read(entry["file"], columns.SCORES)
    ]
    tables.write_described(scores, SCORES, rows)
    loads = {_pair(row): row["value"] for row in rows if row["metric"] == LOAD}
    counted = in_folds(rows)  # those of all loads together, so that loads and total are over the same people
    table = [
        {"experiment": found, "region": truth, "load": load, "metric": metric} | describe(people.values())
        for load in ("all", *columns.LOADS)
        for (found, truth, metric), people in by_participant(
            row for row in counted if load in ("all", loads[_pair(row)])
        ).items()
    ]
    table.sort(key=lambda row: (row["experiment"], row["region"]))
    tables.write_described(summary, DICTIONARY, table)
    for row in table:
        if row["metric"] == "lesion_dice" and row["load"] == "all":
            dice = mean_and_sd(row["mean"], row["sd"], ".3f")
            print("{experiment} against {region}: Dice {dice}, n = {n}".format(dice=dice, **row))


def _pair(row: tables.Row) -> tuple[str, ...]:
    return tuple(row[name] for name in ("participant_id", "session_id", "experiment", "region"))
