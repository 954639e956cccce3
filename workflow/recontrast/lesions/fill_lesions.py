"""T1w without lesions."""

from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from .. import images
from ..masks import bounding_box
from . import inputs
from .neighbourhood import CORNERS

RIM = 2  # voxels around a lesion whose values are mixed with those of white matter
REACH = 8  # voxels around lesions in which white matter is looked for


def fill_lesions(*, t1w: Path, lesions: Path, mask: Path, output: Path, seed: int = 1) -> None:
    """Fill lesions in T1w with the surrounding white matter, so that they are not segmented as grey matter.

    Args:
        t1w: prepared T1w on the reference grid.
        lesions: lesion mask on the same grid; if it is empty, the image stays unchanged.
        mask: brain mask.
        output: T1w to write.
        seed: random seed of the noise added to filled voxels.

    Raises:
        RecontrastError: another grid, values other than 0 and 1, or lesions outside the brain.
    """
    image = images.read(t1w)
    brain = inputs.read_brain(mask, image)
    found = inputs.read_lesions(lesions, brain, image)
    data = inpainted(image, brain, found, np.random.default_rng(seed))
    facts = {"Sources": [str(path) for path in (t1w, lesions, mask)], "FilledVoxels": int(found.sum())}
    images.write(output, data, image, facts=facts)
    print(f"{found.sum()} voxels filled")


def inpainted(
    image: nib.Nifti1Image, brain: np.ndarray, lesions: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """T1w with lesions replaced by the mean of nearby white matter, plus its noise; float32.

    White matter is taken to be what is brighter than the middle between the brain's median and its 90th
    percentile (Chard 2010, J Magn Reson Imaging 32:223, fills with the same idea); where none is near, the
    brain's 90th percentile stands in.

    Args:
        image: T1w, shape (x, y, z).
        brain: mask.
        lesions: mask of what is painted over.
        rng: for the noise.
    """
    data = np.asarray(image.dataobj, np.float32).copy()
    if not lesions.any():
        return data
    usual = float(np.percentile(data[brain & ~lesions], 90))
    middle = float(np.median(data[brain & ~lesions]))
    part = bounding_box(lesions, REACH)
    inside, here = lesions[part], data[part]
    wide = ndimage.binary_dilation(inside, CORNERS)  # the lesion's own edge is no white matter
    white = brain[part] & ~wide & (here > (usual + middle) / 2)
    weight = ndimage.gaussian_filter(white.astype(np.float32), RIM)
    mean = ndimage.gaussian_filter(np.where(white, here, 0), RIM)
    far = ndimage.gaussian_filter(white.astype(np.float32), REACH / 2)
    far_mean = ndimage.gaussian_filter(np.where(white, here, 0), REACH / 2)
    level = np.where(
        weight > 0.02,
        mean / np.maximum(weight, 0.02),
        np.where(far > 1e-3, far_mean / np.maximum(far, 1e-3), usual),
    )
    spread = float(np.std((here - level)[white])) if white.any() else 0.0
    painted = level + spread * rng.standard_normal(here.shape).astype(np.float32)
    data[part] = np.where(inside, np.maximum(painted, 0), here)
    return data
