"""What quality control leaves out."""

from collections.abc import Iterable
from pathlib import Path

from ..errors import RecontrastError
from ..layout import Session
from . import tsv


def read(table: Path | None) -> dict[tuple[str, str], str]:
    """(session or participant label, contrast or "") -> reason, from the study's table of exclusions.

    Labels may come with or without `sub-` and `ses-`.

    Raises:
        RecontrastError: the table cannot be read or lacks a column.
    """
    if table is None:
        return {}
    rows = tsv.read(table)
    if rows and not {"participant_id", "reason"} <= set(rows[0]):
        raise RecontrastError(
            "lacks the columns participant_id and reason",
            file=table,
            remedy="add them (and session_id and contrast as needed)",
        )
    found = {}
    for row in rows:
        told = {
            key: _told(row.get(key, "")) for key in ("participant_id", "session_id", "contrast", "reason")
        }
        label = Session(
            told["participant_id"].removeprefix("sub-"), told["session_id"].removeprefix("ses-")
        ).label
        found[label, told["contrast"]] = told["reason"] or "no reason given"
    return found


def unknown(
    excluded: dict[tuple[str, str], str], sessions: Iterable[Session], contrasts: Iterable[str]
) -> list[str]:
    """What of the table names nobody of the cohort, or no contrast of the study, in words."""
    known = {label for s in sessions for label in (s.label, f"sub-{s.participant}")}
    contrasts = {"", *contrasts}
    return [
        f"exclusions: {label}{f' {contrast}' if contrast else ''} is not in the cohort; check the label"
        for label, contrast in excluded
        if label not in known or contrast not in contrasts
    ]


def _told(value: str) -> str:
    return "" if value == "n/a" else value
