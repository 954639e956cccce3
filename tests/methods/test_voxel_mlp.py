"""Wei's multilayer perceptron: its layers, that it sees one voxel, that slabs change nothing."""

import numpy as np
import small_volumes
import torch
from recontrast.methods import voxel_mlp
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Model, Run
from recontrast.trainer import slabs

CPU = Run(device="cpu")


def test_layers_of_the_paper():
    network = voxel_mlp.build(5, recipes.resolve("voxel_mlp"))
    dense = [module for module in network if isinstance(module, torch.nn.Conv3d)]
    assert [layer.out_channels for layer in dense] == [100, 100, 1]
    assert sum(isinstance(module, torch.nn.ReLU) for module in network) == 2
    assert sum(parameter.numel() for parameter in network.parameters()) == 600 + 10_100 + 101


def test_volumes_in_slabs_equal_dense_layers_on_voxels(monkeypatch):
    monkeypatch.setattr(slabs, "MEMORY", 1)  # one plane at a time
    recipe = recipes.resolve("voxel_mlp", "quick")
    session = small_volumes.volumes(1)
    torch.manual_seed(1)
    network = voxel_mlp.build(2, recipe)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    constants = {"inputs": [[1000.0, 200.0], [900.0, 300.0]], "target": [800.0, 250.0]}
    made = voxel_mlp.predict(Model(weights, constants), session, recipe, CPU)
    layer = (session.inputs[:, session.mask].T - [1000, 900]) / [200, 300]
    for number in (0, 2, 4):
        matrix, bias = weights[f"{number}.weight"][:, :, 0, 0, 0], weights[f"{number}.bias"]
        layer = (layer if number == 0 else np.maximum(layer, 0)) @ matrix.T + bias
    np.testing.assert_allclose(made[session.mask], layer[:, 0] * 250 + 800, rtol=1e-4)


def test_learns_a_product_of_contrasts():
    recipe = recipes.resolve("voxel_mlp", "quick", {"epochs": 3, "crops_per_epoch": 160})
    cohort = Cohort([small_volumes.volumes(seed) for seed in (1, 2, 3)], [small_volumes.volumes(4)])
    test = small_volumes.volumes(5)
    made = voxel_mlp.predict(voxel_mlp.fit(cohort, recipe, CPU), test, recipe, CPU)
    found = small_volumes.error(made[test.mask], test.target[test.mask])
    assert found < 0.9 * small_volumes.linear_error(cohort.training, test)
