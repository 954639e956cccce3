"""Numbers that papers report, to stand beside ours in tables; always those of another cohort."""

from functools import cache
from pathlib import Path
from typing import TypedDict

import yaml

from .errors import RecontrastError
from .places import ROOT


class Published(TypedDict):
    """One printed table: where it is from, what its signs mean, and row label -> column label -> what stands there."""

    source: str
    legend: str
    cells: dict[str, dict[str, str]]


def load(name: str) -> Published:
    """A table by PAPER/TABLE, as in studies/published, or by FILE.yaml/TABLE.

    Raises:
        RecontrastError: there is none of that name.
    """
    paper, _, table = name.rpartition("/")
    shipped = ROOT / "studies/published" / f"{paper}.yaml"
    file = Path(paper) if paper.endswith(".yaml") else shipped
    if not file.is_file():
        known = sorted(path.stem for path in shipped.parent.glob("*.yaml"))
        raise RecontrastError(f"there are no published values {paper!r}", remedy=f"use {', '.join(known)}")
    content = _read(file)
    if table not in content["tables"]:
        raise RecontrastError(
            f"has no table {table!r}", file=file, remedy=f"use {', '.join(content['tables'])}"
        )
    found = content["tables"][table]
    cells = {str(row): {str(c): str(v) for c, v in line.items()} for row, line in found["cells"].items()}
    source = f"{content['paper']}, {found['source']}"
    return {"source": source, "legend": found.get("legend", ""), "cells": cells}


@cache
def _read(file: Path) -> dict:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not {"paper", "tables"} <= content.keys():
        raise RecontrastError("does not name a paper and tables", file=file, remedy="see docs/tables.md")
    return {"paper": content["paper"], "tables": {str(k): v for k, v in content["tables"].items()}}
