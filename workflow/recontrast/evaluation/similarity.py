"""Structural similarity at one scale (Wang et al. 2004) and at five (Wang et al. 2003)."""

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from ..masks import bounding_box

SIGMA = 1.5  # voxels; Wang 2004, Image quality assessment, section III.B
RADIUS = 5  # voxels; where scikit-image cuts the Gaussian window off (3.5 sigma)
STABILISERS = (0.01, 0.03)  # K1 and K2, times the data range
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang 2003, section 3.2, from fine to coarse
SHORTEST_SIDE = 2 * RADIUS * 2 ** (len(SCALE_WEIGHTS) - 1) + 1  # 161, the limit of common implementations


def ssim_map(
    reference: np.ndarray,
    prediction: np.ndarray,
    mask: np.ndarray,
    data_range: float = 1.0,
    slices: int | None = None,
) -> np.ndarray:
    """The local similarity inside a mask, NaN outside.

    Gaussian window of 1.5 voxels in every dimension, or within slices, population covariance, mirrored at the borders
    of the image. An image with a single slice has the 2-D map.

    Args:
        reference: any shape; outside the mask too, where windows reach.
        prediction: of the same shape.
        mask: where the map is wanted; not empty.
        data_range: of both images.
        slices: axis across which windows do not reach, as each slice is an image of its own.
    """
    # The window reaches RADIUS voxels out of the mask and no farther: the rest of the image is not needed.
    box = bounding_box(mask, RADIUS)
    # scikit-image refuses images thinner than its window; mirroring them first is what its filter would do.
    sides = mask[box].shape
    short = [(0, 0 if axis == slices else max(0, 2 * RADIUS + 1 - side)) for axis, side in enumerate(sides)]
    _, similarity = structural_similarity(
        np.pad(reference[box], short, mode="symmetric"),
        np.pad(prediction[box], short, mode="symmetric"),
        data_range=data_range,
        gaussian_weights=True,
        sigma=SIGMA,
        use_sample_covariance=False,
        full=True,
        channel_axis=slices,
    )
    found = np.full(mask.shape, np.nan)
    found[box] = similarity[tuple(slice(side) for side in mask[box].shape)]
    found[~mask] = np.nan
    return found


def slice_ssim(reference: np.ndarray, prediction: np.ndarray) -> float:
    """Structural similarity of two whole slices with range 1, as scikit-image gives it; NaN if thinner than 11."""
    if min(reference.shape) < 2 * RADIUS + 1:
        return float("nan")
    options = {"gaussian_weights": True, "sigma": SIGMA, "use_sample_covariance": False}
    return float(structural_similarity(reference, prediction, data_range=1.0, **options))


def scale_sums(
    reference: np.ndarray, prediction: np.ndarray, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Sums over one slice of the maps that multi-scale similarity is made of, and how many pixels they have.

    Args:
        reference: slice (rows, columns) with range 1, both sides at least `SHORTEST_SIDE`.
        prediction: of the same shape.
        mask: which pixels count, at coarser scales those more than half inside; if None those whose window
            lies inside the slice, and all at the coarsest, as torchmetrics has it.

    Returns:
        Contrast and structure at four scales, all three terms at the coarsest; the numbers of pixels.
    """
    sums, counts = [], []
    images = [reference, prediction, None if mask is None else mask.astype(float)]
    for scale in range(len(SCALE_WEIGHTS)):
        luminance, structure = _terms(*images[:2])
        coarsest = scale == len(SCALE_WEIGHTS) - 1
        if images[2] is None:
            edge = 0 if coarsest else RADIUS
            inside = np.pad(np.ones([side - 2 * edge for side in luminance.shape], bool), edge)
        else:
            inside = images[2] > 0.5
        terms = luminance * structure if coarsest else structure
        sums.append(terms[inside].sum())
        counts.append(inside.sum())
        images = [None if image is None else _halve(image) for image in images]
    return np.array(sums), np.array(counts)


def combine_scales(means: np.ndarray) -> float:
    """Multi-scale similarity from the means at each scale; means below zero count as zero."""
    return float(np.prod(np.maximum(means, 0) ** np.array(SCALE_WEIGHTS)))


def _terms(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The luminance term, and the product of contrast and structure terms, with range 1."""

    def local(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(image, SIGMA, radius=RADIUS, mode="mirror")

    c1, c2 = (constant**2 for constant in STABILISERS)
    m1, m2 = local(one), local(other)
    v1, v2 = local(one**2) - m1**2, local(other**2) - m2**2
    covariance = local(one * other) - m1 * m2
    return (2 * m1 * m2 + c1) / (m1**2 + m2**2 + c1), (2 * covariance + c2) / (v1 + v2 + c2)


def _halve(image: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels; an odd last row or column is dropped."""
    rows, columns = (side // 2 for side in image.shape)
    return image[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
