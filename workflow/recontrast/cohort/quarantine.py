"""The record of what failed: kept with the study, read by the next plan, forgotten when its cause changes.

A *unit* is what failed, named as its log file is: `sub-01_T2w` or `sub-01_from-T2w` (an image of a session),
`sub-01_desc-Fcn` (an experiment of a session), `sub-01` (the session), `Fcn_fold-1` (a model). Its *state* is
a hash over all that could mend it: raw files, settings, and the code up to the failed stage. The plan freezes
these states before the graph runs, and a failing step looks its own up, so that a later plan can tell whether
the failure holds.
"""

import csv
import fcntl
import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..images import write_text
from ..layout import PLAN, QUARANTINE

_UNIT = re.compile(r"(?P<session>sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?)?_?(?P<item>.*)")
_GRID = re.compile(r"(^|_)(space|to)-[A-Za-z0-9]+")


@dataclass(frozen=True, order=True)
class Failure:
    """One recorded failure: of which session and item, in which step, why, and in which state."""

    session: str
    item: str
    step: str
    reason: str
    state: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What a newer failure replaces."""
        return (self.session, self.item, self.step)


def read(folder: Path) -> list[Failure]:
    """All failures on record in an output folder."""
    path = folder / QUARANTINE
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Failure(**{f.name: row[f.name] for f in fields(Failure)}) for row in rows]


def write(folder: Path, failures: list[Failure]) -> None:
    """Replace the record."""
    lines = ["\t".join(f.name for f in fields(Failure))]
    lines += ["\t".join(" ".join(str(v).split()) for v in asdict(f).values()) for f in sorted(failures)]
    write_text(folder / QUARANTINE, "\n".join(lines) + "\n")


def record(folder: Path, unit: str, step: str, reason: str) -> None:
    """Add a failure, from any of several processes; it replaces an older one of its unit and step.

    A table or the front page is no unit that a plan could do without: its failure stops the run instead.
    """
    failure = Failure(*split(unit), step, reason, _state(folder, unit, step))
    if not failure.state:
        return
    with open(folder / QUARANTINE.replace(".tsv", ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write(folder, [*(f for f in read(folder) if f.key != failure.key), failure])


def holds(folder: Path, unit: str, step: str) -> Failure | None:
    """The failure on record for a unit and step in its present state, if there is one."""
    now = _state(folder, unit, step)
    key = (*split(unit), step)
    return next((f for f in read(folder) if now and f.key == key and f.state == now), None)


def split(unit: str) -> tuple[str, str]:
    """A unit's session (empty for a model) and item (empty for a whole session); grids do not count."""
    match = _UNIT.fullmatch(_GRID.sub("", unit))
    experiment = re.search(r"desc-[A-Za-z0-9]+", match["item"])
    return match["session"] or "", experiment[0] if experiment else match["item"]


def _state(folder: Path, unit: str, step: str) -> str:
    """The frozen state of a unit in a step's stage; empty where no plan knows it."""
    plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    states = plan["states"].get(step.partition(" ")[0], {})
    return states.get(split(unit)[0] or unit, "")
