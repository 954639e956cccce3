"""Heads brought onto one another by the moments of their brain masks: an affine without a search."""

import numpy as np
from scipy.linalg import sqrtm
from scipy.ndimage import affine_transform

Spacing = tuple[float, float, float]


def onto(
    images: np.ndarray,
    matrix: np.ndarray,
    offset: np.ndarray,
    shape: tuple[int, int, int],
    into: np.ndarray | None = None,
) -> np.ndarray:
    """Resample images onto another session's grid, linearly; 0 where there was nothing.

    Args:
        images: float32 (n, x, y, z).
        matrix: (3, 3), from voxels of the other grid to those of the images.
        offset: (3,), likewise.
        shape: of the other grid, (u, v, w).
        into: array to fill, as what is returned; None: a new one.

    Returns:
        float32, shape (n, u, v, w).
    """
    moved = np.empty((len(images), *shape), np.float32) if into is None else into
    for image, there in zip(images, moved, strict=True):
        affine_transform(image, matrix, offset, shape, there, order=1)
    return moved


def from_moments(
    mask: np.ndarray, spacing: Spacing, other: np.ndarray, other_spacing: Spacing
) -> tuple[np.ndarray, np.ndarray]:
    """The symmetric affine in mm that gives one mask the centre and the covariance of another.

    Of all affine maps that do so it moves the points least (the optimal transport between two normal
    distributions): it scales and shears as needed and never turns without need.

    Returns:
        Matrix (3, 3) and offset (3,) from voxels of `mask` to voxels of `other`.
    """
    centre, covariance = _moments(mask, spacing)
    other_centre, other_covariance = _moments(other, other_spacing)
    root = sqrtm(covariance).real
    back = np.linalg.inv(root)
    matrix = back @ sqrtm(root @ other_covariance @ root).real @ back
    scaled = matrix * np.array(spacing) / np.array(other_spacing)[:, None]
    return scaled, (other_centre - matrix @ centre) / np.array(other_spacing)


def _moments(mask: np.ndarray, spacing: Spacing) -> tuple[np.ndarray, np.ndarray]:
    """Centre (3,) in mm from the first voxel and covariance (3, 3) in mm² of a mask."""
    points = np.argwhere(mask) * np.array(spacing)
    # A voxel has a width: without it a mask one voxel thin would have no volume.
    return points.mean(axis=0), np.cov(points.T, bias=True) + np.diag(np.square(spacing)) / 12
