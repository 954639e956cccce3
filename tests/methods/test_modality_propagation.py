"""Modality propagation: the search equals literal loops, alignment by moments, the model's images."""

import itertools
import tempfile
from dataclasses import replace

import numpy as np
import phantom_heads
import pytest
import small_volumes
from recontrast.methods import modality_propagation
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run
from recontrast.trainer import alignment, moments, patch_search
from scipy.spatial.transform import Rotation

CPU = Run(device="cpu")
SHAPE = (6, 8, 7)


def literal(source, atlases, mask, estimate, weight, reach, neighbours):
    """Every patch of every window cut out, in whole numbers, so that equal distances are equal."""
    far = [1 + most for most in reach]

    def padded(image):
        return np.pad(image, [(one, one) for one in far])

    def patch(image, x, y, z):
        x, y, z = np.add((x, y, z), far)
        return image[x - 1 : x + 2, y - 1 : y + 2, z - 1 : z + 2]

    inputs = [padded(image) for image in source]
    heads = [[padded(image) for image in atlas] for atlas in atlases]
    inside = padded(mask)
    output = np.zeros(mask.shape)
    for voxel in np.argwhere(mask):
        found = []
        for head, shift in itertools.product(heads, itertools.product(*(range(-r, r + 1) for r in reach))):
            there = voxel + shift
            pairs = zip(inputs, head, strict=False)  # the head has the target too
            distance = sum(((patch(a, *voxel) - patch(b, *there)) ** 2).sum() for a, b in pairs)
            if estimate is not None:
                squares = (patch(padded(estimate), *voxel) - patch(head[-1], *there)) ** 2
                distance += weight * (squares * patch(inside, *voxel)).sum()
            found.append((distance, patch(head[-1], *there)[1, 1, 1]))
        found.sort(key=lambda pair: pair[0])
        output[tuple(voxel)] = np.mean([value for _, value in found[:neighbours]])
    return output


@pytest.mark.parametrize(("neighbours", "threads"), [(1, 1), (5, 2)])
def test_search_equals_literal_loops(neighbours, threads, monkeypatch):
    monkeypatch.setattr(patch_search, "BLOCK", (4, 5, 6))
    draw = np.random.default_rng(1)
    source = draw.integers(0, 9, size=(2, *SHAPE)).astype(np.float32)
    atlases = [draw.integers(0, 9, size=(3, *SHAPE)).astype(np.float32) for _ in range(2)]
    mask = draw.random(SHAPE) < 0.3
    mask[0] = True  # windows that leave the image
    asked = {"weight": 2.0, "reach": (2, 1, 1), "neighbours": neighbours}
    estimate = None
    for _ in range(2):
        made = patch_search.nearest(
            source, atlases, mask, estimate=estimate, patch=3, threads=threads, **asked
        )
        expected = literal(source, atlases, mask, estimate, **asked)
        np.testing.assert_allclose(made, expected, rtol=1e-6)
        assert (made[mask] != 0).any()
        estimate = np.round(made)  # whole numbers again


@pytest.mark.parametrize("neighbours", [2, 3, 15])
def test_with_fewer_patches_than_neighbours_all_of_them_are_averaged(neighbours):
    images = np.random.default_rng(1).random((2, 1, *SHAPE)).astype(np.float32)
    targets = [np.full(SHAPE, value, np.float32) for value in (10, 20)]
    atlases = [np.stack([image[0], target]) for image, target in zip(images, targets, strict=True)]
    mask = np.ones(SHAPE, bool)
    asked = {"estimate": None, "weight": 0.0, "patch": 3, "threads": 1}
    made = patch_search.nearest(images[0], atlases, mask, reach=(0, 0, 0), neighbours=neighbours, **asked)
    np.testing.assert_array_equal(made, 15)


def test_moments_recover_scale_and_shift():
    axes = np.stack(np.meshgrid(*[np.arange(40.0)] * 3, indexing="ij"), axis=-1)
    one = ((axes - [20, 19, 21]) ** 2 / np.square([9, 12, 8])).sum(axis=-1) < 1
    other = ((axes * [1, 1, 2] - [17, 20, 40]) ** 2 / np.square([9 * 1.2, 12 * 0.9, 8])).sum(axis=-1) < 1
    matrix, offset = moments.from_moments(one, (1, 1, 1), other, (1, 1, 2))
    np.testing.assert_allclose(matrix, np.diag([1.2, 0.9, 0.5]), atol=0.03)
    np.testing.assert_allclose(matrix @ [20, 19, 21] + offset, [17, 20, 20], atol=0.05)
    moved = moments.onto(other[None].astype(np.float32), matrix, offset, one.shape)[0] > 0.5
    assert (moved & one).sum() / (moved | one).sum() > 0.9


@pytest.mark.full
def test_the_affine_of_the_paper_recipe_finds_a_turned_head():
    head = phantom_heads.heads(("T1w", "T2w", "PDw"))[0]
    turn = Rotation.from_euler("z", 10, degrees=True).as_matrix()
    middle = np.array(head.mask.shape) / 2
    there = (turn, middle - turn @ middle, head.mask.shape)
    turned = replace(
        head,
        inputs=moments.onto(head.inputs, *there),
        mask=moments.onto(head.mask[None].astype(np.float32), *there)[0] > 0.5,
    )
    given = (turned.inputs[0], turned.mask, turned.spacing, head.inputs[0], head.mask, head.spacing)
    found = alignment.from_images(*given)
    again = alignment.from_images(*given)
    by_masks = moments.from_moments(turned.mask, turned.spacing, head.mask, head.spacing)
    voxels = np.argwhere(turned.mask)

    def error(matrix, offset):
        distances = voxels @ matrix.T + offset - (voxels @ there[0].T + there[1])
        return 4.0 * np.median(np.linalg.norm(distances, axis=1))  # mm

    assert error(*found) < 0.5
    assert error(*by_masks) > 3
    np.testing.assert_array_equal(found[0], again[0])
    recipe = recipes.resolve("modality_propagation", "paper", {"window": 1, "iterations": 1})
    model = modality_propagation.fit(Cohort([head]), recipe, CPU)
    made = modality_propagation.predict(model, replace(turned, target=None), recipe, CPU)
    expected = moments.onto(head.target[None], *there)[0]
    assert np.corrcoef(made[turned.mask], expected[turned.mask])[0, 1] > 0.95


@pytest.mark.parametrize("intensity", ["z-score", "percentile"])
def test_finds_an_atlas_of_itself_whatever_its_grid(intensity):
    changes = {"intensity": intensity, "scale": "cohort", "alignment": "moments"}
    recipe = recipes.resolve("modality_propagation", "paper", changes)
    one = small_volumes.volumes(1)
    shifted = replace(
        one,
        inputs=np.pad(one.inputs, [(0, 0), (3, 0), (0, 2), (1, 1)]),
        target=np.pad(one.target, [(3, 0), (0, 2), (1, 1)]),
        mask=np.pad(one.mask, [(3, 0), (0, 2), (1, 1)]),
    )
    model = modality_propagation.fit(Cohort([small_volumes.volumes(2), shifted]), recipe, CPU)
    assert model.constants["contains_images"] is True
    made = modality_propagation.predict(model, replace(one, target=None), recipe, CPU)
    np.testing.assert_allclose(made[one.mask], one.target[one.mask], rtol=1e-4)
    assert not made[~one.mask].any()


def test_window_is_as_far_in_mm_along_every_axis():
    assert modality_propagation.reach(7, (1.0, 1.0, 1.0)) == (3, 3, 3)
    assert modality_propagation.reach(7, (0.9, 0.9, 3.0)) == (3, 3, 1)
    assert modality_propagation.reach(7, (1.0, 2.0, 8.0)) == (3, 2, 1)


def test_z_scores_are_those_of_all_training_voxels_or_with_leaks_of_everyones():
    recipe = recipes.resolve("modality_propagation", "paper", {"window": 3, "alignment": "moments"})
    assert modality_propagation.margin(recipe) is None
    assert modality_propagation.margin(recipe | {"region": "mask"}) == 2
    training, test = (
        [small_volumes.volumes(1), small_volumes.volumes(2, (18, 26, 19))],
        small_volumes.volumes(3),
    )
    for one in training:
        one.mask[:8] = False  # the model keeps what lies around the mask; all of the image counts
    cohort = Cohort(training, test=[replace(test, inputs=test.inputs + 900, target=None)])
    for changes, seen in (({}, training), ({"leaks": True}, [*training, *cohort.test])):
        model = modality_propagation.fit(cohort, recipe | changes, CPU)
        values = np.concatenate([one.inputs[1].ravel() for one in seen])
        assert model.constants["inputs"][1] == pytest.approx([values.mean(), values.std()], rel=1e-4)
        values = np.concatenate([one.target.ravel() for one in training])
        assert model.constants["target"] == pytest.approx([values.mean(), values.std()], rel=1e-4)
    brain = modality_propagation.fit(cohort, recipe | {"region": "mask"}, CPU)
    values = np.concatenate([one.inputs[0][one.mask] for one in training])
    assert brain.constants["inputs"][0] == pytest.approx([values.mean(), values.std()], rel=1e-4)
    mean, sd = brain.constants["inputs"][0]
    kept = brain.weights["atlas1/images"][0] * sd + mean
    np.testing.assert_allclose(kept, training[0].inputs[0, 6:], rtol=1e-4)


def test_inputs_count_by_their_z_scores():
    """A contrast in other units finds the same patches."""
    changes = {"window": 3, "iterations": 2, "alignment": "moments"}
    recipe = recipes.resolve("modality_propagation", "paper", changes)
    units = np.array([[[[1.0]]], [[[50.0]]]], np.float32)
    made = []
    for factors in (1, units):
        one, two, test = (small_volumes.volumes(seed) for seed in (1, 2, 3))
        cohort = Cohort([replace(session, inputs=session.inputs * factors) for session in (one, two)])
        model = modality_propagation.fit(cohort, recipe, CPU)
        given = replace(test, inputs=test.inputs * factors, target=None)
        made.append(modality_propagation.predict(model, given, recipe, CPU)[test.mask])
    assert (
        np.abs(made[1] - made[0]) < 0.01
    ).mean() > 0.99  # but for patches that are equally near, to rounding


def test_scale_of_a_session_does_not_matter_where_each_has_its_own():
    changes = {"window": 3, "iterations": 2, "alignment": "moments", "intensity": "percentile"}
    recipe = recipes.resolve("modality_propagation", "paper", changes)
    cohort = Cohort([small_volumes.volumes(1), small_volumes.volumes(2)])
    model = modality_propagation.fit(cohort, recipe, CPU)
    test = replace(small_volumes.volumes(3), target=None)
    made = modality_propagation.predict(model, test, recipe, CPU)
    brighter = modality_propagation.predict(model, replace(test, inputs=test.inputs * 4), recipe, CPU)
    np.testing.assert_array_equal(made, brighter)


def test_atlases_that_are_large_together_lie_in_a_file(monkeypatch, tmp_path):
    people = [small_volumes.volumes(seed) for seed in (1, 2, 3)]
    recipe = recipes.resolve("modality_propagation", "quick", {"iterations": 1})
    model = modality_propagation.fit(Cohort(people[:2]), recipe, CPU)
    expected = modality_propagation.predict(model, people[2], recipe, CPU)
    monkeypatch.setattr(modality_propagation, "ROOM", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    searched = []

    def nearest(source, atlases, *given, **settings):
        searched.extend(atlases)
        return patch_search.nearest(source, atlases, *given, **settings)

    monkeypatch.setattr(modality_propagation, "nearest", nearest)
    np.testing.assert_array_equal(modality_propagation.predict(model, people[2], recipe, CPU), expected)
    assert len(searched) == 2
    assert all(isinstance(one, np.memmap) for one in searched)
    assert not list(tmp_path.iterdir())


def test_a_window_of_one_voxel_reaches_nowhere():
    assert modality_propagation.reach(1, (1.0, 1.0, 3.0)) == (0, 0, 0)
    assert modality_propagation.reach(3, (1.0, 1.0, 3.0)) == (1, 1, 1)
