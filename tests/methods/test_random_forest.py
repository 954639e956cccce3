"""Wei's forest of patches: what scikit-learn makes of literal patches, and that it learns."""

from dataclasses import replace

import numpy as np
import small_volumes
from recontrast.methods import random_forest
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run

CPU = Run(device="cpu")


def test_grows_the_trees_of_the_paper_on_as_many_voxels_as_asked(capsys):
    recipe = recipes.resolve("random_forest", "paper", {"samples": 2000})
    cohort = Cohort([small_volumes.volumes(1), small_volumes.volumes(2, (18, 17, 16))])
    model = random_forest.fit(cohort, recipe, CPU)
    assert len(model.weights["roots"]) == 60
    assert "60 trees on 2000 voxels of 54 features" in capsys.readouterr().out
    assert model.losses == []


def test_reproduces_what_it_has_learned_by_heart():
    recipe = recipes.resolve("random_forest", "quick", {"leaf": 1, "samples": 10**6})
    one = small_volumes.volumes(1, (14, 13, 12))
    made = random_forest.predict(random_forest.fit(Cohort([one]), recipe, CPU), one, recipe, CPU)
    assert np.corrcoef(made[one.mask], one.target[one.mask])[0, 1] > 0.99
    assert not made[~one.mask].any()


def test_units_shared_by_all_images_of_a_contrast_change_nothing():
    recipe = recipes.resolve("random_forest", "quick", {"trees": 5, "samples": 2000})

    def other_units(one):
        return replace(one, inputs=one.inputs * 4 - 512)

    training, test = [small_volumes.volumes(seed) for seed in (1, 2)], small_volumes.volumes(3)
    first = random_forest.fit(Cohort(training), recipe, CPU)
    second = random_forest.fit(Cohort([other_units(one) for one in training]), recipe, CPU)
    made = random_forest.predict(first, test, recipe, CPU)
    again = random_forest.predict(second, other_units(test), recipe, CPU)
    assert np.abs(made - again)[test.mask].max() < 1e-3 * made.max()


def test_beats_linear_regression_out_of_fold():
    recipe = recipes.resolve("random_forest", "quick", {"trees": 10, "samples": 8000})
    cohort = Cohort([small_volumes.volumes(seed) for seed in (1, 2, 3)])
    test = small_volumes.volumes(5)
    model = random_forest.fit(cohort, recipe, CPU)
    made = random_forest.predict(model, replace(test, target=None), recipe, CPU)
    found = small_volumes.error(made[test.mask], test.target[test.mask])
    assert found < 0.75 * small_volumes.linear_error(cohort.training, test)
