"""What the first page says of lesions."""

from pathlib import Path

from .. import tables
from . import figures

SHOWN = ("dice", "sensitivity", "precision", "f1", "volume_bias", "surface_distance")


def lesion_section(scores: Path, summary: Path, folder: Path) -> dict[str, object]:
    """Agreement of lesion masks: a table of means, and the figure of volumes.

    Args:
        scores: the long table of comparisons.
        summary: their means over participants by lesion load.
        folder: where the figure goes.

    Returns:
        `metrics`, `rows` (with found, truth, load, n and the cells by metric), and `figure`, relative to the
        page.
    """
    rows: dict[tuple[str, str, str], dict] = {}
    for line in tables.read(summary, ["found", "truth", "load", "metric", "n", "mean", "sd"]):
        key = (line["found"], line["truth"], line["load"])
        row = rows.setdefault(key, dict(zip(("found", "truth", "load"), key, strict=True)) | {"cells": {}})
        row["cells"][line["metric"]] = line
        row["n"] = max(int(line["n"]), row.get("n", 0))
    metrics = [name for name in SHOWN if any(name in row["cells"] for row in rows.values())]
    pairs = _volumes(tables.read(scores, ["found", "truth", "metric", "value"]))
    if pairs:
        figures.agreement(folder / "figures/lesion-volumes.svg", pairs)
    return {
        "metrics": metrics,
        "rows": list(rows.values()),
        "figure": "figures/lesion-volumes.svg" if pairs else "",
    }


def _volumes(rows: list[tables.Row]) -> dict[str, list[tuple[float, float]]]:
    """Judged and true volume of every comparison."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    found = [tables.number(row["value"]) for row in rows if row["metric"] == "volume"]
    true = [tables.number(row["value"]) for row in rows if row["metric"] == "true_volume"]
    who = [f"{row['found']} − {row['truth']}" for row in rows if row["metric"] == "volume"]
    for title, one, other in zip(who, found, true, strict=True):
        pairs.setdefault(title, []).append((one, other))
    return pairs
