"""Readers' answers: read, held against the form and the key, and counted."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from .. import tables
from ..errors import RecontrastError
from .forms import Form

COLUMNS = ("study", "reader", "image", "other", "question", "answer")
ASKED = ["reader", "image", "other", "question"]  # has one answer
NEITHER = "neither"


def read(files: Sequence[Path], study: str, known: pd.DataFrame, form: Form) -> pd.DataFrame:
    """The answers of all files, each once.

    A reader may have saved several times, as long as no answer changed in between: of two that differ nobody knows
    whether one person thought again or two have one name.

    Args:
        files: as readers saved them.
        study: its code, which answers bear.
        known: session and experiment of each image by its code.
        form: what was asked.

    Raises:
        RecontrastError: answers of another study, to what was not asked, off the scale, or that contradict others of
            the same reader.
    """
    given = pd.concat([_read(path, study, known, form) for path in files], ignore_index=True)
    given = given.drop_duplicates([*ASKED, "answer"])
    _refuse_contradictions(given)
    return given


def count_ratings(known: pd.DataFrame, form: Form) -> int:
    """How many ratings a reader was asked for."""
    return len(known) * len(form.categories)


def count_pairs(known: pd.DataFrame, form: Form) -> int:
    """How many answers about two images of a session a reader was asked for."""
    return len(form.pairs) * sum(n * (n - 1) // 2 for n in known["session"].value_counts())


def _read(path: Path, study: str, known: pd.DataFrame, form: Form) -> pd.DataFrame:
    rows = pd.DataFrame(tables.read(path, COLUMNS), columns=list(COLUMNS)).assign(file=str(path))
    if rows.empty:
        print(f"{path}: no answers")
    if set(rows["study"]) - {study}:
        raise RecontrastError(
            "has answers for another study", file=path, remedy="give the key of the same study"
        )
    paired = rows["other"] != tables.MISSING
    asked = {(c.label, False) for c in form.categories} | {(pair.name, True) for pair in form.pairs}
    for problem, strange in (
        (
            "answers questions that are not in the form",
            {q for q, _ in {*zip(rows["question"], paired, strict=True)} - asked},
        ),
        (
            "rates images that are not in the key",
            {*rows["image"], *rows["other"][paired]} - set(known.index),
        ),
    ):
        if strange:
            raise RecontrastError(
                f"{problem} ({', '.join(sorted(strange)[:3])})",
                file=path,
                remedy="give the key of the same study",
            )
    _refuse_other_values(path, rows, form)
    return rows


def _refuse_other_values(path: Path, rows: pd.DataFrame, form: Form) -> None:
    scales = {c.label: [str(value) for value in c.scale or form.scale] for c in form.categories}
    for row in rows.itertuples():
        rating = row.other == tables.MISSING
        allowed = scales[row.question] if rating else [row.image, NEITHER, row.other]
        if row.answer not in allowed:
            about = f"image {row.image}" if rating else f"images {row.image} and {row.other}"
            raise RecontrastError(
                f"has the answer {row.answer!r} to {row.question!r} for {about}",
                file=path,
                remedy=f"allowed are {', '.join(allowed)}: give the file as saved by the pages",
            )


def _refuse_contradictions(given: pd.DataFrame) -> None:
    """Raise if a reader has two answers to one question."""
    later = given[given.duplicated(ASKED)]
    if later.empty:
        return
    one = later.iloc[0]
    other = given[(given[ASKED] == one[ASKED]).all(axis=1)].iloc[0]
    where = "in other rows" if one["file"] == other["file"] else f"in {other['file']}"
    raise RecontrastError(
        f"has answers of reader {one['reader']!r} that differ from those {where}, {len(later)} in all, such as "
        f"{one['answer']} and {other['answer']} to {one['question']!r} for image {one['image']}",
        file=one["file"],
        remedy="if two readers have the same name, change it in the column reader of one file; if one reader has "
        "answered again, give only the file that counts",
    )
