"""One line per experiment, region and metric."""

from pathlib import Path

import pandas as pd

from .. import images, tables
from .score import COLUMNS

DICTIONARY = {
    "experiment": {"Description": "Experiment of the study: a method, its inputs and its target"},
    "region": {"Description": "Part of the image in which acquired and synthetic image were compared"},
    "metric": {
        "Description": "Measure of similarity, on the scale on which the acquired image spans 0 (0.5th "
        "percentile) to 1 (99.5th percentile) inside the region",
        "Levels": {
            "mse": "Mean squared error; 0 is best",
            "mae": "Mean absolute error; 0 is best",
            "psnr": "Peak signal-to-noise ratio in dB, peak 1; higher is better",
            "nrmse": "Root mean squared error divided by the mean of the acquired image; 0 is best",
            "ssim": "Structural similarity, Gaussian window of 1.5 voxels, map averaged over the region; "
            "1 is best",
        },
    },
    "n": {"Description": "Number of participants; the sessions of one participant are averaged first"},
    "mean": {"Description": "Mean over participants"},
    "sd": {"Description": "Standard deviation over participants (n - 1); n/a for one participant"},
    "median": {"Description": "Median over participants"},
    "min": {"Description": "Smallest value of a participant"},
    "max": {"Description": "Largest value of a participant"},
}


def summarize(*, metrics: Path, table: Path) -> None:
    """Summarise the scores over participants: number, mean, SD, median and range.

    Args:
        metrics: the long table of all scores.
        table: summary table to write; its data dictionary is written beside it as JSON.
    """
    scores = tables.read(metrics, COLUMNS)
    images.write_json(table.with_suffix(".json"), DICTIONARY)
    summary = over_participants(scores)
    tables.write(table, summary)
    print(summary.to_string(index=False))


def over_participants(scores: pd.DataFrame) -> pd.DataFrame:
    """The columns of `DICTIONARY` from a long table of scores.

    Rows keep the order in which experiment, region and metric first occur. A participant counts once,
    however many sessions there are.
    """
    scores = scores.assign(value=pd.to_numeric(scores["value"], errors="coerce"))
    groups = ["experiment", "region", "metric"]
    participants = scores.groupby([*groups, "participant_id"], sort=False)["value"].mean().dropna()
    summary = participants.groupby(level=groups, sort=False).agg(
        n="count", mean="mean", sd="std", median="median", min="min", max="max"
    )
    return summary.reset_index()[list(DICTIONARY)]
