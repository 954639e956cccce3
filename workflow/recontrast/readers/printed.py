"""The tables of a reader study as papers print them: grids of cells, and what stands below them."""

import math

import pandas as pd

from .. import published, tables
from ..evaluation.grid import NOTHING, Cell, printed
from ..evaluation.marks import LEVELS, Family
from .answers import count_ratings
from .forms import Form
from .ratings import ALL, holm

P = "P"  # the column of p values where there are two experiments, as in Hagiwara 2019


def scores(
    form: Form, means: pd.DataFrame, tests: pd.DataFrame, experiments: list[str], against: str
) -> tuple[list[list[Cell]], list[str]]:
    """Categories down, experiments across: mean and SD, stars, the best in bold; and the notes."""
    theirs = published.load(form.published.scores) if form.published.scores else None
    grid, families = [], []
    for category, part in means.groupby("category", sort=False):
        line = part.set_index("experiment")
        family = _family(tests[tests["category"] == category], against)
        families += [family] if family.p else []
        best = line["mean"].min() if _lower(form, str(category)) else line["mean"].max()
        row = []
        for name in experiments:
            known = name in line.index
            spread = f" ± {line['sd'][name]:.2f}" if known and not math.isnan(line["sd"][name]) else ""
            text = f"{line['mean'][name]:.2f}{spread}" if known else NOTHING
            p = family.p.get(frozenset((name, against)), math.nan)
            stars = next((mark for bound, mark in LEVELS if p < bound), "")
            row.append(
                _cell(form, str(category), name, text, theirs, stars, known and line["mean"][name] == best)
            )
        if len(experiments) == 2:
            found = tests.loc[tests["category"] == category, "p"]
            row.append(
                _cell(
                    form, str(category), P, tables.p_value(found.iloc[0]) if len(found) else NOTHING, theirs
                )
            )
        grid.append(row)
    said = [f"Mean ± SD over sessions and readers; {_scale(form.scale)}."]
    said += [
        f"{_heading(form, c.label)}: {_scale(c.scale or form.scale)}, {c.better} is better."
        for c in form.categories
        if c.scale or c.better == "lower"
    ]
    test = (
        "exact Wilcoxon signed-rank test over participants, after averaging over their sessions and readers"
    )
    if len(experiments) == 2:
        said.append(f"P: {test}.")
    if families:
        smallest = min(family.smallest(corrected=True) for family in families)
        size = max(len(family.p) for family in families)
        holm_over = (
            f"Holm's correction over the {size} comparisons of each row"
            if size > 1
            else "one comparison per row"
        )
        if smallest < LEVELS[-1][0]:
            name = form.columns.get(against, against)
            said.append(f"* P < .05, ** P < .01, *** P < .001 against {name}: {test}, {holm_over}.")
        else:
            n = max(family.n for family in families)
            said.append(
                f"With {n} participants and {holm_over}, the smallest possible P is {smallest:.3g}, so no * can appear."
            )
    return grid, said + _source(theirs)


def agreement(form: Form, found: pd.DataFrame, experiments: list[str]) -> tuple[list[list[Cell]], list[str]]:
    """The ICC of each experiment with its band; by category where these have several scales."""
    theirs = published.load(form.published.agreement) if form.published.agreement else None
    grid = []
    for category, part in found.groupby("category", sort=False):
        line = part.set_index("experiment")
        row = []
        for name in experiments:
            text = (
                NOTHING
                if math.isnan(line["icc"][name])
                else f"{line['icc'][name]:z.2f} ({line['band'][name]})"
            )
            row.append(
                _cell(form, str(category), name, text, theirs, heading="ICC" if category == ALL else "")
            )
        grid.append(row)
    bands = "poor below .40, fair, good from .60, excellent from .75 (Cicchetti 1994)"
    over = "images and categories" if form.one_scale else "images"
    return grid, [f"ICC(2,1) over {over} that all readers rated; {bands}.", *_source(theirs)]


def counted(form: Form, known: pd.DataFrame, rated: pd.DataFrame, experiments: list[str]) -> str:
    """How many readers and images a table is over, and how many ratings it lacks.

    Args:
        form: what was asked.
        known: the images that were to be rated.
        rated: their ratings.
        experiments: in the order of the columns.
    """
    readers, images = rated["reader"].nunique(), known["experiment"].value_counts()
    each = ", ".join(f"{form.columns.get(name, name)} {images[name]}" for name in experiments)
    asked = readers * count_ratings(known, form)
    missing = asked - len(rated)
    lacking = f"; {missing} of {asked} ratings are missing and were left out" if missing else ""
    return f"n = {readers} reader{'s' * (readers != 1)} × {len(known)} images ({each}){lacking}."


def _family(tests: pd.DataFrame, against: str) -> Family:
    """The comparisons of one row with one experiment, corrected together."""
    own = tests[(tests["experiment"] == against) | (tests["other"] == against)]
    pairs = [frozenset(pair) for pair in zip(own["experiment"], own["other"], strict=True)]
    return Family(
        dict(zip(pairs, holm(own["p"].tolist()), strict=True)), int(own["n"].max()) if len(own) else 0
    )


def _cell(
    form: Form,
    category: str,
    name: str,
    text: str,
    theirs: dict | None,
    marks: str = "",
    best: bool = False,
    heading: str = "",
) -> Cell:
    row, column = heading or _heading(form, category), form.columns.get(name, name)
    return {"row": row, "column": column, "text": text, "marks": marks, "best": best} | printed(
        theirs, row, column
    )


def _heading(form: Form, category: str) -> str:
    if category == ALL:
        return form.overall
    return next((c.printed for c in form.categories if c.label == category and c.printed), category)


def _lower(form: Form, category: str) -> bool:
    """Whether low scores are good; over all categories they are as in each."""
    return any(c.better == "lower" for c in form.categories if category in (c.label, ALL))


def _scale(scale: dict[int, str]) -> str:
    return ", ".join(f"{value} {word}" for value, word in scale.items())


def _source(theirs: dict | None) -> list[str]:
    if not theirs:
        return []
    said = [f"In square brackets: {theirs['source']}; values from other readers and a different cohort."]
    return said + ([theirs["legend"]] if theirs["legend"] else [])
