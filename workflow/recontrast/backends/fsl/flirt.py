"""Affine registration of two brains by FLIRT (Jenkinson 2002, NeuroImage 17:825)."""

import os
import shutil
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

    FLIRT looks at voxels, not at headers, and searches 90 degrees around: both images are first turned so that
    their axes run as the template's. World coordinates stay, so the result holds for both as they were.
    """
    upright = {
        name: upright_file(fsl, folder, name, image)
        for name, image in (("moving", moving), ("reference", reference))
    }
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


def upright_file(fsl: ModuleType, folder: Path, name: str, image: nib.Nifti1Image) -> nib.Nifti1Image:
    """The image in a file, with its axes as the template's run; its handedness stays.

    By `fslreorient2std`, or by nibabel where that script lacks what it rests on.
    """
    path, turned = folder / f"{name}.nii.gz", folder / f"{name}_std.nii.gz"
    put(path, image.get_fdata(dtype=np.float32), image.affine)
    if can_reorient():
        run(fsl.Reorient2Std(in_file=str(path), out_file=str(turned)), folder)
    else:
        standard = nib.as_closest_canonical(nib.load(path))
        # As FSL does: what was stored from right to left stays so.
        nib.save(standard.slicer[::-1] if np.linalg.det(image.affine) < 0 else standard, turned)
    return nib.load(turned)


def can_reorient() -> bool:
    """Whether `fslreorient2std` is there, and what it calls: `bc`, and a standard image to compare with."""
    standard = Path(os.environ["FSLDIR"]) / "data/standard/MNI152_T1_2mm_brain.nii.gz"
    return all(map(shutil.which, ("fslreorient2std", "bc"))) and standard.is_file()
