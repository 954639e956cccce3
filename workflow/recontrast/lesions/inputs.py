"""Reading what every step of this stage starts from, with the checks that belong to it."""

from pathlib import Path

import nibabel as nib
import numpy as np

from .. import images
from ..errors import RecontrastError

SMALLEST_BRAIN = 50.0  # ml; a newborn's brain has 300
INSIDE = 0.5  # least part of a lesion mask that lies in the brain mask


def read_on_grid(path: Path, reference: nib.Nifti1Image) -> np.ndarray:
    """An image on the grid of a reference, float32 (x, y, z).

    Raises:
        RecontrastError: as `images.read`, or another grid.
    """
    image = images.read(path)
    images.check_same_grid(path, image, reference)
    return np.asarray(image.dataobj)


def read_together(first: nib.Nifti1Image, others: list[Path]) -> np.ndarray:
    """An image and others on its grid, float32 (contrasts, x, y, z)."""
    return np.stack([np.asarray(first.dataobj, np.float32), *(read_on_grid(path, first) for path in others)])


def read_mask(path: Path, reference: nib.Nifti1Image) -> np.ndarray:
    """A mask on the grid of a reference, bool (x, y, z). It may be empty.

    Raises:
        RecontrastError: no readable image, another grid, or values other than 0 and 1.
    """
    image = images.read_header(path)
    images.check_same_grid(path, image, reference)
    try:
        data = np.asarray(image.dataobj).reshape(reference.shape[:3])
    except images.UNREADABLE as error:
        raise RecontrastError(f"cannot be read ({error})", file=path, remedy="copy it again") from error
    if not np.isin(data, (0, 1)).all():
        other = data[~np.isin(data, (0, 1))].flat[0]
        raise RecontrastError(
            f"is no mask: it holds the value {other:g}", file=path, remedy="save it with 0 and 1 alone"
        )
    return data == 1


def read_brain(path: Path, reference: nib.Nifti1Image) -> np.ndarray:
    """A brain mask, bool (x, y, z).

    Raises:
        RecontrastError: as `read_mask`, or it is too small to be a brain.
    """
    mask = read_mask(path, reference)
    volume = mask.sum() * voxel_volume(reference)
    if volume < SMALLEST_BRAIN:
        raise RecontrastError(
            f"covers {volume:.1f} ml where a brain has hundreds", file=path, remedy="look at the brain mask"
        )
    return mask


def read_lesions(path: Path, brain: np.ndarray, reference: nib.Nifti1Image) -> np.ndarray:
    """A lesion mask, cut at the brain mask, bool (x, y, z); none at all is a result.

    Raises:
        RecontrastError: as `read_mask`, or most of it lies outside the brain mask.
    """
    lesions = read_mask(path, reference)
    outside = int((lesions & ~brain).sum())
    if outside > (1 - INSIDE) * lesions.sum():
        raise RecontrastError(
            f"lies outside the brain mask ({outside} of {lesions.sum()} voxels)",
            file=path,
            remedy="check that it was drawn on this session, and on the contrast that the study names",
        )
    if outside:
        print(f"{path}: {outside} of {lesions.sum()} voxels lie outside the brain mask and do not count")
    return lesions & brain


def voxel_volume(image: nib.Nifti1Image) -> float:
    """Volume of a voxel in ml."""
    return float(abs(np.linalg.det(image.affine[:3, :3]))) / 1000
