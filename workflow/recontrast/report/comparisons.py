"""Experiments against each other in pairs, as the first page shows them."""

from pathlib import Path

from .. import tables
from .ranks import span

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
    "family",
    "p_holm",
)
FAMILIES = {"most": "", "few": "; one experiment of each pair has few participants"}


def comparison_tables(file: Path, region: str) -> list[dict]:
    """Differences of experiments as one table per target and family: a row per pair, a column per metric.

    Args:
        file: table as `evaluation compare` writes it.
        region: the region that is shown.

    Returns:
        Tables with a pair of two participants or more: `target`, `which` (pairs, in words), `metrics`, `intervals`
        (whether there is any) and `rows`: `a`, `b`, `n` participants (in words, as metrics may have different ones),
        and `cells` by metric with `difference`, `low`, `high` and `p`, corrected.
    """
    found: dict[tuple[str, str], list[tables.Row]] = {}
    for row in tables.read(file, COLUMNS):
        if row["between"] == "experiments" and row["within"] == region:
            found.setdefault((row["target"], row["family"]), []).append(row)
    # Pairs of one participant stay beside others, with which they are corrected.
    told = [key for key, rows in found.items() if any(int(row["n"]) > 1 for row in rows)]
    # Those over most participants first.
    order = list(FAMILIES)
    return [_table(*key, found[key]) for key in sorted(told, key=lambda key: order.index(key[1]))]


def _table(target: str, family: str, rows: list[tables.Row]) -> dict:
    pairs: dict[tuple[str, str], dict] = {}
    for row in rows:
        pair = pairs.setdefault(
            (row["a"], row["b"]), {"a": row["a"], "b": row["b"], "counts": [], "cells": {}}
        )
        pair["counts"].append(int(row["n"]))
        pair["cells"][row["metric"]] = {
            "difference": row["difference"],
            "low": row["low"],
            "high": row["high"],
            "p": tables.number(row["p_holm"]),
        }
    for pair in pairs.values():
        pair["n"] = span(pair.pop("counts"))
    return {
        "target": target,
        "which": FAMILIES[family],
        "intervals": any(
            cell["low"] != tables.MISSING for pair in pairs.values() for cell in pair["cells"].values()
        ),
        "metrics": list(dict.fromkeys(row["metric"] for row in rows)),
        "rows": list(pairs.values()),
    }
