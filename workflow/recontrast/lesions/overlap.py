"""How well two lesion masks agree. Pure functions of arrays; a lesion is a set of voxels that share corners.

A lesion is found if any of its voxels lies in the other mask (the rule of most challenges; Commowick 2018,
Scientific Reports 8:13650, asks for more). Where nothing can be measured the value is NaN: a ratio to nothing,
a distance to nothing. Two empty masks agree: Dice 1.
"""

import numpy as np
from scipy import ndimage

from ..masks import bounding_box
from .neighbourhood import CORNERS, FACES


def by_lesion(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Lesion-wise sensitivity, precision and F1.

    Returns:
        `sensitivity`: share of the true lesions that are touched, NaN without true lesions; `precision`: share
        of the found lesions that touch a true one, NaN without found lesions; `f1`: their harmonic mean, 1 if
        both masks are empty, 0 if one is.
    """
    if not found.any() or not truth.any():
        both = not found.any() and not truth.any()
        return {
            "sensitivity": 0.0 if truth.any() else np.nan,
            "precision": 0.0 if found.any() else np.nan,
            "f1": float(both),
        }
    sensitivity, precision = _touched(truth, found), _touched(found, truth)
    total = sensitivity + precision
    return {
        "sensitivity": sensitivity,
        "precision": precision,
        "f1": 2 * sensitivity * precision / total if total else 0.0,
    }


def _touched(lesions: np.ndarray, other: np.ndarray) -> float:
    labels, count = ndimage.label(lesions, CORNERS)
    return len(np.unique(labels[lesions & other])) / count


def surface_distance(found: np.ndarray, truth: np.ndarray, sizes: np.ndarray) -> float:
    """Average symmetric surface distance in mm; 0 if both masks are empty, NaN if one is.

    Args:
        found, truth: masks, (x, y, z).
        sizes: of a voxel in mm, (3,).
    """
    if not found.any() or not truth.any():
        return 0.0 if found.any() == truth.any() else np.nan
    part = bounding_box(found | truth, 1)
    surfaces = [
        mask & ~ndimage.binary_erosion(mask, FACES, border_value=0) for mask in (found[part], truth[part])
    ]
    away = [ndimage.distance_transform_edt(~surface, sampling=sizes) for surface in surfaces]
    distances = np.concatenate([away[1][surfaces[0]], away[0][surfaces[1]]])
    return float(distances.mean())


def contrast_ratios(
    image: np.ndarray, lesions: np.ndarray, white: np.ndarray, sizes: np.ndarray, rim: float
) -> dict[str, float]:
    """Mean intensity of lesions over that of normal-appearing white matter; NaN where one of them is empty.

    Args:
        image: FLAIR, any units.
        lesions: mask.
        white: normal-appearing white matter: the mask of white matter; lesions in it do not count.
        sizes: of a voxel in mm, (3,).
        rim: width in mm of the second rim.

    Returns:
        `ratio1`: over all white matter; `ratio2`: over that within 5 voxels of a lesion (five dilations with
        the 26 neighbours); `ratio2_mm`: over that within `rim` mm of one.
    """
    normal = white & ~lesions
    if not lesions.any() or not normal.any():
        return {"ratio1": np.nan, "ratio2": np.nan, "ratio2_mm": np.nan}
    near = ndimage.binary_dilation(lesions, CORNERS, iterations=5)
    close = ndimage.distance_transform_edt(~lesions, sampling=sizes) <= rim
    bright = float(image[lesions].mean())

    def over(region: np.ndarray) -> float:
        return bright / float(image[region].mean()) if region.any() and image[region].mean() else np.nan

    return {"ratio1": over(normal), "ratio2": over(normal & near), "ratio2_mm": over(normal & close)}
