"""Affine registration of a brain to the MNI152 template: FLIRT, correlation ratio, 12 parameters."""

import nibabel as nib
import numpy as np

from ..embedded.template import template
from .flirt import align
from .tools import fsl_for


def register_template(image: nib.Nifti1Image, mask: nib.Nifti1Image) -> np.ndarray:
    """The affine transform that lays a brain on the template.

    Arguments and result as `protocol.RegisterTemplate` says.
    """
    inside = np.asarray(mask.dataobj) > 0
    brain = nib.Nifti1Image(np.where(inside, image.get_fdata(dtype=np.float32), 0), image.affine)
    with fsl_for("register_template") as (fsl, folder):
        return align(fsl, folder, brain, template(), 12, "corratio")
