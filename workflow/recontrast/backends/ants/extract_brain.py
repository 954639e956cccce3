"""Brain extraction: antsBrainExtraction.sh with a template of heads (Tustison 2014, NeuroImage 99:166)."""

import nibabel as nib
import numpy as np

from ...errors import RecontrastError
from ..nipype_tools import put, run, take
from ..tissues import FROM_DARK
from .brain_template import brain_template
from .tools import ants_for


def extract_brain(image: nib.Nifti1Image, contrast: str, threshold: float | None) -> np.ndarray:
    """The brain in a head, carried over from the template and refined by the tissues found in it.

    The template ought to show the same contrast; which tissue is the brightest, the script is told.

    Arguments and result as `protocol.ExtractBrain` says.

    Raises:
        RecontrastError: there is no template, or a threshold is given, which the script does not have.
    """
    if threshold is not None:
        raise RecontrastError(
            "antsBrainExtraction.sh has no threshold", remedy="omit it, or use fsl or embedded for extraction"
        )
    order = FROM_DARK.get(contrast, FROM_DARK["T1w"])
    template = {name: str(path.resolve()) for name, path in brain_template().items()}
    with ants_for("extract_brain") as (ants, folder):
        found = run(
            ants.BrainExtraction(
                dimension=3,
                anatomical_image=put(folder / "head.nii.gz", image.get_fdata(dtype=np.float32), image.affine),
                out_prefix="found_",
                use_random_seeding=0,
                args="-c " + ",".join(["3", *(str(place + 1) for place in order)]),
                **template,
            ),
            folder,
        )
        return take(found.BrainExtractionMask, image.shape) > 0
