"""Grids, poses and resampling: world coordinates in mm, RAS, as in NIfTI."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from .. import images

# The block of space that holds a head, in mm of the anatomy: its limits along R, A and S.
BOX = np.array([[-92.0, 92.0], [-128.0, 96.0], [-108.0, 104.0]])


@dataclass(frozen=True)
class Grid:
    """Voxels of an image: shape (x, y, z) and the affine from voxel indices to world mm."""

    shape: tuple[int, int, int]
    affine: np.ndarray

    @property
    def zooms(self) -> np.ndarray:
        """Voxel size in mm along the three axes."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def image(self) -> nib.Nifti1Image:
        """An empty image on this grid, for `images.write`."""
        return nib.Nifti1Image(np.broadcast_to(np.uint8(0), self.shape), self.affine)

    def axes(self) -> list[np.ndarray]:
        """Distance of the voxels from the middle of the grid along its own axes, in mm."""
        return [zoom * (np.arange(n) - (n - 1) / 2) for n, zoom in zip(self.shape, self.zooms, strict=True)]

    def points(self) -> np.ndarray:
        """World coordinates of all voxels, float32, shape (3, x, y, z)."""
        world = np.empty((3, *self.shape), np.float32)
        for row in range(3):
            steps = [self.affine[row, axis] * np.arange(n) for axis, n in enumerate(self.shape)]
            world[row] = steps[0][:, None, None] + steps[1][:, None] + steps[2] + self.affine[row, 3]
        return world


def isotropic(voxel: float) -> Grid:
    """The grid of cubes of `voxel` mm that fills the head's box, axes R, A, S."""
    return covering((voxel,) * 3, "RAS", np.eye(4))


def covering(zooms: Iterable[float], orientation: str, pose: np.ndarray) -> Grid:
    """A grid that covers the head's box after it was moved by `pose`, a 4x4 matrix of world mm.

    Args:
        zooms: voxel size in mm along the stored axes.
        orientation: where the stored axes point to, for example "PSR".
    """
    zooms = np.array(list(zooms))
    axes = nib.orientations.axcodes2ornt(orientation).astype(int)
    extent = BOX[axes[:, 0], 1] - BOX[axes[:, 0], 0]
    shape = np.ceil(extent / zooms - 1e-6).astype(int)
    affine = np.zeros((4, 4))
    affine[axes[:, 0], np.arange(3)] = axes[:, 1] * zooms
    affine[3, 3] = 1
    affine[:3, 3] = BOX.mean(axis=1) - affine[:3, :3] @ ((shape - 1) / 2)
    return Grid(tuple(int(n) for n in shape), pose @ affine)


def rigid(rotation: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A 4x4 rigid motion about the middle of the head's box: degrees about R, A, S, and mm along them."""
    matrix = nib.affines.from_matvec(nib.eulerangles.euler2mat(*np.deg2rad(rotation)[::-1]))
    centre = BOX.mean(axis=1)
    matrix[:3, 3] = centre + shift - matrix[:3, :3] @ centre
    return matrix


def to_voxels(source: Grid, target: Grid, pose: np.ndarray) -> np.ndarray:
    """4x4 from voxels of `target` to voxels of `source`; `pose` as in `resample`."""
    return np.linalg.inv(source.affine) @ np.linalg.inv(pose) @ target.affine


def resample(data: np.ndarray, source: Grid, target: Grid, pose: np.ndarray) -> np.ndarray:
    """A map of the anatomy as the voxels of another grid see it, partial volume included.

    Args:
        data: on `source`, the fine grid of the anatomy.
        pose: 4x4, from anatomy world to the world of `target`.

    Returns:
        float32, shape of `target`.
    """
    to_source = to_voxels(source, target, pose)
    # A box of width w has variance w²/12; linear interpolation between voxels brings 1/6 by itself.
    widths = np.abs(to_source[:3, :3]).max(axis=1)
    sigma = np.sqrt(np.maximum(widths**2 / 12 - 1 / 6, 0))
    sigma[sigma < 0.2] = 0
    blurred = ndimage.gaussian_filter(data.astype(np.float32, copy=False), sigma, mode="nearest", truncate=3)
    return ndimage.affine_transform(blurred, to_source, output_shape=target.shape, order=1, mode="constant")


def write_itk(path: Path, matrix: np.ndarray) -> None:
    """Write a 4x4 map of RAS points as an ITK affine text file, whose points are LPS."""
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    lps = flip @ matrix @ flip
    numbers = " ".join(f"{value:.12g}" for value in (*lps[:3, :3].ravel(), *lps[:3, 3]))
    images.write_text(
        path,
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: {numbers}\nFixedParameters: 0 0 0\n",
    )
