"""The coefficients of lesion prediction, from manual masks."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from .. import images, tables
from ..errors import RecontrastError
from . import coefficients as fitted
from . import features as voxels
from . import inputs, lpa
from .template_space import from_session

COLUMNS = ("participant_id", "session_id", "flair", "mask", "manual", "transform")
TISSUES = ("csf", "gm", "wm")


def fit_lesions(
    *,
    sessions: Path,
    coefficients: Path,
    spatial: Path,
    features: Literal["lst", "extended", "tissue"] = "extended",
    contour: float | None = None,
    seed: int = 1,
    source: str = "",
    licence: str = "",
) -> None:
    """Fit the coefficients of lesion prediction, and where lesions occur, to manual masks.

    Only the participants in the list are used: leave out whoever will be scored.

    Args:
        sessions: TSV with the columns participant_id, session_id, flair, mask (brain), manual (lesions) and
            transform (ITK affine text, reference to template, or n/a if both share world coordinates), warp and
            inverse_warp where registration to the template is nonlinear, and csf, gm, wm if T1w tissue maps are to be
            used. A row without flair only shows where lesions occur.
        coefficients: JSON file to write.
        spatial: spatial effect to write: log-odds of lesion by position in template space.
        features: `extended`; `lst`, the two of the published algorithm; `tissue`, with T1w tissue maps.
        contour: fraction, 0 to 1, of the height of the brightest lesion voxels above normal tissue that a lesion voxel
            must reach; if not given, the one whose masks have the best mean Dice.
        seed: random seed for sampling voxels.
        source: origin of images and masks, to be recorded with the coefficients.
        licence: licence of images and masks, to be recorded likewise.

    Raises:
        RecontrastError: a contour that is not a fraction, no session with FLAIR, no lesion in the masks of those, or no
            session that can be used; one that cannot is left out.
    """
    if contour is not None and not 0 <= contour <= 1:
        raise RecontrastError(f"a contour of {contour:g} is not a fraction", remedy="give one from 0 to 1")
    rows = inputs.usable(tables.read(sessions, COLUMNS), _check)
    where = lesion_maps(rows)
    seen = [row for row in rows if inputs.path(row, "flair")]
    if not any(inputs.has_lesions(row["manual"]) for row in seen):
        raise inputs.nothing_to_learn(sessions, seen)
    examples = list(_examples(seen, where, features))
    if not any(one.lesion.any() for one in examples):
        raise RecontrastError(
            "lists no lesion that is brighter than white matter on FLAIR",
            file=sessions,
            remedy="check that masks and images belong together",
        )
    model = lpa.fit(
        examples,
        lpa.spatial_effect(list(where.values())),
        features,
        seed,
        origin(seed, source, licence) | provenance(rows, examples),
        contour,
    )
    fitted.write(coefficients, spatial, model)
    print(
        f"{len(examples)} sessions, masks of {len(where)} people; cut {model.cut:g}, contour {model.contour:g}",
        flush=True,
    )


def origin(seed: int, source: str, licence: str) -> dict:
    """What a model says of its data, where it is told, and of how it was made."""
    told = {"source": source, "licence": licence}
    made = {"seed": seed, "version": importlib.metadata.version("recontrast")}
    return {name: text for name, text in told.items() if text} | made


def provenance(rows: list[tables.Row], examples: list[lpa.Example]) -> dict:
    """What a model says of its origin: whose images and masks, and how much lesion; no paths."""
    with_flair = [row for row in rows if inputs.path(row, "flair")]
    return {
        "intensities": [
            {
                "participant": row["participant_id"],
                "session": row["session_id"],
                "lesions_ml": round(one.total * one.volume / 1000, 2),
            }
            for row, one in zip(with_flair, examples, strict=True)
        ],
        "places": sorted({row["participant_id"] for row in rows}),
    }


def lesion_maps(rows: list[tables.Row]) -> dict[str, np.ndarray]:
    """Lesions of every participant in template space, the mean over their sessions."""
    found: dict[str, list[np.ndarray]] = {}
    for row in rows:
        image = images.read_header(row["manual"])
        mask = inputs.read_mask(row["manual"], image)
        carried = from_session(mask, image, inputs.way(row))
        found.setdefault(row["participant_id"], []).append(carried)
    return {participant: np.mean(maps, axis=0) for participant, maps in found.items()}


def _examples(rows: list[tables.Row], where: dict[str, np.ndarray], features: str) -> Iterator[lpa.Example]:
    """Sessions as the fit sees them; each with the places of the other people, as a new one would have."""
    for row in rows:
        others = [one for name, one in where.items() if name != row["participant_id"]]
        image, brain = inputs.read_flair(row["flair"], row["mask"])
        lesions = inputs.read_lesions(row["manual"], brain, image)
        maps = [inputs.path(row, name) for name in TISSUES]
        tissues = np.stack([inputs.read_on_grid(path, image) for path in maps]) if all(maps) else None
        head = voxels.prepare(image, brain, inputs.way(row), tissues)
        effect = lpa.spatial_effect(others or list(where.values()))
        yield lpa.example(head, lesions, effect, features)


def _check(row: tables.Row) -> None:
    """Raise unless the images of a row can be used."""
    if inputs.path(row, "flair") is None:
        inputs.has_lesions(row["manual"])
    else:
        image, brain = inputs.read_flair(row["flair"], row["mask"])
        inputs.read_lesions(row["manual"], brain, image)
