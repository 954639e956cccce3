"""The files of a folder, and whether it is one of DICOM."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

IMAGES = (".nii", ".nii.gz")
DERIVATIVES = "derivatives"  # results beside raw data, ours or others'; never raw data themselves
# Without a preamble, a file starts with its first element: group 0002 or 0008, little or big endian.
BARE_STARTS = (b"\x08\x00", b"\x02\x00", b"\x00\x08")


class Found(NamedTuple):
    """A file below a folder; or what is there but cannot be looked at, and why."""

    path: str
    stat: os.stat_result | None
    reason: str = ""


def holds_dicom(folder: str | Path) -> bool:
    """Whether a folder is one of DICOM: it has no BIDS images in their places, but a DICOM file somewhere.

    A folder without `sub-*` folders is no BIDS folder either: of its files, whatever they are, the sorting of
    DICOM says what it found.
    """
    folder = Path(folder)
    if is_bids(folder):
        return False
    found = False
    for one in walk(folder):
        found = True
        if one.reason:
            continue
        try:
            with open(one.path, "rb") as file:
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


def walk(folder: Path, leave: tuple[Path, ...] = ()) -> Iterator[Found]:
    """Every file below a folder, in a fixed order; hidden ones and derivatives left out.

    Links to folders are followed once all that lies there itself is known: a folder counts once, under its own
    path rather than under that of a link. Links that lead nowhere, back, or where all is known are told.

    Args:
        folder: where to begin.
        leave: folders that are not entered, such as our own output.
    """
    left = {os.path.realpath(place) for place in (*leave, Path(folder, DERIVATIVES))}
    seen: set[str] = set()
    closed: list[OSError] = []
    starts = [os.fspath(folder)]
    for start in starts:  # to which the links on the way are added
        if start != starts[0] and (reason := _dead_end(start, starts[0], seen)):
            yield Found(start, None, reason)
            continue
        if start != starts[0] and not left.isdisjoint(_lineage(start)):
            continue
        for place, folders, files in os.walk(start, onerror=closed.append):
            seen.add(os.path.realpath(place))
            below = {name: os.path.join(place, name) for name in sorted(folders) if not name.startswith(".")}
            links = [name for name, path in below.items() if os.path.islink(path)]
            starts += (below[name] for name in links)
            real = {name: os.path.realpath(path) for name, path in below.items() if name not in links}
            folders[:] = [name for name, path in real.items() if path not in left and path not in seen]
            for name in sorted(files):
                path = os.path.join(place, name)
                if name.startswith("."):
                    continue
                if os.path.isfile(path):
                    yield Found(path, os.stat(path))
                elif os.path.islink(path) and not os.path.exists(path):
                    yield Found(path, None, "a link that leads nowhere")
    for error in closed:
        yield Found(error.filename, None, f"a folder that cannot be opened ({error.strerror})")


def _dead_end(link: str, top: str, seen: set[str]) -> str:
    """Why a link to a folder is not followed, or nothing."""
    real = os.path.realpath(link)
    if any(real in _lineage(place) for place in (top, os.path.dirname(link))):
        return "a link that leads back"
    return "a link to a folder that is looked at anyway" if real in seen else ""


def _lineage(place: str) -> list[str]:
    """Where a folder really lies: itself and all that it lies in."""
    real = Path(os.path.realpath(place))
    return [str(real), *map(str, real.parents)]


def _entries(folder: str | os.PathLike, prefix: str = "") -> list[os.DirEntry]:
    """What a folder holds under names that begin so; nothing where it is none or cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name.startswith(prefix)]
    except OSError:
        return []
