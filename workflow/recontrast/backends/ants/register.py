"""Rigid and affine registration of two contrasts: antsRegistration, mutual information."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from .registration import align
from .tools import ants_for

AROUND = 10.0  # mm around a brain that count as well: its outline holds the pose


def register(
    moving: nib.Nifti1Image,
    reference: nib.Nifti1Image,
    moving_mask: nib.Nifti1Image | None,
    reference_mask: nib.Nifti1Image | None,
    dof: int,
) -> np.ndarray:
    """The transform that lays the moving image on the reference; its mask counts where the reference has none.

    Arguments and result as `protocol.Register` says.
    """
    if reference_mask is None and moving_mask is not None:
        # ANTs draws its samples in the mask of the fixed image.
        return np.linalg.inv(register(reference, moving, None, moving_mask, dof))
    region = None if reference_mask is None else surrounded(reference_mask)
    with ants_for("register") as (ants, folder):
        return align(ants, folder, moving, reference, region, dof)


def surrounded(mask: nib.Nifti1Image) -> np.ndarray:
    """A mask grown by `AROUND`, boolean."""
    sizes = np.linalg.norm(mask.affine[:3, :3], axis=0)
    return ndimage.distance_transform_edt(np.asarray(mask.dataobj) <= 0, sizes) <= AROUND
