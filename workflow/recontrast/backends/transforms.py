"""Affine transforms between images, as ITK affine text files.

A transform is held as a (4, 4) matrix that takes points of the reference to points of the moving image,
in ITK's world (millimetres, x to the left, y to the back). That is the direction in which images are
resampled, and the one of `antsApplyTransforms -r REFERENCE -i MOVING -t FILE`.
"""

from pathlib import Path

import numpy as np

from ..errors import RecontrastError
from ..images import write_text

# nibabel's world has x to the right and y to the front.
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def write(path: Path, matrix: np.ndarray) -> None:
    """Write a (4, 4) matrix, reference to moving in ITK's world, as ITK affine text."""
    parameters = " ".join(f"{value:.12g}" for value in [*matrix[:3, :3].ravel(), *matrix[:3, 3]])
    write_text(
        path,
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: {parameters}\nFixedParameters: 0 0 0\n",
    )


def read(path: Path) -> np.ndarray:
    """Read an ITK affine text file as a (4, 4) matrix, reference to moving in ITK's world.

    Raises:
        RecontrastError: no such file, or not one affine transform in three dimensions.
    """
    problem = dict(file=path, remedy="give an ITK affine transform in text form")
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise RecontrastError("does not exist", **problem) from None
    except UnicodeDecodeError:
        raise RecontrastError("is not a text file", **problem) from None
    fields = [line.partition(":")[::2] for line in lines if not line.startswith("#")]
    values = {name.strip(): value.split() for name, value in fields}
    try:
        parameters = np.array(values["Parameters"], dtype=float)
        centre = np.array(values["FixedParameters"], dtype=float)
        linear, offset = parameters[:9].reshape(3, 3), parameters[9:]
        matrix = np.eye(4)
        matrix[:3, :3] = linear
        matrix[:3, 3] = offset + centre - linear @ centre
    except (KeyError, ValueError):
        raise RecontrastError("does not contain a three-dimensional affine transform", **problem) from None
    return matrix


def voxel_map(matrix: np.ndarray, moving: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The (4, 4) map from voxels of the reference to voxels of the moving image, given their affines."""
    return np.linalg.inv(moving) @ FLIP @ matrix @ FLIP @ reference


def fsl_axes(affine: np.ndarray) -> np.ndarray:
    """The (3, 3) matrix from directions as FSL stores them with an image to world axes (right, front, up).

    FSL's axes are those of the stored voxels, the first one reversed where they are right-handed.
    """
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return axes * [-1, 1, 1] if np.linalg.det(axes) > 0 else axes
