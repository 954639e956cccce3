"""Counting among the voxels around a voxel."""

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
