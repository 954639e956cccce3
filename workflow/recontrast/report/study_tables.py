"""The tables that a study asks for, as the first page shows them."""

from pathlib import Path

from .. import tables

COLUMNS = ("row", "column", "text", "marks", "best", "published", "published_source")


def study_tables(files: list[Path], titles: dict[str, str]) -> list[dict]:
    """The tables in the order of the files: title, columns, rows of cells, and where published numbers are from.

    Args:
        files: tables as `evaluation table` writes them, one cell a row.
        titles: table -> its title in the study.
    """
    shown = []
    for file in files:
        cells = tables.read(file, COLUMNS)
        rows: dict[str, list[tables.Row]] = {}
        for cell in cells:
            rows.setdefault(cell["row"], []).append(cell)
        sources = sorted({c["published_source"] for c in cells} - {tables.MISSING, ""})
        shown.append(
            {
                "name": file.stem,
                "title": titles.get(file.stem, ""),
                "columns": list(dict.fromkeys(cell["column"] for cell in cells)),
                "rows": [{"row": name, "cells": line} for name, line in rows.items()],
                "source": "; ".join(sources),
            }
        )
    return shown
