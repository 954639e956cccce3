"""Tables that people write, of participants, exclusions or folds: tab-separated text, whatever program saved it."""

import csv
from pathlib import Path

from ..errors import RecontrastError


def read(path: Path, missing: str = "") -> list[dict[str, str]]:
    """The rows by column; cells beyond the last column are dropped, and those that a row lacks are `missing`.

    A quotation mark is a character like any other, as an unbalanced one would swallow the rows after it; spreadsheets
    put pairs of them around cells, and these are taken off.

    Raises:
        RecontrastError: it is no such text.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:  # spreadsheets begin files with a mark
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, restval=missing))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecontrastError(
            f"cannot be read as a table ({error})",
            file=path,
            remedy="check the path, and that it is tab-separated text in UTF-8",
        ) from error
    return [{_plain(k): _plain(v) for k, v in row.items() if k is not None} for row in rows]


def cell(text: str) -> str:
    """A text as a cell from which `read` gets it back: on one line, in quotation marks if it begins with one."""
    line = " ".join(text.split())
    return '"' + line.replace('"', '""') + '"' if line.startswith('"') else line


def _plain(cell: str) -> str:
    text = cell.strip()
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('""', '"') if quoted else text
