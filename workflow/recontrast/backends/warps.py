"""Deformations, as ITK keeps them in NIfTI files: a shift in mm for each voxel of a grid, in ITK's world."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import images
from ..errors import RecontrastError
from ..without_pydicom import nibabel as nib
from .transforms import FLIP


@dataclass(frozen=True)
class Warp:
    """A deformation.

    Attributes:
        shifts: float32 (x, y, z, 3), mm in ITK's world.
        affine: of their grid.
    """

    shifts: np.ndarray
    affine: np.ndarray

    def moved(self, points: np.ndarray) -> np.ndarray:
        """Where points in ITK's world, (3, n) in mm, go; beyond the grid the nearest shift holds."""
        from scipy import ndimage  # half a second, which jobs that bend nothing need not wait

        voxels = np.linalg.inv(self.affine) @ FLIP @ np.vstack([points, np.ones(points.shape[1])])
        shifts = [
            ndimage.map_coordinates(self.shifts[..., axis], voxels[:3], order=1, mode="nearest")
            for axis in range(3)
        ]
        return points + np.stack(shifts)


def write(path: Path, warp: Warp) -> None:
    """Write a deformation as `antsApplyTransforms -t` reads it."""
    image = nib.Nifti1Image(warp.shifts[:, :, :, None].astype(np.float32), warp.affine)
    image.set_qform(warp.affine, code=1)
    image.set_sform(warp.affine, code=1)
    image.header.set_xyzt_units("mm")
    image.header.set_intent("vector")
    images.save(path, image)


def read(path: Path) -> Warp:
    """Read a deformation.

    Raises:
        RecontrastError: no such file, or not a finite vector for each voxel of a grid.
    """
    problem = dict(file=path, remedy="give an ITK displacement field in NIfTI, of shape (x, y, z, 1, 3)")
    try:
        image = nib.load(path)
        shifts = np.asarray(image.dataobj, dtype=np.float32)
    except FileNotFoundError:
        raise RecontrastError("does not exist", **problem) from None
    except images.UNREADABLE as error:
        raise RecontrastError(f"cannot be read ({error})", **problem) from error
    if shifts.ndim != 5 or shifts.shape[3:] != (1, 3) or not np.isfinite(shifts).all():
        raise RecontrastError("does not contain a three-dimensional displacement field", **problem)
    return Warp(shifts[:, :, :, 0], image.affine)
