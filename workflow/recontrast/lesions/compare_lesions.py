"""How well the lesions of two masks agree."""

from pathlib import Path

import numpy as np

from .. import images, tables
from ..columns import LOAD_LIMITS, LOADS, SCORES
from ..masks import dice
from . import inputs, overlap

RIM = 4.5  # mm


def compare_lesions(
    *,
    found: Path,
    truth: Path,
    mask: Path,
    output: Path,
    participant: str,
    session: str = "",
    found_name: str = "acquired",
    truth_name: str = "manual",
    fold: str = tables.MISSING,
    flair: Path | None = None,
    wm: Path | None = None,
) -> None:
    """Compare detected with true lesions: volume, overlap, detection, distance, contrast.

    Args:
        found: lesion mask to evaluate.
        truth: lesion mask to compare it with, on the same grid; both may be empty.
        mask: brain mask; voxels outside do not count.
        output: table to write, one row per metric: the experiment is the source of the evaluated mask, the region
            what it is compared with. For a mask compared with itself: volume, load and contrast only.
        participant: participant label, with or without `sub-`.
        session: session label, with or without `ses-`; empty or `n/a` if the data set has no sessions.
        found_name: source of the evaluated mask: acquired, or the name of an experiment.
        truth_name: source of the other: manual, or acquired.
        fold: fold of the model that made the image on which the lesions were found.
        flair: FLAIR on the same grid, in which the contrast of the true lesions is measured.
        wm: probability map of white matter, likewise for the contrast.

    Raises:
        RecontrastError: masks on different grids, values other than 0 and 1, or lesions outside the brain.
    """
    image = images.read_header(found)
    brain = inputs.read_brain(mask, image)
    ours, theirs = (inputs.read_lesions(path, brain, image) for path in (found, truth))
    sizes = np.linalg.norm(image.affine[:3, :3], axis=0)
    values = measure(ours, theirs, sizes)
    if found_name == truth_name:  # a mask agrees with itself: what is left is its volume and brightness
        values = {key: values[key] for key in ("volume", "load")}
    if flair and wm:
        brightness = inputs.read_on_grid(flair, image)
        white = brain & (inputs.read_on_grid(wm, image) > 0.9)
        values |= overlap.contrast_ratios(brightness, theirs, white, sizes, RIM)
    participant = f"sub-{participant.removeprefix('sub-')}"
    visit = session.removeprefix("ses-")
    facts = {
        "participant_id": participant,
        "session_id": tables.MISSING if visit in ("", tables.MISSING) else f"ses-{visit}",
        "experiment": found_name,
        "fold": fold,
        "region": truth_name,
    }
    rows = [facts | {"metric": f"lesion_{key}", "value": one} for key, one in values.items()]
    tables.write(output, SCORES, rows)
    print(
        participant,
        *(f"{key} {one}" if isinstance(one, str) else f"{key} {one:.4g}" for key, one in values.items()),
    )


def measure(found: np.ndarray, truth: np.ndarray, sizes: np.ndarray) -> dict[str, float | str]:
    """All metrics of two masks, (x, y, z), with voxels of `sizes` mm. Volumes are in ml, distances in mm."""
    voxel = float(np.prod(sizes)) / 1000
    volume, true_volume = float(found.sum() * voxel), float(truth.sum() * voxel)
    beyond = int(np.searchsorted(LOAD_LIMITS, true_volume, side="right"))
    return {
        "dice": dice(found, truth),
        "volume": volume,
        "true_volume": true_volume,
        "volume_bias": volume - true_volume,
        **overlap.by_lesion(found, truth),
        "surface_distance": overlap.surface_distance(found, truth, sizes),
        "load": LOADS[1 + beyond if true_volume else 0],
    }
