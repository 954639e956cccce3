"""Metrics in the harmonised form, and the registry of all metrics of images.

Both images are on the scale on which the acquired one spans 0 to 1 inside the mask; see `Pair`. scikit-image
does the arithmetic.
"""

import numpy as np
from skimage import metrics as skimage_metrics

from ..measures import IMAGE, MEASURES
from . import printed
from .pair import Pair
from .similarity import SHORTEST_SIDE, combine_scales, scale_sums

DATA_RANGE = 1.0  # what one unit of the harmonised scale is, by construction


def mse(pair: Pair, area: np.ndarray) -> float:
    """Mean squared error over an area."""
    reference, prediction = _inside(pair, area)
    return float(skimage_metrics.mean_squared_error(reference, prediction))


def mae(pair: Pair, area: np.ndarray) -> float:
    """Mean absolute error over an area."""
    reference, prediction = _inside(pair, area)
    return float(np.abs(reference - prediction).mean())


def psnr(pair: Pair, area: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over an area, peak 1; infinite for equal images."""
    with np.errstate(divide="ignore"):
        return float(skimage_metrics.peak_signal_noise_ratio(*_inside(pair, area), data_range=DATA_RANGE))


def nrmse(pair: Pair, area: np.ndarray) -> float:
    """Root mean squared error over an area, divided by the mean of the acquired image over the whole mask."""
    return float(np.sqrt((nrmse_map(pair)[area] ** 2).mean()))


def nrmse_map(pair: Pair) -> np.ndarray:
    """Absolute error, divided by the mean of the acquired image over the mask; 0 outside the mask."""
    reference, prediction = pair.harmonised
    return np.where(pair.mask, np.abs(reference - prediction), 0) / reference[pair.mask].mean()


def ssim(pair: Pair, area: np.ndarray) -> float:
    """Structural similarity: the map of the images, averaged over an area (Wang 2004)."""
    return float(pair.ssim_map[area].mean())


def ms_ssim(pair: Pair, area: np.ndarray) -> float:
    """Multi-scale similarity of slices, each scale averaged over an area (Wang 2003); NaN for small slices.

    A slice that the area fills is a whole image, for which common implementations leave out windows over its border:
    so does this. Otherwise such windows count where the area has them; few areas reach the border.
    """
    stacks = [np.moveaxis(volume, pair.axis, 0) for volume in (pair.harmonised[0], pair.filled, area)]
    if min(stacks[0].shape[1:]) < SHORTEST_SIDE:
        return float("nan")
    slices = [each for each in zip(*stacks, strict=True) if each[2].any()]
    found = [scale_sums(one, other, None if inside.all() else inside) for one, other, inside in slices]
    sums, counts = zip(*found, strict=True)
    pixels = np.sum(counts, axis=0)
    # An area of thin layers may have no pixel that is more than half inside at the coarsest scale.
    return combine_scales(np.sum(sums, axis=0) / pixels) if pixels.all() else float("nan")


METRICS = {
    "mse": mse,
    "mae": mae,
    "psnr": psnr,
    "nrmse": nrmse,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "hagiwara_psnr": printed.hagiwara_psnr,
    "hagiwara_nrmse": printed.hagiwara_nrmse,
    "wei_mse": printed.wei_mse,
    "wei_ssim": printed.wei_ssim,
    "kim_mse": printed.kim_mse,
    "kim_psnr": printed.kim_psnr,
    "kim_ssim": printed.kim_ssim,
    "kim_ms_ssim": printed.kim_ms_ssim,
    "osman_mse": printed.osman_mse,
    "osman_mae": printed.osman_mae,
    "osman_psnr": printed.osman_psnr,
    "osman_ssim": printed.osman_ssim,
}

# Metrics that have a value in every voxel: from a pair to the map, of which only the mask counts.
MAPS = {
    "ssim": lambda pair: pair.ssim_map,
    "nrmse": nrmse_map,
    "hagiwara_nrmse": printed.hagiwara_nrmse_map,
}


def compare(
    pair: Pair, names: list[str], region: str = "brain", areas: dict[str, np.ndarray] | None = None
) -> list[tuple[str, str, float]]:
    """The named metrics of one pair of images.

    Args:
        pair: the images and the mask of the region.
        names: keys of `METRICS`.
        region: what the mask is called.
        areas: further masks by name; what lies outside the region does not count. The scale stays that of the
            region.

    Returns:
        (region, metric, value), region by region. In an area without voxels every metric is NaN.
    """
    places = {region: pair.mask} | {name: area & pair.mask for name, area in (areas or {}).items()}
    found = [
        (place, name, METRICS[name](pair, area) if area.any() else float("nan"))
        for place, area in places.items()
        for name in names
        if MEASURES[name].scope == "mask" or (MEASURES[name].scope == "region" and place == region)
    ]
    return found + [(IMAGE, name, METRICS[name](pair)) for name in names if MEASURES[name].scope == "image"]


def _inside(pair: Pair, area: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return tuple(image[area] for image in pair.harmonised)
