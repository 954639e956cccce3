"""The way from a session's reference contrast to the template."""

from pathlib import Path

from .. import images
from ..backends import transforms
from ..backends.protocol import load


def register_template(*, image: Path, mask: Path, transform: Path, backend: str = "embedded") -> None:
    """Find the affine transform from a brain to the MNI152 template (ICBM 2009a symmetric, of nilearn).

    Args:
        image: bias-corrected reference contrast.
        mask: brain mask on the same grid.
        transform: ITK affine text file to write, for resampling the image to the template.
        backend: the tools to use.
    """
    brain, region = images.read(image), images.read(mask)
    images.check_same_grid(mask, region, brain)
    transforms.write(transform, load(backend, "register_template")(brain, region))
