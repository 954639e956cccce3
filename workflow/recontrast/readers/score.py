"""From readers' answers to the tables of a reader study."""

import itertools
from pathlib import Path

import pandas as pd
from scipy import stats

from .. import tables
from ..errors import RecontrastError
from ..evaluation.agreement import icc
from ..evaluation.statistics import compare_pairs, holm
from ..evaluation.typeset import latex, markdown
from ..images import write_json, write_text
from .make import KEY_COLUMNS

ANSWER_COLUMNS = ("study", "reader", "image", "other", "question", "answer")
ALL = "all categories"
STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
DICTIONARY = {
    "reader": {"Description": "Who rated"},
    "session": {"Description": "Whose image it is"},
    "experiment": {"Description": "What made the image"},
    "category": {"Description": "What was rated"},
    "score": {"Description": "Answer on the form's scale"},
    "n": {"Description": "Number of ratings; in tests, of sessions, the readers of one averaged first"},
    "mean": {"Description": "Mean over sessions and readers"},
    "sd": {"Description": "Standard deviation over sessions and readers (n - 1)"},
    "p": {"Description": "Exact two-sided Wilcoxon signed-rank test over sessions"},
    "p_holm": {"Description": "p corrected for all pairs of experiments and all categories (Holm)"},
    "smallest_p": {"Description": "The smallest p that this many sessions can reach"},
    "icc": {"Description": "ICC(2,1): two-way random effects, absolute agreement, single reader"},
    "band": {"Description": "Poor below .40, fair, good from .60, excellent from .75 (Cicchetti 1994)"},
}


def score(key: Path, answers: list[Path], output: Path, against: str = "") -> None:
    """Join readers' answers with the key and write the tables of the study.

    `ratings.tsv` has every answer with what it is about; `scores` mean and SD by category and experiment (TSV,
    Markdown and LaTeX); `tests.tsv` pairs of experiments; `agreement.tsv` the readers of each experiment;
    `pairs.tsv` the answers about two images of a session, where the form asks for them.

    Args:
        key: which image is whose, as `readers make` wrote it.
        answers: a file of each reader.
        output: folder to write.
        against: the experiment that others are marked against in the table; none if empty.

    Raises:
        RecontrastError: answers of another study, or no answer at all.
    """
    known = pd.DataFrame(tables.read(key, KEY_COLUMNS)).set_index("code")
    if against and against not in set(known["experiment"]):
        raise RecontrastError(f"knows no experiment {against!r}", file=key, remedy="choose one of the key")
    found = [_read(path, known) for path in answers]
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
    means, tests = _means(rated), _tests(rated)
    _write(output / "scores.tsv", means)
    _write(output / "tests.tsv", tests)
    _write(output / "agreement.tsv", _agreement(rated))
    grid = _grid(means, tests, against)
    notes = ["Mean ± SD over sessions and readers."]
    if against:
        notes.append(
            f"* P < .05, ** P < .01, *** P < .001 against {against} (Wilcoxon signed-rank over sessions, Holm)."
        )
    write_text(output / "scores.md", markdown(grid, "Scores of the readers", notes))
    write_text(output / "scores.tex", latex(grid, "Scores of the readers", notes))
    if not (paired := about[about["other"] != tables.MISSING]).empty:
        _write(output / "pairs.tsv", _pairs(paired, known))
    write_json(output / "dictionary.json", DICTIONARY)
    print(
        f"{rated['reader'].nunique()} readers, {rated['image'].nunique()} images, {len(given)} answers: {output}"
    )


def _read(path: Path, known: pd.DataFrame) -> pd.DataFrame:
    rows = pd.DataFrame(tables.read(path, ANSWER_COLUMNS), columns=list(ANSWER_COLUMNS))
    strange = set(rows["image"]) - set(known.index)
    if strange:
        raise RecontrastError(
            f"rates images that the key does not have ({', '.join(sorted(strange)[:3])})",
            file=path,
            remedy="give the key of the same study",
        )
    return rows


def _means(rated: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD over sessions and readers, by category and over all of them."""
    everything = pd.concat([rated, rated.assign(category=ALL)])
    grouped = everything.groupby(["category", "experiment"], sort=False)["score"]
    return grouped.agg(n="count", mean="mean", sd="std").reset_index()


def _tests(rated: pd.DataFrame) -> pd.DataFrame:
    """Every two experiments in every category, session by session, the readers averaged first."""
    everything = pd.concat([rated, rated.assign(category=ALL)])
    rows = []
    for category, part in everything.groupby("category", sort=False):
        by_session = part.pivot_table("score", "session", "experiment", aggfunc="mean")
        for one, other in itertools.combinations(by_session.columns, 2):
            found = compare_pairs(by_session[one].to_numpy(), by_session[other].to_numpy())
            rows.append({"category": category, "experiment": one, "other": other} | found)
    columns = [
        "category",
        "experiment",
        "other",
        "n",
        "difference",
        "low",
        "high",
        "p",
        "p_holm",
        "smallest_p",
    ]
    if not rows:
        return pd.DataFrame(columns=columns)
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p"].tolist()))[[*columns, "rank_biserial", "cohens_dz"]]


def _agreement(rated: pd.DataFrame) -> pd.DataFrame:
    """ICC(2,1) of each experiment over its images and categories, where all readers rated them."""
    rows = []
    for experiment, part in rated.groupby("experiment"):
        ratings = part.pivot_table("score", ["session", "category"], "reader").dropna().to_numpy()
        row = {"experiment": experiment, "readers": part["reader"].nunique(), "n": len(ratings)}
        if min(ratings.shape) < 2:
            rows.append(row | dict.fromkeys(("icc", "low", "high"), float("nan")) | {"band": tables.MISSING})
            continue
        found = icc(ratings)
        rows.append(row | {"icc": found.icc, "low": found.low, "high": found.high, "band": found.band})
    return pd.DataFrame(rows)


def _pairs(paired: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """How often each of two experiments was named, with a two-sided sign test without the undecided."""
    second = known["experiment"].reindex(paired["other"]).to_numpy()
    chosen = known["experiment"].reindex(paired["answer"]).to_numpy()
    counts: dict[tuple[str, str, str], list[int]] = {}
    for question, one, other, named in zip(
        paired["question"], paired["experiment"], second, chosen, strict=True
    ):
        first, last = sorted((one, other))
        found = counts.setdefault((question, first, last), [0, 0, 0])
        found[0 if named == first else 1 if named == last else 2] += 1
    return pd.DataFrame(
        [
            {"question": question, "experiment": one, "other": other}
            | {"first": a, "second": b, "neither": c}
            | {"p": float(stats.binomtest(a, a + b).pvalue) if a + b else float("nan")}
            for (question, one, other), (a, b, c) in counts.items()
        ]
    )


def _grid(means: pd.DataFrame, tests: pd.DataFrame, against: str) -> list[list[dict]]:
    """The cells of the table of scores: categories down, experiments across."""
    experiments = sorted(means["experiment"].unique())
    grid = []
    for category, part in means.groupby("category", sort=False):
        line = part.set_index("experiment")
        grid.append(
            [
                {
                    "row": category,
                    "column": name,
                    "text": f"{line['mean'][name]:.2f} ± {line['sd'][name]:.2f}"
                    if name in line.index
                    else "–",
                    "marks": _stars(tests, category, name, against),
                    "best": name in line.index and line["mean"][name] == line["mean"].max(),
                    "published": tables.MISSING,
                }
                for name in experiments
            ]
        )
    return grid


def _stars(tests: pd.DataFrame, category: str, name: str, against: str) -> str:
    if not against or name == against:
        return ""
    pair = sorted((name, against))
    row = tests[
        (tests["category"] == category) & (tests["experiment"] == pair[0]) & (tests["other"] == pair[1])
    ]
    return next((stars for bound, stars in STARS if len(row) and row["p_holm"].iloc[0] < bound), "")


def _write(path: Path, table: pd.DataFrame) -> None:
    tables.write(path, list(table.columns), table.to_dict("records"))
