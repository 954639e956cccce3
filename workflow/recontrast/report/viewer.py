"""A page on which one walks through the images of a session: three planes and a cross, by nilearn's viewer.

The page holds every voxel as mosaics of sagittal slices, as brainsprite (which ships with nilearn) wants
them: images to choose from, and what may lie on top. They are WebP, which is a fifth of nilearn's own PNG.
"""

import io
import json
from base64 import b64encode
from importlib import resources
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

from ..masks import bounding_box
from . import pages, pictures

VOXEL = 1.5  # mm: a page of 1 mm voxels would weigh three times as much
MARGIN = 6.0  # mm around the mask
SHOWN = 0.2  # of the strongest difference: smaller ones would hide the image
OPACITY = 0.7
BOTH, LOST, ADDED = (255, 220, 0), (255, 40, 40), (0, 210, 255)  # lesions on two images, or on one of them


def write(
    path: Path,
    title: str,
    mask: nib.Nifti1Image,
    *,
    synthetic: np.ndarray,
    acquired: np.ndarray | None,
    limits: tuple[float, float],
    strongest: float = 0.0,
    lesions: dict[str, np.ndarray] = {},  # noqa: B006 - read, never changed
) -> None:
    """Write the page.

    Args:
        path: HTML file to write; the page of the session is one folder up and has the folder's name.
        title: what is shown.
        mask: outside of it images are not shown; its grid is that of all.
        synthetic: shape (x, y, z).
        acquired: likewise; None where there is none, and with it no difference.
        limits: darkest and brightest intensity of both.
        strongest: the difference that has the strongest colour.
        lesions: where lesions were found: `acquired`, `synthetic`, `manual`.
    """
    to_mosaic = _Mosaics(mask)
    images = {"synthetic": to_mosaic.grey(synthetic, limits)}
    tops: dict[str, str] = {}
    if acquired is not None:
        levels = pictures.signed(to_mosaic.lay(synthetic - acquired), strongest)
        images = {"acquired": to_mosaic.grey(acquired, limits)} | images
        images["difference"] = _encoded(pictures.colours(levels))
        amount = np.abs(levels.astype(float) - 128) / 127
        images["absolute difference"] = _encoded((255 * amount).round().astype(np.uint8))
        strong = pictures.colours(np.where(levels >= 128, 255, 1))
        # Eight steps: transparency is kept without loss, and would be most of the page.
        visible = np.where(amount >= SHOWN, np.ceil(amount * 8) * 31.875, 0).astype(np.uint8)
        tops["difference"] = _encoded(np.dstack([strong, visible]))
    found = {source: to_mosaic.lay(place, labels=True) > 0 for source, place in lesions.items()}
    if found.keys() & {"acquired", "synthetic"}:
        none = np.zeros(to_mosaic.size, bool)
        one, other = (found.get(source, none) for source in ("acquired", "synthetic"))
        tops["lesions"] = _marks([(one & other, BOTH), (one & ~other, LOST), (other & ~one, ADDED)])
    if "manual" in found:
        tops["lesions of the given mask"] = _marks([(found["manual"], LOST)])
    script = resources.files("nilearn") / "plotting/data/js/brainsprite.min.js"
    pages.write(
        path,
        "viewer.html",
        title=title,
        back=f"../{path.parent.name}.html",
        images=images,
        tops=tops,
        sources=set(lesions),
        colours={"both": BOTH, "acquired": LOST, "synthetic": ADDED, "manual": LOST},
        limits=limits,
        strongest=strongest,
        opacity=OPACITY,
        settings=json.dumps(to_mosaic.settings()),
        brainsprite=script.read_text(encoding="utf-8"),
    )


class _Mosaics:
    """Volumes of one grid as mosaics of their sagittal slices: cropped to the mask, in VOXEL mm, axes as in space."""

    def __init__(self, mask: nib.Nifti1Image) -> None:
        inside = np.asarray(mask.dataobj).reshape(mask.shape[:3]) > 0
        inside = inside if inside.any() else np.ones_like(inside)
        self.box = bounding_box(inside)
        self.affine = mask.affine.copy()
        self.affine[:3, 3] += mask.affine[:3, :3] @ [part.start for part in self.box]
        self.inside = inside
        corners = np.stack(np.meshgrid(*([-0.5, p.stop - p.start - 0.5] for p in self.box)), -1).reshape(
            -1, 3
        )
        ends = nib.affines.apply_affine(self.affine, corners)
        low, high = ends.min(axis=0) - MARGIN, ends.max(axis=0) + MARGIN
        self.shape = tuple(int(side) for side in np.ceil((high - low) / VOXEL).clip(1))
        self.target = nib.affines.from_matvec(np.eye(3) * VOXEL, low + VOXEL / 2)
        self.columns = int(np.ceil(np.sqrt(self.shape[0])))
        rows = -(-self.shape[0] // self.columns)
        self.size = (rows * self.shape[2], self.columns * self.shape[1])

    def lay(self, volume: np.ndarray, *, labels: bool = False) -> np.ndarray:
        """A volume inside the mask as one picture; slices from the person's right on, as the viewer turns them."""
        from scipy.ndimage import affine_transform

        cut = np.where(self.inside, volume, 0)[self.box].astype(np.float32)
        moved = np.linalg.inv(self.affine) @ self.target
        laid = affine_transform(cut, moved[:3, :3], moved[:3, 3], self.shape, order=0 if labels else 1)
        mosaic = np.zeros(self.size, np.float32)
        for place, plane in enumerate(laid[::-1]):
            row, column = divmod(place, self.columns)
            mosaic[row * self.shape[2] :, column * self.shape[1] :][: self.shape[2], : self.shape[1]] = (
                plane.T[::-1]
            )
        return mosaic

    def grey(self, volume: np.ndarray, limits: tuple[float, float]) -> str:
        """An image as a mosaic of grey levels."""
        return _encoded(pictures.grey(self.lay(volume), limits))

    def settings(self) -> dict:
        """What the viewer needs to know: voxels of a slice, and how places are told in mm."""
        affine = self.target.copy()
        affine[1:3, 3] -= VOXEL  # its count starts with 1
        affine[0, [0, 3]] = -VOXEL, self.target[0, 3] + VOXEL * self.shape[0]
        return {"nbSlice": dict(zip("XYZ", self.shape, strict=True)), "affine": affine.tolist()}


def _marks(coloured: list[tuple[np.ndarray, tuple[int, int, int]]]) -> str:
    """Places in colours, transparent elsewhere."""
    picture = np.zeros((*coloured[0][0].shape, 4), np.uint8)
    for place, colour in coloured:
        picture[place] = (*colour, 255)
    return _encoded(picture, lossless=True)


def _encoded(picture: np.ndarray, *, lossless: bool = False) -> str:
    """A picture as an address that holds it."""
    file = io.BytesIO()
    settings = {"lossless": True} if lossless else {"quality": pictures.QUALITY}
    Image.fromarray(picture).save(file, format="WEBP", method=4, **settings)
    return f"data:image/webp;base64,{b64encode(file.getvalue()).decode()}"
