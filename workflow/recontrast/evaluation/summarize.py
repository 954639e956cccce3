"""One line per experiment, region and metric."""

from pathlib import Path

from .. import columns, tables
from ..measures import MEASURES, OF_IMAGES
from ..participants import by_participant, describe, mean_and_sd

DICTIONARY = {
    "experiment": columns.EXPERIMENT,
    "region": {
        "Description": "Part of the image in which the acquired and the synthetic image were compared"
    },
    "metric": {
        "Description": "Measure of similarity. Those without a prefix are computed on a scale that maps the 0.5th and "
        "99.5th percentile of the acquired image inside the region of the study to 0 and 1",
        "Levels": {name: MEASURES[name].definition for name in OF_IMAGES},
    },
    "n": columns.N,
    "mean": columns.MEAN,
    "sd": columns.SD,
    "median": columns.MEDIAN,
    "min": {"Description": "Smallest value among participants"},
    "max": {"Description": "Largest value among participants"},
}


def summarize(*, metrics: Path, table: Path) -> None:
    """Summarise the scores over participants: number, mean, SD, median and range.

    Args:
        metrics: the long table of all scores.
        table: summary table to write; its data dictionary is written beside it as JSON.
    """
    summary = over_participants(tables.read(metrics, columns.SCORES))
    tables.write_described(table, DICTIONARY, summary)
    for row in summary:
        spread = mean_and_sd(row["mean"], row["sd"], ".4g")
        print("{experiment} {region} {metric}: {spread}, n = {n}".format(spread=spread, **row))


def over_participants(scores: list[tables.Row]) -> list[dict[str, object]]:
    """Rows with the columns of `DICTIONARY` from the rows of a long table of scores.

    They come in the order in which experiment, region and metric first occur. A participant counts once,
    however many sessions there are; values that are no numbers do not count.
    """
    return [
        dict(zip(("experiment", "region", "metric"), key, strict=True))
        | describe(people.values())
        | {"min": min(people.values()), "max": max(people.values())}
        for key, people in by_participant(scores).items()
    ]
