"""Every metric by name: what it is, where it is taken, which way is better, and where the definition is from.

Names without a prefix are harmonised: one scale for both images, inside a mask. A prefix names the paper that
a metric follows as printed. What the papers leave open is marked [inferred].
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from .errors import RecontrastError

WANG = "Wang et al. 2004"
MULTISCALE = "Wang et al. 2003"
HAGIWARA = "Hagiwara et al. 2019"
WEI = "Wei et al. 2019"
KIM = "Kim et al. 2020"
OSMAN = "Osman and Tamam 2022"
WINDOWS = "in three dimensions, or within slices if the study sets by_slice"


@dataclass(frozen=True)
class Measure:
    """One metric.

    Attributes:
        title: as a column of a table is headed.
        definition: in one line.
        better: which way, or what it is compared with.
        scope: where it is taken: in any `mask` (the region, tissues, masks of the study); over the study's
            `region` only; over the whole `image`; between a `pair` of masks; of a `structure`; or of `lesions`,
            by the steps of that stage.
        source: the publication, empty for what is common.
        digits: after the point, in a table.
    """

    title: str
    definition: str
    better: Literal["higher", "lower", "neither"]
    scope: Literal["mask", "region", "image", "pair", "structure", "lesions"] = "mask"
    source: str = ""
    digits: int = 3

    @property
    def author(self) -> str:
        """The first author of the source."""
        return self.source.partition(" ")[0]


MEASURES = {
    "mse": Measure("MSE", "mean squared error", "lower", digits=4),
    "mae": Measure("MAE", "mean absolute error", "lower", digits=4),
    "psnr": Measure(
        "PSNR (dB)", "10 log10(1 / mse): the peak is 1, the range of the scale", "higher", digits=2
    ),
    "nrmse": Measure(
        "NRMSE", "root of mse, divided by the mean of the acquired image over the region", "lower"
    ),
    "ssim": Measure(
        "SSIM",
        f"structural similarity: Gaussian window (SD 1.5 voxels, width 11 voxels) {WINDOWS}; data range 1; the map is "
        "averaged over the mask",
        "higher",
        source=WANG,
    ),
    "ms_ssim": Measure(
        "MS-SSIM",
        "structural similarity at five scales of each slice, each map averaged over the mask; n/a unless both sides "
        "of a slice are longer than 160 voxels",
        "higher",
        "region",
        MULTISCALE,
    ),
    "hagiwara_psnr": Measure(
        "PSNR (dB, peak 25,500)",
        "20 log10(25500 / root mean squared error), in the units of the prepared images",
        "higher",
        source=HAGIWARA,
        digits=2,
    ),
    "hagiwara_nrmse": Measure(
        "NRMSE (own mean)",
        "root mean squared error divided by the mean of the synthetic image itself, both over the mask",
        "lower",
        source=HAGIWARA,
        digits=2,
    ),
    "wei_mse": Measure(
        "MSE",
        "mean squared error in the units of the prepared images, after undoing z-scoring",
        "lower",
        source=WEI,
        digits=2,
    ),
    "wei_ssim": Measure(
        "SSIM",
        f"ssim in the units of wei_mse, with the same window {WINDOWS}; data range: the range of the acquired image "
        "in the region [inferred]",
        "higher",
        source=WEI,
    ),
    "kim_mse": Measure(
        "MSE",
        "mean squared error over the whole image, both images scaled by the linear map that takes the acquired image "
        "to the range 0 to 1",
        "lower",
        "image",
        KIM,
        digits=5,
    ),
    "kim_psnr": Measure("PSNR (dB)", "10 log10(1 / kim_mse)", "higher", "image", KIM, digits=2),
    "kim_ssim": Measure(
        "SSIM",
        "two-dimensional ssim of each whole slice on the scale of kim_mse (Gaussian window with SD 1.5 pixels and "
        "width 11 pixels, data range 1), averaged over slices",
        "higher",
        "image",
        KIM,
    ),
    "kim_ms_ssim": Measure(
        "MS-SSIM",
        "ms_ssim of each whole slice on the scale of kim_mse, averaged over slices",
        "higher",
        "image",
        KIM,
    ),
    "osman_mse": Measure(
        "MSE",
        "mean squared error of each whole slice, both images scaled so that the acquired one spans 0 to 1; averaged "
        "over slices, empty ones excluded",
        "lower",
        "image",
        OSMAN,
        digits=4,
    ),
    "osman_mae": Measure(
        "MAE", "mean absolute error, computed like osman_mse", "lower", "image", OSMAN, digits=4
    ),
    "osman_psnr": Measure(
        "PSNR (dB)",
        "10 log10(1 / mean squared error) of each slice, averaged over slices",
        "higher",
        "image",
        OSMAN,
        digits=2,
    ),
    "osman_ssim": Measure(
        "SSIM",
        "two-dimensional structural similarity of each slice (flat window of 7 pixels, data range 2), averaged over "
        "slices",
        "higher",
        "image",
        OSMAN,
    ),
    "cnr": Measure(
        "CNR",
        "|mean of the first - mean of the second| / SD of the second region, in the synthetic image",
        "neither",
        "pair",
    ),
    "cnr_acquired": Measure("CNR, acquired", "cnr of the acquired image", "neither", "pair"),
    "kim_cnr": Measure(
        "CNR",
        "(mean of the first + mean of the second) / SD of the second region, in the synthetic image, on the scale of "
        "kim_mse",
        "neither",
        "pair",
        KIM,
    ),
    "kim_cnr_acquired": Measure("CNR, acquired", "kim_cnr of the acquired image", "neither", "pair", KIM),
    "dice": Measure(
        "Dice",
        "overlap of a structure thresholded, or outlined, on the acquired and on the synthetic image; 1 if absent "
        "from both",
        "higher",
        "structure",
    ),
    "lesion_dice": Measure(
        "Dice of lesions",
        "overlap of detected and true lesions; 1 if there are neither",
        "higher",
        "lesions",
        digits=2,
    ),
    "lesion_volume": Measure(
        "Lesion volume (ml)", "volume of the detected lesions", "neither", "lesions", digits=2
    ),
    "lesion_true_volume": Measure(
        "True lesion volume (ml)", "volume of the true lesions", "neither", "lesions", digits=2
    ),
    "lesion_volume_bias": Measure(
        "Bias of lesion volume (ml)",
        "volume of the detected lesions minus that of the true lesions",
        "neither",
        "lesions",
        digits=2,
    ),
    "lesion_sensitivity": Measure(
        "Sensitivity to lesions",
        "fraction of the true lesions that overlap a detected one",
        "higher",
        "lesions",
        digits=2,
    ),
    "lesion_precision": Measure(
        "Precision of lesions",
        "fraction of the detected lesions that overlap a true one",
        "higher",
        "lesions",
        digits=2,
    ),
    "lesion_f1": Measure(
        "F1 of lesions",
        "harmonic mean of lesion_sensitivity and lesion_precision",
        "higher",
        "lesions",
        digits=2,
    ),
    "lesion_surface_distance": Measure(
        "Surface distance (mm)",
        "average distance between the surfaces of the two masks",
        "lower",
        "lesions",
        digits=2,
    ),
    "lesion_ratio1": Measure(
        "Ratio 1",
        "mean intensity of the true lesions divided by that of normal-appearing white matter, in the FLAIR on which "
        "lesions were detected",
        "higher",
        "lesions",
        WEI,
        digits=2,
    ),
    "lesion_ratio2": Measure(
        "Ratio 2",
        "like lesion_ratio1, but divided by the mean of white matter within five voxels of a lesion",
        "higher",
        "lesions",
        WEI,
        digits=2,
    ),
    "lesion_ratio2_mm": Measure(
        "Ratio 2 (4.5 mm)",
        "like lesion_ratio1, but divided by the mean of white matter within 4.5 mm of a lesion",
        "higher",
        "lesions",
        digits=2,
    ),
}

OF_IMAGES = tuple(name for name, measure in MEASURES.items() if measure.scope != "lesions")

# The region of metrics over a whole image; no region of a study has this name.
IMAGE = "image"


def check_names(names: list[str]) -> None:
    """Raise unless all are metrics that compare two images."""
    for name in names:
        if name not in OF_IMAGES:
            nearest = get_close_matches(name.lower(), OF_IMAGES, n=1) or [", ".join(OF_IMAGES)]
            raise RecontrastError(f"unknown metric {name!r}", remedy=f"use {nearest[0]}")


def as_printed(metric: str) -> bool:
    """Whether a metric follows a paper's own definition, whose first author its name begins with."""
    author = MEASURES[metric].author.lower()
    return bool(author) and metric.startswith(f"{author}_")


def define(metric: str, by_slice: bool) -> str:
    """A metric in one line, as one study takes it."""
    one = "within slices" if by_slice else "in three dimensions"
    return MEASURES[metric].definition.replace(WINDOWS, one)
