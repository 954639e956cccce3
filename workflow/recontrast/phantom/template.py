"""The average brain that every head is a deformation of: the ICBM152 tissue maps in nilearn's wheel."""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

COARSE = 3.0  # mm, the grid of the distance maps


@dataclass(frozen=True)
class Template:
    """Maps of the template brain, each with the affine from voxels to mm.

    Attributes:
        grey, white, brain: tissue probabilities and the brain mask, float32, on `affine`, 1 mm.
        hull: distance in mm to the smooth hull of the brain, negative inside; on `coarse_affine`.
        to_ventricle, to_cortex: distance in mm to the lateral ventricles and to the cortex; on
            `coarse_affine`.
    """

    grey: np.ndarray
    white: np.ndarray
    brain: np.ndarray
    affine: np.ndarray
    hull: np.ndarray
    to_ventricle: np.ndarray
    to_cortex: np.ndarray
    coarse_affine: np.ndarray


@functools.lru_cache(maxsize=2)
def load(voxel: float) -> Template:
    """Read the template, its tissue maps smoothed for a grid of `voxel` mm, at least 1."""
    # nilearn takes a second to load, and only heads need it.
    from nilearn import datasets

    # The brain stem leaves the template at its lowest slice: room below lets skull and neck close around it.
    below = 40
    grey, white, mask = (
        np.pad(np.asarray(image.dataobj, np.float32), ((0, 0), (0, 0), (below, 0)))
        for image in (
            datasets.load_mni152_gm_template(resolution=1),
            datasets.load_mni152_wm_template(resolution=1),
            datasets.load_mni152_brain_mask(resolution=1),
        )
    )
    affine = datasets.load_mni152_gm_template(resolution=1).affine.copy()
    affine[2, 3] -= below

    pad, step = 10, int(COARSE)
    coarse_affine = affine @ np.diag([COARSE, COARSE, COARSE, 1.0])
    coarse_affine[:3, 3] -= COARSE * pad
    inside, cortex, water = (
        np.pad(volume[::step, ::step, ::step], pad)
        for volume in (mask > 0.5, grey > 0.6, (mask > 0.5) & (1 - grey - white > 0.5))
    )
    # Closing by 12 mm: out and back in bridges the sulci.
    closed = distance(distance(inside) >= 12) > 12
    hull = distance(closed) - distance(~closed)
    x, y, z = np.indices(inside.shape, np.float32) * COARSE + coarse_affine[:3, 3, None, None, None]
    lateral = (np.abs(x) < 40) & (y > -75) & (y < 45) & (z > -5) & (z < 45)
    blur = 0.4 * np.sqrt(voxel**2 - 1)
    return Template(
        grey=ndimage.gaussian_filter(grey, blur, truncate=3),
        white=ndimage.gaussian_filter(white, blur, truncate=3),
        brain=mask,
        affine=affine,
        hull=ndimage.gaussian_filter(hull, 1.0),
        to_ventricle=distance(water & lateral & (hull < -22)),
        to_cortex=distance(cortex & (hull > -20)),
        coarse_affine=coarse_affine,
    )


def distance(region: np.ndarray) -> np.ndarray:
    """Distance in mm to a region of the coarse grid, float32; zero inside."""
    return ndimage.distance_transform_edt(~region, sampling=COARSE).astype(np.float32)
