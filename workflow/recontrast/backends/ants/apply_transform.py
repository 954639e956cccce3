"""Resampling by an affine transform: antsApplyTransforms, in one interpolation."""

import nibabel as nib
import numpy as np

from .. import transforms
from ..nipype_tools import put, run, take
from .tools import ants_for

NAMES = {
    "nearest": {"interpolation": "NearestNeighbor"},
    "linear": {"interpolation": "Linear"},
    "bspline": {"interpolation": "BSpline", "interpolation_parameters": (3,)},
}


def apply_transform(
    image: nib.Nifti1Image, reference: nib.Nifti1Image, matrix: np.ndarray, interpolation: str
) -> np.ndarray:
    """The image on the grid of the reference.

    Arguments and result as `protocol.ApplyTransform` says.
    """
    shape = reference.shape[:3]
    with ants_for("apply_transform") as (ants, folder):
        transforms.write(folder / "moving.txt", matrix)
        found = run(
            ants.ApplyTransforms(
                dimension=3,
                input_image=put(folder / "moving.nii.gz", image.get_fdata(dtype=np.float32), image.affine),
                reference_image=put(folder / "grid.nii.gz", np.zeros(shape, np.uint8), reference.affine),
                transforms=[str(folder / "moving.txt")],
                output_image=str(folder / "moved.nii.gz"),
                default_value=0,
                **NAMES[interpolation],
            ),
            folder,
        )
        return take(found.output_image, shape)
