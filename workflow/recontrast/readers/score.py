"""From readers' answers to the tables of a reader study."""

import json
from pathlib import Path

import pandas as pd

from .. import tables
from ..errors import RecontrastError
from ..evaluation.typeset import latex, markdown
from ..images import write_json, write_text
from . import printed, ratings
from .forms import Form
from .make import KEY
from .ratings import ALL

ANSWER_COLUMNS = ("study", "reader", "image", "other", "question", "answer")
DICTIONARY = {
    "reader": {"Description": "Who rated"},
    "session": {"Description": "Whose image it is"},
    "experiment": {"Description": "What made the image"},
    "category": {"Description": "What was rated"},
    "score": {"Description": "Answer on the form's scale"},
    "n": {
        "Description": "Number of ratings; in tests, of participants, their sessions and readers averaged first"
    },
    "mean": {"Description": "Mean over sessions and readers"},
    "sd": {"Description": "Standard deviation over sessions and readers (n - 1)"},
    "p": {"Description": "Exact two-sided Wilcoxon signed-rank test over participants"},
    "p_holm": {"Description": "p corrected for all pairs of experiments in the category (Holm)"},
    "smallest_p": {"Description": "The smallest p that this many participants can reach"},
    "first": {"Description": "Participants of whom more answers named the image of experiment"},
    "second": {"Description": "Participants of whom more answers named the image of other"},
    "neither": {"Description": "Participants without such a majority"},
    "answers_first": {
        "Description": "Answers of single readers; likewise answers_second and answers_neither"
    },
    "icc": {"Description": "ICC(2,1): two-way random effects, absolute agreement, single reader"},
    "band": {"Description": "Poor below .40, fair, good from .60, excellent from .75 (Cicchetti 1994)"},
}


def score(key: Path, answers: list[Path], output: Path, against: str = "") -> None:
    """Join readers' answers with the key and write the tables of the study.

    `ratings.tsv` has every answer with what it is about; `scores` mean and SD by category and experiment, and
    `agreement` the ICC of the readers of each experiment (TSV, Markdown and LaTeX, these beside published numbers
    where the form names some); `tests.tsv` pairs of experiments; `pairs.tsv` the answers about two images of a
    session, where the form asks for them. What is over all categories is left out where these have several scales.

    Args:
        key: which image is whose, as `readers make` wrote it, with its JSON file beside it.
        answers: a file of each reader.
        output: folder to write.
        against: the experiment that others are marked against in the table; none if empty.

    Raises:
        RecontrastError: answers of another study, or no answer at all.
    """
    known = pd.DataFrame(tables.read(key, list(KEY))).set_index("code")
    study, form, experiments = _about(key.with_suffix(".json"))
    if against and against not in experiments:
        raise RecontrastError(
            f"knows no experiment {against!r}", file=key, remedy=f"use one of {', '.join(experiments)}"
        )
    found = [_read(path, study, known, form) for path in answers]
    given = pd.concat(found, ignore_index=True).drop_duplicates(
        ["reader", "image", "other", "question"], keep="last"
    )
    if given.empty:
        raise RecontrastError(
            "no answers were given", file=answers[0], remedy="let readers save their answers"
        )
    about = given.join(known[["session", "experiment"]], on="image")
    rated = about[about["other"] == tables.MISSING].rename(columns={"question": "category"})
    rated = rated.assign(score=pd.to_numeric(rated["answer"]))
    output.mkdir(parents=True, exist_ok=True)
    _write(output / "ratings.tsv", rated[["reader", "session", "experiment", "category", "score"]])
    categories = [category.label for category in form.categories]
    if form.one_scale:
        judged, shown = pd.concat([rated, rated.assign(category=ALL)]), [*categories, ALL]
    else:
        judged, shown = rated, categories
    means, tests = (made(judged, shown, experiments) for made in (ratings.means, ratings.tests))
    agreement = ratings.agreement(rated, [ALL] if form.one_scale else categories, experiments)
    for name, table in (("scores", means), ("tests", tests), ("agreement", agreement)):
        _write(output / f"{name}.tsv", table)
    for name, title, made in (
        ("scores", "Scores of the readers", printed.scores(form, means, tests, experiments, against)),
        ("agreement", "Agreement of the readers", printed.agreement(form, agreement, experiments)),
    ):
        write_text(output / f"{name}.md", markdown(made[0], title, made[1]))
        write_text(output / f"{name}.tex", latex(made[0], title, made[1]))
    if not (paired := about[about["other"] != tables.MISSING]).empty:
        other, named = (
            known["experiment"].reindex(paired[column]).to_numpy() for column in ("other", "answer")
        )
        _write(
            output / "pairs.tsv", ratings.preferences(paired.assign(other=other, named=named), experiments)
        )
    write_json(output / "dictionary.json", DICTIONARY)
    print(
        f"{rated['reader'].nunique()} readers, {rated['image'].nunique()} images, {len(given)} answers: {output}"
    )


def _about(path: Path) -> tuple[str, Form, list[str]]:
    """The code of the study, the form that readers had, and the experiments in the order of the study."""
    if not path.is_file():
        raise RecontrastError("does not exist", file=path, remedy="keep it beside the key, as it was written")
    content = json.loads(path.read_text(encoding="utf-8"))
    return content["Study"], Form.model_validate(content["Form"]), content["Experiments"]


def _read(path: Path, study: str, known: pd.DataFrame, form: Form) -> pd.DataFrame:
    rows = pd.DataFrame(tables.read(path, ANSWER_COLUMNS), columns=list(ANSWER_COLUMNS))
    if set(rows["study"]) - {study}:
        raise RecontrastError("answers another study", file=path, remedy="give the key of the same study")
    asked = {c.label for c in form.categories} | {pair.name for pair in form.pairs}
    if strange := set(rows["question"]) - asked:
        raise RecontrastError(
            f"answers what the form does not ask ({', '.join(sorted(strange)[:3])})",
            file=path,
            remedy="give the key of the same study",
        )
    if strange := set(rows["image"]) - set(known.index):
        raise RecontrastError(
            f"rates images that the key does not have ({', '.join(sorted(strange)[:3])})",
            file=path,
            remedy="give the key of the same study",
        )
    return rows


def _write(path: Path, table: pd.DataFrame) -> None:
    tables.write(path, list(table.columns), table.to_dict("records"))
