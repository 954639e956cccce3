"""Affine registration of a brain to the MNI152 template."""

import nibabel as nib
import numpy as np

from .antspy import library, matrix_of, to_ants
from .grids import cubes
from .template import template


def register_template(image: nib.Nifti1Image, mask: nib.Nifti1Image) -> np.ndarray:
    """The affine transform that lays a brain on the template.

    Arguments and result as `protocol.RegisterTemplate` says.
    """
    inside = np.asarray(mask.dataobj) > 0
    data = image.get_fdata(dtype=np.float32)
    brain = np.where(inside, np.clip(data, 0, np.percentile(data[inside], 99.5)), 0)
    moving = cubes(nib.Nifti1Image(brain, image.affine), 2.0)
    fixed = template()
    with library() as ants:
        found = ants.registration(
            to_ants(ants, fixed.dataobj, fixed.affine),
            to_ants(ants, moving.dataobj, moving.affine),
            "Affine",
            aff_iterations=(200, 100),
            aff_shrink_factors=(3, 2),
            aff_smoothing_sigmas=(1.5, 1),
        )
        return matrix_of(ants, found["fwdtransforms"][0])
