"""Bias correction: N4BiasFieldCorrection (Tustison 2010, IEEE Trans Med Imaging 29:1310)."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from ..embedded.correct_bias import LEAST, head
from ..fields import divide
from ..nipype_tools import put, run, take
from .tools import ants_for

HEIGHT = 150.0  # mm from the crown down; the neck's coil falls off too steeply to be fitted along
SCALP = 16.0  # mm under the skin where fat, bone and air would be taken for shading
KNOTS = 200.0  # mm between the splines' first knots, halved at each level
LEVELS = [50, 50, 50]  # most iterations of each; a fourth level, 25 mm, would follow the anatomy


def correct_bias(image: nib.Nifti1Image, shrink: int) -> np.ndarray:
    """The image divided by its bias field, which is estimated on a grid that is coarser by `shrink`.

    Arguments and result as `protocol.CorrectBias` says.
    """
    data = np.maximum(image.get_fdata(dtype=np.float32), 0)
    mask = depths(head(data), image.affine)
    with ants_for("correct_bias") as (ants, folder):
        found = run(
            ants.N4BiasFieldCorrection(
                dimension=3,
                input_image=put(folder / "head.nii.gz", data, image.affine),
                mask_image=put(folder / "mask.nii.gz", mask, image.affine),
                shrink_factor=shrink,
                bspline_fitting_distance=KNOTS,
                n_iterations=LEVELS,
                convergence_threshold=1e-7,
                output_image=str(folder / "corrected.nii.gz"),
                bias_image=str(folder / "field.nii.gz"),
                args="--verbose 1",
            ),
            folder,
        )
        return divide(image, take(found.bias_image, image.shape), mask)


def depths(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """What lies below the scalp and above the neck of a head, boolean array of the mask's shape."""
    level = np.tensordot(affine[2, :3], np.indices(mask.shape), 1)
    below_skin = ndimage.distance_transform_edt(mask, np.linalg.norm(affine[:3, :3], axis=0))
    upper = mask & (level > level[mask].max() - HEIGHT)
    below_scalp = upper & (below_skin > SCALP)
    return below_scalp if below_scalp.sum() > LEAST * upper.sum() else upper
