"""A grid of cells as Markdown and as LaTeX."""

import re

from .. import tables
from .grid import NOTHING, Cell

# What LaTeX takes for something else, and signs that its text fonts may lack.
ESCAPES = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "→": r"$\rightarrow$",
    "†": r"$\dagger$",
    "∞": r"$\infty$",
    "–": "--",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
}


def markdown(grid: list[list[Cell]], title: str, notes: list[str]) -> str:
    """A table of GitHub's Markdown with its title above and its notes below."""
    lines = [f"**{_plain(title)}**", ""] if title else []
    if grid:
        head = ["", *(_plain(cell["column"]) for cell in grid[0])]
        lines += [_bars(head), _bars(["---", *(["---:"] * len(grid[0]))])]
        lines += [_bars([_plain(line[0]["row"]), *(_markdown(cell) for cell in line)]) for line in grid]
    return "\n".join([*lines, *(f"\n{_plain(note)}" for note in notes)]) + "\n"


def latex(grid: list[list[Cell]], title: str, notes: list[str]) -> str:
    """A table environment in the manner of the booktabs package."""
    columns = "l" + "r" * (len(grid[0]) if grid else 0)
    lines = [r"\begin{table}", rf"\caption{{{_escape(title)}}}"] if title else [r"\begin{table}"]
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    if grid:
        lines += [_ampersands(["", *(_escape(cell["column"]) for cell in grid[0])]), r"\midrule"]
        lines += [_ampersands([_escape(line[0]["row"]), *(_latex(cell) for cell in line)]) for line in grid]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {_escape(note)}" for note in notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _markdown(cell: Cell) -> str:
    text = f"**{_plain(cell['text'])}**" if cell["best"] else _plain(cell["text"])
    return _beside(text + _plain(cell["marks"]), _plain(_published(cell)))


def _latex(cell: Cell) -> str:
    text = rf"\textbf{{{_escape(cell['text'])}}}" if cell["best"] else _escape(cell["text"])
    marks = rf"\textsuperscript{{{_escape(cell['marks'])}}}" if cell["marks"] else ""
    return _beside(text + marks, _escape(_published(cell)))


def _published(cell: Cell) -> str:
    return f"[{cell['published']}]" if cell["published"] != tables.MISSING else ""


def _beside(ours: str, theirs: str) -> str:
    """Ours and the published number; the latter alone where there is none of ours."""
    return theirs if theirs and ours in (NOTHING, ESCAPES[NOTHING]) else f"{ours} {theirs}".strip()


def _bars(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ampersands(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _plain(text: str) -> str:
    """What Markdown would take for a mark or the border of a cell, as it stands."""
    return re.sub(r"([*|])", r"\\\1", text)


def _escape(text: str) -> str:
    return "".join(ESCAPES.get(char, char) for char in text)
