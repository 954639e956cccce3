"""The key: who is behind which pseudonym, in a file outside the results, which the user may edit."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ..cohort import tsv
from ..cohort.bids import LABEL
from ..errors import RecontrastError
from ..images import replacing
from .people import Person, akin, is_placeholder

NAME = "key.tsv"
IDENTITY = ("patient_id", "patient_name", "birth_date", "study_date")
COLUMNS = ("participant_id", "session_id", *IDENTITY)
Visit = tuple[str, str, str, str]  # the same, and date of the study
FOR_OTHERS = 0o077  # rights of all but the owner


@dataclass
class Key:
    """Labels (without `sub-` and `ses-`) of people and of their visits.

    Attributes:
        rows: visit -> labels of the person and of the visit.
        further: visit -> what the user's own columns say of it.
        columns: the user's own columns, in order.
    """

    rows: dict[Visit, tuple[str, str]] = field(default_factory=dict)
    further: dict[Visit, dict[str, str]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    def enrol(self, visits: Iterable[Visit], together: Iterable[set[Visit]] = ()) -> None:
        """Give every new visit its labels: known people keep theirs, new ones take the next number.

        New people take numbers in the order of a hash, as the order of their IDs or names says something of them.
        A name that is spelt in several ways has a row for each, with the same labels: any may be away for a while.

        Args:
            visits: of all series.
            together: visits that are one person's, whatever their names say.
        """
        visits = set(visits)
        spellings = _spellings(visits, together)
        new = visits - set(self.rows)
        for visit in sorted(new, key=lambda v: (_shuffled(spellings[v[:3]][0]), v[3], v)):
            spelt = spellings[visit[:3]]
            known = next((row for row in self.rows if any(_same_person(row, p) for p in spelt)), None)
            label, session = self.rows[known] if known else (self._next(p for p, _ in self.rows.values()), "")
            if known and not known[3]:
                del self.rows[known]  # brought by a user for the person as a whole
                self.further[visit] = self.further.pop(known, {})
            elif known:
                same_day = (s for v, (p, s) in self.rows.items() if p == label and v[3] == visit[3])
                session = next(same_day, "")
            taken = (s for p, s in self.rows.values() if p == label)
            self.rows[visit] = (label, session or self._next(taken, 1))

    @staticmethod
    def _next(taken: Iterable[str], width: int = 3) -> str:
        return f"{max((int(label) for label in taken if label.isdecimal()), default=0) + 1:0{width}d}"

    def doubts(self) -> list[str]:
        """Labels that seem to stand for several people or for nobody, and people under several labels; no names."""
        people: dict[str, set] = {}
        labels: dict[tuple[str, ...], set[str]] = {}
        for visit, (label, _) in self.rows.items():
            people.setdefault(label, set()).add((visit[0] or alike(visit[:3])[1], visit[2]))
            for trait in _traits(visit):
                labels.setdefault(trait, set()).add(label)
        alone = {tuple(sorted(found)) for found in labels.values()}
        for one, other in akin(self.rows):
            pair = {self.rows[one][0], self.rows[other][0]}
            if tuple(sorted(pair)) not in alone:
                labels.setdefault(("patient ID in two spellings", *sorted(pair)), set()).update(pair)
        several = {(what, *sorted(found)) for (what, *_), found in labels.items() if len(found) > 1}
        nobody = {label for visit, (label, _) in self.rows.items() if all(map(is_placeholder, visit[:2]))}
        return [
            *(
                f"sub-{label} stands for {len(whom)} different people in {NAME}; right only if they are one person"
                for label, whom in sorted(people.items())
                if len(whom) > 1
            ),
            *(
                f"{' and '.join(f'sub-{label}' for label in found)} have the same {what} in {NAME}; if they are one"
                " person, give all their rows the same label, or the person is in training and test at once"
                for what, *found in sorted(several)
            ),
            *(
                f"the row of sub-{label} in {NAME} identifies nobody: patient ID and name are placeholders or missing;"
                " give one of them, or delete the row"
                for label in sorted(nobody)
            ),
        ]

    def describe(self, columns: Iterable[str]) -> dict[str, dict[str, str]]:
        """Label -> what the user's own columns say of the person: the first visit that says something counts."""
        found: dict[str, dict[str, str]] = {}
        for visit, (label, _) in sorted(self.rows.items(), key=lambda row: row[0][3]):
            said = self.further.get(visit, {})
            for column in columns:
                if said.get(column, "n/a") not in ("", "n/a"):
                    found.setdefault(label, {}).setdefault(column, said[column])
        return found


def _traits(visit: Visit) -> list[tuple[str, ...]]:
    """What tells a person: the ID; the name, however it is punctuated, with the date of birth."""
    person, name, birth, _ = visit
    plain = " ".join(name.replace("^", " ").casefold().split())
    traits = [("patient ID", person)] if person else []
    return traits + ([("name and date of birth", plain, birth)] if plain and birth else [])


def alike(person: Person) -> Person:
    """A person without what may differ between entries of one name: case, and spaces or carets that only fill."""
    return (person[0], _plain(person[1]), person[2])


@cache
def _plain(name: str) -> str:
    return "^".join(" ".join(part.split()) for part in name.casefold().split("^")).rstrip("^= ")


def _spellings(visits: Iterable[Visit], together: Iterable[set[Visit]]) -> dict[Person, list[Person]]:
    """Person -> all that are the same person, in order: alike, or known to be."""
    groups: dict[Person, set[Person]] = {}
    for person in {visit[:3] for visit in visits}:
        groups.setdefault(alike(person), set()).add(person)
    found = {person: group for group in groups.values() for person in group}
    for same in together:
        joined = set().union(*(found[visit[:3]] for visit in same))
        found |= dict.fromkeys(joined, joined)
    return {person: sorted(group) for person, group in found.items()}


def _shuffled(person: tuple[str, ...]) -> str:
    return hashlib.sha256(repr(person).encode()).hexdigest()


def _same_person(known: Visit, person: Person) -> bool:
    """Whether all that a row says is true of a person; a row that says nothing is nobody's."""
    said = [(mine, theirs) for mine, theirs in zip(alike(known[:3]), alike(person), strict=True) if mine]
    return bool(said) and all(mine == theirs for mine, theirs in said)


def read(folder: Path) -> Key:
    """The key in a folder; empty where there is none.

    A key brought by a user needs participant_id and patient_id; others of ours may be missing or empty, and
    further ones, such as group, are kept.

    Raises:
        RecontrastError: it is no such table, or a label in it is not legal.
    """
    path = folder / NAME
    if not path.exists():
        return Key()
    table = tsv.read(path)
    if table and not {"participant_id", "patient_id"} <= set(table[0]):
        raise RecontrastError("lacks the columns participant_id and patient_id", file=path, remedy="add them")
    names = table[0] if table else ()
    key = Key(columns=tuple(name for name in names if name and name not in COLUMNS))
    for number, row in enumerate(table, 2):
        pairs = (("participant_id", "sub-"), ("session_id", "ses-"))
        labels = [row.get(column, "").removeprefix(prefix) for column, prefix in pairs]
        labels = ["" if label == "n/a" else label for label in labels]
        if not LABEL.fullmatch(labels[0]) or (labels[1] and not LABEL.fullmatch(labels[1])):
            remedy = "use letters and digits only"
            raise RecontrastError(f"line {number} has an invalid label", file=path, remedy=remedy)
        visit = tuple(row.get(column, "") for column in IDENTITY)
        if is_placeholder(visit[0]) and not is_placeholder(visit[1]):
            visit = ("", *visit[1:])  # by which the person is known
        key.rows[visit] = (labels[0], labels[1])
        key.further[visit] = {column: row[column] for column in key.columns}
    return key


def write(folder: Path, key: Key) -> None:
    """Write the key if it has changed, readable by its owner alone."""
    lines = ["\t".join([*COLUMNS, *map(tsv.cell, key.columns)])]
    for visit, (label, session) in sorted(key.rows.items(), key=lambda row: (row[1], row[0])):
        own = [key.further.get(visit, {}).get(column) or "n/a" for column in key.columns]
        lines.append(
            "\t".join(
                [f"sub-{label}", f"ses-{session}" if session else "n/a", *map(tsv.cell, (*visit, *own))]
            )
        )
    write_private(folder / NAME, "\n".join(lines) + "\n")


def lock(folder: Path, ours: Iterable[str]) -> str:
    """Shut a folder, made if need be, and what is ours in it to all but their owner.

    Args:
        folder: where the key lies, or will lie. With other files in it, it is left as it is: others may need them.
        ours: names of what may lie there besides hidden files.

    Returns:
        Why others can still enter the folder, or nothing.
    """
    make_private(folder)
    shown = [path for path in folder.iterdir() if not path.name.startswith(".")]
    own = [path for path in shown if path.name in ours]
    try:
        for path in own if len(own) < len(shown) else [*own, folder]:
            rights = path.stat().st_mode
            if rights & FOR_OTHERS:
                path.chmod(rights & 0o700)
    except OSError as error:
        return f"others can access it, and that cannot be changed ({error.strerror})"
    if not folder.stat().st_mode & FOR_OTHERS:
        return ""
    why = "its disk does not store permissions" if own == shown else "it contains other files"
    return f"others can access it, as {why}"


def make_private(folder: Path) -> None:
    """Make a folder that only its owner enters, where there is none yet."""
    for place in reversed([folder, *folder.parents]):
        if not place.exists():
            place.mkdir(mode=0o700)


def write_private(path: Path, text: str) -> None:
    """Write a text file for its owner alone, if it has changed."""
    make_private(path.parent)
    content = text.encode("utf-8")
    if not path.is_file() or path.read_bytes() != content:
        with replacing(path) as partial:
            partial.touch(mode=0o600)
            partial.write_bytes(content)
