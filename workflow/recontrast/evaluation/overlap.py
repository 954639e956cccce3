"""Structures found by a threshold on both images, and how they overlap (Kim 2020, Figure 7C)."""

import numpy as np


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two masks of one shape (Dice 1945); 1 if both are empty, as with lesions."""
    size = one.sum() + other.sum()
    return float(2 * (one & other).sum() / size) if size else 1.0


def threshold(
    image: np.ndarray, within: np.ndarray, above: float | None = None, below: float | None = None
) -> np.ndarray:
    """The voxels of a mask whose value lies above one bound and below another; a bound of None does not count."""
    found = within.astype(bool)
    if above is not None:
        found = found & (image > above)
    if below is not None:
        found = found & (image < below)
    return found
