"""A mask from the grid where it was made to the reference grid."""

from pathlib import Path

import numpy as np
from scipy import ndimage

from .. import images
from ..backends import transforms
from ..backends.protocol import load


def carry_mask(
    *, mask: Path, reference: Path, output: Path, transform: Path | None = None, backend: str = "embedded"
) -> None:
    """Resample a brain mask to the grid of the reference contrast.

    The mask is interpolated linearly and thresholded at 0.5; holes are filled.

    Args:
        mask: brain mask on the grid of the image that it was made from.
        reference: image that defines the grid.
        output: mask on the reference grid.
        transform: ITK affine text, from that image to the reference; without it, both share world coordinates.
        backend: the tools to use.
    """
    brain, grid = images.read(mask), images.read_header(reference)
    matrix = np.eye(4) if transform is None else transforms.read(transform)
    carried = load(backend, "apply_transform")(brain, grid, matrix, "linear") >= 0.5
    filled = ndimage.binary_fill_holes(carried)
    facts = {
        "Sources": [str(path) for path in (mask, reference, transform) if path],
        "Type": "Brain",
        "Backend": backend,
    }
    images.write(output, filled, grid, facts=facts)
