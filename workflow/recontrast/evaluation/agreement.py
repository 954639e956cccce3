"""Agreement of readers: the intraclass correlation of single ratings by randomly chosen readers."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..errors import RecontrastError

BANDS = ((0.75, "excellent"), (0.60, "good"), (0.40, "fair"))  # from there on; Cicchetti 1994, table 1


@dataclass(frozen=True)
class Agreement:
    """ICC(2,1), its confidence interval and its band; NaN and `n/a` where ratings do not vary at all."""

    icc: float
    low: float
    high: float
    band: str


def icc(ratings: np.ndarray, confidence: float = 0.95) -> Agreement:
    """ICC(2,1): two-way random effects, absolute agreement, single reader (Shrout and Fleiss 1979).

    Args:
        ratings: shape (things rated, readers), complete.
        confidence: of the interval.

    Raises:
        RecontrastError: fewer than two things or readers, or a rating missing.
    """
    n, k = ratings.shape
    if min(n, k) < 2 or not np.isfinite(ratings).all():
        raise RecontrastError(
            f"agreement needs complete ratings of at least two items by at least two readers, not {n} by {k}",
            remedy="leave out what was not rated by everyone",
        )
    grand = ratings.mean()
    rows = k * ((ratings.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((ratings.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    rest = ((ratings - grand) ** 2).sum() - rows * (n - 1) - columns * (k - 1)
    error = max(rest, 0) / ((n - 1) * (k - 1))
    total = rows + (k - 1) * error + k * (columns - error) / n
    if total == 0:
        return Agreement(float("nan"), float("nan"), float("nan"), "n/a")
    value = float((rows - error) / total)
    low, high = _interval(value, rows, columns, error, n, k, confidence) if error else (value, value)
    return Agreement(value, low, high, band(value))


def band(value: float) -> str:
    """Poor below .40, fair from there, good from .60, excellent from .75 (Cicchetti 1994)."""
    return next((name for bound, name in BANDS if value >= bound), "poor")


def _interval(
    value: float, rows: float, columns: float, error: float, n: int, k: int, confidence: float
) -> tuple[float, float]:
    """The approximate interval of Shrout and Fleiss 1979, page 424."""
    ratio = columns / error
    a, b = k * value, n * (1 + (k - 1) * value) - k * value
    freedom = (k - 1) * (n - 1) * (a * ratio + b) ** 2 / ((n - 1) * (a * ratio) ** 2 + b**2)
    quantile = 1 - (1 - confidence) / 2
    upper, lower = stats.f.ppf(quantile, n - 1, freedom), stats.f.ppf(quantile, freedom, n - 1)
    shared = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * shared + n * rows)
    high = n * (lower * rows - error) / (shared + n * lower * rows)
    return float(low), float(high)
