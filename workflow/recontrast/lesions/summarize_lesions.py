"""The agreement of lesion masks over a cohort."""

from pathlib import Path

import numpy as np

from .. import images, tables
from .compare_lesions import COLUMNS

LOADS = ("all", "none", "small", "medium", "large")
DICTIONARY = {
    "found": {
        "Description": "Where the judged mask is from: acquired, or the experiment that made the FLAIR"
    },
    "truth": {"Description": "What it is judged by: manual, or the mask found on the acquired FLAIR"},
    "load": {
        "Description": "Volume of the true lesions",
        "Levels": {"small": "under 5 ml", "medium": "5 to 15 ml", "large": "15 ml or more"},
    },
    "metric": {"Description": "See docs/lesions.md"},
    "n": {"Description": "Number of participants; the sessions of one participant are averaged first"},
    "mean": {"Description": "Mean over participants"},
    "sd": {"Description": "Standard deviation over participants (n - 1); n/a for one"},
    "median": {"Description": "Median over participants"},
}


def summarize_lesions(*, listed: Path, scores: Path, summary: Path) -> None:
    """Join the comparisons of all sessions, and average them over participants by lesion load.

    Args:
        listed: table with a column `file`: the tables of single comparisons, relative to the working folder.
        scores: long table to write.
        summary: table to write; its data dictionary is written beside it as JSON.
    """
    rows = [row for entry in tables.read(listed, ["file"]) for row in tables.read(entry["file"], COLUMNS)]
    tables.write(scores, COLUMNS, rows)
    loads = {_pair(row): row["value"] for row in rows if row["metric"] == "load"}
    groups: dict[tuple[str, str, str, str], dict[str, list[float]]] = {}
    for row in rows:
        if np.isnan(value := tables.number(row["value"])):
            continue
        for load in ("all", loads[_pair(row)]):
            people = groups.setdefault((row["found"], row["truth"], load, row["metric"]), {})
            people.setdefault(row["participant_id"], []).append(value)
    order = sorted(groups, key=lambda group: (group[:2], LOADS.index(group[2])))
    table = []
    for found, truth, load, metric in order:
        values = np.array([np.mean(visits) for visits in groups[found, truth, load, metric].values()])
        spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        about = {"found": found, "truth": truth, "load": load, "metric": metric, "n": len(values)}
        table.append(about | {"mean": float(values.mean()), "sd": spread, "median": float(np.median(values))})
    images.write_json(summary.with_suffix(".json"), DICTIONARY)
    tables.write(summary, list(DICTIONARY), table)
    for row in table:
        if row["metric"] == "dice" and row["load"] == "all":
            print("{found} against {truth}: Dice {mean:.3f} ± {sd:.3f}, n = {n}".format_map(row))


def _pair(row: tables.Row) -> tuple[str, ...]:
    return tuple(row[name] for name in ("participant_id", "session_id", "found", "truth"))
