"""The raw images of a BIDS folder, by os.scandir alone: folders give the place, names the entities."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import RecontrastError
from ..layout import PLAN, Session
from . import tsv

LABEL = re.compile(r"[A-Za-z0-9]+")
ENTITY = re.compile(r"([A-Za-z]+)-([A-Za-z0-9]+)")
ENDINGS = (".nii.gz", ".nii")
NOT_RAW = {"derivatives", "sourcedata", "code"}


@dataclass(frozen=True)
class RawImage:
    """One image file of a session.

    Attributes:
        participant: label without `sub-`.
        session: label without `ses-`; empty where there are no sessions.
        suffix: `T1w`, `FLAIR`, ...
        entities: the other entities of the name by their short keys: `{"acq": "se", "run": "1"}`.
        path: absolute, links not followed.
        size: bytes.
        mtime_ns: time of the last change of content; a user can set it back.
        ctime_ns: time of the last change of any kind; only the system sets it.
        problem: why it cannot be opened at all, or empty.
    """

    participant: str
    session: str
    suffix: str
    entities: dict[str, str]
    path: Path
    size: int
    mtime_ns: int
    ctime_ns: int
    problem: str = ""


def scan(folder: str | Path) -> tuple[list[RawImage], list[RecontrastError]]:
    """Every image at `sub-*/[ses-*/]DATATYPE/*.nii[.gz]`, and what is there but cannot be used.

    Raises:
        RecontrastError: no such folder, an empty one, one without `sub-*` folders, or without any image.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        problem = "is a file, not a BIDS folder" if folder.exists() else "does not exist"
        raise RecontrastError(problem, file=folder, remedy="give the folder that holds the sub-* folders")
    images: list[RawImage] = []
    problems: list[RecontrastError] = []
    entries = _entries(folder, problems)
    people = [e for e in entries if e.name.startswith("sub-") and e.is_dir()]
    if not people:
        problem = "is not a BIDS folder: it has no sub-* folders" if entries else "is an empty folder"
        raise RecontrastError(problem, file=folder, remedy="give the folder that holds the sub-* folders")
    for person in _labelled(people, problems):
        found = len(images) + len(problems)
        for place, session in _places(person, problems):
            for entry in _entries(place, problems):
                if entry.name.endswith(ENDINGS) and (entry.is_symlink() or entry.is_file()):
                    try:
                        images.append(_describe(entry, person.name[4:], session))
                    except RecontrastError as problem:
                        problems.append(problem)
        if len(images) + len(problems) == found:
            problems.append(RecontrastError("contains no NIfTI images", file=person.path))
    if not images:
        raise RecontrastError(
            f"contains no usable image ({problems[0]})", file=folder, remedy="convert the data to BIDS"
        )
    return images, problems


def scan_derivatives(folder: str | Path, further: Iterable[Path] = ()) -> list[RawImage]:
    """Every image of the derivatives beside a raw data set, and of further folders of derivatives.

    What cannot be used among them is left out in silence: derivatives have many names, and a study asks for
    few of them. Outputs of this package are too, as masks that were found are none that a user has; whoever
    wants them names the folder.

    Raises:
        RecontrastError: one of the further folders cannot be used.
    """
    images: list[RawImage] = []
    for place in _entries(Path(folder) / "derivatives", []):
        if (Path(place.path) / PLAN).is_file():
            continue
        if place.is_dir() and any(e.name.startswith("sub-") for e in _entries(place.path, [])):
            with contextlib.suppress(RecontrastError):
                images += scan(place.path)[0]
    for place in further:
        images += scan(place)[0]
    return images


def read_participants(folder: str | Path) -> dict[str, dict[str, str]]:
    """The rows of participants.tsv by label without `sub-`; nothing where there is no such file.

    Raises:
        RecontrastError: the file is no table with a column participant_id.
    """
    path = Path(folder) / "participants.tsv"
    if not path.exists():
        return {}
    rows = tsv.read(path, missing="n/a")
    if rows and "participant_id" not in rows[0]:
        raise RecontrastError(
            "has no column participant_id", file=path, remedy="add it, and separate columns by tabs"
        )
    return {row["participant_id"].removeprefix("sub-"): row for row in rows}


def _places(person: os.DirEntry, problems: list[RecontrastError]) -> Iterator[tuple[str, str]]:
    """The datatype folders of a participant, each with its session label (empty outside `ses-*`)."""
    inner = [e for e in _entries(person.path, problems) if e.is_dir() and e.name not in NOT_RAW]
    visits = [e for e in inner if e.name.startswith("ses-")]
    yield from ((e.path, "") for e in inner if e not in visits)
    for visit in _labelled(visits, problems):
        places = [e for e in _entries(visit.path, problems) if e.is_dir() and e.name not in NOT_RAW]
        yield from ((e.path, visit.name[4:]) for e in places)


def _labelled(folders: list[os.DirEntry], problems: list[RecontrastError]) -> Iterator[os.DirEntry]:
    """Those of some `sub-*` or `ses-*` folders whose labels are legal."""
    for entry in folders:
        if LABEL.fullmatch(entry.name[4:]):
            yield entry
        else:
            remedy = "use letters and digits only; until then it is left out"
            problems.append(
                RecontrastError("does not have a valid BIDS label", file=entry.path, remedy=remedy)
            )


def _entries(folder: str | Path, problems: list[RecontrastError]) -> list[os.DirEntry]:
    """What a folder holds, by name, without hidden files."""
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        problems.append(
            RecontrastError(
                f"cannot be listed ({error.strerror})", file=folder, remedy="check its permissions"
            )
        )
        return []


def _describe(entry: os.DirEntry, participant: str, session: str) -> RawImage:
    """One image from its place, its name and its stat."""
    suffix, entities = _parse(entry)
    if (entities.pop("sub", ""), entities.pop("ses", "")) != (participant, session):
        label = Session(participant, session).label
        problem = f"lies in the folder of {label} but is named after another participant or session"
        raise RecontrastError(problem, file=entry.path, remedy="rename or move it; until then it is left out")
    try:
        stat, problem = entry.stat(), ""
        facts = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    except FileNotFoundError:
        # How git-annex shows a file whose content lies elsewhere.
        facts, problem = (0, 0, 0), "its content is not here; run datalad get (or fix the link)"
    except OSError as error:
        facts, problem = (0, 0, 0), f"cannot be opened ({error.strerror}); check the file"
    return RawImage(participant, session, suffix, entities, Path(entry.path), *facts, problem)


def _parse(entry: os.DirEntry) -> tuple[str, dict[str, str]]:
    """Suffix and entities of a file name."""
    stem = entry.name.removesuffix(".gz").removesuffix(".nii")
    *parts, suffix = stem.split("_")
    pairs = [ENTITY.fullmatch(part) for part in parts]
    if not all(pairs) or not LABEL.fullmatch(suffix) or len({pair[1] for pair in pairs}) < len(pairs):
        remedy = "name it sub-LABEL[_ses-LABEL][_key-value]_SUFFIX; until then it is left out"
        raise RecontrastError("does not have a valid BIDS name", file=entry.path, remedy=remedy)
    return suffix, {pair[1]: pair[2] for pair in pairs}
