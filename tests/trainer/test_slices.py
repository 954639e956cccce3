"""Slices and patches beside slicing by hand."""

from dataclasses import replace

import numpy as np
import pytest
import small_volumes
import torch
from recontrast.trainer.applied import Applied, by_slices, slices_of
from recontrast.trainer.slices import SlicePool

CPU = torch.device("cpu")
SHAPES = [(12, 15, 10), (17, 8, 9)]


def sessions():
    """Two sessions of different shape whose masks leave the first two slices of each axis empty."""
    made = [small_volumes.volumes(seed, shape) for seed, shape in enumerate(SHAPES)]
    for one in made:
        one.mask[:2] = one.mask[:, :2] = one.mask[..., :2] = False
    return made


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("empty", [True, False])
def test_slices_are_those_cut_by_hand(axis, empty):
    expected = []
    for one in sessions():
        for number in range(one.mask.shape[axis]):
            if empty or one.mask.take(number, axis).any():
                images = [*one.inputs, one.target, one.mask]
                expected.append(np.stack([image.take(number, axis) for image in images]))
    pool = SlicePool(sessions(), CPU, axis=axis, multiple=4, empty=empty)
    h, w = pool.target.shape[1:]
    assert h % 4 == w % 4 == 0
    assert (h, w) == tuple(-(-max(one.shape[side] for one in expected) // 4) * 4 for side in (1, 2))
    assert len(pool) == len(expected)
    which = np.array([len(pool) - 1, 0, 3])
    inputs, target, mask = pool.gather(which)
    for row, number in enumerate(which):
        canvas = np.zeros((4, h, w), np.float32)
        high, wide = expected[number].shape[1:]
        top, left = (h - high) // 2, (w - wide) // 2
        canvas[:, top : top + high, left : left + wide] = expected[number]
        np.testing.assert_array_equal(inputs[row], canvas[:2])
        np.testing.assert_array_equal(target[row], canvas[2])
        np.testing.assert_array_equal(mask[row], canvas[3] > 0)


def test_a_smaller_size_takes_the_middle():
    one = small_volumes.volumes(1, (12, 15, 10))
    pool = SlicePool([one], CPU, size=(6, 7), empty=True)
    np.testing.assert_array_equal(pool.target, np.moveaxis(one.target[3:9, 4:11], 2, 0))


@pytest.mark.parametrize("emphasised", [False, True])
def test_of_whole_images_all_counts_but_what_was_added_around_them(emphasised):
    given = sessions()
    if emphasised:
        given = [replace(one, emphasis=np.full(one.mask.shape, 3, np.float32)) for one in given]
    pool = SlicePool(given, CPU, multiple=8, empty=True, region="image")
    assert pool.target.shape[1:] == (24, 16)
    first = 0
    for one in given:
        (h, w, count), (top, left) = (
            one.mask.shape,
            ((24 - one.mask.shape[0]) // 2, (16 - one.mask.shape[1]) // 2),
        )
        weights = pool.gather(np.arange(first, first + count))[2]
        first += count
        expected = np.zeros((count, 24, 16), np.float32)
        expected[:, top : top + h, left : left + w] = np.moveaxis(one.mask, 2, 0) * 2.0 * emphasised + 1
        np.testing.assert_array_equal(weights, expected)


def test_batches_hold_every_slice_once():
    pool = SlicePool(sessions(), CPU)
    found = torch.cat([target for _, target, _ in pool.batches(4, np.random.default_rng(1))])
    assert not torch.equal(found, pool.target)
    order = [pool.target.sum((1, 2)).argsort(), found.sum((1, 2)).argsort()]
    assert torch.equal(pool.target[order[0]], found[order[1]])
    assert torch.equal(torch.cat([target for _, target, _ in pool.batches(4)]), pool.target)


@pytest.mark.parametrize(("edge", "shape"), [(6, (6, 6)), (16, (16, 15)), (99, (17, 15))])
def test_patches_lie_in_one_slice_around_mask_voxels(edge, shape):
    # Every voxel carries its own number, so that a patch tells where it comes from.
    numbered = []
    for offset, one in zip((1, 10**5), sessions(), strict=True):
        own = np.arange(one.mask.size, dtype=np.float32).reshape(one.mask.shape) + offset
        numbered.append(replace(one, inputs=np.stack([own, -own]), target=own))
    pool = SlicePool(numbered, CPU)
    inputs, target, mask = pool.draw_patches(np.random.default_rng(2), 40, edge)
    assert target.shape == mask.shape == (40, *shape)
    assert torch.equal(inputs, torch.stack([target, -target], 1))
    assert mask.any((1, 2)).all()
    stack = pool.target.unfold(1, shape[0], 1).unfold(2, shape[1], 1).reshape(-1, *shape)
    for patch in target:
        assert (stack == patch).all((1, 2)).any()
    again = pool.draw_patches(np.random.default_rng(2), 40, edge)
    assert torch.equal(again[0], inputs)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_predicted_slices_are_those_of_one_pass(axis):
    torch.manual_seed(1)
    convolution = torch.nn.Conv2d(2, 1, 3, padding=1)
    sizes = []

    class Network(torch.nn.Module):
        def forward(self, images):
            sizes.append(tuple(images.shape))
            return convolution(images)

    inputs = torch.randn(2, 9, 11, 7)
    blocks = slices_of(inputs.shape[axis + 1], 4)
    made = Applied(inputs, by_slices(Network(), axis, 4), blocks, scale=1, axis=axis).output()
    whole = convolution(inputs.movedim(axis + 1, 0))[:, 0].movedim(0, axis)
    assert (made - whole).abs().max() < 1e-6
    assert all(count <= 4 and h % 4 == w % 4 == 0 for count, _, h, w in sizes)
