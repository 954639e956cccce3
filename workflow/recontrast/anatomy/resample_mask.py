"""A mask that was drawn elsewhere, on the reference grid."""

from pathlib import Path

import numpy as np

from .. import images
from ..backends import transforms
from ..backends.protocol import load
from ..errors import RecontrastError


def resample_mask(
    *, mask: Path, reference: Path, output: Path, transform: Path | None = None, backend: str = "embedded"
) -> None:
    """Resample a mask supplied by the user to the grid of the reference contrast.

    The mask is interpolated linearly and thresholded at 0.5. An empty mask stays empty: no lesions is a valid result.

    Args:
        mask: 0 and 1, on the grid of the image on which it was drawn.
        reference: image that defines the grid.
        output: mask on the reference grid.
        transform: ITK affine text, from that image to the reference; without it, both share world coordinates.
        backend: the tools to use.

    Raises:
        RecontrastError: it holds other values than 0 and 1, or nothing of it lies in the reference.
    """
    drawn, grid = images.read_mask(mask), images.read_header(reference)
    matrix = np.eye(4) if transform is None else transforms.read(transform)
    carried = load(backend, "apply_transform")(drawn, grid, matrix, "linear") >= 0.5
    if np.any(drawn.dataobj) and not carried.any():
        raise RecontrastError(
            "lies outside the reference image",
            file=mask,
            remedy="check the contrast named by `of` in the study",
        )
    facts = {
        # The name alone of a mask that lies beside DICOM or elsewhere: its folder may bear a person's name.
        "Sources": [
            path.name if path.is_absolute() else str(path) for path in (mask, reference, transform) if path
        ],
        "Type": "ROI",
        "Backend": backend,
    }
    images.write(output, carried, grid, facts=facts)
