"""The page of one session: what was acquired, what was made, and how the two compare."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from .. import tables
from ..errors import RecontrastError
from ..images import check_same_grid, read, read_header, read_series, sidecar
from . import pages, pictures, viewer

DIFFERENCE = 0.5  # the strongest colour of a difference, as a part of the acquired window


def session_page(
    *,
    session: str,
    page: Path,
    contrasts: list[str],
    images: list[Path],
    mask: Path,
    reference: str = "",
    tissue: Path | None = None,
    anisotropy: Path | None = None,
    directions: Path | None = None,
    experiments: list[str] = [],  # noqa: B006 - lists are read, never changed
    targets: list[str] = [],  # noqa: B006
    synthetic: list[Path] = [],  # noqa: B006
    scores: list[Path] = [],  # noqa: B006
    notes: list[str] = [],  # noqa: B006
    viewers: bool = False,
) -> None:
    """Draw the pictures of one session and write its page.

    Pictures go to the folder beside the page that has the page's name, complete before the page appears.

    Args:
        session: its label, as `sub-01_ses-1`.
        page: HTML file to write.
        contrasts: names of the prepared contrasts.
        images: their files, in the same order, all on one grid.
        mask: mask of the brain or the foreground, same grid.
        reference: the contrast to whose grid all were registered; the first if empty.
        tissue: tissue labels (1 GM, 2 WM, 3 CSF), same grid.
        anisotropy: fractional anisotropy, on the grid of the diffusion series.
        directions: eigenvectors of its tensor, on the same grid; both give colour FA.
        experiments: names of the experiments with a synthetic image of this session.
        targets: the contrast that each of them makes.
        synthetic: the synthetic images, in the same order.
        scores: score tables of this session.
        notes: what a reader should know about this session.
        viewers: also write a page to walk through each synthetic image.
    """
    paired = len(contrasts) == len(images) and len(experiments) == len(targets) == len(synthetic)
    if not contrasts or not paired:
        raise RecontrastError("names and files differ in number", file=page, remedy="give one file per name")
    metrics, rows = _score_table(scores)
    folder = page.with_suffix("")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
        drawn = Path(partial) / folder.name
        drawn.mkdir()
        gallery = Gallery(drawn, mask, viewers)
        shown = gallery.contrasts(dict(zip(contrasts, images, strict=True)), reference or contrasts[0])
        tissue_picture = None if tissue is None else gallery.tissue(tissue)
        fibres = gallery.fibres(anisotropy, directions) if anisotropy and directions else None
        made = [
            gallery.experiment(name, target, path)
            for name, target, path in zip(experiments, targets, synthetic, strict=True)
        ]
        shutil.rmtree(folder, ignore_errors=True)
        drawn.rename(folder)
    pages.write(
        page,
        "session.html",
        session=session,
        reference=next(item for item in shown if item["reference"]),
        contrasts=shown,
        outline=gallery.address(gallery.OUTLINE),
        tissue=tissue_picture,
        fibres=fibres,
        experiments=made,
        metrics=metrics,
        scores=rows,
        notes=notes,
        width=pictures.WIDTH,
        height=gallery.height,
    )
    size = sum(file.stat().st_size for file in [page, *folder.iterdir()])
    print(f"{session}: {len(list(folder.iterdir()))} pictures, {size / 1e6:.2f} MB with the page")


class Gallery:
    """The pictures of one session, all with one view, in one folder.

    Args:
        folder: where the pictures go.
        mask: mask file; its grid is that of every image.
        viewers: whether synthetic images get a page to walk through them.
    """

    OUTLINE = "outline.png"

    def __init__(self, folder: Path, mask: Path, viewers: bool) -> None:
        self.folder = folder
        self.viewers = viewers
        self.grid = read_header(mask)
        self.mask = np.asarray(self.grid.dataobj).reshape(self.grid.shape[:3]) > 0
        self.view = pictures.View.of(self.mask, self.grid.affine)
        self.height = self.view.montage(self.mask.astype(np.uint8)).shape[0]
        self.acquired: dict[str, Path] = {}
        pictures.save_outline(folder / self.OUTLINE, self.view, self.mask)

    def contrasts(self, files: dict[str, Path], reference: str) -> list[dict]:
        """Draw every prepared contrast, the reference first."""
        self.acquired = files
        shown = []
        for name in sorted(files, key=lambda name: name != reference):
            volume = self._read(files[name])
            picture = pictures.file_name("contrast", name)
            pictures.save_grey(self.folder / picture, self.view, volume, pictures.window(volume, self.mask))
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
        volume = np.where(self.mask, self._read(synthetic), 0)
        drawn = {
            "name": name,
            "target": target,
            "facts": _facts(synthetic),
            "acquired": None,
            "difference": None,
        }
        limits = pictures.window(volume, self.mask)
        shown, beside, strongest = volume, None, 0.0
        if target in self.acquired:
            truth = np.where(self.mask, self._read(self.acquired[target]), 0)
            limits = pictures.window(truth, self.mask)
            strongest = DIFFERENCE * (limits[1] - limits[0])
            acquired = pictures.file_name("acquired", target)
            difference = pictures.file_name("difference", name)
            pictures.save_grey(self.folder / acquired, self.view, truth, limits)
            pictures.save_difference(self.folder / difference, self.view, volume - truth, strongest)
            shown, beside = truth, volume - truth
            drawn |= {
                "acquired": self.address(acquired),
                "difference": self.address(difference),
                "strongest": _units(strongest),
            }
        walk = pictures.file_name("viewer", name).replace(".webp", ".html")
        if self.viewers:
            title = f"{self.folder.name}: {target} by {name}{'' if beside is None else ' − acquired'}"
            viewer.write(self.folder / walk, title, shown, self.grid.affine, beside, strongest)
        picture = pictures.file_name("synthetic", name)
        pictures.save_grey(self.folder / picture, self.view, volume, limits)
        return drawn | {
            "picture": self.address(picture),
            "viewer": self.address(walk) if self.viewers else "",
            "window": [_units(limit) for limit in limits],
        }

    def address(self, picture: str) -> str:
        """A picture as the page links it."""
        return f"{self.folder.name}/{picture}"

    def _read(self, file: Path) -> np.ndarray:
        image = read(file)
        check_same_grid(file, image, self.grid)
        return image.get_fdata(dtype=np.float32)


def _units(value: float) -> str:
    """An intensity in a caption: three digits, and whole numbers from there on."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _score_table(files: list[Path]) -> tuple[list[str], list[dict]]:
    """Metrics in the order met, and one row per experiment and region with their values."""
    rows: dict[tuple[str, str], dict] = {}
    metrics: dict[str, None] = {}
    for file in files:
        for line in tables.read(file, ["experiment", "region", "fold", "metric", "value"]):
            row = rows.setdefault(
                (line["experiment"], line["region"]),
                {
                    "experiment": line["experiment"],
                    "region": line["region"],
                    "fold": line["fold"],
                    "values": {},
                },
            )
            row["values"][line["metric"]] = line["value"]
            metrics[line["metric"]] = None
    return list(metrics), list(rows.values())


def _facts(image: Path) -> list[tuple[str, str]]:
    """What the sidecar of an image says, one line per key."""
    if not sidecar(image).is_file():
        return []
    facts = json.loads(sidecar(image).read_text(encoding="utf-8"))
    return [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in facts.items()
    ]
