"""The pictures of one session, drawn with one view, and what its page says of each."""

import json
from pathlib import Path

import numpy as np

from ..errors import RecontrastError
from ..images import check_same_grid, read, read_header, read_mask, read_series, sidecar
from . import pictures, viewer

DIFFERENCE = 0.25  # the strongest colour of a difference, as a part of the acquired window


class Gallery:
    """The pictures of one session, all with one view, in one folder.

    Args:
        folder: where the pictures go.
        mask: mask file; its grid is that of every image.
        viewers: whether synthetic images get a page to walk through them.
        lesions: where lesions were found, as `overlays.draw_lesions` takes it; for these pages.
    """

    OUTLINE = "outline.png"

    def __init__(self, folder: Path, mask: Path, viewers: bool, lesions: dict[str, Path]) -> None:
        self.folder = folder
        self.viewers = viewers
        self.lesions = lesions
        self.grid = read_header(mask)
        self.mask = np.asarray(self.grid.dataobj).reshape(self.grid.shape[:3]) > 0
        self.view = pictures.View.of(self.mask, self.grid.affine)
        self.height = self.view.montage(self.mask.astype(np.uint8)).shape[0]
        self.acquired: dict[str, Path] = {}
        self.synthetic: dict[str, Path] = {}
        pictures.save_outline(folder / self.OUTLINE, self.view, self.mask)

    def contrasts(self, files: dict[str, Path], reference: str) -> list[dict]:
        """Draw every prepared contrast, the reference first."""
        self.acquired = files
        shown = []
        for name in sorted(files, key=lambda name: name != reference):
            volume = self.read(files[name])
            picture = pictures.file_name("contrast", name)
            limits = pictures.window(volume, self.mask)
            pictures.save_grey(self.folder / picture, self.view, volume, limits)
            if name == reference:
                small = pictures.file_name("small-contrast", name)
                pictures.save_small(self.folder / small, self.view, volume, limits)
            shown.append(
                {
                    "name": name,
                    "reference": name == reference,
                    "picture": self.address(picture),
                    "facts": _facts(files[name]),
                }
            )
        if not shown[0]["reference"]:
            raise RecontrastError(f"{reference!r} is none of its contrasts", file=self.folder.name)
        return shown

    def tissue(self, labels: Path) -> str:
        """Draw the tissue labels."""
        image = read_header(labels)
        check_same_grid(labels, image, self.grid)
        values = np.asarray(image.dataobj).reshape(self.mask.shape).round()
        pictures.save_tissue(self.folder / "tissue.png", self.view, values)
        return self.address("tissue.png")

    def fibres(self, anisotropy: Path, directions: Path) -> dict:
        """Draw colour FA in a view of its own, as the diffusion series has its own grid."""
        image, vectors = read(anisotropy), read_series(directions)
        check_same_grid(directions, vectors, image)
        strength = image.get_fdata(dtype=np.float32)
        view = pictures.View.of(strength > 0, image.affine)
        first = np.asarray(vectors.dataobj, dtype=np.float32)[..., :3]
        height = pictures.save_fibres(self.folder / "fibres.webp", view, strength, first)
        return {"picture": self.address("fibres.webp"), "height": height}

    def experiment(self, name: str, target: str, synthetic: Path) -> dict:
        """Draw a synthetic image and, where its contrast was acquired, that and the difference.

        Intensities of both are shown in the window of the acquired image. Outside the mask nothing was
        predicted, so there the acquired image is left out too.
        """
        self.synthetic[name] = synthetic
        volume = np.where(self.mask, self.read(synthetic), 0)
        drawn = {
            "name": name,
            "target": target,
            "facts": _facts(synthetic),
            "acquired": None,
            "difference": None,
        }
        limits = pictures.window(volume, self.mask)
        truth, strongest = None, 0.0
        if target in self.acquired:
            truth = np.where(self.mask, self.read(self.acquired[target]), 0)
            limits = pictures.window(truth, self.mask)
            strongest = DIFFERENCE * (limits[1] - limits[0])
            acquired = pictures.file_name("acquired", target)
            difference = pictures.file_name("difference", name)
            pictures.save_grey(self.folder / acquired, self.view, truth, limits)
            pictures.save_difference(self.folder / difference, self.view, volume - truth, strongest)
            drawn |= {
                "acquired": self.address(acquired),
                "difference": self.address(difference),
                "strongest": units(strongest),
            }
        walk = pictures.file_name("viewer", name).replace(".webp", ".html")
        if self.viewers:
            sources = {"acquired": "acquired", name: "synthetic", "manual": "manual"}
            viewer.write(
                self.folder / walk,
                f"{self.folder.name}: {target} by {name}",
                self.grid,
                synthetic=volume,
                acquired=truth,
                limits=limits,
                strongest=strongest,
                lesions={
                    sources[s]: read_mask(f).get_fdata() for s, f in self.lesions.items() if s in sources
                },
            )
        picture = pictures.file_name("synthetic", name)
        pictures.save_grey(self.folder / picture, self.view, volume, limits)
        small = pictures.file_name("small-synthetic", name)
        pictures.save_small(self.folder / small, self.view, volume, limits)
        return drawn | {
            "picture": self.address(picture),
            "viewer": self.address(walk) if self.viewers else "",
            "window": [units(limit) for limit in limits],
            "unit": unit_of(self.acquired[target]) if target in self.acquired else unit_of(synthetic),
        }

    def voxels(self, points: np.ndarray) -> np.ndarray:
        """The voxels nearest to some points in mm, shape (n, 3), as a mask; points outside the grid are left out."""
        places = np.c_[points, np.ones(len(points))] @ np.linalg.inv(self.grid.affine).T
        places = places[:, :3].round().astype(int)
        places = places[((places >= 0) & (places < self.mask.shape)).all(axis=1)]
        found = np.zeros_like(self.mask)
        found[tuple(places.T)] = True
        return found

    def address(self, picture: str) -> str:
        """A picture as the page links it."""
        return f"{self.folder.name}/{picture}"

    def read(self, file: Path) -> np.ndarray:
        """An image of this session, float32; raises where it lies on another grid."""
        image = read(file)
        check_same_grid(file, image, self.grid)
        return image.get_fdata(dtype=np.float32)


def units(value: float) -> str:
    """An intensity in a caption: three digits, and whole numbers from there on."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def unit_of(image: Path) -> str:
    """The unit that the sidecar of an image says, as readers write it; nothing where intensities are arbitrary."""
    unit = dict(_facts(image)).get("Units", "")
    return "" if unit in ("1", "arbitrary") else unit.replace("^2", "²").replace("^-1", "⁻¹")


def _facts(image: Path) -> list[tuple[str, str]]:
    """What the sidecar of an image says, one line per key."""
    if not sidecar(image).is_file():
        return []
    facts = json.loads(sidecar(image).read_text(encoding="utf-8"))
    return [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in facts.items()
    ]
