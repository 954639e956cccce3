"""The ranks of experiments, as the first page shows them."""

from collections.abc import Iterable
from pathlib import Path

from .. import tables

COLUMNS = ("target", "metric", "region", "experiment", "n", "mean_rank", "friedman_p")


def rank_tables(file: Path, region: str, targets: dict[str, str]) -> list[dict]:
    """Mean ranks as one table per target: a row per experiment, a column per metric.

    Args:
        file: table as `evaluation compare` writes it.
        region: the region that is shown.
        targets: experiment -> its target, of all that have scores.

    Returns:
        Tables with `target`, `metrics`, `n` (the number of people, in words), `unranked` (experiments over too
        few people to be ranked with the others), `rows` (with `experiment`, `ranks`
        by metric and `best`, the metrics in which others have a worse mean rank and none a better one), in the
        order of the first metric, `bold`: whether any is the best, `tests`: Friedman's p by metric, and `tested`:
        whether there is any.
    """
    found: dict[str, list[tables.Row]] = {}
    for row in tables.read(file, COLUMNS):
        # Nobody may have a value of every experiment.
        if row["region"] == region and int(row["n"]):
            found.setdefault(row["target"], []).append(row)
    return [_table(target, rows, targets) for target, rows in found.items()]


def span(counts: Iterable[int]) -> str:
    """The lowest and the highest of some numbers of participants, as tables say it: `5 to 8`, or `8`."""
    found = sorted(counts)
    return " to ".join(str(count) for count in dict.fromkeys((found[0], found[-1])))


def _table(target: str, rows: list[tables.Row], targets: dict[str, str]) -> dict:
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    ranks: dict[str, dict[str, float]] = {}
    for row in rows:
        ranks.setdefault(row["experiment"], {})[row["metric"]] = tables.number(row["mean_rank"])
    found = {metric: {own[metric] for own in ranks.values() if metric in own} for metric in metrics}
    best = {metric: min(several) for metric, several in found.items() if len(several) > 1}
    last = float(len(ranks) + 1)
    return {
        "target": target,
        "metrics": metrics,
        "n": span(int(row["n"]) for row in rows),
        "unranked": [name for name, made in targets.items() if made == target and name not in ranks],
        "rows": [
            {
                "experiment": name,
                "ranks": own,
                "best": [metric for metric in own if own[metric] == best.get(metric)],
            }
            for name, own in sorted(ranks.items(), key=lambda each: each[1].get(metrics[0], last))
        ],
        "bold": bool(best),
        "tested": any(row["friedman_p"] != tables.MISSING for row in rows),
        "tests": {row["metric"]: row["friedman_p"] for row in rows},
    }
