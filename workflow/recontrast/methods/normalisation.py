"""Intensity scales of the published systems, as pure functions of arrays."""

from collections.abc import Iterable

import numpy as np

from ..errors import RecontrastError


def percentile_scale(image: np.ndarray, mask: np.ndarray, percentile: float, label: str = "") -> float:
    """A percentile of the intensities inside the mask, to divide by.

    Raises:
        RecontrastError: it is not above zero, so that it is no scale.
    """
    scale = float(np.percentile(image[mask], percentile))
    if not scale > 0:
        raise RecontrastError(
            f"{label}: the {percentile:g}th percentile inside the mask is {scale:g}",
            remedy="check image and mask of this session, or exclude it",
        )
    return scale


def mean_and_sd(arrays: Iterable[np.ndarray]) -> tuple[float, float]:
    """Mean and standard deviation over all values of several arrays, in double precision."""
    count = total = squares = 0.0
    for array in arrays:
        values = array.astype(np.float64)
        count += values.size
        total += values.sum()
        squares += np.square(values).sum()
    mean = total / count
    return float(mean), float(np.sqrt(max(squares / count - mean**2, 1e-12)))
