"""FLIRT's transforms and ours.

FLIRT's matrix takes points of the moving image to points of the reference, in millimetres along each image's
own axes from the centre of its first voxel; where an image's axes are right-handed (positive determinant),
the first one is counted from the other end (FSL wiki, FLIRT FAQ, "What is the format of the matrix").
"""

from pathlib import Path

import nibabel as nib
import numpy as np

from ...errors import RecontrastError
from ..transforms import FLIP


def scaled(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """The (4, 4) map from voxels to FSL's millimetres."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    result = np.diag([*sizes, 1.0])
    if np.linalg.det(affine[:3, :3]) > 0:
        result[0, 0] = -sizes[0]
        result[0, 3] = sizes[0] * (shape[0] - 1)
    return result


def to_world(matrix: np.ndarray, moving: nib.Nifti1Image, reference: nib.Nifti1Image) -> np.ndarray:
    """FLIRT's matrix as (4, 4), reference to moving in ITK's world."""
    return _world(moving) @ np.linalg.inv(matrix) @ np.linalg.inv(_world(reference))


def from_world(matrix: np.ndarray, moving: nib.Nifti1Image, reference: nib.Nifti1Image) -> np.ndarray:
    """A (4, 4) matrix, reference to moving in ITK's world, as FLIRT's."""
    return np.linalg.inv(np.linalg.inv(_world(moving)) @ matrix @ _world(reference))


def read(path: str | Path) -> np.ndarray:
    """FLIRT's matrix from its text file.

    Raises:
        RecontrastError: the file holds no (4, 4) matrix.
    """
    try:
        matrix = np.loadtxt(path)
    except (OSError, ValueError):
        matrix = np.empty(0)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise RecontrastError(
            "does not contain a FLIRT matrix", file=path, remedy="see the log for the output of flirt"
        )
    return matrix


def write(path: Path, matrix: np.ndarray) -> str:
    """Write FLIRT's matrix as its text file."""
    np.savetxt(path, matrix, fmt="%.12g", delimiter="  ")
    return str(path)


def _world(image: nib.Nifti1Image) -> np.ndarray:
    """The (4, 4) map from an image's FSL millimetres to ITK's world."""
    return FLIP @ image.affine @ np.linalg.inv(scaled(image.shape, image.affine))
