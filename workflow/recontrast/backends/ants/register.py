"""Rigid and affine registration of two contrasts: antsRegistration, mutual information."""

from functools import partial

import nibabel as nib
import numpy as np
from scipy import ndimage

from ..embedded.apply_transform import apply_transform
from ..poses import crowns_meet, mutual_information
from .registration import align
from .tools import ants_for

COARSE = 2  # levels on which the starts are compared
AROUND = 10.0  # mm around a brain that count as well: its outline holds the pose


def register(
    moving: nib.Nifti1Image,
    reference: nib.Nifti1Image,
    moving_mask: nib.Nifti1Image | None,
    reference_mask: nib.Nifti1Image | None,
    dof: int,
) -> np.ndarray:
    """The transform that lays the moving image on the reference; its mask counts where the reference has none.

    Starts from the scanner's pose, from where the crowns meet and from where the centres of gravity meet; of the
    ends on coarse levels, that which shares the most information goes on to the fine ones.

    Arguments and result as `protocol.Register` says.
    """
    if reference_mask is None and moving_mask is not None:
        # ANTs draws its samples in the mask of the fixed image.
        return np.linalg.inv(register(reference, moving, None, moving_mask, dof))
    region = None if reference_mask is None else surrounded(reference_mask)
    with ants_for("register") as (ants, folder):
        one = partial(align, ants, folder, moving, reference, region)
        inside = slice(None) if region is None else region
        target, found = reference.get_fdata(dtype=np.float32)[inside], {}
        starts = {
            "the scanner's pose": np.eye(4),
            "the crowns": crowns_meet(moving, reference),
            "the centres": None,
        }
        for name, start in starts.items():
            end = one(6, start, slice(COARSE))
            moved = apply_transform(moving, reference, end, "linear")
            shared = mutual_information(target, moved[inside])
            print(f"mutual information from {name} {shared:.3f}", flush=True)
            found[shared] = end
        return one(dof, found[max(found)], slice(COARSE, None))


def surrounded(mask: nib.Nifti1Image) -> np.ndarray:
    """A mask grown by `AROUND`, boolean."""
    sizes = np.linalg.norm(mask.affine[:3, :3], axis=0)
    return ndimage.distance_transform_edt(np.asarray(mask.dataobj) <= 0, sizes) <= AROUND
