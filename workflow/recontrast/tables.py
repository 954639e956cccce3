"""Tables as tab-separated text, read and written in one way."""

import csv
import math
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from .errors import RecontrastError
from .images import write_json, write_text

MISSING = "n/a"  # as BIDS writes it
SEPARATOR = " | "  # between the parts of a label that takes several columns

Row = dict[str, str]


def read(path: str | Path, columns: Iterable[str]) -> list[Row]:
    """Read a table as text, row by row, and check that it has some columns.

    Raises:
        RecontrastError: no such file, not a table, or a column missing.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
            names, rows = table.fieldnames or [], list(table)
    except FileNotFoundError:
        raise RecontrastError("does not exist", file=path, remedy="check the path") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise RecontrastError(f"is not a table ({error})", file=path, remedy="make it again") from error
    if missing := [name for name in columns if name not in names]:
        raise RecontrastError(f"lacks the columns {', '.join(missing)}", file=path, remedy="make it again")
    if any(None in row or None in row.values() for row in rows):
        raise RecontrastError("has rows of unequal length", file=path, remedy="make it again")
    return rows


def write(path: str | Path, columns: Collection[str], rows: Iterable[dict[str, object]]) -> None:
    """Write a table in one step; numbers with up to ten digits, what is not a number as `n/a`."""
    lines = ["\t".join(columns), *("\t".join(_text(row[name]) for name in columns) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")


def write_described(path: Path, dictionary: dict[str, dict], rows: Iterable[dict[str, object]]) -> None:
    """Write a table, and beside it as JSON what its columns are, in their order."""
    write_json(path.with_suffix(".json"), dictionary)
    write(path, list(dictionary), rows)


def label_columns(labels: Sequence[str], headings: Sequence[str]) -> list[list[str]]:
    """Labels of rows as one text per heading (`T1 → T2 | Yang et al.`), as papers print them: what repeats is left out.

    Without headings a label is one text, as it stands.
    """
    if not headings:
        return [[label] for label in labels]
    found = [label.split(SEPARATOR) for label in labels]
    above: list[list[str]] = [[], *found[:-1]]
    last = len(headings) - 1
    return [
        ["" if i < last and now[: i + 1] == before[: i + 1] else part for i, part in enumerate(now)]
        for now, before in zip(found, above, strict=True)
    ]


def number(value: object) -> float:
    """A value of a table as a number; NaN where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _text(value: object) -> str:
    if isinstance(value, float):
        return MISSING if math.isnan(value) else f"{value:.10g}"
    return str(value)


def p_value(value: object) -> str:
    """A p value as tables show it: two digits, or that it is below .001."""
    value = number(value)
    return "–" if math.isnan(value) else f"{value:.2g}" if value >= 0.001 else "< 0.001"
