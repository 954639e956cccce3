"""Whom the coefficients that ship are fitted to: no step of the graph, as they are fitted once, from open data."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import tables
from ..backends import transforms
from ..errors import RecontrastError
from .fit_lesions import COLUMNS
from .inputs import BENDING


def list_default(
    *, known: list[Path], masks: Path, transform: Path, output: Path, without: Sequence[str] = ()
) -> None:
    """List people with images, and further lesion masks that say only where lesions lie, for `fit_lesions`.

    Args:
        known: lists of the people with images, as a study with manual masks keeps them (`cohort/lists/lesions_*`).
        masks: folder of further lesion masks in one common space (`sub-*_mask.nii.gz`); people who are in `known`
            are not taken twice.
        transform: ITK affine text to write, from that space to the template: the mean of those of `known`, whose
            images lie in it too.
        output: TSV to write, as `fit_lesions` takes it.
        without: participants who are left out of both, so that the fit may be scored on them.

    Raises:
        RecontrastError: nobody with images and a transform, or no further mask.
    """
    left_out = {f"sub-{one.removeprefix('sub-')}" for one in without}
    listed = [row for path in known for row in tables.read(path, COLUMNS)]
    columns = [*COLUMNS, *(name for name in BENDING if any(name in row for row in listed))]
    rows = {
        (row["participant_id"], row["session_id"]): {name: row.get(name, tables.MISSING) for name in columns}
        for row in listed
        if row["participant_id"] not in left_out
    }
    placed = [row["transform"] for row in rows.values() if row["transform"] != tables.MISSING]
    if not placed:
        raise RecontrastError(
            "name nobody with a transform to the template", file=known[0] if known else None
        )
    own = {participant for participant, _ in rows}
    further = {path.name.split("_")[0]: path for path in sorted(masks.glob("sub-*_mask.nii.gz"))}
    if not further:
        raise RecontrastError(
            "contains no sub-*_mask.nii.gz", file=masks, remedy="give the folder of lesion masks"
        )
    transforms.write(transform, np.mean([transforms.read(Path(path)) for path in placed], axis=0))
    nothing = dict.fromkeys(columns, tables.MISSING)
    places = [
        nothing | {"participant_id": who, "manual": str(path), "transform": str(transform)}
        for who, path in further.items()
        if who not in own | left_out
    ]
    tables.write(output, columns, [*rows.values(), *places])
    print(f"{len(rows)} sessions with images, {len(places)} masks of others")
