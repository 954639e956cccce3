"""The table of series: what each became and why; each cell that a user changes holds from then on, no other."""

import os
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..cohort import tsv
from ..errors import RecontrastError
from .key import write_private
from .settings import no_job_for

NAME = "series.tsv"
OTHERS = "not-images.tsv"
DATATYPES = ("anat", "dwi", "fmap", "func", "perf")
EDITABLE = ("use", "datatype", "suffix", "entities")


@dataclass
class Row:
    """One image of one series.

    Attributes:
        series: its name in this table, the same on every scan.
        use, datatype, suffix, entities: what it becomes; these columns are the user's to change.
        recognised: the same four as the rules had them; where they differ, the user has spoken.
        why: the rule, or why it is not converted.
        problem: what it lacks, or empty.
        image: the file that it becomes, or empty.
    """

    series: str
    participant_id: str
    session_id: str
    number: str
    description: str
    files: str
    slices: str
    volumes: str
    tr: str
    te: str
    ti: str
    flip: str
    b: str
    image_type: str
    use: str = "no"
    datatype: str = ""
    suffix: str = ""
    entities: str = ""
    image: str = ""
    why: str = ""
    problem: str = ""
    recognised: str = ""

    def seal(self) -> None:
        """Remember what the rules say, so that a later change of a column is known as the user's."""
        self.recognised = self._outcome()

    @property
    def changes(self) -> dict[str, str]:
        """What the user has changed of what it becomes, by column; in all else the rules go on deciding."""
        had = dict(zip(EDITABLE, self.recognised.split(), strict=False))
        return {c: said for c, rule in had.items() if ((said := getattr(self, c)) or "-") != rule}

    def change(self, changes: dict[str, str], path: Path) -> None:
        """Apply what the user has changed in the table at `path`, where the rules may say something else by now."""
        for column, said in changes.items():
            setattr(self, column, said)
        if wrong := self.wrong():
            remedy = "the rules have changed: fill in all four columns again"
            raise RecontrastError(f"series {self.series}: {wrong}", file=path, remedy=remedy)

    def wrong(self) -> str:
        """Why what it becomes cannot be done, or nothing."""
        if self.use not in ("yes", "no"):
            return f"use is {self.use!r}, neither yes nor no"
        if not re.fullmatch(r"([a-z]+-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*)?", self.entities):
            return f"entities {self.entities!r} do not have the form acq-se_run-1"
        if self.use == "no":
            return ""
        if self.datatype not in DATATYPES:
            return f"datatype {self.datatype!r} is none of {', '.join(DATATYPES)}"
        if not re.fullmatch(r"[A-Za-z0-9]+", self.suffix):
            return f"suffix {self.suffix!r} does not consist of letters and digits"
        return no_job_for(self.datatype, self.suffix, self.entities)

    def _outcome(self) -> str:
        return " ".join(getattr(self, column) or "-" for column in EDITABLE)


def edits(folder: Path) -> dict[str, Row]:
    """The rows of the table in a folder that a user has changed, by series; none where there is no table.

    Raises:
        RecontrastError: it is no such table, or says something that cannot be done.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    table = tsv.read(path)
    names = [f.name for f in fields(Row)]
    if table and (lacking := [name for name in ("series", "recognised", *EDITABLE) if name not in table[0]]):
        raise RecontrastError(
            f"lacks the column {lacking[0]}",
            file=path,
            remedy="put it back, or delete the table to have it remade",
        )
    found = {}
    for number, line in enumerate(table, 2):
        cells = {name: line.get(name, "") for name in names}
        row = Row(**{name: "" if cell == "n/a" else cell for name, cell in cells.items()})
        if row.recognised and len(row.recognised.split()) != len(EDITABLE):
            wrong = f"recognised is {row.recognised!r}, not the four words that Recontrast wrote there"
        else:
            wrong = row.wrong() if row.changes else ""
        if wrong:
            raise RecontrastError(f"line {number}: {wrong}", file=path, remedy="fix this line")
        if row.changes:
            found[row.series] = row
    return found


def write(folder: Path, rows: list[Row], others: dict[Path, str]) -> None:
    """Write the table, and beside it every file that is no MR image, with what it is."""
    lines = ["\t".join(f.name for f in fields(Row))]
    lines += ["\t".join(tsv.cell(str(v)) or "n/a" for v in asdict(row).values()) for row in rows]
    write_private(folder / NAME, "\n".join(lines) + "\n")
    lines = ["what\tfile", *sorted(f"{what}\t{_words(path)}" for path, what in others.items())]
    write_private(folder / OTHERS, "\n".join(lines) + "\n")


def _words(path: Path) -> str:
    """A path on one line; bytes that are no UTF-8, as old shares have, as escapes."""
    return " ".join(os.fsencode(path).decode("utf-8", "backslashreplace").split())
