"""Scores of one synthetic image."""

import json
from pathlib import Path

import numpy as np

from .. import images, tables
from ..errors import RecontrastError
from ..layout import TISSUE_LABELS, Session
from ..measures import MEASURES, check_names
from .collect import DICTIONARY

Found = list[tuple[str, str, float]]  # region, metric, value


def score(
    *,
    acquired: Path,
    synthetic: Path,
    mask: Path,
    output: Path,
    participant: str,
    session: str = "",
    experiment: str,
    fold: str,
    region: str = "brain",
    metrics: list[str] = ["mse", "mae", "psnr", "nrmse", "ssim"],  # noqa: B006 - read, never changed
    tissue: Path | None = None,
    areas: list[Path] = [],  # noqa: B006
    names: list[str] = [],  # noqa: B006
    pairs: list[str] = [],  # noqa: B006
    structures: str = "{}",
    by_slice: bool = False,
) -> None:
    """Measure how similar a synthetic image is to the acquired one, inside the mask and in parts of it.

    Args:
        acquired: the acquired contrast, prepared.
        synthetic: the synthetic contrast on the same grid, in the same units.
        mask: where the two are compared, same grid; determines the intensity scale for all parts.
        output: table to write, one row per region and metric.
        participant: participant label, with or without `sub-`.
        session: session label, with or without `ses-`; empty or `n/a` if the data set has no sessions.
        experiment: which experiment made the synthetic image.
        fold: fold of the model that made it.
        region: name of the region that the mask covers.
        metrics: mse, mae, psnr (dB), nrmse, ssim, ms_ssim, those of papers, cnr, dice; see docs/metrics.md.
        tissue: labels of grey matter, white matter and fluid (1, 2, 3), as further regions.
        areas: masks of further regions, same grid.
        names: their names, in the same order.
        pairs: regions between which contrast-to-noise ratios are computed, such as `WM-GM`.
        structures: JSON, name -> {"within": region, "above": bound, "below": bound, "scale": of the bounds}: what
            is found by a threshold on both images; or {"within": the region outlined on the acquired image,
            "drawn": {experiment: the region outlined on its image}}.
        by_slice: windows of ssim stay within a slice.
    """
    check_names(metrics)
    reference, *others = (images.read_header(path) for path in (acquired, synthetic, mask))
    masks = dict(zip(names, areas, strict=True))
    given = [(tissue, None)] if tissue else []
    for path, header in [*zip((synthetic, mask), others, strict=True), *given, *((a, None) for a in areas)]:
        images.check_same_grid(path, header or images.read_header(path), reference)
    inside = _labels(mask) > 0
    parts = {name: _labels(path) > 0 for name, path in masks.items()}
    if tissue:
        labels = _labels(tissue)
        parts = {name: labels == value for name, value in TISSUE_LABELS.items()} | parts
    try:
        asked = _of_experiment(json.loads(structures), experiment)
        values = _measure(acquired, synthetic, inside, metrics, region, parts, pairs, asked, by_slice)
    except RecontrastError as error:
        # What is left to go wrong with images on one grid: an empty mask, or one value inside it.
        file = error.file or (acquired if inside.any() else mask)
        raise RecontrastError(error.problem, file=file, remedy=error.remedy) from error
    visit = "" if session == tables.MISSING else session.removeprefix("ses-")
    who = Session(participant.removeprefix("sub-"), visit)
    facts = {
        "participant_id": f"sub-{who.participant}",
        "session_id": f"ses-{who.session}" if who.session else tables.MISSING,
        "experiment": experiment,
        "fold": fold,
    }
    rows = [facts | {"region": place, "metric": name, "value": value} for place, name, value in values]
    tables.write_described(output, DICTIONARY, rows)
    for place in dict.fromkeys(place for place, _, _ in values):
        said = (f"{name} {value:.4g}" for where, name, value in values if where == place)
        print(f"{who.label} {experiment} fold {fold}, {place}:", *said)


def _measure(
    acquired: Path,
    synthetic: Path,
    inside: np.ndarray,
    metrics: list[str],
    region: str,
    parts: dict[str, np.ndarray],
    pairs: list[str],
    structures: dict[str, dict],
    by_slice: bool,
) -> Found:
    """Every metric in every part that it is meant for."""
    # scikit-image takes a while to load: not for --help
    from .metrics import compare
    from .pair import Pair, slice_axis

    image = images.read(acquired)
    made = images.read(synthetic).get_fdata()
    pair = Pair(image.get_fdata(), made, inside, slice_axis(image.affine), by_slice)
    places = {region: pair.mask} | {name: part & pair.mask for name, part in parts.items()}
    found = compare(pair, metrics, region, parts)
    found += _contrasts(pair, [m for m in metrics if MEASURES[m].scope == "pair"], pairs, places)
    return found + (_structures(pair, structures, places) if "dice" in metrics else [])


def _contrasts(pair, metrics: list[str], pairs: list[str], places: dict[str, np.ndarray]) -> Found:
    """Contrast-to-noise ratios; NaN where the session lacks a mask of the pair."""
    from .cnr import cnr, cnr_as_printed

    found = []
    for both in pairs:
        areas = [places.get(name, np.zeros_like(pair.mask)) for name in both.split("-")]
        for metric in metrics:
            ratio, scale = (
                (cnr_as_printed, pair.whole) if metric.startswith("kim") else (cnr, pair.harmonised)
            )
            found.append((both, metric, ratio(scale[not metric.endswith("acquired")], *areas)))
    return found


def _structures(pair, structures: dict[str, dict], places: dict[str, np.ndarray]) -> Found:
    """Overlap of what a threshold finds on both images, or of what was outlined on each.

    NaN where the session lacks a mask, and where there is nothing to look for a structure in.
    """
    from ..masks import dice
    from .overlap import threshold

    found = []
    for name, how in structures.items():
        within, other = places.get(how["within"]), places.get(how.get("drawn", how["within"]))
        if within is None or other is None or not ("drawn" in how or within.any()):
            found.append((name, "dice", float("nan")))
            continue
        if "drawn" in how:
            both = [within, other]
        else:
            scaled = pair.whole if how.get("scale") == "printed" else pair.harmonised
            both = [threshold(image, within, how.get("above"), how.get("below")) for image in scaled]
        found.append((name, "dice", dice(*both)))
    return found


def _of_experiment(structures: dict[str, dict], experiment: str) -> dict[str, dict]:
    """The structures to measure: of those that were outlined, the ones outlined on this experiment's image."""
    found = {}
    for name, how in structures.items():
        if "drawn" not in how:
            found[name] = how
        elif experiment in how["drawn"]:
            found[name] = how | {"drawn": how["drawn"][experiment]}
    return found


def _labels(path: Path) -> np.ndarray:
    image = images.read_header(path)
    return np.asarray(image.dataobj).reshape(image.shape[:3])
