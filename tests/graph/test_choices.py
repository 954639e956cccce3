"""Settings that are chosen by validation, as jobs."""

import json

import pytest
from world import World


@pytest.mark.full
def test_a_candidate_that_changes_is_trained_alone(world: World) -> None:
    experiment = {"method": "patch_to_voxel", "inputs": ["T1w", "T2w"], "target": "FLAIR", "recipe": "quick"}
    asked = experiment | {
        "overrides": {"epochs": 1},
        "choose": [{"learning_rate": 0.0}, {"learning_rate": 1e-3}],
    }
    world.study(experiments={"Patch": asked}, splits={"folds": 3, "validation": 1})
    ran, folds = world.run(), ("1", "2", "3", "all")
    models = {number: {f"train PatchCandidate{number}_fold-{fold}" for fold in folds} for number in (1, 2)}
    chosen = {f"choose Patch_fold-{fold}" for fold in folds}
    assert {job for job in ran if job.startswith(("train", "choose"))} == models[1] | models[2] | chosen
    for fold in folds:
        card = json.loads((world.out / f"models/Patch/fold-{fold}/model.json").read_text())
        errors = {one["number"]: one["validation_mse"] for one in card["chosen"]["candidates"]}
        assert card["chosen"]["number"] == min(errors, key=errors.get)
        assert (
            card["recipe"]["learning_rate"] == asked["choose"][card["chosen"]["number"] - 1]["learning_rate"]
        )
    assert world.run() == set()
    asked["choose"][1] = {"learning_rate": 2e-3}
    world.study(experiments={"Patch": asked})
    ran = world.run()
    assert {job for job in ran if job.startswith(("train", "choose"))} == models[2] | chosen
