"""Brain extraction: BET (Smith 2002, Hum Brain Mapp 17:143)."""

import nibabel as nib
import numpy as np

from .bet import bet
from .tools import fsl_for

USUAL_THRESHOLD = 0.5  # BET's own, for every contrast


def extract_brain(image: nib.Nifti1Image, contrast: str, threshold: float | None) -> np.ndarray:
    """The brain in a head.

    `bet -R`: the surface is started anew from the brain found so far, until its centre rests, which keeps a
    long neck from drawing it down. BET treats all contrasts alike, as it looks for an edge of either sign no
    further out than the head.

    Arguments and result as `protocol.ExtractBrain` says.
    """
    with fsl_for("extract_brain") as (fsl, folder):
        level = USUAL_THRESHOLD if threshold is None else threshold
        return bet(fsl, folder, image.get_fdata(dtype=np.float32), image.affine, level, robust=True)[1]
