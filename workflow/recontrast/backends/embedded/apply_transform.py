"""Resampling by an affine transform: scipy's splines, in one interpolation."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from ..transforms import voxel_map

ORDERS = {"nearest": 0, "linear": 1, "bspline": 3}


def apply_transform(
    image: nib.Nifti1Image, reference: nib.Nifti1Image, matrix: np.ndarray, interpolation: str
) -> np.ndarray:
    """The image on the grid of the reference.

    Arguments and result as `protocol.ApplyTransform` says.
    """
    step = voxel_map(matrix, image.affine, reference.affine)
    data = image.get_fdata(dtype=np.float32)
    return ndimage.affine_transform(
        data, step[:3, :3], step[:3, 3], reference.shape[:3], order=ORDERS[interpolation], mode="constant"
    )
