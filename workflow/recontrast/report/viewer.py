"""A page on which one walks through a volume: nilearn's viewer, three planes and a cross."""

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np

from ..images import write_text

VOXEL = 2.0  # mm: a page of 1 mm voxels would weigh five times as much
SHOWN = 0.2  # of the strongest difference: smaller ones would hide the image


def write(
    path: Path,
    title: str,
    image: np.ndarray,
    affine: np.ndarray,
    difference: np.ndarray | None,
    strongest: float,
) -> None:
    """Write the page.

    Args:
        path: HTML file to write.
        title: what is shown.
        image: shape (x, y, z).
        affine: of both, 4x4.
        difference: shown in colour on top of the image where it is not small, red above and blue below; the
            image alone if None.
        strongest: the difference that has the strongest colour.
    """
    from nilearn import image as resampling
    from nilearn import plotting  # takes two seconds to load

    image, difference, affine = _cropped(image, difference, affine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what nilearn changes in later versions
        grid = np.diag([VOXEL] * 3)
        below = resampling.resample_img(
            nib.Nifti1Image(image.astype(np.float32), affine), grid, force_resample=True, copy_header=True
        )
        settings = {"title": title, "black_bg": True, "resampling_interpolation": "nearest"}
        if difference is None:
            top = float(np.percentile(image[image != 0], 99.5)) if image.any() else 1.0
            page = plotting.view_img(
                below,
                bg_img=False,
                cmap="gray",
                symmetric_cmap=False,
                vmin=0,
                vmax=top,
                colorbar=False,
                **settings,
            )
        else:
            above = resampling.resample_img(
                nib.Nifti1Image(difference.astype(np.float32), affine),
                below.affine,
                target_shape=below.shape,
                force_resample=True,
                copy_header=True,
            )
            page = plotting.view_img(
                above,
                bg_img=below,
                cmap="cold_hot",
                vmax=strongest,
                threshold=SHOWN * strongest,
                opacity=0.6,
                **settings,
            )
    write_text(path, page.get_standalone())


def _cropped(
    image: np.ndarray, difference: np.ndarray | None, affine: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """What is not zero: the page holds every voxel."""
    if not image.any():
        return image, difference, affine
    box = tuple(slice(int(found.min()), int(found.max()) + 1) for found in np.nonzero(image))
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ [part.start for part in box]
    return image[box], None if difference is None else difference[box], moved
