"""What lies on top of a session's images: maps of metrics and of influence, lesions, lines."""

import json
from pathlib import Path

import numpy as np

from .. import tables
from ..images import check_same_grid, read_header, read_mask, sidecar
from . import pictures
from .gallery import Gallery, unit_of, units

ACQUIRED, MANUAL = "acquired", "manual"  # sources of lesions that are no experiments
LESION, LINE = (255, 40, 40), (255, 220, 0)
PROFILE = ("line", "target", "experiment", "x", "y", "z", "distance", "value")

# Maps with one volume: title, and what it is; all from 0 to 1.
METRIC_MAPS = {
    "ssim": ("SSIM", "1 where identical"),
    "nrmse": ("NRMSE", "absolute error divided by the mean of the acquired image"),
    "hagiwara_nrmse": ("NRMSE, own mean", "absolute error divided by the mean of the synthetic image"),
}
# Maps with a volume for each input.
INFLUENCE_MAPS = {
    "p3s": "P3S: how the squared error changes with each input",
    "gradient": "Saliency: how the synthetic image changes with each input",
    "without": "How much the synthetic image changes without each input",
}


def draw_map(gallery: Gallery, experiment: str, kind: str, file: Path) -> dict:
    """Draw one map of an experiment: a picture of a metric, or one for each input.

    Returns:
        `experiment`, `title`, `pictures` (with `name`, `text`, `picture`), `grey` (else in colours), `top`, the
        value of the brightest level, and `of_inputs`: whether there is a picture for each input.
    """
    image = read_header(file, volumes=kind in INFLUENCE_MAPS)
    check_same_grid(file, image, gallery.grid)
    # A map of nothing but zeros is a map: no checks beyond the grid.
    volumes = np.asarray(image.dataobj, dtype=np.float32).reshape(*gallery.mask.shape, -1)
    if kind in METRIC_MAPS:
        names, (title, text), top = [METRIC_MAPS[kind][0]], METRIC_MAPS[kind], 1.0
    else:
        facts = json.loads(sidecar(file).read_text(encoding="utf-8"))
        means = volumes[gallery.mask].mean(axis=0)
        names, title, text = facts["Volumes"], INFLUENCE_MAPS[kind], ""
        shares = means / (means.sum() or 1)
        # One scale for all inputs: what differs between them is the point.
        top = float(np.percentile(volumes[gallery.mask], 99.5)) or 1.0
    drawn = []
    for number, name in enumerate(names):
        picture = pictures.file_name(kind, f"{experiment}-{name}")
        values = np.where(gallery.mask, volumes[..., number], 0)
        pictures.save_map(gallery.folder / picture, gallery.view, values, top, grey_levels=kind == "ssim")
        said = text or f"{shares[number]:.0%} of all inputs"
        drawn.append({"name": name, "text": said, "picture": gallery.address(picture)})
    return {
        "experiment": experiment,
        "title": title,
        "pictures": drawn,
        "grey": kind == "ssim",
        "of_inputs": kind in INFLUENCE_MAPS,
        "top": units(top),
    }


def lesion_pictures(source: str) -> tuple[str, str]:
    """The names of the pictures of lesions from one source: the image, and what lies on top of it."""
    below = ACQUIRED if source == MANUAL else source  # drawn on the acquired image
    return pictures.file_name("unmarked", below), pictures.file_name("lesions", source).replace(
        ".webp", ".png"
    )


def draw_lesions(gallery: Gallery, masks: dict[str, Path], flair: str) -> list[dict]:
    """Draw lesions on the images on which they were found, in the planes with most of them.

    Args:
        gallery: has drawn the contrasts and experiments.
        masks: source -> mask: `acquired`, `manual` or an experiment.
        flair: the acquired contrast on which they were found.

    Returns:
        For each source `source`, `plain` and `marked` (pictures, the latter to lie on top) and `volume` in ml.
    """
    found = {source: read_mask(file).get_fdata() > 0 for source, file in masks.items()}
    view = gallery.view.through(np.sum(list(found.values()), axis=0))
    voxel = abs(np.linalg.det(gallery.grid.affine[:3, :3])) / 1000
    limits, drawn = None, []
    # The acquired image first: its window is that of all.
    for source in sorted(found, key=lambda source: (source not in (ACQUIRED, MANUAL), source != ACQUIRED)):
        file = gallery.acquired.get(flair) if source in (ACQUIRED, MANUAL) else gallery.synthetic[source]
        if file is None:
            continue
        volume = np.where(gallery.mask, gallery.read(file), 0)
        limits = limits or pictures.window(volume, gallery.mask)
        plain, marked = lesion_pictures(source)
        pictures.save_grey(gallery.folder / plain, view, volume, limits)
        pictures.save_marks(gallery.folder / marked, view, found[source], LESION)
        drawn.append(
            {
                "source": source,
                "plain": gallery.address(plain),
                "marked": gallery.address(marked),
                "volume": f"{found[source].sum() * voxel:.1f}",
            }
        )
    return drawn


def draw_profiles(gallery: Gallery, file: Path) -> list[dict]:
    """Draw the intensities along one line, a figure for each acquired contrast, and where the line runs.

    Args:
        gallery: has drawn the contrasts.
        file: table as `evaluation trace_profile` writes it.

    Returns:
        `line`, `target`, `figure` and `picture` for each contrast.
    """
    from . import figures  # matplotlib takes a while to load: not for --help

    rows, drawn = tables.read(file, PROFILE), []
    for target in dict.fromkeys(row["target"] for row in rows):
        own = [row for row in rows if row["target"] == target]
        line, curves = own[0]["line"], {}
        for row in own:
            point = tables.number(row["distance"]), tables.number(row["value"])
            curves.setdefault(row["experiment"], []).append(point)
        first = [row for row in own if row["experiment"] == own[0]["experiment"]]
        marked = gallery.voxels(np.array([[tables.number(row[axis]) for axis in "xyz"] for row in first]))
        figure = pictures.file_name("profile", f"{line}-{target}").replace(".webp", ".svg")
        picture = pictures.file_name("line", f"{line}-{target}")
        figures.profile(gallery.folder / figure, curves, unit_of(gallery.acquired[target]))
        volume = gallery.read(gallery.acquired[target])
        limits, view = pictures.window(volume, gallery.mask), gallery.view.through(marked)
        pictures.save_marked(gallery.folder / picture, view, volume, limits, marked, LINE)
        drawn.append(
            {
                "line": line,
                "target": target,
                "figure": gallery.address(figure),
                "picture": gallery.address(picture),
            }
        )
    return drawn
