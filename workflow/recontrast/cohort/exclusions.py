"""What quality control leaves out."""

import csv
from pathlib import Path

from ..errors import RecontrastError


def read(table: Path | None) -> dict[tuple[str, str], str]:
    """(session or participant label, contrast or "") -> reason, from the study's table of exclusions.

    Raises:
        RecontrastError: the table cannot be read or lacks a column.
    """
    if table is None:
        return {}
    try:
        with open(table, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except OSError as error:
        raise RecontrastError(
            "the table of exclusions cannot be read", file=table, remedy="check the path"
        ) from error
    if rows and not {"participant_id", "reason"} <= set(rows[0]):
        raise RecontrastError(
            "has no columns participant_id and reason",
            file=table,
            remedy="add them (session_id, contrast as needed)",
        )
    found = {}
    for row in rows:
        parts = [
            row[key] for key in ("participant_id", "session_id") if row.get(key) not in (None, "", "n/a")
        ]
        contrast = row.get("contrast") or ""
        found["_".join(parts), "" if contrast == "n/a" else contrast] = row["reason"] or "no reason given"
    return found
