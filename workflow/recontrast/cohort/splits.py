"""Who trains and who is predicted: every participant with the target is dealt to a fold once and stays."""

import math
from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pydantic

from .. import config
from ..errors import RecontrastError
from ..images import write_json, write_text
from ..layout import ALL
from . import tsv

TRAINING = "training"  # in place of a fold: trains always, is never predicted by a model that left it out
NEW = "new"  # in place of a fold: came after the splits were made, does not train
NEVER = "never"  # in place of a fold: does not train as the study says so
COLUMNS = ("participant_id", "fold", "rank", "stratum")


@dataclass(frozen=True)
class Row:
    """One participant: label without `sub-`, fold, place in the random order, stratum (`n/a` if none)."""

    participant: str
    fold: str
    rank: int
    stratum: str = "n/a"


@dataclass(frozen=True)
class Splits:
    """The folds of a cohort.

    Attributes:
        rows: everyone ever dealt to a fold, by label; who has gone comes back to the same fold.
        settings: what the splits were made by; None for a file brought without its settings.
        present: those of `rows` who are in the cohort now.
    """

    rows: tuple[Row, ...]
    settings: config.Splits | None
    present: frozenset[str]

    @cached_property
    def fold(self) -> dict[str, str]:
        """Participant -> the fold whose model predicts them, or `training`, `new`, `never`; of those present."""
        return {row.participant: row.fold for row in self.rows if row.participant in self.present}

    @cached_property
    def folds(self) -> list[str]:
        """The folds with somebody to predict, in order."""
        return sorted({fold for fold in self.fold.values() if fold.isdecimal()}, key=int)

    def training(self, fold: str, among: Set[str] | None = None) -> list[str]:
        """Who the model of a fold (or of `all`) is fitted to, by label.

        Args:
            fold: one of `folds`, or `all`: everyone but those who are `new` or `never` train.
            among: those that can be used, everyone present if None; others take no part, and nobody moves.
        """
        validation = set(self.validation(fold, among))
        return sorted(
            row.participant for row in self._others(fold, among) if row.participant not in validation
        )

    def validation(self, fold: str, among: Set[str] | None = None) -> list[str]:
        """The inner validation participants of a fold, by whom training stops; one at least is left to train.

        They come from the next fold first, so that folds differ in them; arguments as for `training`. A share
        is one of all who train or are tested in a fold, rounded half up, and at least one of them.
        """
        others = self._others(fold, among)
        wanted = (self.settings or config.Splits()).validation
        if 0 < wanted < 1:
            usable = self.present if among is None else self.present & among
            part = sum(r.participant in usable and r.fold not in (NEW, NEVER) for r in self.rows)
            wanted = max(1, math.floor(wanted * part + 0.5))
        return [row.participant for row in others[: max(0, min(wanted, len(others) - 1))]]

    def _others(self, fold: str, among: Set[str] | None) -> list[Row]:
        """Everyone outside a fold who may train: from the next fold on, each in the random order."""
        usable = self.present if among is None else self.present & among
        last = max((int(row.fold) for row in self.rows if row.fold.isdecimal()), default=1)

        def order(row: Row) -> tuple[int, int]:
            ahead = (int(row.fold) - int(fold)) % last if row.fold.isdecimal() and fold != ALL else 0
            return ahead, row.rank

        return sorted(
            (r for r in self.rows if r.participant in usable and r.fold not in (NEW, NEVER, fold)), key=order
        )

    def write(self, path: str | Path) -> None:
        """Write the table, and the settings as JSON beside it."""
        lines = ["\t".join(COLUMNS)]
        lines += [f"sub-{r.participant}\t{r.fold}\t{r.rank}\t{r.stratum}" for r in self.rows]
        if self.settings is not None:
            write_json(Path(path).with_suffix(".json"), self.settings.model_dump())
        write_text(path, "\n".join(lines) + "\n")


def assign(
    candidates: list[str],
    settings: config.Splits,
    pinned: Splits | None = None,
    strata: dict[str, str] | None = None,
    waiting: Iterable[str] = (),
) -> Splits:
    """Deal participants to folds; whoever has a fold keeps it.

    Args:
        candidates: labels of the participants who have the target; their order does not matter.
        settings: the study's; where they would deal otherwise than the pinned ones, everyone is dealt anew.
        pinned: the splits made before, if any.
        strata: participant -> value of the column to stratify by.
        waiting: labels of those whose target cannot be used as it is: dealt along, but not before all others, so
            that they take part as soon as it is mended, and nobody moves.

    Raises:
        RecontrastError: fewer than two candidates to be dealt, or nobody who may train.
    """
    present = frozenset(candidates)
    anew = pinned is None or dealt_anew(pinned, settings)
    if anew and len(present) < 2:
        count = f"only {len(present)} participant{'' if present else 's'}" if present else "no participants"
        remedy = "add participants; a model is never tested on those it was trained on"
        raise RecontrastError(f"{count} with the target, but splits need at least two", remedy=remedy)
    everyone = sorted(present | set(waiting))
    strata = {label: " ".join((strata or {}).get(label, "").split()) or "n/a" for label in everyone}
    stratum = {label: strata[label] for label in sorted(present)}
    if anew:
        named = [label for label in stratum if label in settings.never_train]
        rows = _deal({label: stratum[label] for label in stratum if label not in named}, settings)
        rows += [Row(label, NEVER, len(rows) + n, stratum[label]) for n, label in enumerate(named)]
        joining = settings.model_copy(update={"include_new": True})
        rows = _add(strata, joining, rows, frozenset(everyone))
    else:
        rows = _add(stratum, settings, _keep(pinned.rows, settings), present)
    splits = Splits(tuple(sorted(rows, key=lambda row: row.participant)), settings, present)
    if all(row.fold in (NEW, NEVER) for row in rows):
        remedy = "set splits.include_new: true, or delete the splits to have them remade"
        why = "all were added after the splits were made, or are listed in splits.never_train"
        raise RecontrastError(
            f"no participant with the target is available for training: {why}", remedy=remedy
        )
    if anew and settings.test and splits.folds and not splits.training(splits.folds[0]):
        raise RecontrastError("splits.test leaves no participants for training", remedy="name fewer")
    return splits


def dealt_anew(pinned: Splits, settings: config.Splits) -> bool:
    """Whether the study's settings would deal otherwise than those of the pinned splits did."""
    return pinned.settings is not None and _dealing(pinned.settings) != _dealing(settings)


def _dealing(settings: config.Splits) -> dict:
    """The settings that decide who goes to which fold."""
    matter = {
        "kfold": {"folds", "stratify"},
        "holdout": {"holdout", "test", "stratify"},
        "leave-one-out": set(),
    }
    return settings.model_dump(include={"scheme", "seed", *matter[settings.scheme]})


def _keep(rows: Iterable[Row], settings: config.Splits) -> list[Row]:
    """Pinned rows: who shall never train leaves the fold, who may again is as if newly come."""
    never = settings.never_train
    return [
        replace(row, fold=NEVER if row.participant in never else NEW if row.fold == NEVER else row.fold)
        for row in rows
    ]


def _deal(stratum: dict[str, str], settings: config.Splits) -> list[Row]:
    """Everyone to a fold: sizes differ by one at most, in all and within each stratum."""
    rng = np.random.default_rng(settings.seed)
    labels = sorted(stratum)
    rank = dict(zip(labels, rng.permutation(len(labels)).tolist(), strict=True))
    # One stratum after the other, each in random order: dealing like cards is then balanced in both ways.
    order = sorted(labels, key=lambda label: (stratum[label], rank[label]))
    if settings.scheme == "leave-one-out":
        folds = {label: str(i) for i, label in enumerate(labels, 1)}
    elif settings.scheme == "kfold":
        count = min(settings.folds, len(order))
        folds = {label: str(i % count + 1) for i, label in enumerate(order)}
    elif settings.test:
        folds = {label: "1" if label in settings.test else TRAINING for label in order}
    else:
        held = min(max(1, round(settings.holdout * len(order))), len(order) - 1)
        turns = [(i + 1) * held // len(order) > i * held // len(order) for i in range(len(order))]
        folds = {label: "1" if turn else TRAINING for label, turn in zip(order, turns, strict=True)}
    return [Row(label, folds[label], rank[label], stratum[label]) for label in labels]


def _add(stratum: dict[str, str], settings: config.Splits, rows: list[Row], present: Set[str]) -> list[Row]:
    """The pinned rows, and a row for each newcomer after them."""
    known = {row.participant: row for row in rows}
    waiting = [label for label in sorted(present) if label not in known]
    order = np.random.default_rng([settings.seed, len(rows)]).permutation(len(waiting))
    first = max((row.rank for row in rows), default=-1) + 1
    named = dict.fromkeys(settings.never_train, NEVER) | dict.fromkeys(settings.test, "1")
    newcomers = [
        Row(waiting[i], named.get(waiting[i], NEW), first + n, stratum[waiting[i]])
        for n, i in enumerate(order)
    ]
    if not settings.include_new:
        return [*rows, *newcomers]
    joined = {row.participant: row for row in (*rows, *newcomers)}
    joining = [r for r in joined.values() if r.fold == NEW and r.participant in present]
    for row in sorted(joining, key=lambda r: r.rank):
        fold = _smallest([r for r in joined.values() if r.participant in present], row.stratum, settings)
        if settings.scheme == "leave-one-out":
            fold = str(1 + max((int(r.fold) for r in joined.values() if r.fold.isdecimal()), default=0))
        joined[row.participant] = Row(row.participant, fold, row.rank, row.stratum)
    return list(joined.values())


def _smallest(rows: list[Row], stratum: str, settings: config.Splits) -> str:
    """The fold for one more participant of a stratum: the fewest of it, then the fewest in all."""
    if settings.scheme == "holdout":
        return TRAINING
    alike = Counter(row.fold for row in rows if row.stratum == stratum)
    every = Counter(row.fold for row in rows)
    return min(map(str, range(1, settings.folds + 1)), key=lambda fold: (alike[fold], every[fold]))


def read(path: str | Path) -> Splits | None:
    """The splits in a file: written by `Splits.write`, edited, or brought along; None if there is none.

    Columns participant_id and fold are needed; without rank the order of the lines is taken. Without the JSON
    file beside it, the splits hold whatever the settings of the study.

    Raises:
        RecontrastError: the first thing in either file that is not as it should be.
    """
    path = Path(path)
    if not path.exists():
        return None
    table = tsv.read(path)
    if not table or not {"participant_id", "fold"} <= set(table[0]):
        raise _broken(path, "has no rows, or lacks the columns participant_id and fold")
    rows = [_parse(path, number, line) for number, line in enumerate(table)]
    for what, values in (("participant", [r.participant for r in rows]), ("rank", [r.rank for r in rows])):
        value, count = Counter(values).most_common(1)[0]
        if count > 1:
            raise _broken(path, f"has {what} {value} {count} times")
    rows = sorted(rows, key=lambda row: row.participant)
    return Splits(
        tuple(rows), _read_settings(path.with_suffix(".json")), frozenset(r.participant for r in rows)
    )


def _parse(path: Path, number: int, line: dict[str, str]) -> Row:
    """One line of the table."""
    participant = line["participant_id"].strip().removeprefix("sub-")
    fold, rank = line["fold"].strip(), line.get("rank", str(number)).strip()
    if not (participant.isascii() and participant.isalnum()):
        raise _broken(path, f"line {number + 2}: {line['participant_id']!r} is not a valid participant label")
    numbered = fold.isascii() and fold.isdecimal() and not fold.startswith("0")
    if fold not in (TRAINING, NEW, NEVER) and not numbered:
        words = f"neither 1, 2, ... nor {TRAINING}, {NEW} or {NEVER}"
        raise _broken(path, f"line {number + 2}: fold {fold!r} is {words}")
    if not (rank.isascii() and rank.isdecimal()):
        raise _broken(path, f"line {number + 2}: rank {rank!r} is not a whole number")
    return Row(participant, fold, int(rank), line.get("stratum", "").strip() or "n/a")


def _read_settings(path: Path) -> config.Splits | None:
    """The settings beside a table."""
    if not path.exists():
        return None
    try:
        return config.Splits.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, pydantic.ValidationError) as error:
        raise _broken(path, "does not contain the settings of splits") from error


def _broken(path: Path, problem: str) -> RecontrastError:
    return RecontrastError(problem, file=path, remedy="correct it, or delete it to have the splits remade")
