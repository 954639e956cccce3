"""What is asked of any two masks: the box around one, the overlap of both."""

from collections.abc import Sequence

import numpy as np

Box = tuple[slice, ...]


def bounding_box(mask: np.ndarray, margin: int | Sequence[int] = 0) -> Box:
    """The smallest box around a mask, wider by `margin` voxels (one number, or one for each axis) where there is room.

    Args:
        mask: boolean, of any dimension; not empty.
    """
    margins = [margin] * mask.ndim if isinstance(margin, int) else margin
    box = []
    for axis, (size, wider) in enumerate(zip(mask.shape, margins, strict=True)):
        filled = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(max(0, int(filled[0]) - wider), min(size, int(filled[-1]) + 1 + wider)))
    return tuple(box)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two boolean masks of one shape (Dice 1945); 1 if both are empty, 0 if one is."""
    size = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / size if size else 1.0
