"""How the jobs of the last run ended, by their logs: what failed without being on record, and what was stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .cohort import quarantine
from .layout import PLAN

COMMAND = "$ recontrast step "
DONE = "done"  # what a step says last
STOPPED = "was stopped before it finished: killed, or out of memory or disk space"
_END = 20_000  # bytes of a log in which its last words are looked for


@dataclass(frozen=True)
class Trouble:
    """A job that did not come to its end: its step (`evaluation collect`), its log, and what it said of why."""

    step: str
    log: Path
    reason: str


def troubles(folder: Path, known: Sequence[quarantine.Failure], at_work: bool) -> list[Trouble]:
    """The jobs of an output folder that ended badly in the last run and are not on record for it.

    These are the jobs that no plan can do without, as a table, and those that the machine stopped: out of
    memory, out of disk, killed.

    Args:
        folder: the output folder.
        known: the failures on record.
        at_work: whether a run writes there now, so that a log without last words means nothing.
    """
    found = []
    begun = (folder / PLAN).stat().st_mtime
    for log in sorted((folder / "logs").rglob("*.log")):
        # The plan is written before the first job: what is older is of another run, and may be long mended.
        if log.stat().st_mtime < begun:
            continue
        step = step_of(folder, log)
        if not step or (*quarantine.split(log.stem), step) in {failure.key for failure in known}:
            continue
        own = f"recontrast: {step}: "
        said = next((line.removeprefix(own) for line in reversed(tail(log)) if line.startswith(own)), "")
        if said and said != DONE:
            found.append(Trouble(step, log, said))
        elif not said and not at_work:
            found.append(Trouble(step, log, STOPPED))
    return found


def tail(log: Path) -> list[str]:
    """The last lines of a log."""
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - _END))
        return file.read().decode(errors="replace").splitlines()


def step_of(folder: Path, log: Path) -> str:
    """Which step writes a log of an output folder: `anatomy register`; empty for a log of anything else."""
    with open(log, encoding="utf-8", errors="replace") as file:
        first = file.readline()
    if not first:  # not even its command could be written
        return " ".join(log.relative_to(folder / "logs").with_suffix("").parts[:2])
    return " ".join(first.removeprefix(COMMAND).split()[:2]) if first.startswith(COMMAND) else ""
