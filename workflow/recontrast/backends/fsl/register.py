"""Rigid and affine registration of two contrasts: FLIRT on brains, normalised mutual information."""

import nibabel as nib
import numpy as np

from .extract_brain import extract_brain
from .flirt import align
from .tools import fsl_for


def register(
    moving: nib.Nifti1Image,
    reference: nib.Nifti1Image,
    moving_mask: nib.Nifti1Image | None,
    reference_mask: nib.Nifti1Image | None,
    dof: int,
) -> np.ndarray:
    """The transform that lays the moving image on the reference.

    FLIRT is several times more exact on brains than on heads, so a mask that only one of the two has is
    made for the other with BET. Without masks the images are taken as they are.

    Arguments and result as `protocol.Register` says.
    """
    if moving_mask is not None or reference_mask is not None:
        moving, reference = brain(moving, moving_mask), brain(reference, reference_mask)
    with fsl_for("register") as (fsl, folder):
        return align(fsl, folder, moving, reference, dof, "normmi")


def brain(image: nib.Nifti1Image, mask: nib.Nifti1Image | None) -> nib.Nifti1Image:
    """The image inside its mask, or inside the brain that BET finds if there is none."""
    inside = extract_brain(image, "", None) if mask is None else np.asarray(mask.dataobj) > 0
    return nib.Nifti1Image(np.where(inside, image.get_fdata(dtype=np.float32), 0), image.affine)
