"""Reading what every step of this stage starts from, with the checks that belong to it."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

from .. import images
from ..errors import RecontrastError
from ..tables import MISSING, Row
from .lga import mode
from .template_space import Way, neighbours, read_way

BENDING = ("warp", "inverse_warp")  # columns of a list where the way to the template bends
SMALLEST_BRAIN = 50.0  # ml; a newborn's brain has 300
INSIDE = 0.5  # least part of a lesion mask that lies in the brain mask
DARK, LEAST_DARK = (
    0.75,
    0.003,
)  # every brain has this much fluid, darker than this part of its usual brightness
NOISE = 1.0  # mm, smoothing before that is counted


def read_flair(path: Path, mask: Path) -> tuple[nib.Nifti1Image, np.ndarray]:
    """A FLAIR and its brain mask, bool (x, y, z); every step that looks for lesions begins with it.

    Raises:
        RecontrastError: as `images.read` and `read_brain`; or the image is no FLAIR: its histogram has one peak,
            nothing in the brain is as dark as fluid.
    """
    image = images.read(path)
    brain = read_brain(mask, image)
    values = neighbours(image.affine, np.asarray(image.dataobj), NOISE)[brain]
    if np.median(values) <= 0:
        raise _empty(path)
    usual = mode(values) if values.min() < values.max() else values.max()
    if (values < DARK * usual).mean() < LEAST_DARK:
        raise RecontrastError(
            "the histogram has only one peak: no fluid darker than the brain",
            file=path,
            remedy="check that it is a FLAIR and that the brain mask fits it",
        )
    return image, brain


def read_on_grid(path: Path, reference: nib.Nifti1Image) -> np.ndarray:
    """An image on the grid of a reference, float32 (x, y, z).

    Raises:
        RecontrastError: as `images.read`, or another grid.
    """
    image = images.read(path)
    images.check_same_grid(path, image, reference)
    return np.asarray(image.dataobj)


def read_together(first: nib.Nifti1Image, others: list[Path], brain: np.ndarray) -> np.ndarray:
    """An image and others on its grid, float32 (contrasts, x, y, z).

    Raises:
        RecontrastError: as `read_on_grid`, or one of the others has no median in the brain to be scaled by.
    """
    seen = [np.asarray(first.dataobj, np.float32)]
    for path in others:
        seen.append(read_on_grid(path, first))
        if np.median(seen[-1][brain]) <= 0:
            raise _empty(path)
    return np.stack(seen)


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
            f"is not a mask: it contains the value {other:g}",
            file=path,
            remedy="save it with values 0 and 1 only",
        )
    return data == 1


def path(row: Row, column: str) -> Path | None:
    """The file that a row of a list names in a column, if it has one."""
    value = row.get(column, "")
    return None if value in ("", MISSING) else Path(value)


def way(row: Row) -> Way:
    """How the session of a row of a list lies to the template."""
    return read_way(*(path(row, column) for column in ("transform", *BENDING)))


def read_brain(path: Path, reference: nib.Nifti1Image) -> np.ndarray:
    """A brain mask, bool (x, y, z).

    Raises:
        RecontrastError: as `read_mask`, or it is too small to be a brain.
    """
    mask = read_mask(path, reference)
    volume = mask.sum() * voxel_volume(reference)
    if volume < SMALLEST_BRAIN:
        raise RecontrastError(
            f"covers {volume:.1f} ml, but a brain has hundreds", file=path, remedy="look at the brain mask"
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


def usable(rows: list[Row], read: Callable[[Row], object]) -> list[Row]:
    """The rows of a list whose images can be used; of any other it is said why, as one must not cost all others.

    Args:
        rows: with participant_id and session_id.
        read: raises RecontrastError where a row cannot be used.

    Raises:
        RecontrastError: none of several can be used; the first reason.
    """
    kept, faults = [], []
    for row in rows:
        try:
            read(row)
        except RecontrastError as error:
            print(f"{row['participant_id']} {row['session_id']} is left out: {error}", flush=True)
            faults.append(error)
        else:
            kept.append(row)
    if rows and not kept:
        raise faults[0]
    return kept


def has_lesions(path: Path) -> bool:
    """Whether a lesion mask holds any."""
    return bool(read_mask(path, images.read_header(path)).any())


def nothing_to_learn(sessions: Path, rows: list) -> RecontrastError:
    """The refusal of a list without sessions, or without any lesion: nothing could be learned from it."""
    problem = "lists no mask with lesions" if rows else "lists no session with FLAIR"
    return RecontrastError(problem, file=sessions, remedy="add sessions with manual masks")


def voxel_volume(image: nib.Nifti1Image) -> float:
    """Volume of a voxel in ml."""
    return float(abs(np.linalg.det(image.affine[:3, :3]))) / 1000


def _empty(path: Path) -> RecontrastError:
    return RecontrastError(
        "is 0 or less in half of the brain mask", file=path, remedy="check that the brain mask fits it"
    )
