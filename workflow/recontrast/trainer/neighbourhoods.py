"""What trees look at around a voxel: patches, and means of boxes further away. Beyond the image is 0."""

import numba
import numpy as np
from scipy.ndimage import uniform_filter

ROTATIONS = 8


class Patches:
    """The neighbourhoods of voxels, contrast by contrast.

    Args:
        images: (contrasts, x, y, z).
        size: edge of a patch in voxels, odd.
    """

    def __init__(self, images: np.ndarray, size: int) -> None:
        # Read from a file, images lie the other way round in memory, and padding keeps it so.
        images = np.ascontiguousarray(images, dtype=np.float32)
        padded = np.pad(images, [(0, 0)] + [(size // 2, size // 2)] * 3)
        strides = np.array(padded.strides) // padded.itemsize
        self._flat = padded.ravel()
        self._strides = strides[1:]
        self._offsets = np.indices((len(images), size, size, size)).reshape(4, -1).T @ strides
        self.columns = len(self._offsets)

    def fill(self, voxels: np.ndarray, features: np.ndarray) -> None:
        """Write the patches of voxels (n, 3) into the first columns of their float32 features (n, any)."""
        _copy_patches(self._flat, voxels @ self._strides, self._offsets, features)


class Surroundings:
    """Means of cubes around a voxel, at each radius in eight directions of one plane (Jog 2017).

    The first direction is that of the centre, the others follow in steps of 45 degrees. So the features turn
    with the place of a voxel in the head.

    Args:
        image: (x, y, z); the plane is that of its first two axes.
        radii: distances of the cubes in voxels, rounded down to whole voxels in the image.
        widths: edges of the cubes in voxels, odd, one per radius.
        centre: of the head, in voxels.
    """

    def __init__(
        self, image: np.ndarray, radii: tuple[int, ...], widths: tuple[int, ...], centre: np.ndarray
    ) -> None:
        self.columns = ROTATIONS * len(radii)
        self._radii = np.array(radii)
        self._centre = np.array(centre, dtype=np.float64)
        # No cube around the outermost ring meets the image: it stands for all that lies further out.
        self._frame = max(widths) // 2 + 1
        framed = np.pad(image.astype(np.float32, copy=False), [(self._frame,) * 2] * 2 + [(0, 0)])
        self._means = np.stack([uniform_filter(framed, width, mode="constant") for width in widths])

    def fill(self, voxels: np.ndarray, features: np.ndarray, first: int) -> None:
        """Write the means around voxels (n, 3) into columns of their features, radius by radius."""
        angles = np.arange(ROTATIONS) * (2 * np.pi / ROTATIONS)
        turns = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        _copy_means(self._means, self._frame, self._radii, turns, self._centre, voxels, features, first)


@numba.njit(nogil=True)
def _copy_patches(flat, corners, offsets, features):
    for row in range(len(corners)):
        for column in range(len(offsets)):
            features[row, column] = flat[np.uint64(corners[row] + offsets[column])]


@numba.njit(nogil=True)
def _copy_means(means, frame, radii, turns, centre, voxels, features, first):
    last_x, last_y = means.shape[1] - 1, means.shape[2] - 1
    for row in range(len(voxels)):
        x, y, z = voxels[row]
        towards_x, towards_y = centre[0] - x, centre[1] - y
        length = max(np.sqrt(towards_x**2 + towards_y**2), 1e-6)
        towards_x, towards_y = towards_x / length, towards_y / length
        column = first
        for number in range(len(radii)):
            for turn in range(len(turns)):
                cos, sin = turns[turn]
                along_x = radii[number] * (towards_x * cos - towards_y * sin)
                along_y = radii[number] * (towards_x * sin + towards_y * cos)
                at_x = min(max(int(np.floor(x + along_x)) + frame, 0), last_x)
                at_y = min(max(int(np.floor(y + along_y)) + frame, 0), last_y)
                features[row, column] = means[number, at_x, at_y, z]
                column += 1
