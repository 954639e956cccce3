"""pix2pix: counts of the public code, patches of 70 voxels, losses by hand, dropout by the seed, background."""

from dataclasses import replace

import caught
import numpy as np
import pytest
import small_volumes
import torch
from recontrast.methods import pix2pix
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run
from recontrast.trainer.rates import hold_then_fall
from recontrast.trainer.slices import counted

CPU = Run(device="cpu")
TINY = {"filters": 2, "levels": 5, "epochs": 1, "epochs_falling": 0}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameter_counts_of_the_authors_code():
    """54,413,955 with three channels on both sides, 2,768,705 for the discriminator of 3 + 3."""
    generator = pix2pix.Generator(3, recipes.resolve("pix2pix"))
    two_outputs_less = 2 * (128 * 4 * 4 + 1)
    assert parameters(generator) == 54_413_955 - two_outputs_less
    assert parameters(pix2pix.discriminator(5, 64)) == 2_768_705


def test_generator_halves_to_one_voxel_and_comes_back():
    generator = pix2pix.Generator(2, recipes.resolve("pix2pix", "paper", {"filters": 2}))
    deepest = []
    generator.down[-1].register_forward_hook(lambda _, __, maps: deepest.append(tuple(maps.shape)))
    made = generator(torch.rand(1, 2, 256, 512))
    assert deepest == [(1, 16, 1, 2)]
    assert made.shape == (1, 1, 256, 512)
    assert 0 <= made.min() <= made.max() <= 1


def test_a_logit_sees_70_voxels():
    judge = pix2pix.discriminator(1, 2)
    layers = [torch.nn.Identity() if isinstance(one, torch.nn.InstanceNorm2d) else one for one in judge]
    images = torch.rand(1, 2, 128, 128, requires_grad=True)
    logits = torch.nn.Sequential(*layers)(images)
    assert logits.shape == (1, 1, 14, 14)
    logits[0, 0, 7, 7].backward()
    seen = torch.nonzero(images.grad[0, 0])
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [70, 70]


def test_losses_of_both_turns_by_hand():
    torch.manual_seed(1)
    training = pix2pix.SlicePool([small_volumes.volumes(1)], torch.device("cpu"), multiple=32, region="image")
    training.inputs /= 2000
    training.target /= 2000
    task = pix2pix._Turns(training, None, recipes.resolve("pix2pix", "paper", TINY))
    task.network["generator"].eval()
    batch = counted(training.gather([3]))
    inputs, target = batch[:2]
    # An image of 22x24 voxels, centred: what was added around it is 0 and does not count.
    middle = (..., slice(5, 27), slice(4, 28))
    made = torch.zeros(1, 1, 32, 32)
    made[middle] = task.network["generator"](inputs)[middle]

    def probability(image):
        return torch.sigmoid(task.network["discriminator"](torch.cat([2 * inputs - 1, 2 * image - 1], 1)))

    real, false = probability(target[:, None]), probability(made)
    expected = -(real.log().mean() + (1 - false).log().mean()) / 2
    loss = task.loss(batch, "discriminator")
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert all(one.grad is None for one in task.network["generator"].parameters())
    task.network.zero_grad()
    distance = ((2 * made - 1) - (2 * target[:, None] - 1))[middle].abs().mean()
    expected = -false.log().mean() + 100 * distance
    loss = task.loss(batch, "generator")
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert all(one.grad is None for one in task.network["discriminator"].parameters())


@pytest.mark.parametrize(("region", "kept"), [("image", 20), ("mask", 14)])
def test_slices_without_mask_are_images_too(region, kept):
    one = small_volumes.volumes(1)
    one.mask[..., :4] = one.mask[..., -2:] = False
    recipe = recipes.resolve("pix2pix", "paper", TINY | {"region": region})
    assert len(caught.task(pix2pix, Cohort([one]), recipe).training) == kept


def test_rate_is_held_and_then_falls_in_a_line():
    rates = [hold_then_fall(2e-4, epoch, 100, 100) for epoch in range(1, 201)]
    assert rates[:100] == [2e-4] * 100
    np.testing.assert_allclose(np.diff(rates[99:]), -2e-4 / 101)
    assert rates[-1] == pytest.approx(2e-4 / 101)


def test_dropout_in_prediction_is_the_seeds():
    recipe = recipes.resolve("pix2pix", "paper", TINY | {"batch": 8})
    test = small_volumes.volumes(2, (40, 18, 7))
    model = pix2pix.fit(Cohort([small_volumes.volumes(1)], [test]), recipe, CPU)
    assert model.losses[0]["validation"] is None
    assert {name.split(".")[0] for name in model.weights} == {"down", "up", "last"}

    def made(seed, **changes):
        return pix2pix.predict(model, replace(test, target=None), recipe | changes, Run(seed, device="cpu"))

    assert made(1).shape == test.mask.shape
    np.testing.assert_array_equal(made(1), made(1))
    assert np.abs(made(1) - made(2)).max() > 0
    np.testing.assert_array_equal(made(1, test_dropout=False), made(2, test_dropout=False))


def test_background_is_left_out_where_only_the_mask_counts():
    recipe = recipes.resolve("pix2pix", "paper", TINY | {"region": "mask", "test_dropout": False})
    assert pix2pix.margin(recipe) == 0
    model = pix2pix.fit(Cohort([small_volumes.volumes(1)]), recipe | {"batch": 8}, CPU)
    test = small_volumes.volumes(2)
    noisy = replace(test, inputs=np.where(test.mask, test.inputs, 9999).astype(np.float32))
    made = [pix2pix.predict(model, one, recipe, CPU) for one in (test, noisy)]
    np.testing.assert_array_equal(*made)
