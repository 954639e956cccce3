"""Wei's small U-Net: its parameter count, sides of any length, aligned slabs that change nothing."""

import pytest
import torch
from recontrast.methods import unet3d
from recontrast.models import recipes
from recontrast.trainer import slabs
from recontrast.trainer.applied import Applied, by_slabs


def test_parameter_count_of_the_paper():
    network = unet3d.build(5, recipes.resolve("unet3d"))
    assert sum(parameter.numel() for parameter in network.parameters()) == 375_585


@pytest.mark.parametrize("shape", [(8, 12, 16), (9, 10, 11), (1, 3, 2)])
def test_sides_of_any_length(shape):
    network = unet3d.build(2, recipes.resolve("unet3d", "quick"))
    inputs = torch.randn(1, 2, *shape)
    with torch.no_grad():
        made = network(inputs)
        assert made.shape == (1, 1, *shape)
        filled = torch.nn.functional.pad(inputs, [0, -shape[2] % 4, 0, -shape[1] % 4, 0, -shape[0] % 4])
        whole = network(filled)[:, :, : shape[0], : shape[1], : shape[2]]
    assert torch.equal(made, whole)


def test_slabs_equal_the_whole_volume(monkeypatch):
    recipe = recipes.resolve("unet3d", "quick")
    network = unet3d.build(2, recipe)
    inputs = torch.randn(2, 90, 7, 6)
    with torch.no_grad():
        whole = network(inputs[None])[0, 0]
    monkeypatch.setattr(slabs, "MEMORY", 7 * 6 * 2 * recipe["filters"] * 4 * 58)
    cuts = [planes for _, planes, _ in unet3d.blocks((90, 7, 6), recipe)]
    assert [cut.start for cut in cuts] == [0, 48]
    applied = Applied(inputs, by_slabs(network), unet3d.blocks((90, 7, 6), recipe), scale=1)
    assert (applied.output() - whole).abs().max() < 1e-6


def test_no_more_than_twice_a_volume_is_read():
    """At 1 mm the halos of a slab take all the memory that it shall have; on the quick heads whole volumes fit."""
    for shape, filters in (((182, 218, 182), 16), ((256, 512, 512), 16), ((46, 55, 46), 8)):
        cuts = list(unet3d.blocks(shape, {"filters": filters}))
        assert all(cut.start % unet3d.COARSEST == 0 for _, cut, _ in cuts)
        assert sum(seen.stop - seen.start for seen, _, _ in cuts) <= 2 * shape[0]


def test_reach_is_not_exceeded():
    network = unet3d.build(1, recipes.resolve("unet3d", "quick")).double()
    inputs = torch.zeros(1, 1, 64, 4, 4, dtype=torch.double)
    changed = inputs.clone()
    changed[:, :, 32] = 1
    with torch.no_grad():
        seen = torch.nonzero((network(changed) - network(inputs)).abs().amax(dim=(0, 1, 3, 4)))
    assert seen.min() > 32 - unet3d.REACH
    assert seen.max() < 32 + unet3d.REACH
