"""Intensities along a line, as in Kim 2020, Figure 7D."""

import numpy as np
from scipy.ndimage import map_coordinates


def profile(
    image: np.ndarray,
    affine: np.ndarray,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    step: float = 0.5,
) -> tuple[np.ndarray, np.ndarray]:
    """Samples of an image on the straight line between two points, by linear interpolation.

    Args:
        image: shape (x, y, z).
        affine: voxel to world, 4 x 4, in mm.
        start: world coordinates of the first sample, mm.
        end: world coordinates of the last sample, mm.
        step: largest distance of neighbouring samples, mm.

    Returns:
        Distances from `start` in mm, and the values there; NaN outside the image.
    """
    first, last = np.array(start, float), np.array(end, float)
    length = np.linalg.norm(last - first)
    distances = np.linspace(0, length, int(np.ceil(length / step)) + 1)
    points = first + np.outer(distances / (length or 1), last - first)
    voxels = np.linalg.solve(affine, np.c_[points, np.ones(len(points))].T)[:3]
    return distances, map_coordinates(image.astype(float), voxels, order=1, cval=np.nan)
