"""The diffusion tensor of every voxel of the brain, and the maps made of it."""

from pathlib import Path
from typing import Literal

import numpy as np

from .. import images
from ..backends.protocol import load, versions
from . import gradients, tensor


def fit_tensor(
    *,
    dwi: Path,
    bval: Path,
    bvec: Path,
    mask: Path,
    fa: Path,
    md: Path,
    mo: Path,
    s0: Path,
    eigenvalues: Path,
    eigenvectors: Path,
    method: Literal["ols", "wls"] = "ols",
    highest_b: float = 1200.0,
    b0_threshold: float = 50.0,
    backend: str = "embedded",
) -> None:
    """Fit the diffusion tensor in each voxel of the brain.

    Args:
        dwi: diffusion series, corrected for motion.
        bval: its b-values in s/mm².
        bvec: its gradient directions, in FSL format.
        mask: brain mask on the grid of the series.
        fa: fractional anisotropy to write.
        md: mean diffusivity to write, in mm²/s.
        mo: mode of anisotropy to write, from -1 (a disc) to 1 (a rod).
        s0: signal without diffusion weighting to write.
        eigenvalues: the three eigenvalues to write, largest first, 4-D, in mm²/s.
        eigenvectors: the eigenvectors to write, 4-D: x, y, z of the first, of the second, of the third; in
            world coordinates (right, anterior, superior).
        method: ols is ordinary least squares on the log signal; wls weights it by the squared signal.
        highest_b: volumes with higher b-values, in s/mm², are left out, as the tensor does not describe them well.
        b0_threshold: volumes up to this b-value, in s/mm², count as b = 0.
        backend: the tools to use.

    Raises:
        RecontrastError: series or table cannot be used, or do not suffice for a tensor.
    """
    series, region = images.read_series(dwi), images.read(mask)
    images.check_same_grid(mask, region, series)
    table = gradients.read(bval, bvec, series.shape[3], b0_threshold)
    chosen = gradients.shell(table, highest_b, b0_threshold, dwi)
    brain = np.asarray(region.dataobj) > 0
    signal = np.asarray(series.dataobj)[brain][:, chosen]
    elements, unweighted = load(backend, "fit_tensor")(
        signal, table.bvals[chosen], table.vectors[chosen], method == "wls"
    )
    values, vectors = tensor.decompose(elements)
    maps = tensor.scalars(elements, values) | {"S0": unweighted}
    print(
        f"{dwi}: {chosen.sum()} of {series.shape[3]} volumes; median FA {np.median(maps['FA']):.3f},"
        f" median MD {np.median(maps['MD']) * 1e3:.3f} 10^-3 mm^2/s"
    )
    facts = {
        "Sources": [str(path) for path in (dwi, bval, bvec, mask)],
        "Model": "DTI",
        "FitMethod": method,
        "BValues": [float(b) for b in np.unique(table.bvals[chosen])],
        "Volumes": int(chosen.sum()),
        "Notes": list(table.notes),
        "Backend": backend,
        "Software": versions(backend, "fit_tensor"),
    }
    for name, path in (("FA", fa), ("MD", md), ("MO", mo), ("S0", s0)):
        images.write(path, spread(maps[name], brain), series, facts=facts | {"Units": tensor.UNITS[name]})
    images.write(eigenvalues, spread(values, brain), series, facts=facts | {"Units": "mm^2/s"})
    axes = {
        "Description": "unit vectors in world coordinates (right, anterior, superior), largest eigenvalue first"
    }
    world = tensor.in_world(vectors, series.affine).reshape(-1, 9)
    images.write(eigenvectors, spread(world, brain), series, facts=facts | axes)


def spread(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Values of the voxels of a mask, (voxels, ...), as an image that is zero elsewhere, float32."""
    image = np.zeros((*mask.shape, *values.shape[1:]), np.float32)
    image[mask] = values
    return image
