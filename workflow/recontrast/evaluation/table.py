"""One table of a study: as in the paper for people, and number by number for programs."""

import json
from pathlib import Path

from .. import columns, images, tables
from ..participants import by_participant
from .grid import ACQUIRED, Context, cells
from .marks import families, mark
from .notes import notes
from .typeset import latex, markdown

DICTIONARY = {
    "row_number": {"Description": "Number of the row in the printed table, from 1"},
    "column_number": {"Description": "Number of the column, from 1"},
    "row": {"Description": "Label of the row, as printed; several rows may share a label"},
    "column": {"Description": "Label of the column, as printed"},
    "experiment": columns.EXPERIMENT,
    "region": {"Description": "Part of the image; for lesions, the mask they are compared with"},
    "metric": {"Description": "Metric, as in metrics.tsv and lesions.tsv"},
    "fold": {"Description": "Fold of the participants; n/a: all folds"},
    "value": {
        "Description": "What the number is",
        "Levels": {
            "mean": "Mean over participants",
            "median": "Median over participants",
            "change": "Mean over participants of the change from another experiment, in per cent",
            "quotient": "Mean over participants of the metric divided by another metric",
            "rank": "Mean rank among the experiments in the table; 1 is best",
            "parameters": "Number of trained parameters of the model",
            "seconds": "Time to predict one session",
            "candidate": "Mean squared error of a candidate's settings on the validation participants",
            "input": "Whether the experiment uses an input",
            "text": "Text given in the study",
        },
    },
    "n": columns.N,
    "number": {"Description": "The number, before rounding and scaling"},
    "sd": columns.SD,
    "p": {
        "Description": "p value of the comparison marked by stars, corrected as stated in the note of the table"
    },
    "marks": {"Description": "Significance marks, explained in the note of the printed table"},
    "best": {"Description": "1 for the best number, if the table highlights it, else 0"},
    "text": {"Description": "The cell as printed, without marks"},
    "published": {"Description": "Value of this cell in the paper, from another cohort"},
    "published_best": {"Description": "1 if printed in bold in the paper, else 0"},
    "published_source": {"Description": "The paper, and where in it the value is found"},
}


def table(
    *,
    metrics: list[Path],
    statistics: list[Path],
    specification: str,
    output: Path,
    cards: list[Path] = [],  # noqa: B006 - read, never changed
    times: list[Path] = [],  # noqa: B006
) -> None:
    """Make one table from the scores and their statistics, as TSV, Markdown and LaTeX.

    Args:
        metrics: the long tables of scores: of images, and of lesions if the table shows them.
        statistics: the pairwise comparisons of each.
        specification: JSON: the table of the study, its published values, the inputs of experiments, the region
            of the study, what lesions are compared with, what given lesion masks are called, and whether windows of
            SSIM stay within a slice.
        output: TSV file to write; beside it .md, .tex, and .json: data dictionary and notes below the table.
        cards: cards of the models in the table.
        times: prediction times as JSON, if the table shows them.
    """
    asked = json.loads(specification)
    scores = _join(metrics, columns.SCORES)
    # Whom no model is tested on has lesions on the acquired image alone: no ground truth of anything.
    scores = [row for row in scores if (row["experiment"], row["fold"]) != (ACQUIRED, tables.MISSING)]
    folds = sorted({row["fold"] for row in scores}, key=lambda fold: (not fold.isdigit(), fold.zfill(4)))
    context = Context(
        values={fold: by_participant(scores, fold) for fold in ("", *folds)},
        comparisons=_join(statistics, ("metric", "between", "within", "a", "b", "n", "p")),
        cards={(path.parts[-3], path.parts[-2].removeprefix("fold-")): _read_json(path) for path in cards},
        times={found["experiment"]: found for found in map(_read_json, times)},
        inputs=asked["inputs"],
        region=asked["region"],
        truth=asked["truth"],
        given=asked["given"],
        by_slice=asked["by_slice"],
    )
    grid = cells(asked["table"], context, asked["published"])
    marks = asked["table"].get("marks", {})
    compared = families(grid, marks, context)
    mark(grid, marks, compared)
    said = notes(asked["table"], grid, context, compared, asked["published"])
    title, headings = asked["table"].get("title", ""), asked["table"].get("headings", [])
    images.write_text(output.with_suffix(".md"), markdown(grid, title, said, headings))
    images.write_text(output.with_suffix(".tex"), latex(grid, title, said, headings))
    rows = [
        cell | {"row_number": y, "column_number": x, "marks": cell["marks"] or tables.MISSING}
        for y, line in enumerate(grid, 1)
        for x, cell in enumerate(line, 1)
    ]
    tables.write(output, list(DICTIONARY), rows)
    images.write_json(output.with_suffix(".json"), DICTIONARY | {"Headings": headings, "Notes": said})
    print(f"{output}: {len(grid)} rows, {len(grid[0]) if grid else 0} columns")


def _join(paths: list[Path], names: tuple[str, ...]) -> list[tables.Row]:
    return [row for path in paths for row in tables.read(path, names)]


def _read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
