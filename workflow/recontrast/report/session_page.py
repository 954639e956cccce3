"""The page of one session: what was acquired, what was made, and how the two compare."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .. import tables
from ..errors import RecontrastError
from ..measures import as_printed, define
from . import overlays, pages, pictures
from .gallery import Gallery
from .lesions import session_lesions

WEIGHT = 2_700_000  # bytes of all pictures of a page, which with its text must stay under 3 MB


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
    maps: list[Path] = [],  # noqa: B006
    map_experiments: list[str] = [],  # noqa: B006
    map_kinds: list[str] = [],  # noqa: B006
    lesions: list[Path] = [],  # noqa: B006
    lesion_sources: list[str] = [],  # noqa: B006
    lesion_contrast: str = "FLAIR",
    lesion_scores: list[Path] = [],  # noqa: B006
    lesion_tables: list[Path] = [],  # noqa: B006
    profiles: list[Path] = [],  # noqa: B006
    viewers: bool = False,
    by_slice: bool = False,
) -> None:
    """Draw the pictures of one session and write its page.

    Pictures are written to a folder beside the page, of the same name, and are complete before the page appears.

    Args:
        session: its label, as `sub-01_ses-1`.
        page: HTML file to write.
        contrasts: names of the prepared contrasts.
        images: their files, in the same order, all on one grid.
        mask: mask of the brain or the foreground, same grid.
        reference: the contrast to which all were registered; the first if empty.
        tissue: tissue labels (1 GM, 2 WM, 3 CSF), same grid.
        anisotropy: fractional anisotropy, on the grid of the diffusion series.
        directions: eigenvectors of its tensor, on the same grid; both are needed for colour FA.
        experiments: names of the experiments with a synthetic image of this session.
        targets: the target contrast of each experiment.
        synthetic: the synthetic images, in the same order.
        scores: score tables of this session.
        notes: notes on this session.
        maps: maps of metrics (one volume) or of influence (one volume per input) of experiments.
        map_experiments: their experiments, in the same order.
        map_kinds: what each map shows: ssim, nrmse, hagiwara_nrmse, p3s, gradient, without.
        lesions: masks of lesions.
        lesion_sources: where each was found: `acquired`, `manual`, or an experiment.
        lesion_contrast: the acquired contrast on which `acquired` and `manual` lesions are shown.
        lesion_scores: tables of comparisons of these masks.
        lesion_tables: tables of lesions by region, for all sources except `manual`, in the same order.
        profiles: tables of intensities along a line.
        by_slice: whether windows of SSIM stayed in one slice.
        viewers: also write a page to scroll through each synthetic image.
    """
    paired = len(contrasts) == len(images) and len(experiments) == len(targets) == len(synthetic)
    if not contrasts or not paired:
        raise RecontrastError("names and files differ in number", file=page, remedy="give one file per name")
    folder = page.with_suffix("")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
        drawn = Path(partial) / folder.name
        drawn.mkdir()
        marked = dict(zip(lesion_sources, lesions, strict=True))
        gallery = Gallery(drawn, mask, viewers, marked)
        shown = gallery.contrasts(dict(zip(contrasts, images, strict=True)), reference or contrasts[0])
        tissue_picture = None if tissue is None else gallery.tissue(tissue)
        fibres = gallery.fibres(anisotropy, directions) if anisotropy and directions else None
        made = [
            gallery.experiment(name, target, path)
            for name, target, path in zip(experiments, targets, synthetic, strict=True)
        ]
        on_top = [
            overlays.draw_map(gallery, *which) for which in zip(map_experiments, map_kinds, maps, strict=True)
        ]
        found = overlays.draw_lesions(gallery, marked, lesion_contrast) if marked else []
        lines = [drawn for file in profiles for drawn in overlays.draw_profiles(gallery, file)]
        shown_on_it = [f for f in drawn.iterdir() if not f.name.startswith(("viewer-", "small-"))]
        pictures.lighten(shown_on_it, WEIGHT)
        shutil.rmtree(folder, ignore_errors=True)
        drawn.rename(folder)
    scored = _score_tables(scores)
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
        maps=on_top,
        lesions=found,
        lesion_numbers=session_lesions(lesion_scores, lesion_sources, lesion_tables),
        profiles=lines,
        beside=_beside(made),
        amounts=pictures.amounts(),
        crop=gallery.view.in_slices,
        scores=scored,
        definitions={
            name: define(name, by_slice) for name in dict.fromkeys(m for t in scored for m in t["metrics"])
        },
        notes=notes,
        width=pictures.WIDTH,
        height=gallery.height,
    )
    drawn_on_it = [file for file in folder.iterdir() if not file.name.startswith("viewer-")]
    size = sum(file.stat().st_size for file in [page, *drawn_on_it])
    print(
        f"{session}: {len(drawn_on_it)} pictures, {size / 1e6:.2f} MB with the page; viewers are separate pages"
    )


def _beside(made: list[dict]) -> dict[str, list[dict]]:
    """The targets that several experiments make and that were acquired, with these experiments."""
    targets: dict[str, list[dict]] = {}
    for experiment in made:
        if experiment["acquired"]:
            targets.setdefault(experiment["target"], []).append(experiment)
    return {target: several for target, several in targets.items() if len(several) > 1}


def _score_tables(files: list[Path]) -> list[dict]:
    """One table for each region, in the order met, the study's own first; its metrics, and a row per experiment.

    `scale` says on which scale: that of the acquired image, as papers print, or both.
    """
    made: dict[str, dict] = {}
    for file in files:
        for line in tables.read(file, ["experiment", "region", "fold", "metric", "value"]):
            empty = {"region": line["region"], "metrics": {}, "rows": {}}
            table = made.setdefault(line["region"], empty)
            table["metrics"][line["metric"]] = None
            row = {"experiment": line["experiment"], "fold": line["fold"], "values": {}}
            row = table["rows"].setdefault(line["experiment"], row)
            row["values"][line["metric"]] = line["value"]
    return [
        {"region": region, "metrics": list(table["metrics"]), "rows": list(table["rows"].values())}
        | {"scale": _scale(table["metrics"])}
        for region, table in made.items()
    ]


def _scale(metrics: Iterable[str]) -> str:
    """The scale of the metrics of a table, for its caption."""
    printed = [metric for metric in metrics if as_printed(metric)]
    if len(printed) == len(list(metrics)):
        return "as defined in the papers"
    harmonised = "on the scale on which the acquired image spans 0 to 1"
    return f"{harmonised}; columns with an author's name: as defined in that paper" if printed else harmonised
