"""Maps of influence beside derivatives that are known, and blocks that change nothing."""

import numpy as np
import pytest
import small_volumes
import torch
from recontrast.methods import recipes
from recontrast.methods.interface import Cohort, Run, method_module
from recontrast.trainer import saliency
from recontrast.trainer.applied import Applied, by_slabs
from recontrast.trainer.slabs import slabs

SHAPE = (14, 9, 8)
SHORTER = {"cc_dnn": {"then_epochs": 0, "patches_per_epoch": 80}}


def blocks(thickness: int) -> list:
    return list(slabs(SHAPE, channels=1, halo=1, memory=4 * 9 * 8 * (thickness + 2)))


@pytest.fixture
def scene():
    """Two inputs, a mask, a target, and a linear network whose kernel sees 3 voxels along each axis."""
    torch.manual_seed(1)
    draw = np.random.default_rng(1)
    mask = np.zeros(SHAPE, bool)
    mask[2:12, 1:8, 2:7] = True
    return torch.randn(2, *SHAPE), mask, draw.normal(size=SHAPE), torch.nn.Conv3d(2, 1, 3, padding=1)


def test_the_gradient_of_a_linear_network_is_its_kernel(scene):
    inputs, mask, _, network = scene
    found = saliency.gradient(Applied(inputs, by_slabs(network), blocks(3), scale=7.0), mask)
    inside = torch.from_numpy(mask).float()[None, None]
    known = torch.nn.functional.conv_transpose3d(inside, network.weight, padding=1)[0]
    np.testing.assert_allclose(found, known.abs().detach().numpy(), atol=1e-6)


def test_p3s_is_the_derivative_of_the_squared_error_in_normalised_units(scene):
    inputs, mask, target, network = scene
    applied = Applied(inputs, by_slabs(network), blocks(3), scale=2.0, offset=5.0)
    found = saliency.p3s(applied, mask, 5 + 2 * target)
    seen = inputs.clone().requires_grad_()
    error = (network(seen[None])[0, 0] - torch.from_numpy(target).float())[torch.from_numpy(mask)]
    (known,) = torch.autograd.grad((error**2).sum(), seen)
    np.testing.assert_allclose(found, known.abs().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["fcn3d", "unet3d", "unet2d", "patch_to_voxel", "cc_dnn", "multimodal"])
def test_what_a_method_applies_is_what_it_predicts(method):
    recipe = recipes.resolve(method, "quick", {"epochs": 1} | SHORTER.get(method, {}))
    one = small_volumes.volumes(1)
    model = method_module(method).fit(Cohort([small_volumes.volumes(2)]), recipe, Run(device="cpu"))
    applied = method_module(method).applied(model, one, recipe, Run(device="cpu"))
    predicted = method_module(method).predict(model, one, recipe, Run(device="cpu"))
    np.testing.assert_allclose(applied.predict()[one.mask], predicted[one.mask], rtol=1e-4, atol=1e-2)
    assert saliency.gradient(applied, one.mask).any()
