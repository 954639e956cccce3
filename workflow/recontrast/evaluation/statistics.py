"""Paired comparisons over participants: tests, effect sizes, intervals, ranks. scipy and statsmodels do the arithmetic.

Nothing here assumes normal differences. Pairs that lack a finite value are left out, and n counts those that are left.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from scipy import stats

FEWEST = 6  # values for an interval: with fewer, the exact test beside it can find nothing at .05


def compare_pairs(
    one: np.ndarray, other: np.ndarray, *, confidence: float = 0.95, bootstrap: int = 10_000, seed: int = 1
) -> dict[str, float | str]:
    """Two sets of values of the same participants.

    Args:
        one: shape (participants,).
        other: of the same participants, in that order.
        confidence: of the interval.
        bootstrap: how many times participants are drawn with replacement.
        seed: of these draws.

    Returns:
        By name: `n`, `difference` (mean of one - other) with `low` and `high` (percentile bootstrap over
        participants), `shapiro_p` of the differences (n >= 3), `p` (exact two-sided Wilcoxon signed-rank
        test, differences of zero dropped), the `smallest_p` that this many differences can reach,
        `rank_biserial` and `cohens_dz`. What is not defined is NaN; equal sets have p 1.
    """
    both = np.isfinite(one) & np.isfinite(other)
    differences = np.asarray(one, float)[both] - np.asarray(other, float)[both]
    n = len(differences)
    p, smallest = signed_rank(differences)
    low, high = bootstrap_interval(differences, confidence, bootstrap, seed)
    spread = differences.std(ddof=1) if n > 1 else 0.0
    return {
        "n": n,
        "difference": float(differences.mean()) if n else float("nan"),
        "low": low,
        "high": high,
        "shapiro_p": shapiro(differences),
        "p": p,
        "smallest_p": smallest,
        "rank_biserial": rank_biserial(differences),
        "cohens_dz": float(differences.mean() / spread) if spread > 0 else float("nan"),
    }


def signed_rank(differences: np.ndarray) -> tuple[float, float]:
    """Exact two-sided Wilcoxon signed-rank test, differences of zero dropped (Wilcoxon 1945).

    Returns:
        p, and 2 / 2^n, the smallest p that n differences can reach.
    """
    differences = _tidied(differences)
    n = len(differences)
    if n == 0:
        return 1.0, 1.0
    tied = len(np.unique(np.abs(differences))) < n
    p = _tied_signed_rank(differences) if tied else stats.wilcoxon(differences, method="exact").pvalue
    return float(p), 2.0 ** (1 - n)


def _tidied(differences: np.ndarray) -> np.ndarray:
    """Differences over the largest, those of zero dropped, to nine digits: thirds and tenths are tied as on paper."""
    largest = np.abs(differences).max(initial=0)
    rounded = np.round(differences / largest, 9) if largest > 0 else differences
    return rounded[rounded != 0]


def _tied_signed_rank(differences: np.ndarray) -> float:
    """The test over all sign patterns of tied ranks, for which scipy has only slow or approximate ways."""
    doubled = (2 * stats.rankdata(np.abs(differences))).astype(int)  # mean ranks are halves at most
    share = np.zeros(doubled.sum() + 1)  # of the sign patterns, by their sum of positive ranks
    share[0] = 1
    for rank in doubled:
        share = (share + np.r_[np.zeros(rank), share[:-rank]]) / 2
    found = doubled[differences > 0].sum()
    return min(1.0, 2 * min(share[: found + 1].sum(), share[found:].sum()))


def rank_biserial(differences: np.ndarray) -> float:
    """Matched-pairs rank-biserial correlation: (W+ - W-) / (W+ + W-), from -1 to 1 (Kerby 2014); 0 without any."""
    differences = _tidied(differences)
    ranks = stats.rankdata(np.abs(differences))
    return float((ranks * np.sign(differences)).sum() / ranks.sum()) if len(ranks) else 0.0


def shapiro(differences: np.ndarray) -> float:
    """p of the Shapiro-Wilk test of normality; NaN for fewer than 3 values or equal ones."""
    if len(differences) < 3 or np.ptp(differences) == 0:
        return float("nan")
    return float(stats.shapiro(differences).pvalue)


def bootstrap_interval(
    values: np.ndarray, confidence: float = 0.95, resamples: int = 10_000, seed: int = 1
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron 1979); NaN for fewer than 6 values.

    It is narrow with few: one of 95 % misses the mean in 16 % of samples of six normal values.
    """
    if len(values) < FEWEST:
        return float("nan"), float("nan")
    found = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def holm(p: Sequence[float]) -> list[float]:
    """p values of one family, corrected (Holm 1979)."""
    if not len(p):
        return []
    from statsmodels.stats.multitest import multipletests  # takes a second to load

    return [float(value) for value in multipletests(p, method="holm")[1]]


def ranks(values: np.ndarray, higher_is_better: bool) -> tuple[np.ndarray, float, float]:
    """Mean ranks of several sets of values over participants, 1 the best, and Friedman's test.

    Args:
        values: shape (participants, sets); participants without a value in every set are left out.
        higher_is_better: else lower.

    Returns:
        Mean ranks, shape (sets,); Friedman's chi-squared and p, NaN for fewer than three sets, fewer than two
        participants or values that are all equal.
    """
    complete = values[~np.isnan(values).any(axis=1)]
    if not len(complete):
        return np.full(values.shape[1], np.nan), float("nan"), float("nan")
    places = stats.rankdata(-complete if higher_is_better else complete, axis=1)
    if values.shape[1] < 3 or len(complete) < 2:
        return places.mean(axis=0), float("nan"), float("nan")
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.friedmanchisquare(*places.T)
    return places.mean(axis=0), float(found.statistic), float(found.pvalue)
