"""One line per experiment, region and metric."""

from pathlib import Path

import numpy as np

from .. import images, tables
from ..measures import MEASURES
from .columns import COLUMNS
from .participants import by_participant

DICTIONARY = {
    "experiment": {"Description": "Experiment of the study: a method, its inputs and its target"},
    "region": {"Description": "Part of the image in which acquired and synthetic image were compared"},
    "metric": {
        "Description": "Measure of similarity. Names without a prefix: on the scale on which the acquired image "
        "spans 0 (0.5th percentile) to 1 (99.5th percentile) inside the region of the study",
        "Levels": {name: measure.definition for name, measure in MEASURES.items()},
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
    summary = over_participants(tables.read(metrics, COLUMNS))
    images.write_json(table.with_suffix(".json"), DICTIONARY)
    tables.write(table, list(DICTIONARY), summary)
    for row in summary:
        print("{experiment} {region} {metric}: {mean:.4g} ± {sd:.4g}, n = {n}".format_map(row))


def over_participants(scores: list[tables.Row]) -> list[dict[str, object]]:
    """Rows with the columns of `DICTIONARY` from the rows of a long table of scores.

    They come in the order in which experiment, region and metric first occur. A participant counts once,
    however many sessions there are; values that are no numbers do not count.
    """
    return [
        dict(zip(("experiment", "region", "metric"), key, strict=True)) | _statistics(list(people.values()))
        for key, people in by_participant(scores).items()
    ]


def _statistics(values: list[float]) -> dict[str, float]:
    with np.errstate(invalid="ignore"):  # an infinite PSNR has no standard deviation
        return {
            "n": len(values),
            "mean": float(np.mean(values)),
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else float("nan"),
            "median": float(np.median(values)),
            "min": min(values),
            "max": max(values),
        }
