"""Jobs of the network for lesions, and of trainings that look harder at a mask."""

from types import SimpleNamespace

import pytest
from recontrast.cohort.quarantine import Failure
from recontrast.config import load
from recontrast.errors import RecontrastError
from recontrast.graph import Graph
from recontrast.plan import Plan
from test_lesion_jobs import LESIONS, PEOPLE, names
from test_plan import cohort, study

NETWORK = LESIONS | {"lesions": {"method": "network", "manual": "drawn", "network": {"t1w": True}}}


def test_a_network_needs_its_images_and_people_with_masks() -> None:
    graph = Graph(Plan(study(**NETWORK, splits={"folds": 3}), cohort(**PEOPLE)))
    for label, planned in graph.plan.sessions.items():
        w = SimpleNamespace(session=label, source="acquired")
        model, card = graph.lesion_model(w)
        assert model.rpartition("/")[2] == "network.safetensors"
        assert card.rpartition("/")[2] == "network.json"
        rows = graph.lesion_rows(model.split("/")[2].removeprefix("without-"))
        assert rows
        assert planned.participant not in {row["participant_id"] for row in rows}
        # Nothing that it does not see: neither tissue maps nor the transform to the template.
        assert set(rows[0]) == {"participant_id", "session_id", "flair", "t1w", "mask", "manual"}
        assert names(graph.lesion_other_images(w)) == {f"{label}_space-T1w_desc-preproc_T1w.nii.gz"}
    two = {"s01": "T1w T2w FLAIR drawn", "s02": "T1w T2w FLAIR"}
    alone = Graph(Plan(study(**NETWORK, splits={"folds": 2}), cohort(**two)))
    assert {name[:6] for name in names(alone.lesion_masks())} == {"sub-02"}


def test_a_network_that_cannot_be_trained_costs_only_its_fold() -> None:
    plan = Plan(study(**NETWORK, splits={"folds": 3}), cohort(**PEOPLE))
    (group,) = {f"fold{plan.sessions['sub-01'].fold}"}
    failure = Failure("", f"lesions_without-{group}", "lesions train_network", "no lesion", "state")
    again = Graph(Plan(study(**NETWORK, splits={"folds": 3}), cohort(**PEOPLE), plan.splits, [failure]))
    assert not any(name.startswith("sub-01_") for name in names(again.lesion_masks()))
    assert any(name.startswith("sub-02_") for name in names(again.lesion_masks()))


def weighted(**weight: object) -> dict:
    experiments = study().model_dump(mode="json")["experiments"]
    return {
        "masks": LESIONS["masks"],
        "experiments": {name: one | {"weight": weight} for name, one in experiments.items()},
    }


def test_the_mask_that_counts_more_is_an_input_of_training() -> None:
    people = PEOPLE | {"s03": "T1w T2w FLAIR"}
    graph = Graph(Plan(study(**weighted(mask="drawn", factor=7)), cohort(**people)))
    w = SimpleNamespace(experiment="Fcn", fold="all")
    rows = {row["participant_id"]: row["emphasised"] for row in graph.training_rows(graph.model(w))}
    mask = "sub-01/anat/sub-01_space-T1w_desc-drawn_mask.nii.gz"
    assert rows["sub-01"] == mask
    assert rows["sub-03"] == "n/a"
    assert mask in graph.training_images(w)
    assert graph.emphasis(w) == "--emphasis 7.0"
    plain = Graph(Plan(study(masks=LESIONS["masks"]), cohort(**people)))
    assert plain.emphasis(w) == ""
    assert "emphasised" not in plain.training_rows(plain.model(w))[0]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (weighted(mask="nobody"), "no mask 'nobody'"),
        (weighted(mask="drawn", factor=0), "weight.factor"),
        (NETWORK | {"lesions": {"method": "network"}}, "method network needs a lesion mask"),
        (NETWORK | {"lesions": NETWORK["lesions"] | {"network": {"edge": 40}}}, "network.edge"),
    ],
)
def test_contradictions_are_named(changes: dict, problem: str) -> None:
    with pytest.raises(RecontrastError, match=problem):
        load(study().model_dump(mode="json") | changes)


def test_a_method_that_weights_no_voxels_says_who_can() -> None:
    given = study().model_dump(mode="json") | weighted(mask="drawn")
    given["experiments"]["Fcn"] |= {"method": "random_forest", "overrides": {}}
    with pytest.raises(
        RecontrastError, match=r"Fcn.weight: random_forest cannot weight voxels; .*patch_to_voxel"
    ):
        load(given)
