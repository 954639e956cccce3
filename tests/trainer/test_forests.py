"""Flat forests, what they look at, and what they learn from, against literal forms."""

from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
from recontrast.errors import RecontrastError
from recontrast.models.interface import Run
from recontrast.trainer.forests import VOXELS, Forest, grow, out_of_bag
from recontrast.trainer.neighbourhoods import Patches, Surroundings
from recontrast.trainer.sampling import stratified
from sklearn.ensemble import RandomForestRegressor

SHAPE = (13, 17, 9)
RECIPE = {"trees": 15, "leaf": 2, "feature_share": 0.34}


@pytest.fixture(scope="module")
def samples():
    draw = np.random.default_rng(0)
    # One decimal only: many features lie exactly on a threshold's neighbours.
    features = draw.normal(size=(3000, 10)).astype(np.float32).round(1)
    return features, features[:, 0] * features[:, 1] + draw.normal(size=3000) * 0.1


@pytest.fixture(scope="module")
def grown(samples):
    return grow(*samples, RECIPE, Run())


def test_flat_forest_predicts_what_scikit_learn_predicts(grown, samples):
    stored = safetensors.numpy.save(Forest.of(grown).weights("some/"))
    forest = Forest.read(safetensors.numpy.load(stored), "some/")
    thresholds = np.concatenate([tree.tree_.threshold for tree in grown.estimators_])
    at_thresholds = np.repeat(thresholds[:2000, None], 10, axis=1)
    for features in (samples[0], at_thresholds):
        features = features.astype(np.float32)
        np.testing.assert_allclose(forest.predict(features), grown.predict(features), atol=1e-6)
    voxels = np.arange(2 * VOXELS + 5) % len(samples[0])
    many = forest.predict_voxels(voxels, lambda some: samples[0][some], threads=2)
    np.testing.assert_array_equal(many, forest.predict(samples[0])[voxels])


def test_threads_do_not_change_a_forest(grown, samples):
    first, second = Forest.of(grown).weights(), Forest.of(grow(*samples, RECIPE, Run(threads=2))).weights()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_out_of_bag_is_that_of_scikit_learn(grown, samples):
    features, targets = samples
    reference = RandomForestRegressor(
        15, min_samples_leaf=2, max_features=0.34, random_state=1, oob_score=True
    )
    with pytest.warns(UserWarning, match="Some inputs do not have OOB scores"):
        reference.fit(features, targets)
    ours = out_of_bag(grown, features)
    seen_by_all = reference.oob_prediction_ == 0
    np.testing.assert_allclose(ours[~seen_by_all], reference.oob_prediction_[~seen_by_all], atol=1e-5)
    np.testing.assert_allclose(ours[seen_by_all], grown.predict(features[seen_by_all]), atol=1e-5)


def test_trees_that_go_nowhere_are_refused(grown):
    forest = Forest.of(grown)
    inner = int(np.argmax(forest.feature >= 0))
    for step in (inner, -5, len(forest.above)):
        above = forest.above.copy()
        above[inner] = step
        with pytest.raises(RecontrastError, match="damaged"):
            Forest.read(replace(forest, above=above).weights())
    with pytest.raises(RecontrastError, match="as many contrasts"):
        forest.predict(np.zeros((1, 5), np.float32))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_patches_equal_slices(size, order):
    images = np.random.default_rng(1).normal(size=(3, *SHAPE)).astype(np.float32, order=order)
    voxels = np.argwhere(np.ones(SHAPE))[::7]
    patches = Patches(images, size)
    features = np.full((len(voxels), patches.columns + 2), 7, np.float32)
    patches.fill(voxels, features)
    padded = np.pad(images, [(0, 0)] + [(size // 2,) * 2] * 3)
    literal = [padded[:, x : x + size, y : y + size, z : z + size].ravel() for x, y, z in voxels]
    np.testing.assert_array_equal(features[:, : patches.columns], np.stack(literal))
    assert (features[:, patches.columns :] == 7).all()


def test_surroundings_equal_cubes_along_turned_directions():
    image = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    radii, widths, centre = (2, 4, 8, 16), (1, 3, 5, 7), np.array([6.3, 8.1])
    voxels = np.argwhere(np.ones(SHAPE))[::5]
    around = Surroundings(image, radii, widths, centre)
    features = np.empty((len(voxels), 1 + around.columns), np.float32)
    around.fill(voxels, features, first=1)
    frame = 40
    padded = np.pad(image, frame).astype(np.float64)
    for row, (x, y, z) in zip(features[:, 1:].reshape(-1, 4, 8), voxels, strict=True):
        direction = complex(*(centre - (x, y)))
        direction /= abs(direction)
        for radius, width, means in zip(radii, widths, row, strict=True):
            for turn, mean in enumerate(means):
                step = radius * direction * np.exp(1j * np.pi / 4 * turn)
                at = np.floor([x + step.real, y + step.imag, z]).astype(int) + frame
                cube = tuple(slice(one - width // 2, one + width // 2 + 1) for one in at)
                assert mean == pytest.approx(padded[cube].mean(), abs=1e-5)


def test_voxels_are_drawn_evenly_over_quantiles_and_sessions():
    draw = np.random.default_rng(3)
    images = [np.exp(draw.normal(size=SHAPE)), np.exp(draw.normal(size=(20, 20, 20)))]
    masks = [image > 0.5 for image in images]
    drawn = stratified(images, masks, 1000, 50, draw)
    assert [len(voxels) for voxels in drawn] == [500, 500]
    for image, mask, voxels in zip(images, masks, drawn, strict=True):
        assert mask[tuple(voxels.T)].all()
        assert len(np.unique(voxels, axis=0)) == 500
        edges = np.quantile(image[mask], [0.25, 0.5, 0.75])
        counts = np.bincount(np.searchsorted(edges, image[tuple(voxels.T)]))
        assert (abs(counts - 125) <= 5).all()
    everything = stratified(images, masks, 10**6, 50, draw)
    assert [len(voxels) for voxels in everything] == [mask.sum() for mask in masks]
