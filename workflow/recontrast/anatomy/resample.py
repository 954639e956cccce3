"""One contrast on the reference grid, in units that sessions share."""

from pathlib import Path
from typing import Literal

import numpy as np

from .. import images
from ..backends import transforms
from ..backends.protocol import load
from ..errors import RecontrastError

STANDARD = 1000.0  # what the median inside the mask becomes


def resample(
    *,
    image: Path,
    reference: Path,
    mask: Path,
    output: Path,
    transform: Path | None = None,
    intensity: Literal["median", "keep"] = "median",
    interpolation: Literal["linear", "bspline"] = "linear",
    backend: str = "embedded",
) -> None:
    """Resample a contrast to the reference grid, with a single interpolation, and scale it to standard units.

    Args:
        image: bias-corrected contrast on its own grid, or the reference itself.
        reference: image that defines the grid.
        mask: region on the reference grid, which determines the scaling.
        output: the contrast on the reference grid.
        transform: ITK affine text, from the contrast to the reference; without it the image has to lie on
            the reference grid already, and its values are not interpolated.
        intensity: median scales the image so that its median in the mask is 1000; keep leaves it unscaled.
        interpolation: linear, or bspline (third order: sharper, with overshoot at edges).
        backend: the tools to use.

    Raises:
        RecontrastError: another grid without a transform, or an empty mask, or no signal inside it.
    """
    contrast, grid, region = images.read(image), images.read_header(reference), images.read_mask(mask)
    images.check_same_grid(mask, region, grid)
    if transform is None:
        images.check_same_grid(image, contrast, grid)
        moved = contrast.get_fdata(dtype=np.float32)
    else:
        moved = load(backend, "apply_transform")(contrast, grid, transforms.read(transform), interpolation)
    inside = np.asarray(region.dataobj) > 0
    if not inside.any():
        raise RecontrastError(
            "the mask is empty", file=mask, remedy="check it; without a region nothing is made"
        )
    factor = 1.0 if intensity == "keep" else scale(moved, inside, image)
    print(f"{image}: multiplied by {factor:.6g}")
    facts = {
        "Sources": [str(path) for path in (image, reference, mask, transform) if path],
        "IntensityScale": factor,
        "Interpolation": interpolation if transform else None,
        "SkullStripped": False,
        "Backend": backend,
    }
    images.write(output, moved * np.float32(factor), grid, facts=facts)


def scale(data: np.ndarray, mask: np.ndarray, file: Path) -> float:
    """The factor that makes the median of the data inside the mask `STANDARD`."""
    median = float(np.median(data[mask]))
    if median <= 0:
        raise RecontrastError(
            "has no signal in at least half of the region mask",
            file=file,
            remedy="look at its registration and mask; exclude it if they are wrong",
        )
    return STANDARD / median
