"""Image similarity in the harmonised form: inside a mask, on the intensity scale of the reference.

Both images are mapped by one line, the one that takes the 0.5th and 99.5th percentile of the reference
inside the mask to 0 and 1. Nothing is clipped, so bright lesions keep their errors, and the prediction is
never scaled by its own values, which would hide an intensity bias. scikit-image does the arithmetic.
"""

from difflib import get_close_matches

import numpy as np
from skimage import metrics as skimage_metrics

from ..errors import RecontrastError

PERCENTILES = (0.5, 99.5)
DATA_RANGE = 1.0  # what one unit of the harmonised scale is, by construction
SIGMA = 1.5  # voxels; Wang 2004, Image quality assessment, section III.B
RADIUS = 5  # voxels; where scikit-image cuts the Gaussian window off (3.5 sigma)


def harmonise(
    reference: np.ndarray, prediction: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both images on the scale on which the reference spans 0 to 1 inside the mask.

    Args:
        reference: acquired image, any shape.
        prediction: image of the same shape and units.
        mask: true where the images are compared, same shape.

    Returns:
        Reference and prediction as float64, not clipped.

    Raises:
        RecontrastError: the mask is empty, or the reference has one value (between its percentiles) in it.
    """
    if reference.shape != prediction.shape or reference.shape != mask.shape:
        raise RecontrastError(
            f"shapes differ: reference {reference.shape}, prediction {prediction.shape}, mask {mask.shape}",
            remedy="bring them to one grid first",
        )
    mask = mask.astype(bool)
    if not mask.any():
        raise RecontrastError("the mask is empty", remedy="look at the mask of this session")
    low, high = np.percentile(reference[mask].astype(np.float64), PERCENTILES)
    if high <= low:
        raise RecontrastError("the acquired image is constant inside the mask", remedy="look at this session")
    return tuple((image.astype(np.float64) - low) / (high - low) for image in (reference, prediction))


def mse(reference: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    """Mean squared error over the mask, of harmonised images."""
    return float(skimage_metrics.mean_squared_error(reference[mask], prediction[mask]))


def mae(reference: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute error over the mask, of harmonised images."""
    return float(np.abs(reference[mask] - prediction[mask]).mean())


def psnr(reference: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over the mask, peak 1; infinite for equal images."""
    with np.errstate(divide="ignore"):
        return float(
            skimage_metrics.peak_signal_noise_ratio(reference[mask], prediction[mask], data_range=DATA_RANGE)
        )


def nrmse(reference: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    """Root mean squared error over the mask, divided by the mean of the harmonised reference there."""
    return float(skimage_metrics.normalized_root_mse(reference[mask], prediction[mask], normalization="mean"))


def ssim(reference: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    """Structural similarity: the map of the whole images, averaged over the mask (Wang 2004).

    Gaussian window of 1.5 voxels in every dimension, population covariance, data range 1, mirrored at the
    borders of the image. An image with a single slice has the 2-D value.
    """
    # The window reaches RADIUS voxels out of the mask and no farther: the rest of the image is not needed.
    box = tuple(
        slice(max(0, places.min() - RADIUS), places.max() + RADIUS + 1) for places in np.nonzero(mask)
    )
    reference, prediction, mask = reference[box], prediction[box], mask[box]
    # scikit-image refuses images thinner than its window; mirroring them first is what its filter would do.
    short = [(0, max(0, 2 * RADIUS + 1 - side)) for side in mask.shape]
    _, similarity = skimage_metrics.structural_similarity(
        _mirror(reference, short),
        _mirror(prediction, short),
        data_range=DATA_RANGE,
        gaussian_weights=True,
        sigma=SIGMA,
        use_sample_covariance=False,
        full=True,
    )
    return float(similarity[tuple(slice(side) for side in mask.shape)][mask].mean())


METRICS = {"mse": mse, "mae": mae, "psnr": psnr, "nrmse": nrmse, "ssim": ssim}


def check_names(names: list[str]) -> None:
    """Raise unless all are keys of `METRICS`."""
    for name in names:
        if name not in METRICS:
            nearest = get_close_matches(name.lower(), METRICS, n=1) or [", ".join(METRICS)]
            raise RecontrastError(f"unknown metric {name!r}", remedy=f"use {nearest[0]}")


def compare(
    reference: np.ndarray, prediction: np.ndarray, mask: np.ndarray, names: list[str]
) -> dict[str, float]:
    """The named metrics of one pair of images, in the order asked for.

    Args:
        reference: acquired image, shape (x, y, z), any units.
        prediction: synthetic image in the same units.
        mask: not zero where they are compared.
        names: keys of `METRICS`.

    Raises:
        RecontrastError: an unknown metric, an empty mask, or a constant reference.
    """
    check_names(names)
    mask = mask.astype(bool)
    reference, prediction = harmonise(reference, prediction, mask)
    return {name: METRICS[name](reference, prediction, mask) for name in names}


def _mirror(image: np.ndarray, widths: list[tuple[int, int]]) -> np.ndarray:
    return np.pad(image, widths, mode="symmetric")
