"""The scores of a cohort in one table."""

from pathlib import Path

from .. import tables
from ..columns import SCORES
from . import summarize

DICTIONARY = SCORES | {name: summarize.DICTIONARY[name] for name in ("region", "metric")}


def collect(*, scores: Path, output: Path) -> None:
    """Join the score tables of all sessions and experiments.

    Args:
        scores: table with a column `file`: the score tables, relative to the working folder.
        output: the long table to write: participant, session, experiment, fold, region, metric, value; its data
            dictionary is written beside it as JSON.
    """
    files = sorted(row["file"] for row in tables.read(scores, ["file"]))
    rows = [row for file in files for row in tables.read(file, SCORES)]
    # The sort is stable: the metrics of one image keep the order in which they were asked for.
    order = ("experiment", "region", "participant_id", "session_id")
    tables.write_described(output, DICTIONARY, sorted(rows, key=lambda row: [row[name] for name in order]))
    print(f"{len(rows)} scores of {len(files)} synthetic images")
