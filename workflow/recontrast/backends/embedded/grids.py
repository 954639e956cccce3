"""Moving arrays between an image's own grid and a working grid of cubes."""

import nibabel as nib
import numpy as np
from scipy import ndimage


def cubes(image: nib.Nifti1Image, side: float, *, margin: float = 0.0) -> nib.Nifti1Image:
    """The image on cubic voxels along its own axes.

    Axes that get coarser are smoothed first (a Gaussian as wide as the new voxels, less the old ones), so
    that nothing aliases; what lies outside the image is zero.

    Args:
        image: shape (x, y, z).
        side: of the cubes, in mm.
        margin: empty space added on every side, in mm.
    """
    sizes = np.linalg.norm(image.affine[:3, :3], axis=0)
    ratio = side / sizes
    # 0.42 turns a voxel's width into the standard deviation of a Gaussian as wide at half its height.
    blur = 0.42 * np.sqrt(np.maximum(ratio**2 - 1, 0))
    data = ndimage.gaussian_filter(image.get_fdata(dtype=np.float32), blur, mode="nearest", truncate=3)
    added = int(np.ceil(margin / side))
    shape = np.maximum(np.ceil(np.array(data.shape) / ratio).astype(int), 1) + 2 * added
    # Both grids have the same outer corner, which lies half a voxel before the first centre.
    offset = (0.5 - added) * ratio - 0.5
    step = np.eye(4)
    step[:3, :3] = np.diag(ratio)
    step[:3, 3] = offset
    moved = ndimage.affine_transform(
        data, np.diag(ratio), offset, tuple(shape), order=1, mode="grid-constant"
    )
    return nib.Nifti1Image(moved, image.affine @ step)


def back(
    data: np.ndarray, cube: nib.Nifti1Image, image: nib.Nifti1Image, *, mode: str = "constant"
) -> np.ndarray:
    """An array on a grid made by `cubes`, interpolated linearly onto the image's own grid, float32."""
    step = np.linalg.inv(cube.affine) @ image.affine
    return ndimage.affine_transform(
        data.astype(np.float32), step[:3, :3], step[:3, 3], image.shape[:3], order=1, mode=mode
    )
