"""Metrics as the papers print them, on the scales and parts of the image that they used.

What a paper leaves open is said at the function that settles it.
"""

import numpy as np
from skimage.metrics import structural_similarity

from .pair import Pair
from .similarity import SHORTEST_SIDE, combine_scales, scale_sums, slice_ssim

FLAT_WINDOW = 7  # pixels, the default of scikit-image
OSMAN_RANGE = 2.0  # of floating-point images, -1 to 1, where none is given
HAGIWARA_PEAK = 25_500  # "the maximum range of the FLAIR signal intensity", Evaluation of the Model


def hagiwara_psnr(pair: Pair, area: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB with the peak at 25,500 (Hagiwara 2019, Evaluation of the Model)."""
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(np.divide(HAGIWARA_PEAK, _rmse(pair, area))))


def hagiwara_nrmse(pair: Pair, area: np.ndarray) -> float:
    """Root mean squared error over the mean of the synthetic image itself; infinite if that is 0.

    "Scaled by dividing by the mean signal intensity of synthetic and DL-FLAIR images": over the same tissue
    [inferred: the quotients of the printed PSNR and NRMSE differ between tissues, so that root mean squared errors
    fit no single mean. Means over a tissue of `hagiwara_nrmse_map`, which are absolute errors, would fit one].
    """
    with np.errstate(divide="ignore"):
        return float(_rmse(pair, area) / np.abs(pair.prediction[area].mean()))


def hagiwara_nrmse_map(pair: Pair) -> np.ndarray:
    """Absolute error over the mean of the synthetic image itself in the mask; 0 outside the mask.

    "The squared root of the mean square errors was calculated and scaled by dividing by the mean signal
    intensity of synthetic and DL-FLAIR images, respectively, after applying the intracranial masks, to produce
    NRMSE maps" (Hagiwara 2019, Evaluation of the Model).
    """
    error = np.where(pair.mask, np.abs(pair.reference - pair.prediction), 0)
    return error / np.abs(pair.prediction[pair.mask].mean())


def wei_mse(pair: Pair, area: np.ndarray) -> float:
    """Mean squared error in the units of the images (Wei 2019, section 3.2)."""
    return _rmse(pair, area) ** 2


def wei_ssim(pair: Pair, area: np.ndarray) -> float:
    """Structural similarity whose data range is that of the acquired image in the mask [inferred] (Wei 2019)."""
    return float(pair.ssim_map_in_units[area].mean())


def kim_mse(pair: Pair) -> float:
    """Mean squared error of the whole image "normalized to the intensity range 0-1" (Kim 2020, section 2.8)."""
    reference, prediction = pair.whole
    return float(((reference - prediction) ** 2).mean())


def kim_psnr(pair: Pair) -> float:
    """Peak signal-to-noise ratio in dB of the whole image of one participant, peak 1."""
    return _decibels(kim_mse(pair))


def kim_ssim(pair: Pair) -> float:
    """Structural similarity of whole slices, averaged; NaN if they are thinner than its window."""
    return float(np.mean([slice_ssim(*each) for each in pair.slices]))


def kim_ms_ssim(pair: Pair) -> float:
    """Multi-scale similarity of whole slices, averaged; NaN unless they are longer than 160 pixels."""
    if min(pair.slices[0][0].shape) < SHORTEST_SIDE:
        return float("nan")
    return float(np.mean([combine_scales(np.divide(*scale_sums(*each))) for each in pair.slices]))


def osman_mse(pair: Pair) -> float:
    """Mean squared error by slice on the scale of 0 to 1, empty slices dropped (Osman 2022, section 2.5)."""
    return float(np.mean(_slice_errors(pair)))


def osman_mae(pair: Pair) -> float:
    """Mean absolute error by slice."""
    return float(np.mean([np.abs(one - other).mean() for one, other in pair.slices]))


def osman_psnr(pair: Pair) -> float:
    """Peak signal-to-noise ratio in dB by slice with peak 1, as the authors' public code has it, averaged."""
    return float(np.mean([_decibels(error) for error in _slice_errors(pair)]))


def osman_ssim(pair: Pair) -> float:
    """Structural similarity of whole slices, averaged; NaN if they are thinner than its window.

    As the authors' public code calls scikit-image: a flat window of 7 pixels, and no data range, for which versions
    of that time took 2 for floating-point images. Its constants are four times those for a range of 1, and so its
    values are higher.
    """
    if min(pair.slices[0][0].shape) < FLAT_WINDOW:
        return float("nan")
    options = {"win_size": FLAT_WINDOW, "data_range": OSMAN_RANGE}
    return float(np.mean([structural_similarity(one, other, **options) for one, other in pair.slices]))


def _rmse(pair: Pair, area: np.ndarray) -> float:
    return float(np.sqrt(((pair.reference[area] - pair.prediction[area]) ** 2).mean()))


def _slice_errors(pair: Pair) -> list[float]:
    return [float(((one - other) ** 2).mean()) for one, other in pair.slices]


def _decibels(error: float) -> float:
    return float("inf") if error == 0 else float(-10 * np.log10(error))
