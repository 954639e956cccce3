"""Dividing by a bias field that is known in part of an image."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from ..errors import RecontrastError

SMOOTHING = 10.0  # mm, standard deviation of the field's continuation


def divide(image: nib.Nifti1Image, field: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The image without its bias field.

    Outside the region the field goes on from the nearest voxel inside, smoothed, as nothing was fitted there.

    Args:
        image: shape (x, y, z).
        field: what the image was multiplied by, above zero inside the region, same shape.
        region: where the field is known, boolean.

    Returns:
        float32, at least zero; the field that was divided by has median 1 in the region.

    Raises:
        RecontrastError: the region is empty.
    """
    if not region.any():
        raise RecontrastError(
            "no brain was found from which to estimate the bias field",
            remedy="look at the image; exclude it if it does not show a head",
        )
    log_field = np.log(np.where(region, np.maximum(field, 1e-3), 1))
    log_field -= np.median(log_field[region])
    sizes = np.linalg.norm(image.affine[:3, :3], axis=0)
    nearest = ndimage.distance_transform_edt(~region, sizes, return_distances=False, return_indices=True)
    continued = ndimage.gaussian_filter(
        log_field[tuple(nearest)], SMOOTHING / sizes, mode="nearest", truncate=2
    )
    whole = np.exp(np.where(region, log_field, continued)).astype(np.float32)
    return np.maximum(image.get_fdata(dtype=np.float32), 0) / whole
