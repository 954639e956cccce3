"""Build-A-FLAIR: its shape, that convolution equals patches, that it learns."""

from dataclasses import replace

import numpy as np
import pytest
import small_volumes
import torch
from recontrast.methods import patch_to_voxel
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Model, Run
from recontrast.trainer.patches import PatchPool


def test_widths_and_dropout_of_the_paper():
    network = patch_to_voxel.build(250, recipes.resolve("patch_to_voxel"))
    dense = [module for module in network if isinstance(module, torch.nn.Linear)]
    assert [layer.out_features for layer in dense] == [250, 222, 195, 167, 139, 112, 84, 56, 29, 1]
    kinds = "".join({"Linear": "L", "ReLU": "", "Dropout": "D"}[type(module).__name__] for module in network)
    assert kinds == "LLDLLDLLDLLDLL"


@pytest.mark.parametrize("threads", [1, 2])
def test_volume_prediction_equals_literal_patches(threads):
    recipe = recipes.resolve("patch_to_voxel", "quick")
    session = small_volumes.volumes(1)
    session.mask[0, :, :] = session.mask[:, :, -1] = True  # patches that leave the image
    torch.manual_seed(0)
    network = patch_to_voxel.build(250, recipe).eval()
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    last_bias = [name for name in weights if name.endswith("bias")][-1]
    weights[last_bias] += 1  # far from the last ReLU's zero
    constants = {"inputs": [1400.0, 1500.0], "target": 1.0}
    model, run = Model(weights, constants), Run(device="cpu", threads=threads)
    made = patch_to_voxel.predict(model, session, recipe, run)

    normalised = patch_to_voxel.normalise_inputs(session, constants, recipe)
    padded = np.pad(normalised, [(0, 0), (2, 2), (2, 2), (2, 2)])
    patches = [
        np.moveaxis(padded[:, x : x + 5, y : y + 5, z : z + 5], 0, -1).ravel()
        for x, y, z in np.argwhere(session.mask)
    ]
    with torch.no_grad():
        literal = network(torch.from_numpy(np.stack(patches)))[:, 0].numpy()
    assert literal.std() > 0.01
    assert np.abs(made[session.mask] - literal).max() < 1e-5
    assert not made[~session.mask].any()
    convolved = patch_to_voxel.applied(model, session, recipe, Run(device="cpu")).predict()
    assert np.abs(convolved[session.mask] - literal).max() < 1e-5


def test_pool_gathers_what_slicing_gives():
    sessions = [small_volumes.volumes(1), small_volumes.volumes(2, (17, 15, 19))]
    pool = PatchPool(sessions, 5, torch.device("cpu"))
    second = pool.bounds[1] + 100
    x, y, z = np.argwhere(sessions[1].mask)[100]
    expected = np.pad(sessions[1].inputs, [(0, 0), (2, 2), (2, 2), (2, 2)])[
        :, x : x + 5, y : y + 5, z : z + 5
    ]
    np.testing.assert_array_equal(pool.gather(np.array([3, second]))[1], np.moveaxis(expected, 0, -1).ravel())
    assert pool.targets(np.array([second]))[0] == sessions[1].target[x, y, z]


def test_draws_without_repetition_from_the_asked_number_of_sessions():
    pool = PatchPool([small_volumes.volumes(seed) for seed in (1, 2, 3)], 1, torch.device("cpu"))
    one = pool.draw(np.random.default_rng(0), sessions=1, patches=2000)
    assert len(set(one)) == 2000
    assert len(set(np.searchsorted(pool.bounds, one, side="right"))) == 1
    every = pool.draw(np.random.default_rng(0), sessions=0, patches=2000)
    counts = np.bincount(np.searchsorted(pool.bounds, every, side="right"))[1:]
    assert sorted(counts) == [666, 667, 667]


def test_beats_linear_regression_out_of_fold():
    recipe = recipes.resolve("patch_to_voxel", "quick", {"epochs": 8})
    cohort = Cohort([small_volumes.volumes(seed) for seed in (1, 2, 3)], [small_volumes.volumes(4)])
    test = small_volumes.volumes(5)
    model = patch_to_voxel.fit(cohort, recipe, Run(device="cpu"))
    made = patch_to_voxel.predict(model, replace(test, target=None), recipe, Run(device="cpu"))
    found = small_volumes.error(made[test.mask], test.target[test.mask])
    assert found < 0.75 * small_volumes.linear_error(cohort.training, test)


def test_output_starts_at_the_mean_of_the_target():
    recipe = recipes.resolve("patch_to_voxel", "paper") | {"epochs": 0}
    one = small_volumes.volumes(1)
    model = patch_to_voxel.fit(Cohort([one]), recipe, Run(device="cpu"))
    mean = one.target[one.mask].mean() / np.percentile(one.target[one.mask], 99.5)
    assert model.weights[list(model.weights)[-1]][0] == pytest.approx(mean, rel=1e-5)
