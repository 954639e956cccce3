"""Scores of one synthetic image."""

from pathlib import Path

import numpy as np

from .. import images, tables
from ..errors import RecontrastError
from ..layout import Session
from .columns import COLUMNS


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
) -> None:
    """Measure how near a synthetic image is to the acquired one, inside the mask.

    Args:
        acquired: the acquired contrast, prepared.
        synthetic: the synthetic contrast on the same grid, in the same units.
        mask: where the two are compared, same grid.
        output: table to write, one row per metric.
        participant: participant label, with or without `sub-`.
        session: session label, with or without `ses-`; empty or `n/a` if the data set has no sessions.
        experiment: which experiment made the synthetic image.
        fold: which fold's model made it.
        region: what the mask covers.
        metrics: mse, mae, psnr (dB), nrmse, ssim.
    """
    from .metrics import check_names, compare  # scikit-image takes a while to load: not for --help

    check_names(metrics)
    reference, prediction, area = (images.read_header(path) for path in (acquired, synthetic, mask))
    images.check_same_grid(synthetic, prediction, reference)
    images.check_same_grid(mask, area, reference)
    inside = np.asarray(area.dataobj).reshape(reference.shape[:3]) > 0
    try:
        values = compare(
            images.read(acquired).get_fdata(), images.read(synthetic).get_fdata(), inside, metrics
        )
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
        "region": region,
    }
    tables.write(
        output, COLUMNS, [facts | {"metric": name, "value": value} for name, value in values.items()]
    )
    print(
        f"{who.label} {experiment} fold {fold}:", *(f"{name} {value:.4g}" for name, value in values.items())
    )
