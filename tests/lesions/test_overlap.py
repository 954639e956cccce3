"""Agreement of two masks whose answers are known by counting."""

import numpy as np
import pytest
from recontrast.lesions import overlap
from recontrast.lesions.compare_lesions import measure
from recontrast.masks import dice

NOTHING = np.zeros((12, 12, 12), bool)


def cube(corner: int, side: int) -> np.ndarray:
    mask = NOTHING.copy()
    mask[corner : corner + side, corner : corner + side, corner : corner + side] = True
    return mask


def test_empty_masks_have_defined_values():
    both = measure(NOTHING, NOTHING, np.ones(3))
    assert (both["dice"], both["f1"], both["surface_distance"], both["load"]) == (1.0, 1.0, 0.0, "none")
    assert np.isnan(both["sensitivity"])
    assert np.isnan(both["precision"])
    missed = measure(NOTHING, cube(2, 3), np.ones(3))
    assert (missed["dice"], missed["sensitivity"], missed["f1"]) == (0.0, 0.0, 0.0)
    assert np.isnan(missed["precision"])
    assert np.isnan(missed["surface_distance"])
    invented = measure(cube(2, 3), NOTHING, np.ones(3))
    assert (invented["precision"], invented["volume_bias"]) == (0.0, pytest.approx(0.027))


def test_overlap_and_lesions_by_counting():
    truth = cube(1, 2) | cube(7, 3)
    found = cube(2, 2) | cube(10, 1)  # shares one voxel with the first; misses the second by a corner's width
    assert dice(found, truth) == pytest.approx(2 * 1 / (9 + 35))
    values = overlap.by_lesion(found, truth)
    assert values == {"sensitivity": 0.5, "precision": 0.5, "f1": 0.5}


def test_surface_distance_follows_the_voxels_size():
    one, other = cube(3, 1), np.roll(cube(3, 1), 2, axis=2)
    assert overlap.surface_distance(one, other, np.array([1, 1, 3.0])) == pytest.approx(6.0)
    assert overlap.surface_distance(one, one, np.ones(3)) == 0.0


def test_contrast_ratios_of_known_brightness():
    lesions = cube(4, 2)
    image = np.where(lesions, 3.0, 1.0)
    image[:, :, 11] = 5.0  # white matter far from any lesion
    white = ~NOTHING
    ratios = overlap.contrast_ratios(image, lesions, white, np.ones(3), 4.5)
    assert ratios["ratio2"] == ratios["ratio2_mm"] == pytest.approx(3.0)
    assert ratios["ratio1"] < 3.0
    # Four millimetres of thick slices are one voxel, five dilations are five.
    thick = overlap.contrast_ratios(image, lesions, white, np.array([1, 1, 4.0]), 4.5)
    assert thick["ratio2_mm"] == pytest.approx(3.0)
    assert np.isnan(overlap.contrast_ratios(image, NOTHING, white, np.ones(3), 4.5)["ratio1"])
