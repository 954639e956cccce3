"""From readers' answers to the tables of a reader study."""

import json
from pathlib import Path

import pandas as pd

from .. import tables
from ..errors import RecontrastError
from ..evaluation.typeset import latex, markdown
from ..images import write_text
from . import answers, dictionaries, printed, ratings
from .forms import Form
from .ratings import ALL


def score(key: Path, files: list[Path], output: Path, against: str = "") -> None:
    """Join readers' answers with the key and write the tables of the study.

    `ratings.tsv` has every answer with what it is about; `scores` mean and SD by category and experiment, and
    `agreement` the ICC of the readers of each experiment (TSV, Markdown and LaTeX, these beside published numbers
    where the form names some); `tests.tsv` pairs of experiments; `pairs.tsv` the answers about two images of a
    session, where the form asks for them. What is over all categories is left out where these have several scales.
    The columns of each table are described in a JSON file beside it.

    Args:
        key: which image is whose, as `readers make` wrote it, with its JSON file beside it.
        files: answers, a file of each reader.
        output: folder to write.
        against: the experiment that others are marked against in the table; none if empty.

    Raises:
        RecontrastError: answers that do not fit the study or one another, or no answer at all.
    """
    known = pd.DataFrame(tables.read(key, list(dictionaries.KEY))).set_index("code")
    study, form, experiments = _about(key.with_suffix(".json"))
    if against and against not in experiments:
        raise RecontrastError(
            f"knows no experiment {against!r}", file=key, remedy=f"use one of {', '.join(experiments)}"
        )
    given = answers.read(files, study, known, form)
    if given.empty:
        raise RecontrastError(
            "no answers were given", file=files[0], remedy="have the readers save their answers"
        )
    about = given.join(known[["session", "experiment"]], on="image")
    rated = about[about["other"] == tables.MISSING].rename(columns={"question": "category"})
    rated = rated.assign(score=pd.to_numeric(rated["answer"]))
    output.mkdir(parents=True, exist_ok=True)
    _write(output / "ratings.tsv", dictionaries.RATINGS, rated)
    categories = [category.label for category in form.categories]
    shown = [*categories, ALL] if form.one_scale else categories
    means, tests = (made(rated, shown, experiments) for made in (ratings.means, ratings.tests))
    agreement = ratings.agreement(rated, [ALL] if form.one_scale else categories, experiments)
    _write(output / "scores.tsv", dictionaries.SCORES, means)
    _write(output / "tests.tsv", dictionaries.TESTS, tests)
    _write(output / "agreement.tsv", dictionaries.AGREEMENT, agreement)
    counted = printed.counted(form, known, rated, experiments)
    for name, title, (grid, notes) in (
        ("scores", "Scores of the readers", printed.scores(form, means, tests, experiments, against)),
        ("agreement", "Agreement of the readers", printed.agreement(form, agreement, experiments)),
    ):
        write_text(output / f"{name}.md", markdown(grid, title, [counted, *notes]))
        write_text(output / f"{name}.tex", latex(grid, title, [counted, *notes]))
    if not (paired := about[about["other"] != tables.MISSING]).empty:
        other, named = (
            known["experiment"].reindex(paired[column]).to_numpy() for column in ("other", "answer")
        )
        preferred = ratings.preferences(paired.assign(other=other, named=named), experiments)
        _write(output / "pairs.tsv", dictionaries.PAIRS, preferred)
    else:  # nor does that of other answers stay beside these tables
        for old in ("pairs.tsv", "pairs.json"):
            (output / old).unlink(missing_ok=True)
    asked = answers.count_ratings(known, form) + answers.count_pairs(known, form)
    for reader, own in given["reader"].value_counts(sort=False).items():
        print(f"{reader}: {asked - own} of {asked} answers are missing")
    print(
        f"{rated['reader'].nunique()} readers, {rated['image'].nunique()} images, {len(given)} answers: {output}"
    )


def _about(path: Path) -> tuple[str, Form, list[str]]:
    """The code of the study, the form that readers had, and the experiments in the order of the study."""
    if not path.is_file():
        raise RecontrastError("does not exist", file=path, remedy="keep it beside the key, unchanged")
    content = json.loads(path.read_text(encoding="utf-8"))
    return content["Study"], Form.model_validate(content["Form"]), content["Experiments"]


def _write(path: Path, dictionary: dict[str, dict], table: pd.DataFrame) -> None:
    tables.write_described(path, dictionary, table.to_dict("records"))
