"""What bends a session's reference contrast to the template, beyond the affine transform."""

from pathlib import Path

from .. import images
from ..backends import transforms, warps
from ..backends.protocol import load


def warp_template(
    *,
    image: Path,
    mask: Path,
    transform: Path,
    warp: Path,
    inverse_warp: Path,
    backend: str = "embedded",
) -> None:
    """Estimate the nonlinear deformation between a brain and the MNI152 template that remains after the affine.

    Args:
        image: bias-corrected reference contrast.
        mask: brain mask on the same grid.
        transform: ITK affine text file of `register_template`.
        warp: displacement field to write, from the image to the template: `antsApplyTransforms -t warp -t transform`.
        inverse_warp: displacement field to write, from the template to the image:
            `antsApplyTransforms -t [transform,1] -t inverse_warp`.
        backend: the tools to use.

    Raises:
        RecontrastError: mask and image on different grids, or a backend that cannot bend.
    """
    brain, region = images.read(image), images.read(mask)
    images.check_same_grid(mask, region, brain)
    there, back = load(backend, "warp_template")(brain, region, transforms.read(transform))
    warps.write(warp, there)
    warps.write(inverse_warp, back)
