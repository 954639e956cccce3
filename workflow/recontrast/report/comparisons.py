"""Experiments against each other in pairs, as the first page shows them."""

from pathlib import Path

from .. import tables

COLUMNS = (
    "target",
    "metric",
    "between",
    "within",
    "a",
    "b",
    "n",
    "difference",
    "low",
    "high",
    "p_holm",
)


def comparison_tables(file: Path, region: str) -> list[dict]:
    """Differences of experiments as one table per target: a row per pair, a column per metric.

    Args:
        file: table as `evaluation compare` writes it.
        region: the region that is shown.

    Returns:
        Tables with `target`, `metrics` and `rows`: `a`, `b`, `n` participants, and `cells` by metric with
        `difference`, `low`, `high` and `p`, corrected.
    """
    found: dict[str, list[tables.Row]] = {}
    for row in tables.read(file, COLUMNS):
        if row["between"] == "experiments" and row["within"] == region and int(row["n"]):
            found.setdefault(row["target"], []).append(row)
    return [_table(target, rows) for target, rows in found.items()]


def _table(target: str, rows: list[tables.Row]) -> dict:
    pairs: dict[tuple[str, str], dict] = {}
    for row in rows:
        pair = pairs.setdefault((row["a"], row["b"]), {"a": row["a"], "b": row["b"], "n": 0, "cells": {}})
        pair["n"] = max(pair["n"], int(row["n"]))
        pair["cells"][row["metric"]] = {
            "difference": row["difference"],
            "low": row["low"],
            "high": row["high"],
            "p": tables.number(row["p_holm"]),
        }
    return {
        "target": target,
        "metrics": list(dict.fromkeys(row["metric"] for row in rows)),
        "rows": list(pairs.values()),
    }
