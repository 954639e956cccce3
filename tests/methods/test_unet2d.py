"""Osman's network: parameter count, scaling, resizing and back, the options that the paper tried, learning."""

from dataclasses import replace

import caught
import numpy as np
import pytest
import small_volumes
import torch
from recontrast.errors import RecontrastError
from recontrast.methods import unet2d
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run

CPU = Run(device="cpu")


def layers(network, kind):
    return [module for module in network.modules() if isinstance(module, kind)]


def test_the_papers_network():
    network = unet2d.UNet(1, recipes.resolve("unet2d"))
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_962_337
    assert len(layers(network, torch.nn.Conv2d)) == 19
    rates = [module.p for module in layers(network, torch.nn.Dropout)]
    assert rates == pytest.approx([0.1, 0.1, 0.2, 0.2, 0.3, 0.2, 0.2, 0.1, 0.1])
    shapes = []
    for block in network.down:
        block.register_forward_hook(lambda _, __, maps: shapes.append(tuple(maps.shape[1:])))
    with torch.no_grad():
        made = network(torch.rand(1, 1, 224, 224))
    assert shapes == [(16, 224, 224), (32, 112, 112), (64, 56, 56), (128, 28, 28), (256, 14, 14)]
    assert made.shape == (1, 1, 224, 224)
    weights = network.down[1][0].weight
    assert float(weights.detach().abs().max()) == pytest.approx((6 / (16 * 9)) ** 0.5, rel=0.01)


def test_options_that_the_paper_tried():
    def network(**changes):
        return unet2d.UNet(2, recipes.resolve("unet2d", "paper", changes)).eval()

    assert len(layers(network(batch_norm=True), torch.nn.BatchNorm2d)) == 18
    transposed = layers(network(upsampling="transposed"), torch.nn.ConvTranspose2d)
    assert [module.out_channels for module in transposed] == [128, 64, 32, 16]
    images = torch.randn(2, 2, 32, 48)
    weights = network().state_dict()
    made = {}
    for output in ("linear", "tanh", "relu"):
        chosen = network(output=output)
        chosen.load_state_dict(weights)
        with torch.no_grad():
            made[output] = chosen(images)
    torch.testing.assert_close(made["tanh"], made["linear"].tanh())
    torch.testing.assert_close(made["relu"], made["linear"].relu())


def test_unit_scale_is_the_papers_z_score_and_shift():
    session = small_volumes.volumes(1)
    session = replace(session, inputs=np.abs(session.inputs), target=np.abs(session.target))
    recipe = recipes.resolve("unet2d")
    scaled = unet2d.scale(session, {"inputs": [], "target": []}, recipe)
    for image, found in zip([*session.inputs, session.target], [*scaled.inputs, scaled.target], strict=True):
        volume = np.where(session.mask, image, 0)
        z = (volume - image[session.mask].mean()) / image[session.mask].std()
        np.testing.assert_allclose(found, (z - z.min()) / (z.max() - z.min()), atol=1e-5)


def test_slices_become_squares_without_stretching_and_come_back():
    x, y = np.meshgrid(np.linspace(-1, 1, 30), np.linspace(-1, 1, 20), indexing="ij")
    slices = torch.from_numpy(np.exp(-8 * (x**2 + y**2))[None, None].astype(np.float32))
    square = unet2d.to_square(slices, 224)
    assert square.shape == (1, 1, 224, 224)
    assert not square[..., :20].any()
    np.testing.assert_allclose(square[0, 0, 112, 112], 1, atol=0.02)
    np.testing.assert_allclose(unet2d.from_square(square, (30, 20)), slices, atol=0.01)


@pytest.mark.parametrize("scale", ["session", "cohort"])
def test_predictions_have_the_units_of_the_target(scale):
    """A network whose output is its input, scaled back: the input in units of the target."""
    recipe = recipes.resolve("unet2d", "paper", {"scale": scale, "axis": 1, "size": 32, "levels": 2})
    training = [replace(one, inputs=3 * one.target[None]) for one in map(small_volumes.volumes, (1, 2, 3))]
    model = unet2d.fit(Cohort(training), recipe | {"epochs": 0}, CPU)
    assert model.constants["inputs"][0][1] == pytest.approx(3 * model.constants["target"][1])
    test = replace(small_volumes.volumes(4), target=None)
    test = replace(test, inputs=test.inputs[:1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unet2d.UNet, "forward", lambda self, images: images)
        made = unet2d.predict(model, test, recipe, CPU)
    own = test.inputs[0][test.mask].max()
    factor = model.constants["target"][1] / (own if scale == "session" else model.constants["inputs"][0][1])
    difference = (made - factor * test.inputs[0])[test.mask]
    assert made.shape == test.mask.shape
    assert np.median(np.abs(difference)) < 0.02 * test.inputs[0].mean() * factor


def test_paper_recipe_stops_and_takes_different_shapes():
    recipe = recipes.resolve(
        "unet2d", "paper", {"size": 32, "patience": 1, "epochs": 30, "filters": 2, "learning_rate": 0.1}
    )
    assert unet2d.margin(recipe) is None
    assert unet2d.margin(recipe | {"size": 0, "region": "image"}) is None
    assert unet2d.margin(recipe | {"size": 0, "region": "mask"}) == 0
    shapes = [(22, 24, 6), (18, 17, 5)]
    cohort = Cohort(
        [small_volumes.volumes(seed, shape) for seed, shape in enumerate(shapes)], [small_volumes.volumes(3)]
    )
    errors = [row["validation"] for row in unet2d.fit(cohort, recipe, CPU).losses]
    assert len(errors) < 30
    assert errors[-1] >= min(errors[:-1])


@pytest.mark.parametrize("size", [0, 32])
def test_of_whole_slices_only_the_images_count(size):
    """Not what fills them up to a size that can be halved; a resized slice is its square."""
    recipe = recipes.resolve("unet2d", "paper", {"filters": 2, "size": size})
    task = caught.task(unet2d, Cohort([small_volumes.volumes(1, (20, 17, 3))]), recipe)
    batch = task.training.gather([0])
    assert batch[1].shape == (1, 32, 32)
    assert float(task.weight(batch)) == (32 * 32 if size else 20 * 17)


def test_absolute_error_learns_too():
    recipe = recipes.resolve("unet2d", "quick", {"epochs": 8, "loss": "mae", "batches_per_epoch": 12})
    cohort = Cohort([small_volumes.volumes(seed) for seed in (1, 2, 3)], [small_volumes.volumes(4)])
    test = small_volumes.volumes(5)
    model = unet2d.fit(cohort, recipe, CPU)
    made = unet2d.predict(model, replace(test, target=None), recipe, CPU)
    found = small_volumes.error(made[test.mask], test.target[test.mask])
    assert found < 0.9 * small_volumes.linear_error(cohort.training, test)


def test_a_dropout_that_lets_nothing_through_the_deepest_level_is_refused_before_training():
    recipe = recipes.resolve("unet2d", "paper", {"dropout": 0.4, "filters": 2})
    with pytest.raises(RecontrastError, match=r"dropout 0\.4 rises to 1\.2 in 5 levels"):
        unet2d.fit(Cohort([small_volumes.volumes(1)]), recipe, CPU)


def test_slices_that_cannot_be_halved_are_refused_before_training():
    recipe = recipes.resolve("unet2d", "paper", {"size": 180, "filters": 2})
    with pytest.raises(RecontrastError, match="cannot be halved 4 times"):
        unet2d.fit(Cohort([small_volumes.volumes(1)]), recipe, CPU)
