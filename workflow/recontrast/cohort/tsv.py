"""Tables that people write, of participants, exclusions or folds: tab-separated text, whatever program saved it."""

import csv
from pathlib import Path

FAULTS = (OSError, UnicodeDecodeError, csv.Error)  # what `read` raises where a file is no such table


def read(path: Path, missing: str = "") -> list[dict[str, str]]:
    """The rows by column; cells beyond the last column are dropped, and those that a row lacks are `missing`.

    A quotation mark is a character like any other, as an unbalanced one would swallow the rows after it; spreadsheets
    put pairs of them around cells, and these are taken off.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:  # spreadsheets begin files with a mark
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, restval=missing))
    return [{_plain(k): _plain(v) for k, v in row.items() if k is not None} for row in rows]


def _plain(cell: str) -> str:
    text = cell.strip()
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('""', '"') if quoted else text
