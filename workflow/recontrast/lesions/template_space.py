"""The template beside a session: its tissue maps on the session's grid, a session's mask on its grid.

A session that lies in the template's world already has the unit matrix as its way there.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from ..backends import transforms, warps
from ..backends.embedded import template
from ..backends.transforms import FLIP

CUBE = 3.0  # mm, the grid of maps that are kept in template space
SHAPE = (63, 77, 65)
ORIGIN = (-93.0, -129.0, -75.0)  # mm; the box holds the brain of the template and a margin
IN_BRAIN = 0.2  # of the brightest voxel of the T1 image
SLAB = 16  # voxels along the first axis that are looked up at a time
BLUR = 2.0  # mm; an affine transform leaves the anatomy of two people about this far apart


def grid() -> np.ndarray:
    """The (4, 4) affine of maps in template space, shape `SHAPE`."""
    affine = np.diag([CUBE, CUBE, CUBE, 1.0])
    affine[:3, 3] = ORIGIN
    return affine


@dataclass(frozen=True)
class Way:
    """How the template and a session lie to each other.

    Attributes:
        matrix: (4, 4), template to session in ITK's world.
        warp: what bends points of the template before the matrix takes them up, if anything does.
        inverse_warp: its inverse.
    """

    matrix: np.ndarray
    warp: warps.Warp | None = None
    inverse_warp: warps.Warp | None = None


def read_way(transform: Path | None, warp: Path | None = None, inverse_warp: Path | None = None) -> Way:
    """The way of a session from its files; without any the session lies in the template's world."""
    matrix = np.eye(4) if transform is None else transforms.read(transform)
    return Way(matrix, *(None if path is None else warps.read(path) for path in (warp, inverse_warp)))


@functools.lru_cache(maxsize=1)
def tissue_maps() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of CSF, GM and WM in the template, float32 (3, x, y, z), and their affine, on 2 mm.

    Every second voxel of ICBM 2009a symmetric, smoothed by `BLUR`, as nilearn's loaders with `resolution=2` give them.
    Fluid is what the brain mask, by nilearn's threshold, holds beside grey and white matter.
    """
    images = [template.published(kind) for kind in ("gm", "wm", "t1")]
    whole = [np.asarray(image.dataobj, np.float32) for image in images]
    grey, white, brain = ((one / one.max())[::2, ::2, ::2] for one in whole)
    fluid = np.clip((brain > IN_BRAIN) - grey - white, 0, 1)
    maps = np.stack([ndimage.gaussian_filter(one, BLUR / 2) for one in (fluid, grey, white)])
    return maps, images[0].affine @ np.diag([2.0, 2.0, 2.0, 1.0])


def to_session(data: np.ndarray, affine: np.ndarray, image: nib.Nifti1Image, way: Way) -> np.ndarray:
    """A map in template space on the grid of a session, interpolated linearly, float32.

    Args:
        data: shape (x, y, z), in template space; the nearest value holds beyond its edge.
        affine: of the map.
        image: what gives the session's grid.
        way: its inverse warp counts.
    """
    source, shape = data.astype(np.float32), image.shape[:3]
    if way.inverse_warp is None:
        step = np.linalg.inv(transforms.voxel_map(way.matrix, image.affine, affine))
        return ndimage.affine_transform(source, step[:3, :3], step[:3, 3], shape, order=1, mode="nearest")
    found = np.empty(shape, np.float32)
    for first in range(0, shape[0], SLAB):  # places take six times the memory of an image
        slab = np.indices(found[first : first + SLAB].shape).reshape(3, -1)
        slab[0] += first
        points = _through(np.linalg.inv(way.matrix) @ FLIP @ image.affine, slab)
        places = _through(np.linalg.inv(affine) @ FLIP, way.inverse_warp.moved(points))
        found[first : first + SLAB].flat = ndimage.map_coordinates(source, places, order=1, mode="nearest")
    return found


def from_session(data: np.ndarray, image: nib.Nifti1Image, way: Way) -> np.ndarray:
    """A map on the grid of a session in template space, on `grid()`, float32; zero beyond its edge.

    What is finer than the cubes is averaged first, so that no lesion falls between them.

    Args:
        data: shape (x, y, z) of the image.
        image: what gives the session's grid.
        way: its warp counts.
    """
    sizes = np.linalg.norm(image.affine[:3, :3], axis=0)
    blurred = ndimage.gaussian_filter(
        data.astype(np.float32), 0.42 * np.sqrt(np.maximum((CUBE / sizes) ** 2 - 1, 0)), truncate=3
    )
    if way.warp is None:
        step = transforms.voxel_map(way.matrix, image.affine, grid())
        return ndimage.affine_transform(blurred, step[:3, :3], step[:3, 3], SHAPE, order=1)
    points = way.warp.moved(_through(FLIP @ grid(), np.indices(SHAPE).reshape(3, -1)))
    places = _through(np.linalg.inv(image.affine) @ FLIP @ way.matrix, points)
    return ndimage.map_coordinates(blurred, places, order=1).reshape(SHAPE)


def _through(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where a (4, 4) matrix takes points, (3, n)."""
    return matrix[:3, :3] @ points + matrix[:3, 3:]


def neighbours(affine: np.ndarray, data: np.ndarray, width: float) -> np.ndarray:
    """An array smoothed by a Gaussian of `width` mm (standard deviation), whatever the voxels' shape."""
    return ndimage.gaussian_filter(data, width / nib.affines.voxel_sizes(affine), truncate=3)
