"""What the first page says of lesions."""

from pathlib import Path

from .. import tables
from ..measures import MEASURES
from . import figures

KEYS = ("experiment", "region", "load")
SHOWN = ("dice", "sensitivity", "precision", "f1", "volume_bias", "surface_distance")


def lesion_section(scores: Path, summary: Path, folder: Path) -> dict[str, object]:
    """Agreement of lesion masks: a table of means, and the figure of volumes.

    Args:
        scores: the long table of comparisons.
        summary: their means over participants by lesion load.
        folder: where the figure goes.

    Returns:
        `metrics` (title by name), `rows` (with experiment, region, load, n and the cells by metric), and
        `figure`, relative to the page.
    """
    rows: dict[tuple[str, ...], dict] = {}
    for line in tables.read(summary, [*KEYS, "metric", "n", "mean", "sd"]):
        key = tuple(line[name] for name in KEYS)
        row = rows.setdefault(key, dict(zip(KEYS, key, strict=True)) | {"cells": {}})
        row["cells"][line["metric"]] = line
        row["n"] = max(int(line["n"]), row.get("n", 0))
    measured = {metric for row in rows.values() for metric in row["cells"]}
    pairs = _volumes(tables.read(scores, ["experiment", "region", "metric", "value"]))
    if pairs:
        figures.agreement(folder / "figures/lesion-volumes.svg", pairs)
    return {
        "metrics": {
            name: MEASURES[name].title for name in (f"lesion_{n}" for n in SHOWN) if name in measured
        },
        "rows": list(rows.values()),
        "figure": "figures/lesion-volumes.svg" if pairs else "",
    }


def _volumes(rows: list[tables.Row]) -> dict[str, list[tuple[float, float]]]:
    """Judged and true volume of every comparison."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    found = [row for row in rows if row["metric"] == "lesion_volume"]
    true = [row for row in rows if row["metric"] == "lesion_true_volume"]
    for one, other in zip(found, true, strict=True):
        volumes = tables.number(one["value"]), tables.number(other["value"])
        pairs.setdefault(f"{one['experiment']} − {one['region']}", []).append(volumes)
    return pairs
