"""The files of a folder, and whether it is one of DICOM."""

import os
from collections.abc import Iterator
from pathlib import Path

PEEK = 500  # files that are looked at to tell a DICOM folder from a BIDS one


def holds_dicom(folder: str | Path) -> bool:
    """Whether a folder is one of DICOM: among the first files there is one, and no NIfTI image before it."""
    for count, (path, _) in enumerate(walk(Path(folder))):
        if path.endswith((".nii", ".nii.gz")) or count > PEEK:
            return False
        try:
            with open(path, "rb") as file:
                if file.read(132)[128:] == b"DICM":
                    return True
        except OSError:
            continue
    return False


def walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder, hidden ones left out, in a fixed order."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(place, name)
            if not name.startswith(".") and os.path.isfile(path):
                yield path, os.stat(path)
