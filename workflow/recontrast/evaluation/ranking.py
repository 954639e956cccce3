"""Mean ranks of experiments, over the participants whom all of them have a value of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..measures import MEASURES
from ..participants import Values


@dataclass(frozen=True)
class Ranking:
    """Ranks of experiments in one region by one metric.

    Attributes:
        means: mean rank of each, 1 the best; NaN where no participant has a value of all.
        n: participants.
        chi2, p: Friedman's test, NaN for fewer than three experiments.
    """

    means: dict[str, float]
    n: int
    chi2: float
    p: float


def rank(values: Values, experiments: Sequence[str], region: str, metric: str) -> Ranking | None:
    """Rank those of the experiments that have values; None for fewer than two, or a metric without a better side."""
    from . import statistics  # scipy takes a while to load: not for --help

    found = {name: values[name, region, metric] for name in experiments if (name, region, metric) in values}
    if MEASURES[metric].better == "neither" or len(found) < 2:
        return None
    people = sorted(set.intersection(*(set(one) for one in found.values())))
    table = np.array([[one[who] for one in found.values()] for who in people]).reshape(
        len(people), len(found)
    )
    means, chi2, p = statistics.ranks(table, MEASURES[metric].better == "higher")
    return Ranking(dict(zip(found, map(float, means), strict=True)), len(people), chi2, p)


def comparable(values: Values, experiments: Sequence[str], region: str, metric: str) -> list[str]:
    """The experiments with values of more than half as many participants as that which has most.

    Others, trained in some folds only, would leave hardly anybody to rank the rest over.
    """
    counts = {name: len(values.get((name, region, metric), ())) for name in experiments}
    return [name for name, count in counts.items() if 2 * count > max(counts.values())]
