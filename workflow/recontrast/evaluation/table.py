"""One table of a study: as in the paper for people, and number by number for programs."""

import json
from pathlib import Path

from .. import images, tables
from .grid import Context, cells, notes
from .participants import by_participant
from .typeset import latex, markdown

DICTIONARY = {
    "row": {"Description": "Row of the printed table"},
    "column": {"Description": "Column of the printed table"},
    "experiment": {"Description": "Experiment of the study"},
    "region": {"Description": "Part of the image"},
    "metric": {"Description": "Metric, as in metrics.tsv"},
    "fold": {"Description": "The fold of the participants; all of them if n/a"},
    "value": {
        "Description": "What the number is",
        "Levels": {
            "mean": "Mean over participants",
            "median": "Median over participants",
            "change": "Mean over participants of the change from another experiment, in per cent",
            "rank": "Mean rank among the experiments with this target, 1 the best",
            "parameters": "Number of trained parameters of the model",
            "input": "Whether the experiment has an input",
            "text": "Words of the study",
        },
    },
    "n": {"Description": "Number of participants; the sessions of one participant are averaged first"},
    "number": {"Description": "The number, before it is rounded and scaled"},
    "sd": {"Description": "Standard deviation over participants (n - 1)"},
    "p": {"Description": "p value of the comparison that the marks are about"},
    "marks": {"Description": "Marks of significance, which the note of the printed table explains"},
    "best": {"Description": "1 for the best number where the table seeks one, else 0"},
    "text": {"Description": "The cell as printed, without marks"},
    "published": {"Description": "What the paper has in this cell, of another cohort"},
    "published_source": {"Description": "Where it stands"},
}


def table(
    *,
    metrics: Path,
    statistics: Path,
    ranks: Path,
    specification: str,
    output: Path,
    cards: list[Path] = [],  # noqa: B006 - read, never changed
) -> None:
    """Make one table from the scores and their statistics, as TSV, Markdown and LaTeX.

    Args:
        metrics: the long table of all scores.
        statistics: the pairwise comparisons.
        ranks: the mean ranks of experiments.
        specification: JSON: the table of the study, its published values, and the inputs of experiments.
        output: TSV file to write; a data dictionary (.json), .md and .tex are written beside it.
        cards: cards of the models whose numbers of parameters the table shows.
    """
    asked = json.loads(specification)
    scores = tables.read(metrics, ("participant_id", "experiment", "fold", "region", "metric", "value"))
    folds = sorted({row["fold"] for row in scores}, key=lambda fold: (not fold.isdigit(), fold.zfill(4)))
    context = Context(
        values={fold: by_participant(scores, fold) for fold in ("", *folds)},
        comparisons=tables.read(statistics, ("metric", "between", "within", "a", "b", "p", "p_holm")),
        ranks=tables.read(ranks, ("metric", "region", "experiment", "n", "mean_rank")),
        parameters={
            path.parts[-3]: json.loads(path.read_text(encoding="utf-8"))["parameters"] for path in cards
        },
        inputs=asked["inputs"],
        region=asked["region"],
    )
    grid = cells(asked["table"], context, asked["published"])
    said = notes(asked["table"], grid, context, asked["published"])
    title = asked["table"].get("title", "")
    images.write_json(output.with_suffix(".json"), DICTIONARY)
    images.write_text(output.with_suffix(".md"), markdown(grid, title, said))
    images.write_text(output.with_suffix(".tex"), latex(grid, title, said))
    rows = [cell | {"marks": cell["marks"] or tables.MISSING} for line in grid for cell in line]
    tables.write(output, list(DICTIONARY), rows)
    print(f"{output}: {len(grid)} rows, {len(grid[0]) if grid else 0} columns")
