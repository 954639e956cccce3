"""Replica: its pyramid, its features, what the combination of resolutions does, and that it learns."""

from dataclasses import replace

import numpy as np
import pytest
import small_volumes
from recontrast.methods import replica
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Model, Run
from recontrast.trainer.forests import Forest

CPU = Run(device="cpu")
SMALL = {"trees": 10, "samples": 4000}


@pytest.fixture(scope="module")
def sessions():
    return [small_volumes.volumes(seed, (30, 28, 26)) for seed in range(1, 6)]


def test_one_forest_per_resolution_as_the_public_code_has_them(sessions, capsys):
    recipe = recipes.resolve("replica", "paper", {"samples": 300})
    model = replica.fit(Cohort(sessions[:2]), recipe, CPU)
    assert [len(model.weights[f"level{level}/roots"]) for level in range(3)] == [60, 60, 60]
    assert [line[:7] for line in capsys.readouterr().out.splitlines()] == ["level 2", "level 1", "level 0"]
    # Two patches, eight means at four radii, the coarser estimate: all but the coarsest level have that.
    one, voxel = sessions[0], np.array([[15, 14, 13]])
    assert replica._View(one, 2, None, recipe)(voxel).shape == (1, 54 + 32)
    features = replica._View(one, 1, np.full((15, 14, 13), 7.0), recipe)(voxel)
    assert features.shape == (1, 54 + 32 + 1)
    assert features[0, 86] == 7


def test_coarse_masks_hold_all_that_finer_voxels_are_interpolated_from():
    session = small_volumes.volumes(1)
    session.mask[:] = np.random.default_rng(0).random(session.mask.shape) < 0.02
    levels = replica.pyramid(session, recipes.resolve("replica"))
    assert [one.mask.shape for one in levels] == [(22, 24, 20), (11, 12, 10), (6, 6, 5)]
    for level in (1, 2):
        held = levels[level].mask.astype(float)
        assert replica._at(held, np.argwhere(session.mask) / 2**level).min() > 1 - 1e-9
    assert levels[2].mask.mean() < 1


def test_pyramid_keeps_places_and_means():
    session = small_volumes.volumes(1)
    ramp = np.indices(session.mask.shape)[0].astype(np.float32)
    levels = replica.pyramid(replace(session, inputs=ramp[None]), recipes.resolve("replica"))
    np.testing.assert_allclose(levels[2].inputs[0, 2, 2, 2], 8, atol=1e-5)
    np.testing.assert_allclose(replica._at(levels[1].inputs[0], np.array([[3.5, 4, 4]])), 7, atol=1e-5)


def test_average_is_the_mean_of_independent_forests(sessions):
    recipe = recipes.resolve("replica", "quick", SMALL | {"scales": "average"})
    model = replica.fit(Cohort(sessions[:2]), recipe, CPU)
    made = replica.predict(model, sessions[2], recipe, CPU)
    levels = replica.pyramid(sessions[2], recipe)
    voxels = np.argwhere(sessions[2].mask)
    alone = []
    for level, one in enumerate(levels):
        forest = Forest.read(model.weights, f"level{level}/")
        image = replica._View(one, level, None, recipe).predict(forest, CPU)
        alone.append(replica._at(image, voxels / 2**level))
    np.testing.assert_allclose(made[sessions[2].mask], np.mean(alone, axis=0), rtol=1e-5)


def test_voxels_that_the_coarser_forest_grew_on_are_estimated_out_of_bag():
    """Where nothing can be learned, a finer forest that was shown the coarser target trusts in it, and errs."""
    draw = np.random.default_rng(0)

    def noise(seed):
        one = small_volumes.volumes(seed, (30, 28, 26))
        return replace(one, target=draw.normal(size=one.mask.shape).astype(np.float32))

    cohort, test = Cohort([noise(1), noise(2)]), noise(3)
    spread = {}
    for coarser in ("out_of_bag", "acquired"):
        recipe = recipes.resolve("replica", "quick", SMALL | {"coarser": coarser, "leaf": 20})
        weights = replica.fit(cohort, recipe, CPU).weights
        used = np.concatenate([weights[f"level{level}/feature"] for level in (0, 1)])
        spread[coarser] = (used == 86).sum() / (used >= 0).sum()
    assert replica.predict(Model(weights, {}), test, recipe, CPU).shape == test.mask.shape
    assert spread["acquired"] > 1.5 * spread["out_of_bag"]


def test_beats_linear_regression_out_of_fold(sessions):
    recipe = recipes.resolve("replica", "quick", SMALL)
    *training, test = sessions
    model = replica.fit(Cohort(training), recipe, CPU)
    made = replica.predict(model, replace(test, target=None), recipe, CPU)
    found = small_volumes.error(made[test.mask], test.target[test.mask])
    assert found < 0.75 * small_volumes.linear_error(training, test)
    assert not made[~test.mask].any()
