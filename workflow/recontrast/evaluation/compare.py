"""Statistics of a cohort: experiments with one target against each other, and regions within an experiment."""

from itertools import combinations
from pathlib import Path

import numpy as np

from .. import columns, tables
from ..measures import MEASURES
from ..participants import Values, by_participant
from .ranking import comparable, rank

MOST, FEW = "most", "few"  # participants: families of pairs

STATISTICS = {
    "target": {"Description": "Target contrast of the experiments"},
    "metric": {"Description": "Metric, as in metrics.tsv"},
    "between": {
        "Description": "What is compared",
        "Levels": {
            "experiments": "Two experiments in one region",
            "regions": "Two regions of one experiment, other than the study's region, which contains them",
        },
    },
    "within": {"Description": "The region, or the experiment, in which they are compared"},
    "a": {"Description": "First experiment or region"},
    "b": {"Description": "Second experiment or region"},
    "n": {
        "Description": "Number of participants with finite values of both; the sessions of one participant are "
        "averaged first"
    },
    "mean_a": {"Description": "Mean of a over these participants"},
    "mean_b": {"Description": "Mean of b over these participants"},
    "difference": {"Description": "Mean over participants of a - b"},
    "low": {"Description": "Lower end of the percentile bootstrap interval of the difference; n/a for n < 6"},
    "high": {"Description": "Upper end"},
    "shapiro_p": {"Description": "Shapiro-Wilk test of the differences; n/a for n < 3"},
    "p": {"Description": "Exact Wilcoxon signed-rank test, two-sided, not corrected"},
    "smallest_p": {"Description": "Smallest p attainable with this number of non-zero differences"},
    "family": {
        "Description": "Group of pairs, within one target, metric and `within`, that are corrected together",
        "Levels": {
            MOST: "Both have values for more than half as many participants as the one with the most",
            FEW: "At least one does not, for example an experiment that ran on some folds only",
        },
    },
    "p_holm": {
        "Description": "p after Holm's correction over the pairs of one target, metric, `within` and family. Marks "
        "in a study's tables are corrected over the comparisons in that table instead, each family by itself"
    },
    "rank_biserial": {"Description": "Matched-pairs rank-biserial correlation; above 0 where a is larger"},
    "cohens_dz": {"Description": "Mean of the differences over their SD; n/a if that is 0"},
}
RANKS = {
    "target": STATISTICS["target"],
    "metric": STATISTICS["metric"],
    "region": {"Description": "Part of the image"},
    "experiment": columns.EXPERIMENT,
    "n": {"Description": "Number of participants with values for all ranked experiments of this target"},
    "mean_rank": {
        "Description": "Mean over participants of the rank among these experiments; 1 is best. Experiments with "
        "values for at most half as many participants as another, such as those run on some folds only, are not ranked"
    },
    "friedman_chi2": {"Description": "Friedman's test of equal ranks; n/a for fewer than 3 experiments"},
    "friedman_p": {"Description": "Its p value"},
}


def compare(
    *,
    metrics: Path,
    table: Path,
    ranks: Path,
    experiments: list[str] = [],  # noqa: B006 - read, never changed
    targets: list[str] = [],  # noqa: B006
    whole: str | None = None,
    confidence: float = 0.95,
    bootstrap: int = 10_000,
    seed: int = 1,
) -> None:
    """Compare experiments with the same target, and regions, over participants.

    Args:
        metrics: a long table of scores, of images or of lesions.
        table: one row per pair, to write; its data dictionary is written beside it as JSON.
        ranks: one row per experiment, to write, likewise.
        experiments: the experiments to compare.
        targets: the target of each.
        whole: region that contains the others, and is not compared with them.
        confidence: confidence level of the bootstrap intervals.
        bootstrap: number of bootstrap samples of the participants.
        seed: random seed of the bootstrap.
    """
    values = by_participant(tables.read(metrics, columns.SCORES))
    groups = {
        target: [e for e, t in zip(experiments, targets, strict=True) if t == target] for target in targets
    }
    drawing = {"confidence": confidence, "bootstrap": bootstrap, "seed": seed}
    pairs = [row for target, names in groups.items() for row in _pairs(values, target, names, whole, drawing)]
    placed = [row for target, names in groups.items() for row in _ranks(values, target, names)]
    for path, rows, dictionary in ((table, pairs, STATISTICS), (ranks, placed, RANKS)):
        tables.write_described(path, dictionary, rows)
    notable = sum(row["p_holm"] < 0.05 for row in pairs)
    print(f"{len(pairs)} comparisons, {notable} with p < .05 after Holm's correction")


def _pairs(
    values: Values, target: str, experiments: list[str], whole: str | None, drawing: dict
) -> list[dict]:
    """All comparisons of one target."""
    regions: dict[str, list[str]] = {}  # metric -> regions, in the order met
    for name, region, metric in values:
        if name in experiments and region not in regions.setdefault(metric, []):
            regions[metric].append(region)
    rows = []
    for metric, places in regions.items():
        for place in places:
            sets = {name: values.get((name, place, metric), {}) for name in experiments}
            full = comparable(values, experiments, place, metric)
            rows += _pairs_of(sets, drawing, target, metric, "experiments", place, full)
        # Pairs of masks and thresholded structures are no regions that one would set against each other.
        if MEASURES[metric].scope == "mask":
            for name in experiments:
                sets = {place: values.get((name, place, metric), {}) for place in places if place != whole}
                rows += _pairs_of(sets, drawing, target, metric, "regions", name, [*sets])
    return rows


def _pairs_of(
    sets: dict[str, dict[str, float]],
    drawing: dict,
    target: str,
    metric: str,
    between: str,
    within: str,
    full: list[str],
) -> list[dict]:
    """One row per pair of sets; pairs of `full` ones are corrected together, and so are the others."""
    from . import statistics  # scipy takes a while to load: not for --help

    rows = []
    for a, b in combinations(sets, 2):
        people = sorted(
            who for who in sets[a].keys() & sets[b].keys() if np.isfinite([sets[a][who], sets[b][who]]).all()
        )
        if not people:
            continue
        one, other = (np.array([sets[name][who] for who in people]) for name in (a, b))
        row = {"target": target, "metric": metric, "between": between, "within": within, "a": a, "b": b}
        row |= {"mean_a": float(one.mean()), "mean_b": float(other.mean())}
        row["family"] = MOST if {a, b} <= {*full} else FEW
        rows.append(row | statistics.compare_pairs(one, other, **drawing))
    for family in (MOST, FEW):
        own = [row for row in rows if row["family"] == family]
        for row, corrected in zip(own, statistics.holm([row["p"] for row in own]), strict=True):
            row["p_holm"] = corrected
    return rows


def _ranks(values: Values, target: str, experiments: list[str]) -> list[dict]:
    """Mean ranks of the experiments of one target, by region and metric that has a better side."""
    rows = []
    for metric, region in dict.fromkeys((m, place) for name, place, m in values if name in experiments):
        found = rank(values, comparable(values, experiments, region, metric), region, metric)
        about = {"target": target, "metric": metric, "region": region}
        rows += [
            about
            | {"experiment": name, "n": found.n, "mean_rank": mean}
            | {"friedman_chi2": found.chi2, "friedman_p": found.p}
            for name, mean in (found.means.items() if found else ())
        ]
    return rows
