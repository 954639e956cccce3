"""The region of images that were stripped and registered elsewhere."""

from pathlib import Path

import numpy as np
from scipy import ndimage

from ..images import check_same_grid, read, read_header, write


def mask_foreground(*, images: list[Path], output: Path) -> None:
    """Make a mask of the non-zero voxels: for images that are already skull-stripped and registered.

    Args:
        images: the contrasts of one session, the reference first.
        output: mask to write: the largest connected non-zero part of the first image, holes filled.

    Raises:
        RecontrastError: the images do not lie on one grid.
    """
    reference = read(images[0])
    for path in images[1:]:
        check_same_grid(path, read_header(path), reference)
    mask = foreground(np.asarray(reference.dataobj))
    print(f"{images[0]}: foreground of {mask.mean():.0%} of the voxels")
    write(output, mask, reference, facts={"Sources": [str(images[0])], "Type": "ROI"})


def foreground(data: np.ndarray) -> np.ndarray:
    """The largest connected part of an array (x, y, z) that is not zero, holes filled, boolean."""
    pieces, _ = ndimage.label(data != 0)
    largest = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    return ndimage.binary_fill_holes(largest)
