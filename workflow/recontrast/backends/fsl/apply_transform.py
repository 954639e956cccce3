"""Resampling by an affine transform: `flirt -applyxfm`, in one interpolation."""

import nibabel as nib
import numpy as np

from ..nipype_tools import put, run, take
from .coordinates import from_world, write
from .tools import fsl_for

NAMES = {"nearest": "nearestneighbour", "linear": "trilinear", "bspline": "spline"}


def apply_transform(
    image: nib.Nifti1Image, reference: nib.Nifti1Image, matrix: np.ndarray, interpolation: str
) -> np.ndarray:
    """The image on the grid of the reference.

    Arguments and result as `protocol.ApplyTransform` says.
    """
    shape = reference.shape[:3]
    with fsl_for("apply_transform") as (fsl, folder):
        found = run(
            fsl.FLIRT(
                in_file=put(folder / "moving.nii.gz", image.get_fdata(dtype=np.float32), image.affine),
                reference=put(folder / "grid.nii.gz", np.zeros(shape, np.uint8), reference.affine),
                in_matrix_file=write(folder / "moving.mat", from_world(matrix, image, reference)),
                out_file=str(folder / "moved.nii.gz"),
                out_matrix_file=str(folder / "applied.mat"),
                apply_xfm=True,
                interp=NAMES[interpolation],
                datatype="float",
                bgvalue=0,  # in place of the usual brightness at the image's edge
                # Blurring ahead of a coarser grid would be a second interpolation.
                no_resample_blur=True,
            ),
            folder,
        )
        return take(found.out_file, shape)
