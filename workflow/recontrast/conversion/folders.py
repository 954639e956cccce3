"""The files of a folder, and whether it is one of DICOM."""

import os
from collections.abc import Iterator
from pathlib import Path

IMAGES = (".nii", ".nii.gz")
DERIVATIVES = "derivatives"  # results beside raw data, ours or others'; never raw data themselves
# Without a preamble, a file starts with its first element: group 0002 or 0008, little or big endian.
BARE_STARTS = (b"\x08\x00", b"\x02\x00", b"\x00\x08")


def holds_dicom(folder: str | Path) -> bool:
    """Whether a folder is one of DICOM: it has no BIDS images in their places, but a DICOM file somewhere.

    A folder without `sub-*` folders is no BIDS folder either: of its files, whatever they are, the sorting of
    DICOM says what it found.
    """
    folder = Path(folder)
    if is_bids(folder):
        return False
    found = False
    for path, _ in walk(folder):
        found = True
        try:
            with open(path, "rb") as file:
                if may_be_dicom(file.read(132)):
                    return True
        except OSError:
            continue
    return found and not any(entry.is_dir() for entry in _entries(folder, "sub-"))


def is_bids(folder: Path) -> bool:
    """Whether there is an image at `sub-*/[ses-*/]DATATYPE/sub-*.nii[.gz]`."""
    for person in _entries(folder, "sub-"):
        places = [person, *_entries(person, "ses-")]
        for datatype in (inner for place in places for inner in _entries(place)):
            if any(entry.name.endswith(IMAGES) for entry in _entries(datatype, "sub-")):
                return True
    return False


def may_be_dicom(start: bytes) -> bool:
    """Whether the first 132 bytes of a file may be those of a DICOM file."""
    return start[128:132] == b"DICM" or start[:2] in BARE_STARTS


def walk(folder: Path, leave: tuple[Path, ...] = ()) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder, in a fixed order; hidden ones and derivatives left out.

    Args:
        folder: links to folders in it are not followed.
        leave: folders that are not entered, such as our own output.
    """
    left = {os.path.realpath(place) for place in (*leave, Path(folder, DERIVATIVES))}
    for place, folders, files in os.walk(folder):
        within = [name for name in sorted(folders) if not name.startswith(".")]
        folders[:] = [name for name in within if os.path.realpath(os.path.join(place, name)) not in left]
        for name in sorted(files):
            path = os.path.join(place, name)
            if not name.startswith(".") and os.path.isfile(path):
                yield path, os.stat(path)


def _entries(folder: str | os.PathLike, prefix: str = "") -> list[os.DirEntry]:
    """What a folder holds under names that begin so; nothing where it is none or cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name.startswith(prefix)]
    except OSError:
        return []
