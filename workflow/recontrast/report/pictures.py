"""Volumes as small pictures: three planes through the middle of the mask, one below the other.

All pictures of a session show the same planes at the same size, so that any two can lie on top of each
other. Views are radiological: the right of the person is on the left of the picture, anterior on the left
of the sagittal plane.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image, ImageFilter

from ..masks import bounding_box

WIDTH = 360  # pixels of the widest plane
GAP = 6  # pixels between planes
MARGIN = 12.0  # mm around the mask, so that one sees what the mask leaves out
QUALITY = 82  # of lossy WebP
LOWER = (60, 40, 25)  # where a page would be too heavy
SMALL = 72  # pixels of a picture in a table
OUTLINE = (255, 196, 0)
MARK = 0.6  # how much of a mark's colour covers the image
BRIGHTER, DARKER = (255, 150, 60), (70, 150, 255)  # synthetic above, below acquired
TISSUE_COLOURS = ((0, 0, 0, 0), (255, 120, 90, 110), (245, 230, 140, 110), (64, 140, 255, 110))


@dataclass(frozen=True)
class View:
    """Which part of a grid the pictures show.

    Attributes:
        orientation: nibabel orientation that turns the array to right-anterior-superior axes.
        box: the mask and its margin, as slices of the turned array.
        centre: voxel of the turned array through which the planes go.
        sizes: mm of a voxel along the turned axes.
        scale: pixels per mm.
    """

    orientation: np.ndarray
    box: tuple[slice, slice, slice]
    centre: tuple[int, int, int]
    sizes: tuple[float, float, float]
    scale: float

    @classmethod
    def of(cls, mask: np.ndarray, affine: np.ndarray) -> "View":
        """The view of all images on the grid of a mask; of the whole grid where the mask is empty."""
        orientation = nib.orientations.io_orientation(affine)
        turned = nib.orientations.apply_orientation(mask, orientation) > 0
        if not turned.any():
            turned = np.ones_like(turned)
        axes = [int(axis) for axis in np.argsort(orientation[:, 0])]
        sizes = tuple(float(size) for size in np.linalg.norm(affine[:3, :3], axis=0)[axes])
        margins = [int(np.ceil(MARGIN / size)) for size in sizes]
        box = bounding_box(turned, margins)
        centre = tuple(round(float(place.mean())) for place in np.nonzero(turned))
        widest = max((part.stop - part.start) * size for part, size in zip(box[:2], sizes[:2], strict=True))
        return cls(orientation, box, centre, sizes, WIDTH / widest)

    @property
    def panels(self) -> list[tuple[int, int]]:
        """Rows and columns in pixels of the axial, coronal and sagittal plane."""
        x, y, z = (
            max(1, round((part.stop - part.start) * size * self.scale))
            for part, size in zip(self.box, self.sizes, strict=True)
        )
        return [(y, x), (z, x), (z, y)]

    @property
    def in_slices(self) -> tuple[int, int]:
        """Which rows of a montage show the plane in which slices lie: the first, and how many."""
        across = self.sizes[::-1]  # of the axial, coronal and sagittal plane
        plane = next(i for i, size in enumerate(across) if size > 0.95 * max(across))
        return sum(rows + GAP for rows, _ in self.panels[:plane]), self.panels[plane][0]

    def through(self, marked: np.ndarray) -> "View":
        """The same view with its planes where most is marked; unchanged if nothing is.

        Args:
            marked: not zero where something is, shape (x, y, z) of the grid.
        """
        turned = nib.orientations.apply_orientation(marked, self.orientation) > 0
        if not turned.any():
            return self
        counts = (turned.sum(axis=tuple({0, 1, 2} - {axis})) for axis in range(3))
        # Of equal planes the middle one, as along a line.
        best = (np.flatnonzero(count == count.max()) for count in counts)
        return replace(self, centre=tuple(int(planes[len(planes) // 2]) for planes in best))

    def planes(self, volume: np.ndarray) -> list[np.ndarray]:
        """Axial, coronal and sagittal plane of an array on the grid, rows downwards, one pixel a voxel."""
        turned = nib.orientations.apply_orientation(volume, self.orientation)
        x, y, z = self.box
        i, j, k = self.centre
        cut = (turned[x, y, k], turned[x, j, z], turned[i, y, z])
        return [plane.T[::-1, ::-1] for plane in cut]

    def montage(
        self, volume: np.ndarray, *, resample: Image.Resampling = Image.Resampling.BICUBIC
    ) -> np.ndarray:
        """The three planes at equal mm, centred one below the other.

        Args:
            volume: uint8, shape (x, y, z).
            resample: how PIL interpolates.

        Returns:
            uint8, shape (rows, WIDTH), zero beside the planes.
        """
        panels = []
        for plane, size in zip(self.planes(volume), self.panels, strict=True):
            panel = Image.fromarray(np.ascontiguousarray(plane)).resize(size[::-1], resample)
            left = max(0, (WIDTH - size[1]) // 2)
            canvas = np.zeros((size[0], WIDTH), np.uint8)
            canvas[:, left : left + size[1]] = np.asarray(panel)[:, : WIDTH - left]
            panels.append(canvas)
        gap = np.zeros((GAP, WIDTH), np.uint8)
        return np.concatenate([panels[0], gap, panels[1], gap, panels[2]])


def file_name(kind: str, label: str) -> str:
    """Name of a picture: a kind and a contrast or experiment, without what an address cannot hold."""
    return f"{kind}-{re.sub('[^A-Za-z0-9]', '-', label)}.webp"


def window(volume: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Darkest and brightest value shown: the 0.5th and 99.5th percentile inside the mask.

    Magnitudes are not negative: where a model's values are, 0 stays the darkest, as it is around the brain.
    """
    values = volume[mask] if mask.any() else volume
    low, high = (float(value) for value in np.percentile(values, (0.5, 99.5)))
    low = max(low, 0.0) if high > 0 else low
    return (low, high) if high > low else (low, low + 1.0)


def grey(volume: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Intensities as uint8 grey levels between two limits."""
    low, high = limits
    return (np.clip((volume - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)


def signed(difference: np.ndarray, limit: float) -> np.ndarray:
    """A signed difference as uint8: 128 is none, 255 is `limit` or more, 1 is `-limit` or less."""
    return (128 + np.clip(difference / limit, -1, 1) * 127).round().astype(np.uint8)


def colours(levels: np.ndarray) -> np.ndarray:
    """Levels of `signed` as colours: black where equal, orange above, blue below; shape (..., 3)."""
    amount = (levels.astype(float) - 128)[..., None] / 127
    return (np.clip(amount, 0, 1) * BRIGHTER + np.clip(-amount, 0, 1) * DARKER).round().astype(np.uint8)


def amounts() -> str:
    """Shares of red, green and blue that make white of both colours of a difference, and black of none."""
    red = 0.62  # any share leaves one way to choose the others
    blue = red * (BRIGHTER[0] - DARKER[0]) / (DARKER[2] - BRIGHTER[2])
    green = (255 - red * BRIGHTER[0] - blue * BRIGHTER[2]) / BRIGHTER[1]
    return f"{red} {green:.4f} {blue:.4f}"


def save_grey(path: Path, view: View, volume: np.ndarray, limits: tuple[float, float]) -> None:
    """Picture of an image."""
    _save(path, Image.fromarray(view.montage(grey(volume, limits))))


def save_map(path: Path, view: View, volume: np.ndarray, top: float, *, grey_levels: bool = False) -> None:
    """Picture of a map from 0 to `top`, in matplotlib's inferno or in grey levels."""
    from matplotlib import colormaps  # takes a while to load: not for --help

    levels = view.montage(grey(volume, (0.0, top)))
    shades = (colormaps["inferno"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
    _save(path, Image.fromarray(levels if grey_levels else shades[levels]))


def save_marked(
    path: Path,
    view: View,
    volume: np.ndarray,
    limits: tuple[float, float],
    marked: np.ndarray,
    colour: tuple[int, int, int],
) -> None:
    """Picture of an image with some voxels in a colour through which it still shows."""
    levels = view.montage(grey(volume, limits))
    # A quarter of a pixel is enough: a line of single voxels must not vanish.
    share = view.montage(marked.astype(np.uint8) * 255, resample=Image.Resampling.BILINEAR) >= 64
    amount = np.where(share, MARK, 0.0)[..., None]
    _save(
        path, Image.fromarray((levels[..., None] * (1 - amount) + amount * np.array(colour)).astype(np.uint8))
    )


def save_marks(path: Path, view: View, marked: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Transparent picture of some voxels in a colour, to lie on top of an image."""
    there = view.montage(marked.astype(np.uint8) * 255, resample=Image.Resampling.BILINEAR) >= 64
    palette = Image.fromarray(there.astype(np.uint8), mode="P")
    palette.putpalette([0, 0, 0, *colour])
    palette.save(path, format="PNG", transparency=bytes([0, round(255 * MARK)]), optimize=True)


def save_small(path: Path, view: View, volume: np.ndarray, limits: tuple[float, float]) -> None:
    """The axial plane of an image as a square of SMALL pixels, for tables."""
    plane = Image.fromarray(view.montage(grey(volume, limits))[: view.panels[0][0]])
    plane.thumbnail((SMALL, SMALL))
    square = Image.new("L", (SMALL, SMALL))
    square.paste(plane, ((SMALL - plane.width) // 2, (SMALL - plane.height) // 2))
    square.save(path, format="WEBP", quality=LOWER[0], method=4)


def lighten(files: list[Path], limit: int) -> None:
    """Write lossy pictures anew, at lower qualities, until all together weigh `limit` bytes at most."""
    for quality in LOWER:
        if sum(file.stat().st_size for file in files) <= limit:
            return
        for file in files:
            if file.suffix == ".webp":
                with Image.open(file) as picture:
                    picture.load()
                picture.save(file, format="WEBP", quality=quality, method=4)


def save_fibres(path: Path, view: View, anisotropy: np.ndarray, direction: np.ndarray) -> int:
    """Picture of colour FA (Pajevic and Pierpaoli 1999): red left-right, green front-back, blue up-down.

    Args:
        path: picture to write.
        view: of the grid of both.
        anisotropy: fractional anisotropy, shape (x, y, z).
        direction: unit vectors in world axes, shape (x, y, z, 3).

    Returns:
        The height of the picture in pixels.
    """
    shares = np.abs(direction) * anisotropy[..., None]
    levels = [view.montage(grey(shares[..., axis], (0.0, 0.8))) for axis in range(3)]
    _save(path, Image.fromarray(np.stack(levels, axis=-1)))
    return len(levels[0])


def save_difference(path: Path, view: View, difference: np.ndarray, limit: float) -> None:
    """Picture of synthetic minus acquired."""
    levels = view.montage(signed(difference, limit))
    # Beside the planes the montage is 0, which would be the strongest negative difference.
    beside = view.montage(np.full(difference.shape, 255, np.uint8), resample=Image.Resampling.NEAREST) == 0
    levels[beside] = 128
    _save(path, Image.fromarray(colours(levels)))


def save_outline(path: Path, view: View, mask: np.ndarray) -> None:
    """Transparent picture of the edge of a mask, to lie on top of the others."""
    inside = view.montage(mask.astype(np.uint8) * 255, resample=Image.Resampling.BILINEAR) >= 128
    grown = np.asarray(Image.fromarray(inside).convert("L").filter(ImageFilter.MaxFilter(5))) > 0
    edge = grown & ~inside
    palette = Image.fromarray(edge.astype(np.uint8), mode="P")
    palette.putpalette([0, 0, 0, *OUTLINE])
    palette.save(path, format="PNG", transparency=0, optimize=True)


def save_tissue(path: Path, view: View, labels: np.ndarray) -> None:
    """Transparent picture of tissue labels: 1 grey matter, 2 white matter, 3 CSF (the order of BIDS)."""
    shown = view.montage(
        np.clip(labels, 0, len(TISSUE_COLOURS) - 1).astype(np.uint8), resample=Image.Resampling.NEAREST
    )
    palette = Image.fromarray(shown, mode="P")
    palette.putpalette([level for colour in TISSUE_COLOURS for level in colour[:3]])
    palette.save(path, format="PNG", transparency=bytes(c[3] for c in TISSUE_COLOURS), optimize=True)


def _save(path: Path, picture: Image.Image) -> None:
    picture.save(path, format="WEBP", quality=QUALITY, method=4)
