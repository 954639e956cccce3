"""Contrast-to-noise ratio between two tissues of one image."""

import numpy as np


def cnr(image: np.ndarray, foreground: np.ndarray, background: np.ndarray) -> float:
    """|mean of the foreground - mean of the background| / SD of the background.

    Args:
        image: any shape and units.
        foreground: mask of the same shape.
        background: mask of the same shape.

    Returns:
        NaN if a mask is empty, infinite if the background is constant and the foreground differs from it.
    """
    return _ratio(image, foreground, background, lambda one, other: abs(one - other))


def cnr_as_printed(image: np.ndarray, foreground: np.ndarray, background: np.ndarray) -> float:
    """The same with the sum of the means for their difference, as equation 11 of Kim 2020 has it.

    Unlike `cnr` it depends on where the scale of the image has its zero.
    """
    return _ratio(image, foreground, background, lambda one, other: one + other)


def _ratio(image: np.ndarray, foreground: np.ndarray, background: np.ndarray, top) -> float:
    if not (foreground.any() and background.any()):
        return float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        means = image[foreground].mean(), image[background].mean()
        return float(np.float64(top(*means)) / image[background].std())
