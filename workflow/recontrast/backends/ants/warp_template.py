"""Nonlinear registration of a brain to the MNI152 template: antsRegistration, SyN."""

import nibabel as nib
import numpy as np

from .. import warps
from ..embedded.template import template
from .registration import bend
from .tools import ants_for


def warp_template(
    image: nib.Nifti1Image, mask: nib.Nifti1Image, matrix: np.ndarray
) -> tuple[warps.Warp, warps.Warp]:
    """What bends a brain to the template, and back.

    Arguments and result as `protocol.WarpTemplate` says.
    """
    inside = np.asarray(mask.dataobj) > 0
    brain = nib.Nifti1Image(np.where(inside, image.get_fdata(dtype=np.float32), 0), image.affine)
    with ants_for("warp_template") as (ants, folder):
        return bend(ants, folder, brain, template(), matrix)
