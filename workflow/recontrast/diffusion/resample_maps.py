"""Tensor maps on the reference grid."""

from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from scipy import ndimage

from .. import images
from ..backends import transforms
from ..backends.protocol import load
from ..errors import RecontrastError
from .tensor import RANGES, UNITS


def resample_maps(
    *,
    maps: list[Path],
    parameters: list[Literal["FA", "MD", "MO", "S0"]],
    mask: Path,
    reference: Path,
    outputs: list[Path],
    transform: Path | None = None,
    backend: str = "embedded",
) -> None:
    """Resample tensor maps to the reference grid, with a single interpolation by third-order splines.

    Outside the brain, each map is extended with the value of the nearest brain voxel, so that the splines see no
    edge; the result is masked again and clipped to the valid range of the parameter.

    Args:
        maps: tensor maps on the grid of the diffusion series.
        parameters: the parameter of each map, such as FA.
        mask: brain mask on the grid of the diffusion series.
        reference: image that defines the grid.
        outputs: the maps to write, in the order of `maps`.
        transform: ITK affine text, from the series to the reference; without it, both share world coordinates.
        backend: the tools to use.

    Raises:
        RecontrastError: lists of different lengths, or maps and mask on different grids.
    """
    if not len(maps) == len(parameters) == len(outputs):
        raise RecontrastError(
            f"{len(maps)} maps, {len(parameters)} parameters and {len(outputs)} outputs",
            remedy="give one of each",
        )
    region, grid = images.read(mask), images.read_header(reference)
    matrix = np.eye(4) if transform is None else transforms.read(transform)
    apply = load(backend, "apply_transform")
    inside = np.asarray(region.dataobj) > 0
    kept = apply(region, grid, matrix, "linear") >= 0.5
    for path, parameter, output in zip(maps, parameters, outputs, strict=True):
        image = images.read(path)
        images.check_same_grid(path, image, region)
        whole = nib.Nifti1Image(extended(np.asarray(image.dataobj), inside), image.affine)
        moved = np.clip(apply(whole, grid, matrix, "bspline"), *RANGES[parameter])
        facts = {
            "Sources": [str(source) for source in (path, mask, reference, transform) if source],
            "Interpolation": "bspline",
            "Model": "DTI",
            "Parameter": parameter,
            "Units": UNITS[parameter],
            "Backend": backend,
        }
        images.write(output, np.where(kept, moved, 0).astype(np.float32), grid, facts=facts)
        print(f"{output}: median {np.median(moved[kept]):.4g} in the brain")


def extended(data: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """An array whose values outside the mask are those of the nearest voxel inside."""
    nearest = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return data[tuple(nearest)]
