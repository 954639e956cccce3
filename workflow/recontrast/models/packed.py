"""Sessions as training reads them, packed once and mapped into memory: they need not all fit in there."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .. import images
from .interface import Volumes
from .volumes import arrays_of, cropped

MARGIN = 24  # voxels around the mask: as far as any method looks that does not want whole images


def map_session(folder: Path, key: str, margin: int | None, read: Callable[[int | None], Volumes]) -> Volumes:
    """One session, from the folder if it lies there, otherwise read and packed first.

    Args:
        folder: where packed sessions lie, for all trainings at once; it may be deleted.
        key: digest of the session's files.
        margin: voxels to keep around the mask's bounding box; None keeps whole images.
        read: the session with such a margin.

    Returns:
        The session, its arrays mapped from files.
    """
    widest = None if margin is None or margin > MARGIN else MARGIN
    place = folder / f"{key}-{'image' if widest is None else 'mask'}"
    if not place.is_dir():
        _write(read(widest), place)
    return cropped(_open(place), margin)[0]


def _write(session: Volumes, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".partial-", dir=place.parent))
    try:
        for name, array in arrays_of(session).items():
            np.save(unfinished / f"{name}.npy", array)
        images.write_json(unfinished / "facts.json", {"label": session.label, "spacing": session.spacing})
        try:
            os.rename(unfinished, place)
        except OSError:
            # Another training was faster; its files are the same.
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _open(place: Path) -> Volumes:
    facts = json.loads((place / "facts.json").read_text(encoding="utf-8"))
    # Whoever writes to an array changes a copy of his own.
    arrays = {path.stem: np.asarray(np.load(path, mmap_mode="c")) for path in place.glob("*.npy")}
    return Volumes(facts["label"], spacing=tuple(facts["spacing"]), **({"target": None} | arrays))
