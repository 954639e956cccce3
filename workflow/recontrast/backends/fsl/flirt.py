"""Affine registration of two brains by FLIRT (Jenkinson 2002, NeuroImage 17:825)."""

from pathlib import Path
from types import ModuleType

import nibabel as nib
import numpy as np

from ..nipype_tools import put, run
from .coordinates import read, to_world


def align(
    fsl: ModuleType,
    folder: Path,
    moving: nib.Nifti1Image,
    reference: nib.Nifti1Image,
    dof: int,
    cost: str,
) -> np.ndarray:
    """The transform that lays one image on another, (4, 4), reference to moving in ITK's world.

    FLIRT looks at voxels, not at headers, and searches 90 degrees around: `fslreorient2std` first turns both
    images so that their axes run as the template's. World coordinates stay, so the result holds for both as
    they were.
    """
    upright = {}
    for name, image in (("moving", moving), ("reference", reference)):
        path = put(folder / f"{name}.nii.gz", image.get_fdata(dtype=np.float32), image.affine)
        turned = run(fsl.Reorient2Std(in_file=path, out_file=str(folder / f"{name}_std.nii.gz")), folder)
        upright[name] = nib.load(turned.out_file)
    found = run(
        fsl.FLIRT(
            in_file=upright["moving"].get_filename(),
            reference=upright["reference"].get_filename(),
            out_file=str(folder / "moved.nii.gz"),
            out_matrix_file=str(folder / "moving.mat"),
            dof=dof,
            cost=cost,
        ),
        folder,
    )
    return to_world(read(found.out_matrix_file), upright["moving"], upright["reference"])
