"""The MNI152 template that comes in nilearn's wheel: ICBM 2009a symmetric (Fonov 2011, NeuroImage 54:313)."""

from importlib.resources import files
from typing import Literal

import nibabel as nib
import numpy as np
from scipy import ndimage

from .grids import cubes


def template() -> nib.Nifti1Image:
    """The brain's T1 image on 2 mm cubes in MNI space."""
    return cubes(published("t1"), 2.0)


def template_mask() -> nib.Nifti1Image:
    """What of each voxel of `template` is brain, 0 to 1: the T1 image where it is not 0, its holes filled."""
    whole = published("t1")
    # Like binary_fill_holes, which takes four times as long.
    background, _ = ndimage.label(np.asarray(whole.dataobj) <= 0)
    inside = background != background[0, 0, 0]
    return cubes(nib.Nifti1Image(inside.astype(np.float32), whole.affine), 2.0)


def published(kind: Literal["t1", "gm", "wm"]) -> nib.Nifti1Image:
    """The brain's T1 image, or a map of grey or white matter in any unit, as published, on 1 mm cubes.

    Read without nilearn's own loaders, which take two seconds to be imported.
    """
    folder = files("nilearn") / "datasets" / "data"
    return nib.load(str(folder / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"))
