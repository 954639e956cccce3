"""The scores of a cohort in one table."""

from pathlib import Path

import pandas as pd

from .. import tables
from .score import COLUMNS


def collect(*, scores: Path, output: Path) -> None:
    """Join the score tables of all sessions and experiments.

    Args:
        scores: table with a column `file`: the score tables, relative to the working folder.
        output: the long table: participant, session, experiment, fold, region, metric, value.
    """
    files = sorted(tables.read(scores, ["file"])["file"])
    parts = [tables.read(file, COLUMNS)[list(COLUMNS)] for file in files]
    joined = pd.concat([pd.DataFrame(columns=list(COLUMNS)), *parts])
    # Stable, so that the metrics of one image keep the order in which they were asked for.
    joined = joined.sort_values(["experiment", "region", "participant_id", "session_id"], kind="stable")
    tables.write(output, joined)
    print(f"{len(joined)} scores of {len(files)} synthetic images")
