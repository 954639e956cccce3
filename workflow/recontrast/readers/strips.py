"""Slices of images as pictures, one below the other."""

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

from ..evaluation.pair import slice_axis
from ..images import read
from ..masks import bounding_box
from ..report.pictures import grey, window

MARGIN = 3  # voxels around the mask
EFFORT = 40  # what `quality` is of lossless WebP; more takes eight times as long for files of the same size


class Strips:
    """Slices of images on one grid, along the plane they were acquired in, one below the other in a picture."""

    def __init__(self, folder: Path, mask: Path, slices: int) -> None:
        self.folder = folder
        image = read(mask)
        self.orientation = nib.orientations.io_orientation(image.affine)
        self.mask = self._turned(image) > 0
        self.box = bounding_box(self.mask, MARGIN)
        self.across = int(self.orientation[slice_axis(image.affine), 0])
        self.within = tuple(axis for axis in range(3) if axis != self.across)
        places = np.nonzero(self.mask.any(axis=self.within))[0]
        self.planes = np.unique(
            np.linspace(places.min(), places.max(), min(slices, len(places))).round().astype(int)
        )
        turned = np.linalg.norm(image.affine[:3, :3], axis=0)[np.argsort(self.orientation[:, 0])]
        sizes = [turned[axis] for axis in self.within]
        shown = self._plane(self.mask, places[0]).T.shape
        self.shape = {
            "slices": len(self.planes),
            "width": shown[0],
            "height": shown[1],
            "aspect": round(float(shown[0] * sizes[0] / (shown[1] * sizes[1])), 4),
        }

    def window(self, paths: Sequence[Path]) -> tuple[float, float]:
        """Darkest and brightest value shown, of images inside the mask taken together."""
        volumes = np.stack([self._turned(read(path)) for path in paths])
        return window(volumes, np.broadcast_to(self.mask, volumes.shape))

    def write(
        self, code: str, path: Path, limits: tuple[float, float] | None = None, cut: bool = False
    ) -> str:
        """Write an image under a code that says nothing; `cut` leaves out what lies outside the mask."""
        volume = self._turned(read(path))
        levels = grey(volume, limits or window(volume, self.mask))
        if cut:
            levels = np.where(self.mask, levels, 0).astype(np.uint8)
        planes = [self._plane(levels, k) for k in self.planes]
        strip = Image.fromarray(np.ascontiguousarray(np.concatenate(planes)))
        # Lossless: a lossy picture is smoother than the image, and has artefacts of its own.
        strip.save(self.folder / f"{code}.webp", format="WEBP", lossless=True, quality=EFFORT)
        return code

    def _plane(self, volume: np.ndarray, place: int) -> np.ndarray:
        """One slice, rows downwards."""
        rows, columns = (self.box[axis] for axis in self.within)
        return np.take(volume, place, self.across)[rows, columns].T[::-1, ::-1]

    def _turned(self, image: nib.Nifti1Image) -> np.ndarray:
        return nib.orientations.apply_orientation(np.asarray(image.dataobj), self.orientation)
