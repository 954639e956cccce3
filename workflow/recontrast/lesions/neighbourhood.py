"""Counting among the voxels around a voxel, and the box around a mask."""

import numpy as np
from scipy import ndimage

FACES = ndimage.generate_binary_structure(3, 1)
CORNERS = ndimage.generate_binary_structure(3, 3)


def around(data: np.ndarray, structure: np.ndarray = FACES) -> np.ndarray:
    """Sum over the neighbours of every voxel, itself left out; zero lies beyond the edge. Float32.

    Args:
        data: shape (x, y, z).
        structure: which neighbours count: the 6 that share a face or the 26 that share a corner.
    """
    weights = structure.astype(np.float32)
    weights[1, 1, 1] = 0
    return ndimage.convolve(data.astype(np.float32), weights, mode="constant")


def box(mask: np.ndarray, margin: int = 0) -> tuple[slice, ...]:
    """The smallest box around a mask, `margin` voxels wider where there is room."""
    return tuple(
        slice(max(0, int(places.min()) - margin), int(places.max()) + 1 + margin)
        for places in np.nonzero(mask)
    )
