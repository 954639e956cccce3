"""From image files to the arrays that methods work on."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path

import nibabel as nib
import numpy as np

from .. import images
from ..errors import RecontrastError
from ..masks import Box, bounding_box
from .interface import Volumes


def read_volumes(
    label: str,
    inputs: Sequence[Path | None],
    target: Path | None,
    mask: Path,
    margin: int | None,
    emphasised: tuple[Path, float] | None = None,
) -> tuple[Volumes, Box, nib.Nifti1Image]:
    """Read one session and crop it to its mask.

    Args:
        label: of the session.
        inputs: one image per contrast; None: absent, which is 0 everywhere.
        target: the acquired target, or None.
        mask: where the method learns and predicts.
        margin: voxels to keep around the mask's bounding box; None keeps whole images.
        emphasised: another mask, and how much its voxels count in a loss against those outside it.

    Returns:
        The volumes, the box of the grid that they fill, and the mask's image, which has the grid.

    Raises:
        RecontrastError: the mask is empty, or an image lies on another grid.
    """
    grid = images.read_header(mask)
    inside = np.asarray(grid.dataobj).reshape(grid.shape[:3]) > 0
    if not inside.any():
        raise RecontrastError("the mask is empty", file=mask, remedy="check the brain mask of this session")
    box = _crop(inside, margin)

    def read(path: Path, reader: Callable[[Path], nib.Nifti1Image] = images.read) -> np.ndarray:
        image = reader(path)
        images.check_same_grid(path, image, grid)
        return np.asarray(image.dataobj, dtype=np.float32)[box]

    emphasis = None
    if emphasised is not None:
        given = read(emphasised[0], images.read_mask)  # empty in who has nothing to emphasise
        emphasis = np.where(given > 0, np.float32(emphasised[1]), np.float32(1))
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    volumes = Volumes(
        label=label,
        inputs=np.stack([np.zeros_like(inside[box], np.float32) if p is None else read(p) for p in inputs]),
        target=None if target is None else read(target),
        mask=inside[box],
        spacing=tuple(round(float(size), 4) for size in spacing),
        emphasis=emphasis,
    )
    return volumes, box, grid


def cropped(session: Volumes, margin: int | None) -> tuple[Volumes, Box]:
    """A session cut to its mask's bounding box and `margin` voxels around it (None: whole), and the box."""
    box = _crop(session.mask, margin)
    return replace(session, **{name: array[..., *box] for name, array in arrays_of(session).items()}), box


def arrays_of(session: Volumes) -> dict[str, np.ndarray]:
    """All that is large in a session, by name."""
    values = {field.name: getattr(session, field.name) for field in fields(session)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def _crop(mask: np.ndarray, margin: int | None) -> Box:
    return tuple(map(slice, mask.shape)) if margin is None else bounding_box(mask, margin)
