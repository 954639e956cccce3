"""The MNI152 template that comes in nilearn's wheel: ICBM 2009a symmetric (Fonov 2011, NeuroImage 54:313)."""

from importlib.resources import files
from typing import Literal

import nibabel as nib
import numpy as np
from scipy import ndimage

from .grids import cubes


def template() -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """The brain's T1 image and its mask (0 to 1), each on 2 mm cubes in MNI space."""
    whole = published("t1")
    inside = ndimage.binary_fill_holes(np.asarray(whole.dataobj) > 0)
    return cubes(whole, 2.0), cubes(nib.Nifti1Image(inside.astype(np.float32), whole.affine), 2.0)


def published(kind: Literal["t1", "gm", "wm"]) -> nib.Nifti1Image:
    """The brain's T1 image, or a map of grey or white matter in any unit, as published, on 1 mm cubes.

    Read without nilearn's own loaders, which take two seconds to be imported.
    """
    folder = files("nilearn") / "datasets" / "data"
    return nib.load(str(folder / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"))
