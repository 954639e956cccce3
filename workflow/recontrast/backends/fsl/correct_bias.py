"""Bias correction: the field that FAST finds in the brain (Zhang 2001, IEEE Trans Med Imaging 20:45)."""

import nibabel as nib
import numpy as np

from ..fields import divide
from ..nipype_tools import put, run, take
from .bet import bet
from .tools import fsl_for

GENEROUS = 0.1  # threshold of BET for a brain that may be too large but is never cut, as fsl_anat has it
ITERATIONS = 10


def correct_bias(image: nib.Nifti1Image, shrink: int) -> np.ndarray:
    """The image divided by its bias field.

    FAST knows brain tissue only, so a generous brain is extracted first and the field continued around it, in
    the manner of fsl_anat. FAST works on the image's own grid: `shrink` has no effect.

    Arguments and result as `protocol.CorrectBias` says.
    """
    data = np.maximum(image.get_fdata(dtype=np.float32), 0)
    with fsl_for("correct_bias") as (fsl, folder):
        _, rough = bet(fsl, folder, data, image.affine, GENEROUS)
        brain = rough & (data > 0)
        found = run(
            fsl.FAST(
                in_files=[put(folder / "rough.nii.gz", np.where(brain, data, 0), image.affine)],
                out_basename="fast",
                number_classes=3,
                bias_iters=ITERATIONS,
                no_pve=True,
                output_biasfield=True,
            ),
            folder,
        )
        return divide(image, take(found.bias_field, image.shape), brain)
