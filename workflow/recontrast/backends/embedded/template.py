"""The MNI152 template that comes in nilearn's wheel: the brain's T1 image and its mask, at 2 mm."""

from importlib.resources import files

import nibabel as nib
import numpy as np
from scipy import ndimage

from .grids import cubes


def template() -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Brain of the ICBM 2009a symmetric template and its mask (0 to 1), each on 2 mm cubes in MNI space."""
    folder = files("nilearn") / "datasets" / "data"
    whole = nib.load(str(folder / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"))
    inside = ndimage.binary_fill_holes(np.asarray(whole.dataobj) > 0)
    return cubes(whole, 2.0), cubes(nib.Nifti1Image(inside.astype(np.float32), whole.affine), 2.0)
