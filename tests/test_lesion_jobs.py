"""Which lesion jobs a study asks for: sources, truths, and who is learned from for whom."""

from types import SimpleNamespace

import pytest
from recontrast.config import load
from recontrast.errors import RecontrastError
from recontrast.graph import Graph
from recontrast.plan import Plan
from test_plan import cohort, study

LESIONS = {
    "masks": {"drawn": {"of": "FLAIR", "label": "lesion"}},
    "lesions": {"method": "lpa", "manual": "drawn", "coefficients": "manual"},
}
PEOPLE = {f"s0{number}": "T1w T2w FLAIR drawn" for number in range(1, 4)} | {"s04": "T1w T2w"}


def names(paths: list[str]) -> set[str]:
    return {path.rpartition("/")[2] for path in paths}


def test_every_source_against_every_truth() -> None:
    graph = Graph(Plan(study(**LESIONS), cohort(**PEOPLE)))
    own = {name for name in names(graph.lesion_scores()) if name.startswith("sub-01_")}
    assert own == {
        "sub-01_space-T1w_found-acquired_truth-manual_lesions.tsv",
        "sub-01_space-T1w_found-Fcn_truth-manual_lesions.tsv",
        "sub-01_space-T1w_found-Fcn_truth-acquired_lesions.tsv",
    }
    assert {name for name in names(graph.lesion_masks()) if name.startswith("sub-04_")} == {
        "sub-04_space-T1w_label-lesion_desc-Fcn_mask.nii.gz"
    }


@pytest.mark.parametrize("splits", [{"folds": 3}, {"scheme": "holdout", "holdout": 0.4}])
def test_nobody_is_segmented_by_what_was_learned_from_them(splits: dict) -> None:
    plan = Plan(study(**LESIONS, splits=splits), cohort(**PEOPLE))
    graph = Graph(plan)
    for label, planned in plan.sessions.items():
        (file, _) = graph.lesion_model(SimpleNamespace(session=label, source="acquired"))
        group = file.split("/")[2].removeprefix("without-")
        learned = {row["participant_id"] for row in graph.lesion_rows(group)}
        assert learned
        assert planned.participant not in learned


def test_without_manual_masks_the_coefficients_that_ship_are_used() -> None:
    people = {label: "T1w T2w FLAIR" for label in ("s01", "s02", "s03")}
    assert Graph(Plan(study(**LESIONS), cohort(**people))).lesion_groups() == []


def test_only_tables_about_lesions_wait_for_lesions() -> None:
    tables = {
        "Images": {"rows": ["Fcn"], "columns": ["psnr"]},
        "Lesions": {"rows": ["Fcn", "acquired"], "columns": ["lesion_ratio1"]},
        "Times": {"rows": ["Fcn"], "columns": [{"value": "seconds"}]},
    }
    graph = Graph(Plan(study(**LESIONS, tables=tables), cohort(**PEOPLE)))
    needs = {
        name: [*graph.table_metrics(w), *graph.table_statistics(w), *graph.table_times(w)]
        for name in tables
        for w in [SimpleNamespace(table=name)]
    }
    own = ["evaluation/metrics.tsv", "evaluation/statistics.tsv"]
    assert needs == {
        "Images": own,
        "Lesions": [own[0], "evaluation/lesions.tsv", own[1], "evaluation/lesion_statistics.tsv"],
        "Times": [*own, "evaluation/times/sub-01_desc-Fcn_time.json"],
    }


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"lesions": {"method": "lpa", "manual": "nobody"}}, "no mask 'nobody'"),
        ({"lesions": {"method": "lpa", "coefficients": "manual"}}, "needs lesions.manual"),
        ({"lesions": {"method": "external"}}, "lesions.command"),
        ({"lesions": {"method": "lga"}, "anatomy": {"tissues": False}}, "needs tissue maps"),
        ({"lesions": {"method": "lpa", "flair": "DIR"}}, "no contrast 'DIR'"),
    ],
)
def test_contradictions_are_named(changes: dict, problem: str) -> None:
    with pytest.raises(RecontrastError, match=problem):
        load(study().model_dump(mode="json") | changes)
