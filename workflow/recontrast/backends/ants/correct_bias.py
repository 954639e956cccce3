"""Bias correction: N4BiasFieldCorrection (Tustison 2010, IEEE Trans Med Imaging 29:1310)."""

import nibabel as nib
import numpy as np

from ..embedded.correct_bias import above_neck, head
from ..fields import divide
from ..nipype_tools import put, run, take
from .tools import ants_for


def correct_bias(image: nib.Nifti1Image, shrink: int) -> np.ndarray:
    """The image divided by its bias field.

    Args:
        image: a head as it was acquired, shape (x, y, z).
        shrink: the field is estimated on a grid that is coarser by this factor.

    Returns:
        float32 array of the image's shape, at least zero; the field has median 1 in the head.
    """
    data = np.maximum(image.get_fdata(dtype=np.float32), 0)
    mask = head(data)
    mask &= above_neck(mask, image.affine)
    with ants_for("correct_bias") as (ants, folder):
        found = run(
            ants.N4BiasFieldCorrection(
                dimension=3,
                input_image=put(folder / "head.nii.gz", data, image.affine),
                mask_image=put(folder / "mask.nii.gz", mask, image.affine),
                shrink_factor=shrink,
                n_iterations=[50, 50, 50, 50],
                convergence_threshold=1e-7,
                output_image=str(folder / "corrected.nii.gz"),
                bias_image=str(folder / "field.nii.gz"),
                args="--verbose 1",
            ),
            folder,
        )
        return divide(image, take(found.bias_image, image.shape), mask)
