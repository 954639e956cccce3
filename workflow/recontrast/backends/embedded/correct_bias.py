"""Bias correction: N4 (Tustison 2010, IEEE Trans Med Imaging 29:1310) from antspyx."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from .antspy import library, to_ants
from .grids import back, cubes

WORKING = 2.0  # mm
HEIGHT = 150.0  # mm from the crown down; the neck's coil falls off too steeply to be fitted along
SCALP = 16.0  # mm under the skin where fat, bone and air would be taken for shading
LEAST = 0.1  # part of the head that has to remain below the scalp, or all of it is used
ORDINARY = (0.5, 1.5)  # times the median; beyond it lie fluid and vessels, whose noise and edges say little
KNOTS = 200.0  # mm between the splines' first knots, halved at each level
# A fourth level, 25 mm, follows the anatomy: on heads of known field it undid the correction.
LEVELS = [50, 50, 50]  # most iterations of each


def correct_bias(image: nib.Nifti1Image, shrink: int) -> np.ndarray:
    """The image divided by its bias field.

    The field is smooth, so it is estimated in the depth of the head on coarse cubes, of `shrink` times 2 mm, and
    interpolated.

    Arguments and result as `protocol.CorrectBias` says.
    """
    coarse = cubes(image, WORKING * shrink)
    data = np.maximum(coarse.get_fdata(dtype=np.float32), 0)
    mask = deep(data, coarse.affine)
    with library() as ants:
        field = ants.n4_bias_field_correction(
            to_ants(ants, data, coarse.affine),
            mask=to_ants(ants, mask, coarse.affine),
            shrink_factor=1,
            convergence={"iters": LEVELS, "tol": 1e-7},
            spline_param=KNOTS,
            return_bias_field=True,
        ).numpy()
    log_field = np.log(np.maximum(field, 1e-3))
    log_field -= np.median(log_field[mask])
    # Beyond the mask the splines run free; there the field stays within what the mask has.
    log_field = np.clip(log_field, log_field[mask].min(), log_field[mask].max())
    whole = np.exp(back(log_field, coarse, image, mode="nearest"))
    return np.maximum(image.get_fdata(dtype=np.float32), 0) / whole


def deep(data: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Where the field shows best: below the scalp, above the neck, of ordinary brightness.

    Args:
        data: intensities on cubes, shape (x, y, z), at least zero.
        affine: of the cubes.

    Returns:
        boolean array of the shape of the data.
    """
    inside = head(data)
    upper = inside & above(inside, affine, HEIGHT)
    below_scalp = upper & (ndimage.distance_transform_edt(inside) * np.linalg.norm(affine[:3, 0]) > SCALP)
    mask = below_scalp if below_scalp.sum() > LEAST * upper.sum() else upper
    low, high = np.multiply(ORDINARY, np.median(data[mask]))
    return mask & (data > low) & (data < high)


def head(data: np.ndarray) -> np.ndarray:
    """The voxels that are not air: largest piece above half of Otsu's threshold, holes filled.

    Args:
        data: intensities, shape (x, y, z), at least zero.
    """
    from skimage.filters import threshold_otsu

    # Half of it, since Otsu's threshold parts bright tissue from dark as well as head from air.
    mask = data > 0.5 * threshold_otsu(np.minimum(data, np.percentile(data, 98)).ravel())
    pieces, count = ndimage.label(mask)
    if count > 1:
        mask = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    return ndimage.binary_fill_holes(mask)


def above(mask: np.ndarray, affine: np.ndarray, height: float) -> np.ndarray:
    """The voxels of the grid that lie less than `height` mm below the top of the mask."""
    level = np.tensordot(affine[2, :3], np.indices(mask.shape), 1)
    return level > level[mask].max() - height
