"""Nonlinear registration of a brain to the MNI152 template: SyN (Avants 2008, Med Image Anal 12:26) from antspyx."""

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

from .. import transforms, warps
from .antspy import library, to_ants
from .grids import cubes
from .template import template

WORKING = 2.0  # mm
ITERATIONS = (40, 20, 0)  # on cubes of 8, 4 and 2 mm


def warp_template(
    image: nib.Nifti1Image, mask: nib.Nifti1Image, matrix: np.ndarray
) -> tuple[warps.Warp, warps.Warp]:
    """What bends a brain to the template, and back.

    Arguments and result as `protocol.WarpTemplate` says.
    """
    inside = np.asarray(mask.dataobj) > 0
    data = image.get_fdata(dtype=np.float32)
    brain = np.where(inside, np.clip(data, 0, np.percentile(data[inside], 99.5)), 0)
    moving = cubes(nib.Nifti1Image(brain, image.affine), WORKING)
    fixed = template()
    with library() as ants:
        start = Path(tempfile.gettempdir()) / "affine.txt"
        transforms.write(start, matrix)
        found = ants.registration(
            to_ants(ants, fixed.dataobj, fixed.affine),
            to_ants(ants, moving.dataobj, moving.affine),
            "SyNOnly",
            initial_transform=str(start),
            reg_iterations=ITERATIONS,
        )
        # The affine comes last on the way there and first on the way back.
        return warps.read(Path(found["fwdtransforms"][0])), warps.read(Path(found["invtransforms"][-1]))
