"""The tables that a study asks for, as the first page shows them."""

import json
from pathlib import Path

from .. import tables

COLUMNS = ("row_number", "row", "column", "text", "marks", "best", "published", "published_best")


def study_tables(files: list[Path], titles: dict[str, str]) -> list[dict]:
    """The tables in the order of the files: title, headings of labels, columns, rows of cells, and notes below.

    Args:
        files: tables as `evaluation table` writes them, one cell a row, with their headings and notes as JSON beside.
        titles: table -> its title in the study.
    """
    shown = []
    for file in files:
        cells = tables.read(file, COLUMNS)
        about = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        # By their places: two rows or columns may have one label.
        rows: dict[str, list[tables.Row]] = {}
        for cell in cells:
            rows.setdefault(cell["row_number"], []).append(cell)
        lines = list(rows.values())
        labels = tables.label_columns([line[0]["row"] for line in lines], about["Headings"])
        shown.append(
            {
                "name": file.stem,
                "title": titles.get(file.stem, ""),
                "headings": about["Headings"] or [""],
                "columns": [cell["column"] for cell in lines[0]] if lines else [],
                "rows": [{"labels": label, "cells": line} for label, line in zip(labels, lines, strict=True)],
                "notes": about["Notes"],
            }
        )
    return shown
