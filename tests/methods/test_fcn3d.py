"""Wei's network: parameter counts, normalisation and its leak, slabs that change nothing, learning."""

from dataclasses import replace

import numpy as np
import pytest
import small_volumes
import torch
from recontrast.errors import RecontrastError
from recontrast.methods import fcn3d
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run
from recontrast.trainer import cubes, slabs
from recontrast.trainer.applied import Applied, by_slabs

CPU = Run(device="cpu")


@pytest.mark.parametrize(("filters", "parameters"), [(32, 60_577), (64, 231_745), (96, 513_505)])
def test_parameter_counts_of_table_1(filters, parameters):
    network = fcn3d.build(5, recipes.resolve("fcn3d", "paper", {"filters": filters}))
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


@pytest.mark.parametrize("layers", [2, 3, 4, 6])
def test_depth_counts_hidden_layers(layers):
    network = fcn3d.build(1, recipes.resolve("fcn3d", "paper", {"layers": layers}))
    assert sum(isinstance(module, torch.nn.Conv3d) for module in network) == layers + 1


def test_first_weights_are_those_of_keras():
    first = fcn3d.build(5, recipes.resolve("fcn3d"))[0]
    largest = (6 / (27 * (5 + 64))) ** 0.5
    assert not first.bias.any()
    assert 0.98 * largest < first.weight.abs().max() <= largest


def test_slabs_equal_the_whole_volume(monkeypatch):
    recipe = recipes.resolve("fcn3d", "quick")
    network = fcn3d.build(2, recipe)
    inputs = torch.randn(2, 30, 11, 9)
    with torch.no_grad():
        whole = network(inputs[None])[0, 0]
    monkeypatch.setattr(slabs, "MEMORY", 11 * 9 * 16 * 4 * 12)
    assert len(list(fcn3d.blocks((30, 11, 9), recipe))) > 3
    applied = Applied(inputs, by_slabs(network), fcn3d.blocks((30, 11, 9), recipe), scale=1)
    assert (applied.output() - whole).abs().max() < 1e-6


def test_what_training_leaves_out_is_what_counts_for_nothing(monkeypatch):
    cohort = Cohort([small_volumes.volumes(1), small_volumes.volumes(2)], [small_volumes.volumes(3)])
    recipe = recipes.resolve("fcn3d", "quick", {"epochs": 2, "crops_per_epoch": 8, "crop": 16, "layers": 2})
    lean = fcn3d.fit(cohort, recipe, CPU)
    with monkeypatch.context() as patched:
        patched.setattr(fcn3d.Convolutions, "train", torch.nn.Module.train)
        full = fcn3d.fit(cohort, recipe, CPU)
    for one, other in zip(lean.losses, full.losses, strict=True):
        assert one["training"] == pytest.approx(other["training"], rel=1e-4)
        assert one["validation"] == pytest.approx(other["validation"], rel=1e-4)
    network = fcn3d.build(2, recipe).train()
    assert network(torch.zeros(1, 2, 16, 16, 16)).shape[2:] == (10, 10, 10)
    assert network.eval()(torch.zeros(1, 2, 16, 16, 16)).shape[2:] == (16, 16, 16)
    # Three layers see as far as the rim of four is wide; four see beyond it.
    deeper = fcn3d.build(2, recipe | {"layers": 4}).train()
    assert deeper(torch.zeros(1, 2, 16, 16, 16)).shape[2:] == (16, 16, 16)


def test_leaks_decide_whose_voxels_normalise_and_who_stops_training():
    training, validation, test = ([small_volumes.volumes(seed)] for seed in (1, 2, 3))
    bright = [replace(test[0], inputs=test[0].inputs + 5000)]
    cohort = Cohort(training, validation, bright)
    recipe = recipes.resolve("fcn3d", "quick", {"epochs": 1, "crops_per_epoch": 4})
    honest = fcn3d.fit(cohort, recipe, CPU)
    leaky = fcn3d.fit(cohort, recipe | {"leaks": True}, CPU)
    mask = training[0].mask
    assert honest.constants["inputs"][0][0] == pytest.approx(training[0].inputs[0][mask].mean(), rel=1e-5)
    assert leaky.constants["inputs"][0][0] > honest.constants["inputs"][0][0] + 1000
    without = fcn3d.fit(Cohort(training, validation), recipe, CPU)
    assert without.losses == honest.losses
    # Of the paper's folds the test one stops training: who would validate trains. Without one, they validate.
    together = fcn3d.fit(Cohort(training + validation, test=test), recipe | {"leaks": True}, CPU)
    apart = fcn3d.fit(Cohort(training, validation, test), recipe | {"leaks": True}, CPU)
    assert together.losses == apart.losses
    alone = fcn3d.fit(Cohort(training, validation), recipe | {"leaks": True}, CPU)
    assert alone.losses[0]["validation"] is not None


def test_the_test_fold_of_a_leak_stops_but_chooses_no_epoch(monkeypatch):
    errors = [5.0, 1.0, 2.0, 3.0, 4.0]
    training, validation, test = ([small_volumes.volumes(seed, (12, 12, 12))] for seed in (1, 2, 3))
    changes = {"filters": 8, "epochs": 5, "stop_strip": 1, "stop_rises": 2}
    kept = {}
    for leaks in (False, True):
        left = iter(errors)
        monkeypatch.setattr(cubes._Cubes, "validate", lambda _, left=left: next(left))
        recipe = recipes.resolve("fcn3d", "paper", changes | {"leaks": leaks})
        model = fcn3d.fit(Cohort(training, validation, test), recipe, CPU)
        assert len(model.losses) == 4
        kept[leaks] = model.best_epoch
    assert kept == {False: 2, True: 4}


def test_cubes_that_are_all_rim_are_refused():
    recipe = recipes.resolve("fcn3d", "quick", {"epochs": 1, "crop": 8})
    with pytest.raises(RecontrastError, match="rim only"):
        fcn3d.fit(Cohort([small_volumes.volumes(1)]), recipe, CPU)


def test_paper_recipe_takes_whole_images_of_different_shapes():
    recipe = recipes.resolve("fcn3d", "paper", {"epochs": 3, "filters": 8, "learning_rate": 0.01})
    assert fcn3d.margin(recipe) is None
    cohort = Cohort([small_volumes.volumes(1), small_volumes.volumes(2, (18, 17, 16))])
    model = fcn3d.fit(cohort, recipe, CPU)
    assert [row["validation"] for row in model.losses] == [None, None, None]
    assert model.losses[2]["training"] < model.losses[0]["training"]
    assert model.best_epoch == 3


def test_whole_volumes_come_one_by_one():
    recipe = recipes.resolve("fcn3d", "paper", {"batch": 2})
    with pytest.raises(RecontrastError, match="batch is 2 with crop 0"):
        fcn3d.fit(Cohort([small_volumes.volumes(1), small_volumes.volumes(2)]), recipe, CPU)


def test_cubes_fit_volumes_smaller_than_themselves():
    recipe = recipes.resolve("fcn3d", "quick", {"epochs": 1, "crop": 32, "crops_per_epoch": 4})
    model = fcn3d.fit(Cohort([small_volumes.volumes(1)]), recipe, CPU)
    assert np.isfinite(model.losses[0]["training"])


def test_beats_linear_regression_out_of_fold():
    recipe = recipes.resolve("fcn3d", "quick", {"epochs": 6, "crop": 16, "layers": 2})
    cohort = Cohort([small_volumes.volumes(seed) for seed in (1, 2, 3)], [small_volumes.volumes(4)])
    test = small_volumes.volumes(5)
    model = fcn3d.fit(cohort, recipe, CPU)
    made = fcn3d.predict(model, replace(test, target=None), recipe, CPU)
    found = small_volumes.error(made[test.mask], test.target[test.mask])
    assert found < 0.7 * small_volumes.linear_error(cohort.training, test)
