"""What readers' answers say: means, tests, agreement and preferences. Functions of data frames.

Ratings have the columns reader, session, experiment, category and score; categories and experiments come in the
order in which they are given.
"""

from collections import Counter
from itertools import combinations

import pandas as pd
from scipy import stats

from .. import tables
from ..evaluation.agreement import icc
from ..evaluation.statistics import compare_pairs, holm
from .dictionaries import TESTS

ALL = "all categories"


def means(rated: pd.DataFrame, categories: list[str], experiments: list[str]) -> pd.DataFrame:
    """Mean and SD over sessions and readers, by category and experiment; the category `ALL` is over them all."""
    judged = pd.concat([rated, rated.assign(category=ALL)])
    grouped = judged.groupby(["category", "experiment"])["score"].agg(n="count", mean="mean", sd="std")
    wanted = [(c, e) for c in categories for e in experiments if (c, e) in grouped.index]
    return grouped.loc[wanted].reset_index()


def tests(rated: pd.DataFrame, categories: list[str], experiments: list[str]) -> pd.DataFrame:
    """Every two experiments in every category, person by person, their sessions and readers averaged first.

    What a reader rated of one of two experiments alone does not count in their comparison: a strict reader who left
    one out would lower the other. The category `ALL` takes all of them together.

    The family of Holm's correction is all pairs of a category.
    """
    rows = []
    for category in categories:
        part = rated if category == ALL else rated[rated["category"] == category]
        ratings = part.pivot_table("score", ["session", "reader", "category"], "experiment")
        found = []
        for one, other in combinations([e for e in experiments if e in ratings], 2):
            sessions = ratings[[one, other]].dropna().groupby("session").mean()
            people = sessions.groupby(sessions.index.map(_participant)).mean()
            compared = compare_pairs(people[one].to_numpy(), people[other].to_numpy())
            found.append({"category": category, "experiment": one, "other": other} | compared)
        corrected = holm([row["p"] for row in found])
        rows += [row | {"p_holm": p} for row, p in zip(found, corrected, strict=True)]
    return pd.DataFrame(rows, columns=list(TESTS))


def _participant(session: str) -> str:
    return session.partition("_")[0]


def agreement(rated: pd.DataFrame, categories: list[str], experiments: list[str]) -> pd.DataFrame:
    """ICC(2,1) of each experiment over its images, where all readers rated them.

    Args:
        rated: ratings.
        categories: taken by themselves, one after the other; `ALL` takes all of them together.
        experiments: in that order.
    """
    rows = []
    for category in categories:
        for experiment in experiments:
            own = rated["experiment"] == experiment
            part = rated[own if category == ALL else own & (rated["category"] == category)]
            ratings = part.pivot_table("score", ["session", "category"], "reader").dropna().to_numpy()
            row = {"category": category, "experiment": experiment}
            row |= {"readers": part["reader"].nunique(), "n": len(ratings)}
            if min(ratings.shape) < 2:
                rows.append(
                    row | dict.fromkeys(("icc", "low", "high"), float("nan")) | {"band": tables.MISSING}
                )
                continue
            found = icc(ratings)
            rows.append(row | {"icc": found.icc, "low": found.low, "high": found.high, "band": found.band})
    return pd.DataFrame(rows)


def preferences(paired: pd.DataFrame, experiments: list[str]) -> pd.DataFrame:
    """Which of two experiments participants speak for, with a two-sided sign test without the undecided.

    Two readers of one session, or two sessions of one person, are not independent: a participant has one vote, for
    what more of the answers named.

    Args:
        paired: one row an answer: question, session, experiment, other, and named: one of the two, or neither.
        experiments: in that order.
    """
    votes: dict[tuple[str, str, str], dict[str, Counter]] = {}
    for row in paired.itertuples():
        one, other = sorted((row.experiment, row.other), key=experiments.index)
        people = votes.setdefault((row.question, one, other), {})
        people.setdefault(_participant(row.session), Counter())[row.named] += 1
    rows = []
    for (question, one, other), people in votes.items():
        leads = [found[one] - found[other] for found in people.values()]
        first, second = sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads)
        answers = sum(people.values(), Counter())
        rows.append(
            {"question": question, "experiment": one, "other": other}
            | {"first": first, "second": second, "neither": len(leads) - first - second}
            | {"answers_first": answers[one], "answers_second": answers[other]}
            | {"answers_neither": answers.total() - answers[one] - answers[other]}
            | {"p": float(stats.binomtest(first, first + second).pvalue) if first + second else float("nan")}
        )
    return pd.DataFrame(rows)
