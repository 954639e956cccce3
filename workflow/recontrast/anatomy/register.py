"""Registration of one contrast to the reference contrast of its session."""

from pathlib import Path
from typing import Literal

import numpy as np

from .. import images
from ..backends import transforms
from ..backends.protocol import load
from ..errors import RecontrastError

# Of a length, at most: one head has one size. 39 good affine transforms of digital heads had .04, a failed one .20.
STRETCH = 0.10


def register(
    *,
    moving: Path,
    reference: Path,
    transform: Path,
    moving_mask: Path | None = None,
    reference_mask: Path | None = None,
    dof: Literal[6, 12] = 6,
    backend: str = "embedded",
) -> None:
    """Register one image of a head to another of the same head.

    Args:
        moving: bias-corrected contrast.
        reference: bias-corrected reference contrast.
        transform: ITK affine text file to write, for resampling the moving image to the reference.
        moving_mask: brain mask on the grid of the moving image.
        reference_mask: brain mask on the grid of the reference.
        dof: 6 for rotation and translation, 12 for scale and shear as well.
        backend: the tools to use.

    Raises:
        RecontrastError: the tools found the head stretched or shrunk, which no head of one session is.
    """
    floating, fixed = images.read(moving), images.read(reference)
    masks = [
        mask and matched(mask, image) for mask, image in ((moving_mask, floating), (reference_mask, fixed))
    ]
    matrix = load(backend, "register")(floating, fixed, *masks, dof)
    lengths = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    if (most := np.abs(np.log(lengths)).max()) > np.log1p(STRETCH):
        raise RecontrastError(
            f"registration to {reference.name} changes its size by {np.expm1(most):.0%}: it has failed",
            file=moving,
            remedy="look at both images; use anatomy.dof: 6, which keeps the size, or exclude one of them",
        )
    centre = transforms.FLIP @ fixed.affine @ [*((n - 1) / 2 for n in fixed.shape), 1]
    print(f"{moving}: the centre of the reference moves by {np.linalg.norm(matrix @ centre - centre):.1f} mm")
    transforms.write(transform, matrix)


def matched(mask: Path, image: images.nib.Nifti1Image) -> images.nib.Nifti1Image:
    """A mask, once it is sure that it lies on the grid of its image."""
    read = images.read(mask)
    images.check_same_grid(mask, read, image)
    return read
