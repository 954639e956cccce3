"""Whole sessions and cubes beside slicing by hand; a pool in a file gives what a pool in memory gives."""

import numpy as np
import small_volumes
import torch
from recontrast.trainer.cube_pool import CubePool
from recontrast.trainer.patches import PatchPool

CPU = torch.device("cpu")
SHAPES = [(12, 15, 10), (17, 8, 9), (6, 20, 21)]


def sessions():
    return [small_volumes.volumes(seed, shape) for seed, shape in enumerate(SHAPES)]


def stack(session):
    return np.stack([*session.inputs, session.target, session.weights])


def test_cubes_and_sessions_are_those_cut_by_hand():
    given, edge = sessions(), 8
    pool = CubePool(given, edge, CPU, prepare=stack)
    owners = np.array([2, 0, 1, 1])
    centres = np.array([[3, 10, 10], [0, 0, 0], [16, 7, 8], [8, 4, 4]])
    inputs, target, weights = pool.cubes(owners, centres)
    assert inputs.shape == (4, 2, edge, edge, edge)
    for row, (owner, centre) in enumerate(zip(owners, centres, strict=True)):
        filled = [(0, 0)] + [(0, max(0, edge - size)) for size in SHAPES[owner]]
        whole = np.pad(stack(given[owner]), filled)
        first = [min(max(c - 4, 0), size - edge) for c, size in zip(centre, whole.shape[1:], strict=True)]
        expected = whole[:, *(slice(start, start + edge) for start in first)]
        found = np.stack([*inputs[row], target[row], weights[row]])
        np.testing.assert_array_equal(found, expected)
    (inputs,), (target,), _ = CubePool(given, 0, CPU, prepare=stack).whole(1)
    np.testing.assert_array_equal(inputs, given[1].inputs)
    np.testing.assert_array_equal(target, given[1].target)


def test_cubes_are_drawn_around_mask_voxels_of_all_sessions():
    given = sessions()
    for number, one in enumerate(given):
        one.inputs[:] = number
        one.mask[:] = False
        one.mask[0, :4, 0] = True
    owners, weights = set(), []
    pool = CubePool(given, 3, CPU, prepare=stack)
    for _ in range(10):
        inputs, _, weight = pool.draw(np.random.default_rng(len(weights)), 6)
        owners |= {int(one[0, 0, 0, 0]) for one in inputs}
        weights.append(weight.sum((1, 2, 3)))
    assert owners == {0, 1, 2}
    assert torch.cat(weights).min() >= 2


def test_pools_in_a_file_that_leaves_nothing_behind(tmp_path):
    given, draw = sessions(), [np.random.default_rng(1) for _ in range(2)]
    kept, plain = (CubePool(given, 5, CPU, prepare=stack, folder=one) for one in (tmp_path / "new", None))
    for one, other in zip(kept.draw(draw[0], 20), plain.draw(draw[1], 20), strict=True):
        assert torch.equal(one, other)
    kept, plain = (PatchPool(given, 3, CPU, folder=one) for one in (tmp_path, None))
    which = np.arange(0, len(plain), 7)
    assert torch.equal(kept.gather(which), plain.gather(which))
    assert torch.equal(kept.targets(which), plain.targets(which))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
