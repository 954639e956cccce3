"""Maps of influence beside derivatives that are known, and blocks that change nothing."""

from dataclasses import replace

import numpy as np
import pytest
import small_volumes
import torch
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run, Volumes, method_module
from recontrast.trainer import saliency
from recontrast.trainer.applied import Applied, by_slabs
from recontrast.trainer.slabs import Slabs, slabs

SHAPE = (14, 9, 8)
DIFFERENTIABLE = [method for method in recipes.available() if hasattr(method_module(method), "applied")]
SHORTER = {
    "cc_dnn": {"epochs": 1, "then_epochs": 0, "patches_per_epoch": 80},
    "pix2pix": {"epochs": 1, "epochs_falling": 0, "batches_per_epoch": 4},
    "pixel_gan": {"start_iterations": 4, "adversarial_iterations": 4, "iterations_per_epoch": 4},
}


def blocks(thickness: int) -> Slabs:
    return slabs(SHAPE, channels=1, halo=1, memory=4 * 9 * 8 * (thickness + 2))


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


def session(method: str, seed: int) -> Volumes:
    """A session with the inputs that a method takes; pixel_gan's are eight raw images and three maps."""
    one = small_volumes.volumes(seed)
    if method != "pixel_gan":
        return one
    raw = [one.inputs[0] * weight + one.inputs[1] * (1 - weight) for weight in np.linspace(0.2, 0.8, 8)]
    maps = [np.full_like(raw[0], value) for value in (1.0, 12.0, 900.0)]
    maps[2] = maps[2] + 0.1 * one.inputs[0]
    return replace(one, inputs=np.stack([*raw, *maps]).astype(np.float32))


@pytest.mark.parametrize("method", DIFFERENTIABLE)
def test_what_a_method_applies_is_what_it_predicts(method):
    recipe = recipes.resolve(method, "quick", SHORTER.get(method, {"epochs": 1}))
    one = session(method, 1)
    model = method_module(method).fit(Cohort([session(method, 2)]), recipe, Run(device="cpu"))
    applied = method_module(method).applied(model, one, recipe, Run(device="cpu"))
    predicted = method_module(method).predict(model, one, recipe, Run(device="cpu"))
    np.testing.assert_allclose(applied.predict()[one.mask], predicted[one.mask], rtol=1e-4, atol=1e-2)
    assert saliency.gradient(applied, one.mask).any()


@pytest.mark.parametrize("method", ["patch_to_voxel", "pix2pix", "pixel_gan", "multimodal", "unet2d"])
def test_the_target_of_p3s_has_the_scale_that_it_would_train_with(method):
    """A session whose target is three times as bright is the same to a training that scales each by its own."""
    recipe = recipes.resolve(method, "quick", SHORTER.get(method, {"epochs": 1}) | {"scale": "session"})
    module, one, run = method_module(method), session(method, 1), Run(device="cpu")
    model = module.fit(Cohort([session(method, 2)]), recipe, run)
    maps = []
    for factor in (1, 3):
        brighter = replace(one, target=one.target * np.float32(factor))
        maps.append(saliency.p3s(module.applied(model, brighter, recipe, run), one.mask, brighter.target))
        unknown = module.applied(model, replace(one, target=None), recipe, run)
        assert unknown.scale == module.applied(model, brighter, recipe, run).scale
    assert maps[0].any()
    np.testing.assert_allclose(maps[1], maps[0], rtol=1e-3, atol=1e-5 * maps[0].max())
