"""Nearest patches in a window of several atlases, exactly, with no patch ever stored.

For one shift of one atlas the distances of all patches of a block are a box filter over squared differences;
a running minimum over shifts and atlases leaves the nearest ones.
"""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..masks import Box, bounding_box

BLOCK = (24, 24, 96)  # voxels searched at a time, so that their arrays stay in the cache

Reach = tuple[int, int, int]


def nearest(
    source: np.ndarray,
    atlases: list[np.ndarray],
    mask: np.ndarray,
    *,
    estimate: np.ndarray | None,
    weight: float,
    patch: int,
    reach: Reach,
    neighbours: int,
    threads: int,
) -> np.ndarray:
    """The target in the middle of the nearest patches of all atlases, for every mask voxel.

    The distance of two patches is the sum of squared differences over voxels and inputs, and, where there is
    an estimate, `weight` times that of the target over the voxels inside the mask. Beyond the image is 0.
    Of equal patches the one that comes first (by atlas, then by shift along x, y, z) counts as nearer.

    Args:
        source: float32, shape (inputs, x, y, z).
        atlases: on the same grid, the target last: float32, each of shape (inputs + 1, x, y, z).
        mask: bool, shape (x, y, z).
        estimate: float32 target so far, shape (x, y, z); None in the beginning.
        weight: of the target's differences.
        patch: edge of the patches in voxels, odd.
        reach: voxels that the window reaches to each side, along each axis.
        neighbours: how many patches to average; all, where there are fewer.
        threads: blocks searched at a time; the result does not depend on it.

    Returns:
        float32, shape (x, y, z); 0 outside the mask.
    """
    if estimate is not None:
        source = np.concatenate([source, estimate[None]])
    weights = np.where(mask, np.float32(weight), np.float32(0))
    output = np.zeros(mask.shape, np.float32)

    def search(box: Box) -> None:
        shifts = list(itertools.product(*(range(-far, far + 1) for far in reach)))
        block = _Block(box, source, weights, patch, min(neighbours, len(atlases) * len(shifts)))
        targets = []
        for number, atlas in enumerate(atlases):
            seen = _cut(atlas, box, [patch // 2 + far for far in reach])
            block.compare(seen, shifts, number * len(shifts))
            targets.append(seen[-1, *(slice(patch // 2, size - patch // 2) for size in seen.shape[1:])])
        inside = mask[box]
        output[box][inside] = block.values(np.stack(targets), inside, np.add(shifts, reach))

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(search, _boxes(mask)):
            pass
    return output


class _Block:
    """One block of voxels and the nearest patches found for them so far."""

    def __init__(
        self, box: Box, source: np.ndarray, weights: np.ndarray, patch: int, neighbours: int
    ) -> None:
        self.patch = patch
        self.source = _cut(source, box, [patch // 2] * 3)
        self.weights = _cut(weights[None], box, [patch // 2] * 3)[0]
        self.shape = tuple(one.stop - one.start for one in box)
        size = int(np.prod(self.shape))
        #: the distances of the nearest patches in rising order, and which they are: (neighbours, voxels)
        self.distances = np.full((neighbours, size), np.inf, np.float32)
        self.numbers = np.zeros((neighbours, size), np.int32)
        full = self.source.shape[1:]
        self.squares = np.empty((2, *full), np.float32)
        self.sums = [np.empty((*self.shape[: axis + 1], *full[axis + 1 :]), np.float32) for axis in range(3)]

    def compare(self, atlas: np.ndarray, shifts: list[Reach], first: int) -> None:
        """Look at the patches of one atlas, cut with the window around the block, numbered from `first`."""
        farthest = self.distances[-1]
        lowest = np.min(shifts, axis=0)
        for number, shift in enumerate(shifts, start=first):
            moved = tuple(
                slice(step - low, step - low + size)
                for step, low, size in zip(shift, lowest, self.squares.shape[1:], strict=True)
            )
            found = self._distances(atlas[:, *moved]).reshape(-1)
            nearer = np.flatnonzero(found < farthest)
            if len(self.distances) == 1:
                farthest[nearer] = found[nearer]
                self.numbers[0, nearer] = number
            elif len(nearer):
                self._insert(nearer, found[nearer], number)

    def values(self, targets: np.ndarray, inside: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        """The mean target of the nearest patches of the mask voxels.

        Args:
            targets: of all atlases, with the window around the block, shape (atlases, x, y, z).
            inside: the block's mask.
            shifts: from the corner of the window, shape (shifts, 3).
        """
        numbers = self.numbers[:, inside.reshape(-1)]
        which, shift = np.divmod(numbers, len(shifts))
        x, y, z = np.moveaxis(np.argwhere(inside) + shifts[shift], -1, 0)
        return targets[which, x, y, z].mean(axis=0)

    def _distances(self, atlas: np.ndarray) -> np.ndarray:
        total, one = self.squares
        for number, image in enumerate(self.source):
            into = one if number else total
            np.subtract(image, atlas[number], out=into)
            np.multiply(into, into, out=into)
            if number == len(atlas) - 1:
                np.multiply(one, self.weights, out=one)
            if number:
                np.add(total, one, out=total)
        return self._box_sums(total)

    def _box_sums(self, image: np.ndarray) -> np.ndarray:
        for axis, into in enumerate(self.sums):
            parts = [
                image[(slice(None),) * axis + (slice(start, start + self.shape[axis]),)]
                for start in range(self.patch)
            ]
            np.copyto(into, parts[0]) if self.patch == 1 else np.add(parts[0], parts[1], out=into)
            for part in parts[2:]:
                np.add(into, part, out=into)
            image = into
        return image

    def _insert(self, voxels: np.ndarray, distances: np.ndarray, number: int) -> None:
        """Put a patch that is nearer than the farthest in its place among a voxel's nearest."""
        both = self.distances[:, voxels], self.numbers[:, voxels]
        for kept, new in zip(both, (distances, number), strict=True):
            kept[-1] = new
        # Stable: of equal ones the earlier stays in front.
        order = np.argsort(both[0], axis=0, kind="stable")
        self.distances[:, voxels], self.numbers[:, voxels] = (
            np.take_along_axis(kept, order, axis=0) for kept in both
        )


def _boxes(mask: np.ndarray) -> Iterator[Box]:
    """Boxes of at most `BLOCK` voxels that hold all of a mask."""
    around = bounding_box(mask)
    for corner in itertools.product(
        *(range(side.start, side.stop, size) for side, size in zip(around, BLOCK, strict=True))
    ):
        box = tuple(slice(first, first + size) for first, size in zip(corner, BLOCK, strict=True))
        if mask[box].any():
            tight = bounding_box(mask[box])
            yield tuple(
                slice(first + one.start, first + one.stop) for first, one in zip(corner, tight, strict=True)
            )


def _cut(images: np.ndarray, box: Box, around: list[int]) -> np.ndarray:
    """A box of (n, x, y, z) and `around` voxels more to each side; 0 beyond the image."""
    seen, missing = [], [(0, 0)]
    for side, more, size in zip(box, around, images.shape[1:], strict=True):
        first, last = side.start - more, side.stop + more
        seen.append(slice(max(0, first), last))
        missing.append((max(0, -first), max(0, last - size)))
    return np.pad(images[:, *seen], missing)
