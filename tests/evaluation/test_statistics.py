"""Statistics beside published examples and values worked out by hand."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from recontrast.columns import SCORES
from recontrast.errors import RecontrastError
from recontrast.evaluation import statistics
from recontrast.evaluation.agreement import band, icc
from recontrast.evaluation.compare import compare
from recontrast.report.comparisons import comparison_tables
from scipy import stats

# Darwin's maize, heights of 15 pairs crossed - self-fertilised (Fisher 1935, The Design of Experiments).
MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)
# Six things rated by four judges (Shrout and Fleiss 1979, table 2).
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
# Seconds beyond five in which 22 players rounded first base in three ways (Hollander and Wolfe 1973, page 140).
BASES = np.array([
    [40, 50, 55], [85, 70, 75], [20, 60, 50], [55, 50, 40], [90, 85, 70], [45, 55, 60], [40, 40, 35], [45, 50, 35],
    [25, 15, 0], [85, 80, 70], [25, 20, 10], [65, 55, 45], [60, 35, 45], [5, 0, -5], [50, 50, 40], [45, 55, 50],
    [55, 55, 35], [45, 50, 55], [50, 45, 25], [65, 60, 40], [70, 65, 55], [130, 130, 125],
]) / 100  # fmt: skip


def test_thirds_are_tied_as_on_paper():
    """Means of three readers: 13/3 - 4 and 4 - 11/3 differ in the last bit alone."""
    assert statistics.rank_biserial(np.array([13 / 3 - 4, 11 / 3 - 4])) == 0
    exact = np.array([1, -1, 2, 2, -1, 1, 3])
    assert statistics.signed_rank(exact / 3 + 4 - 4) == statistics.signed_rank(exact)


def test_signed_rank_has_the_published_value():
    p, smallest = statistics.signed_rank(MAIZE)
    assert round(p, 5) == 0.04126
    assert smallest == 2 / 2**15
    # W+ is 96 and W- 24.
    assert statistics.rank_biserial(MAIZE) == pytest.approx((96 - 24) / 120)


@pytest.mark.parametrize("n", [1, 5, 10])
def test_the_smallest_p_is_reached_when_all_agree(n):
    p, smallest = statistics.signed_rank(np.arange(1.0, n + 1))
    assert p == smallest == 2 / 2**n


def test_tied_differences_are_tested_over_all_sign_patterns():
    tied = np.array([1, 1, -1, 2, 2, 3, 3, -3, 0, 0], float)
    ranks = stats.rankdata(np.abs(tied[:8]))
    sums = np.array([ranks @ np.array(signs) for signs in product((0, 1), repeat=8)])
    observed = ranks[tied[:8] > 0].sum()
    centre = ranks.sum() / 2
    expected = (np.abs(sums - centre) >= abs(observed - centre) - 1e-9).mean()
    assert statistics.signed_rank(tied) == (pytest.approx(expected), 2 / 2**8)
    # Many participants, as in a reader study: near the normal approximation.
    many = np.tile(tied, 40)
    approximate = stats.wilcoxon(many, method="approx", correction=True).pvalue
    assert statistics.signed_rank(many)[0] == pytest.approx(approximate, rel=0.02)


def test_pairs_by_hand():
    one, other = np.array([3, 5, 4, np.inf, 9]), np.array([1, 2, 3, 4, np.nan])
    found = statistics.compare_pairs(one, other, bootstrap=500)
    assert (found["n"], found["difference"], found["smallest_p"]) == (3, 2, 0.25)
    assert found["cohens_dz"] == pytest.approx(2)
    assert found["rank_biserial"] == 1
    assert np.isnan([found["low"], found["high"]]).all()  # of three people there is none
    equal = statistics.compare_pairs(other[:4], other[:4])
    assert (equal["p"], equal["rank_biserial"], equal["difference"]) == (1, 0, 0)
    assert np.isnan([equal["shapiro_p"], equal["cohens_dz"]]).all()
    alone = statistics.compare_pairs(one[:1], other[:1])
    assert (alone["n"], alone["p"]) == (1, 1)
    assert np.isnan([alone["low"], alone["cohens_dz"]]).all()


def test_an_interval_is_the_same_each_time_and_needs_six():
    values = np.array([1.0, 2, 3, 5, 8, 13])
    low, high = statistics.bootstrap_interval(values, resamples=500)
    assert values.min() <= low < values.mean() < high <= values.max()
    assert statistics.bootstrap_interval(values, resamples=500) == (low, high)
    assert np.isnan(statistics.bootstrap_interval(values[:5])).all()


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says():
    random = np.random.default_rng(0)
    intervals = [statistics.bootstrap_interval(random.normal(size=40), 0.9, 300) for _ in range(200)]
    assert 0.83 < np.mean([low < 0 < high for low, high in intervals]) < 0.95


def test_holm_by_hand():
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert statistics.holm([]) == []


def test_friedman_has_the_published_value():
    mean, chi2, p = statistics.ranks(BASES, higher_is_better=False)
    assert (round(chi2, 3), round(p, 6)) == (11.143, 0.003805)
    assert mean == pytest.approx(stats.rankdata(BASES, axis=1).mean(axis=0))
    better, _, _ = statistics.ranks(BASES, higher_is_better=True)
    assert better == pytest.approx(4 - mean)
    assert np.isnan(statistics.ranks(BASES[:, :2], False)[1])


def test_icc_has_the_published_value():
    found = icc(JUDGES)
    assert round(found.icc, 2) == 0.29
    # The interval as the R package psych prints it for these data.
    assert (round(found.low, 2), round(found.high, 2)) == (0.02, 0.76)
    assert found.band == "poor"
    assert [band(value) for value in (0.39, 0.43, 0.63, 0.75)] == ["poor", "fair", "good", "excellent"]


def test_icc_of_readers_who_agree_or_do_not_vary():
    assert icc(np.array([[1, 1], [3, 3], [5, 5.0]])).icc == 1
    assert icc(np.full((4, 3), 3.0)).band == "n/a"
    # A reader who is two points higher is in less than absolute agreement.
    assert icc(np.array([[1, 3], [2, 4], [3, 5.0]])).icc == pytest.approx(1 / 3)
    with pytest.raises(RecontrastError, match="complete ratings"):
        icc(np.array([[1, np.nan], [2, 2]]))


def scores(values):
    """Long rows from experiment -> region -> metric -> values by participant."""
    return pd.DataFrame(
        [
            (f"sub-{i:02d}", "n/a", experiment, "1", region, metric, value)
            for experiment, regions in values.items()
            for region, metrics in regions.items()
            for metric, found in metrics.items()
            for i, value in enumerate(found)
        ],
        columns=list(SCORES),
    )


def test_compare_writes_every_pair_with_its_family(tmp_path):
    base = np.linspace(20, 29, 10)
    made = {
        name: {
            "brain": {"psnr": base + gain, "kim_cnr": base},
            "GM": {"psnr": base + gain - np.linspace(1, 2, 10), "mse": 1 / (base + gain)},
        }
        for name, gain in (("A", 0), ("B", np.linspace(1, 1.5, 10)), ("C", np.linspace(-1, 2, 10) ** 2))
    }
    made["Other"] = {"brain": {"psnr": base}}
    rows = scores(made)
    rows.to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    table, ranks = tmp_path / "statistics.tsv", tmp_path / "ranks.tsv"
    compare(
        metrics=tmp_path / "m.tsv",
        table=table,
        ranks=ranks,
        experiments=["A", "B", "C", "Other"],
        targets=["FLAIR", "FLAIR", "FLAIR", "T2w"],
        bootstrap=200,
    )
    found = pd.read_csv(table, sep="\t")
    assert list(json.loads(table.with_suffix(".json").read_text())) == list(found)
    assert "Other" not in set(found["a"]) | set(found["b"])
    brain = found.query("metric == 'psnr' and within == 'brain'")
    assert [*zip(brain["a"], brain["b"], strict=True)] == [("A", "B"), ("A", "C"), ("B", "C")]
    first = brain.iloc[0]
    assert (first["n"], first["p"], first["smallest_p"]) == (10, 0.001953125, 0.001953125)
    assert first["difference"] == pytest.approx(-1.25)
    assert brain["p_holm"].to_list() == pytest.approx(statistics.holm(brain["p"]))
    within = found.query("between == 'regions'")
    assert set(within["within"]) == {"A", "B", "C"}
    assert set(within["metric"]) == {"psnr"}
    placed = pd.read_csv(ranks, sep="\t")
    by_name = placed.query("metric == 'psnr' and region == 'brain'").set_index("experiment")["mean_rank"]
    assert by_name["B"] < by_name["A"]
    lower = placed.query("metric == 'mse'").set_index("experiment")["mean_rank"]
    assert lower["B"] < lower["A"]
    assert "kim_cnr" not in set(placed["metric"])


def test_the_region_of_the_study_is_not_compared_with_its_own_parts(tmp_path):
    made = {"A": {place: {"psnr": np.arange(6.0) + k} for k, place in enumerate(("brain", "GM", "WM"))}}
    scores(made).to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    files = {name: tmp_path / f"{name}.tsv" for name in ("table", "ranks")}
    compare(metrics=tmp_path / "m.tsv", **files, experiments=["A"], targets=["FLAIR"], whole="brain")
    (row,) = pd.read_csv(files["table"], sep="\t").to_dict("records")
    assert (row["between"], row["within"], row["a"], row["b"]) == ("regions", "A", "GM", "WM")
    assert row["p_holm"] == row["p"]


def test_an_experiment_of_some_folds_only_costs_the_others_no_power(tmp_path):
    made = {name: {"brain": {"psnr": np.arange(10) * gain}} for name, gain in (("A", 1), ("B", 2), ("C", 3))}
    made |= {name: {"brain": {"psnr": np.arange(3) * 5}} for name in ("Part1", "Part2")}
    scores(made).to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    files = {name: tmp_path / f"{name}.tsv" for name in ("table", "ranks")}
    targets = ["FLAIR"] * len(made)
    compare(metrics=tmp_path / "m.tsv", **files, experiments=list(made), targets=targets, bootstrap=100)
    found = pd.read_csv(files["table"], sep="\t")
    full = found.query("family == 'most'")
    assert [*zip(full["a"], full["b"], strict=True)] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert full["p_holm"].to_list() == pytest.approx([3 * p for p in full["p"]])
    assert len(found) - len(full) == 7
    shown = comparison_tables(files["table"], "brain")
    assert [len(table["rows"]) for table in shown] == [3, 7]
    assert "few participants" in shown[1]["which"]


def test_a_table_of_comparisons_has_as_many_pairs_as_were_corrected_together(tmp_path):
    made = {name: {"brain": {"psnr": np.arange(10) * gain}} for name, gain in (("A", 1), ("B", 2))}
    made |= {"Two": {"brain": {"psnr": np.arange(2) * 5}}, "One": {"brain": {"psnr": np.arange(1) * 5}}}
    scores(made).to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    files = {name: tmp_path / f"{name}.tsv" for name in ("table", "ranks")}
    compare(metrics=tmp_path / "m.tsv", **files, experiments=list(made), targets=["FLAIR"] * 4, bootstrap=100)
    family = pd.read_csv(files["table"], sep="\t").query("family == 'few'")
    assert set(family["n"]) == {1, 2}
    assert len(comparison_tables(files["table"], "brain")[1]["rows"]) == len(family)


def test_no_scores_make_empty_tables(tmp_path):
    scores({}).to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    compare(metrics=tmp_path / "m.tsv", table=tmp_path / "s.tsv", ranks=tmp_path / "r.tsv")
    assert (tmp_path / "s.tsv").read_text().startswith("target\tmetric\tbetween\twithin\ta\tb\tn\t")
    assert len((tmp_path / "r.tsv").read_text().splitlines()) == 1
