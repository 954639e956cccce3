"""Bias correction: N4 (Tustison 2010, IEEE Trans Med Imaging 29:1310) from antspyx."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from .antspy import library, to_ants
from .grids import back, cubes

WORKING = 2.0  # mm
HEIGHT = 190.0  # mm from the crown down to the neck, whose coil falls off too steeply to be fitted along


def correct_bias(image: nib.Nifti1Image, shrink: int) -> np.ndarray:
    """The image divided by its bias field.

    The field is smooth, so it is estimated inside the head on cubes of `shrink` x 2 mm and interpolated.

    Args:
        image: a head as it was acquired, shape (x, y, z).
        shrink: side of the working cubes in units of 2 mm.

    Returns:
        float32 array of the image's shape, at least zero; the field has median 1 in the head.
    """
    coarse = cubes(image, WORKING * shrink)
    data = np.maximum(coarse.get_fdata(dtype=np.float32), 0)
    mask = head(data) & above_neck(head(data), coarse.affine)
    with library() as ants:
        field = ants.n4_bias_field_correction(
            to_ants(ants, data, coarse.affine),
            mask=to_ants(ants, mask, coarse.affine),
            shrink_factor=1,
            convergence={"iters": [50, 50, 50, 50], "tol": 1e-7},
            return_bias_field=True,
        ).numpy()
    log_field = np.log(np.maximum(field, 1e-3))
    log_field -= np.median(log_field[mask])
    # Beyond the mask the splines run free; there the field stays within what the head has.
    log_field = np.clip(log_field, log_field[mask].min(), log_field[mask].max())
    whole = np.exp(back(log_field, coarse, image, mode="nearest"))
    return np.maximum(image.get_fdata(dtype=np.float32), 0) / whole


def head(data: np.ndarray) -> np.ndarray:
    """The voxels that are not air: largest piece above half of Otsu's threshold, holes filled.

    Args:
        data: intensities, shape (x, y, z), at least zero.
    """
    from skimage.filters import threshold_otsu

    # Half of it, since Otsu's threshold parts bright tissue from dark as well as head from air.
    mask = data > 0.5 * threshold_otsu(np.minimum(data, np.percentile(data, 98)))
    pieces, count = ndimage.label(mask)
    if count > 1:
        mask = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    return ndimage.binary_fill_holes(mask)


def above_neck(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """The voxels of the grid that lie less than `HEIGHT` below the top of the mask."""
    height = np.tensordot(affine[2, :3], np.indices(mask.shape), 1)
    return height > height[mask].max() - HEIGHT
