"""A grid of cells as Markdown and as LaTeX."""

import re
from collections.abc import Iterable, Sequence

from .. import tables
from .grid import NOTHING, Cell

# What LaTeX takes for something else, and signs that its text fonts may lack, for plain pdflatex.
SIGNS = {
    **{
        "±": r"\pm",
        "→": r"\rightarrow",
        "←": r"\leftarrow",
        "×": r"\times",
        "·": r"\cdot",
        "−": "-",
        "†": r"\dagger",
    },
    **{
        "∞": r"\infty",
        "≤": r"\leq",
        "≥": r"\geq",
        "≈": r"\approx",
        "≠": r"\neq",
        "√": r"\surd",
        "°": r"^{\circ}",
    },
    **{
        "<": "<",
        ">": ">",
        "|": "|",
        "α": r"\alpha",
        "β": r"\beta",
        "γ": r"\gamma",
        "δ": r"\delta",
        "κ": r"\kappa",
    },
    **{
        "λ": r"\lambda",
        "µ": r"\mu",
        "μ": r"\mu",
        "ρ": r"\rho",
        "σ": r"\sigma",
        "Δ": r"\Delta",
        "Σ": r"\Sigma",
    },
}
ESCAPES = (
    {char: f"\\{char}" for char in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {char: rf"\ensuremath{{{sign}}}" for char, sign in SIGNS.items()}
    | {
        "–": "--",
        "—": "---",
        "…": r"\ldots{}",
        "“": "``",
        "”": "''",
        "‘": "`",
        "’": "'",
        "\u00a0": "~",
        "\u202f": r"\,",
    }
)
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))


def markdown(grid: list[list[Cell]], title: str, notes: list[str], headings: Sequence[str] = ()) -> str:
    """A table of GitHub's Markdown with its title above and its notes below.

    `headings` are those of the labels of rows, where these take several columns.
    """
    lines = [f"**{_plain(title)}**", ""] if title else []
    if grid:
        head = [*(headings or [""]), *(cell["column"] for cell in grid[0])]
        sides = ["---"] * len(headings or [""]) + ["---:"] * len(grid[0])
        lines += [_bars(map(_plain, head)), _bars(sides)]
        lines += [
            _bars([*map(_plain, label), *map(_markdown, line)]) for label, line in _rows(grid, headings)
        ]
    return "\n".join([*lines, *(f"\n{_plain(note)}" for note in notes)]) + "\n"


def latex(grid: list[list[Cell]], title: str, notes: list[str], headings: Sequence[str] = ()) -> str:
    """A table environment in the manner of the booktabs package."""
    columns = "l" * len(headings or [""]) + "r" * (len(grid[0]) if grid else 0)
    lines = [r"\begin{table}", rf"\caption{{{_escape(title)}}}"] if title else [r"\begin{table}"]
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    if grid:
        head = [*(headings or [""]), *(cell["column"] for cell in grid[0])]
        lines += [_ampersands(map(_escape, head)), r"\midrule"]
        lines += [
            _ampersands([*map(_escape, label), *map(_latex, line)]) for label, line in _rows(grid, headings)
        ]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {_escape(note)}" for note in notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _rows(grid: list[list[Cell]], headings: Sequence[str]) -> Iterable[tuple[list[str], list[Cell]]]:
    return zip(tables.label_columns([str(line[0]["row"]) for line in grid], headings), grid, strict=True)


def _markdown(cell: Cell) -> str:
    text = f"**{_plain(cell['text'])}**" if cell["best"] else _plain(cell["text"])
    theirs = f"**{_plain(cell['published'])}**" if cell.get("published_best") else _plain(cell["published"])
    return _beside(text + _plain(cell["marks"]), theirs)


def _latex(cell: Cell) -> str:
    text = rf"\textbf{{{_escape(cell['text'])}}}" if cell["best"] else _escape(cell["text"])
    marks = rf"\textsuperscript{{{_escape(cell['marks'])}}}" if cell["marks"] else ""
    theirs = _escape(cell["published"])
    return _beside(text + marks, rf"\textbf{{{theirs}}}" if cell.get("published_best") else theirs)


def _beside(ours: str, theirs: str) -> str:
    """Ours and, in brackets, the published number; the latter alone where there is none of ours."""
    if theirs == tables.MISSING:
        return ours
    return f"[{theirs}]" if ours in (NOTHING, ESCAPES[NOTHING]) else f"{ours} [{theirs}]"


def _bars(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ampersands(cells: Iterable[str]) -> str:
    line = " & ".join(cells) + r" \\"
    # After the end of a line LaTeX takes a bracket or an asterisk for an argument of it.
    return f"{{}}{line}" if line.startswith(("[", "*")) else line


def _plain(text: str) -> str:
    """What Markdown would take for a mark or the border of a cell, as it stands."""
    return re.sub(r"([*|])", r"\\\1", text)


def _escape(text: str) -> str:
    """A text for LaTeX; what stands in `backticks` as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # not in pairs
        return _signs(text)
    return "".join(rf"\texttt{{{_signs(part)}}}" if n % 2 else _signs(part) for n, part in enumerate(parts))


def _signs(text: str) -> str:
    # A hyphen before a number is its sign, unless it joins it to a word or another number.
    text = re.sub(r"(?<![\w.)\-])-(?=\.?\d)", "−", text)
    said = "".join(ESCAPES.get(char, char) for char in text)
    said = re.sub(f"[{''.join(RAISED)}]+", lambda run: _ensured("^", RAISED, run.group()), said)
    return re.sub(f"[{''.join(LOWERED)}]+", lambda run: _ensured("_", LOWERED, run.group()), said)


def _ensured(mark: str, signs: dict[str, str], run: str) -> str:
    return rf"\ensuremath{{{mark}{{{''.join(signs[char] for char in run)}}}}}"
