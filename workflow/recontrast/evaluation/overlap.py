"""Structures found by a threshold on both images, and how they overlap (Kim 2020, Figure 7C)."""

import numpy as np


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
