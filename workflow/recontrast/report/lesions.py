"""What the first page says of lesions."""

from collections.abc import Sequence
from pathlib import Path

from .. import tables
from ..columns import LOAD_LEVELS, SCORES
from ..lesion_words import source
from ..measures import MEASURES
from ..participants import by_participant
from .overlays import MANUAL

KEYS = ("experiment", "region", "load")
SHOWN = ("dice", "sensitivity", "precision", "f1", "volume_bias", "surface_distance")


def lesion_section(scores: Path, summary: Path, folder: Path) -> dict[str, object]:
    """Agreement of lesion masks: a table of means, and the figure of volumes.

    Args:
        scores: the long table of comparisons.
        summary: their means over participants by lesion load.
        folder: where the figure goes.

    Returns:
        `metrics` (title by name), `rows` (with experiment, region, load, n and the cells by metric), `loads` (what
        they mean), and `figure`, relative to the page.
    """
    rows: dict[tuple[str, ...], dict] = {}
    for line in tables.read(summary, [*KEYS, "metric", "n", "mean", "sd"]):
        key = tuple(line[name] for name in KEYS)
        row = rows.setdefault(key, dict(zip(KEYS, key, strict=True)) | {"cells": {}})
        row["cells"][line["metric"]] = line
        row["n"] = max(int(line["n"]), row.get("n", 0))
    measured = {metric for row in rows.values() for metric in row["cells"]}
    pairs = _volumes(tables.read(scores, SCORES))
    if pairs:
        from . import figures  # matplotlib takes a while to load: not for the page of a session

        figures.agreement(folder / "figures/lesion-volumes.svg", pairs)
    return {
        "metrics": {
            name: MEASURES[name].title for name in (f"lesion_{n}" for n in SHOWN) if name in measured
        },
        "rows": [row for row in rows.values() if row["experiment"] != row["region"]],
        "several": any(row["n"] > 1 for row in rows.values()),
        "loads": ", ".join(f"{name} {text}" for name, text in LOAD_LEVELS.items()),
        "figure": "figures/lesion-volumes.svg" if pairs else "",
    }


def session_lesions(scores: Sequence[Path], sources: Sequence[str], described: Sequence[Path]) -> dict:
    """The lesions of one session in numbers.

    Args:
        scores: tables of comparisons of two masks.
        sources: where lesions were found, or drawn: `manual`.
        described: tables of lesions by region, of all sources but `manual`.

    Returns:
        `metrics` (title by name) and `rows` of comparisons (experiment, region, cells); `regions` and `places`
        (source, cells with number and volume).
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for file in scores:
        for line in tables.read(file, SCORES):
            rows.setdefault((line["experiment"], line["region"]), {})[line["metric"]] = line["value"]
    found = [source for source in sources if source != MANUAL]
    places = [
        {"source": source, "cells": tables.read(file, ["region", "number", "volume"])}
        for source, file in zip(found, described, strict=bool(described))
    ]
    return {
        "metrics": {name: MEASURES[name].title for name in (f"lesion_{n}" for n in SHOWN)},
        "rows": [
            {"experiment": one, "region": other} | {"cells": v}
            for (one, other), v in rows.items()
            if one != other
        ],
        "regions": [cell["region"] for cell in places[0]["cells"]] if places else [],
        "places": places,
    }


def _volumes(rows: list[tables.Row]) -> dict[str, list[tuple[float, float]]]:
    """Judged and true volume by every two sources, a pair for each participant, who counts once as in the tables."""
    values = by_participant(rows)
    return {
        f"{experiment} − {source(region)}": [
            (volume, values[experiment, region, "lesion_true_volume"][who]) for who, volume in people.items()
        ]
        for (experiment, region, metric), people in values.items()
        if metric == "lesion_volume" and experiment != region
    }
