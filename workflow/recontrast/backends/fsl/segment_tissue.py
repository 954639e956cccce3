"""Tissue maps: FAST's partial volumes (Zhang 2001, IEEE Trans Med Imaging 20:45)."""

import nibabel as nib
import numpy as np

from ..nipype_tools import put, run, take
from ..tissues import name_classes
from .tools import fsl_for

TYPES = {"T1w": 1, "T2w": 2, "PDw": 3}  # FAST's numbers


def segment_tissue(image: nib.Nifti1Image, mask: nib.Nifti1Image, contrast: str) -> np.ndarray:
    """Probabilities of CSF, GM and WM: the share of each voxel that FAST gives to a tissue.

    Arguments and result as `protocol.SegmentTissue` says.
    """
    inside = np.asarray(mask.dataobj) > 0
    data = np.where(inside, np.maximum(image.get_fdata(dtype=np.float32), 0), 0)
    with fsl_for("segment_tissue") as (fsl, folder):
        found = run(
            fsl.FAST(
                in_files=[put(folder / "brain.nii.gz", data, image.affine)],
                out_basename="fast",
                number_classes=3,
                img_type=TYPES.get(contrast, 1),
            ),
            folder,
        )
        classes = np.stack([take(one, image.shape) for one in found.partial_volume_files])
    return name_classes(classes, data, inside, contrast)
