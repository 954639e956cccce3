"""Whether an output folder holds what its plan names, undamaged, and nobody was judged by a model that saw them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console

from . import layout, lock
from .errors import RecontrastError
from .images import UNREADABLE
from .layout import MODEL, MODEL_CARD, fill
from .models import pseudonyms
from .models.card import read_card
from .models.model_file import read_method
from .without_pydicom import nibabel as nib

console = Console(highlight=False)


def verify(folder: Path) -> int:
    """Print what is wrong with an output folder, a line each; 1 if anything is.

    Raises:
        RecontrastError: it is no output folder.
    """
    path = folder / layout.PLAN
    if not path.is_file():
        raise RecontrastError(
            "contains no results of recontrast run", file=folder, remedy="give an output folder"
        )
    if living := lock.holder(folder):
        console.print(
            f"a run is in progress there (process {living['pid']} on {living['host']}); this is the state so far"
        )
    plan = json.loads(path.read_text(encoding="utf-8"))
    models = {(p["model"], p["fold"]) for s in plan["sessions"] for p in s["experiments"].values()}
    wrong = [
        *_keyless(folder, models),
        *_damaged(folder, [*plan["results"], layout.REPORT]),
        *_broken(folder, models, {*plan["results"]}),
        *_judged_by_their_own(folder, plan),
    ]
    for problem in wrong:
        console.print(f"wrong: {problem}", markup=False, soft_wrap=True)
    there = len(plan["results"]) + 1  # the report, which is no result in the plan
    judged = sum(p["acquired"] for s in plan["sessions"] for p in s["experiments"].values())
    if not wrong:
        console.print(
            f"all {there} results exist and all images can be read; {len(models)} models are unchanged since training;"
            f" none of the {judged} synthetic images that were scored comes from a model that saw the participant",
            soft_wrap=True,
        )
    return 1 if wrong else 0


def _keyless(folder: Path, models: set[tuple[str, str]]) -> Iterator[str]:
    """The key to the people in model cards, where there are models and it is not."""
    if models and not pseudonyms.read(folder / layout.PSEUDONYMS):
        yield f"{layout.PSEUDONYMS}: is missing, and with it the key to whom the models saw; run the study again"


def _damaged(folder: Path, results: list[str]) -> Iterator[str]:
    """Results that are not there or empty, and images that cannot be read to their end or hold what is no number."""
    for name in results:
        file = folder / name
        if not file.is_file():
            yield f"{name}: is missing; run the study again"
        elif not file.stat().st_size:
            yield f"{name}: is empty; delete it and run the study again"
        elif name.endswith(".nii.gz"):
            try:
                values = np.asarray(nib.load(file).dataobj)
            except UNREADABLE:
                yield f"{name}: cannot be read; delete it and run the study again"
                continue
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                yield f"{name}: contains values that are not finite; delete it and run the study again"


def _broken(folder: Path, models: set[tuple[str, str]], told: set[str]) -> Iterator[str]:
    """Models that are not there, unless that is told of already, or whose weights are not those of their card."""
    for model, fold in sorted(models):
        names = [fill(pattern, experiment=model, fold=fold) for pattern in (MODEL, MODEL_CARD)]
        if missing := [name for name in names if not (folder / name).is_file()]:
            yield from (f"{name}: is missing; run the study again" for name in missing if name not in told)
            continue
        try:
            read_method(*(folder / name for name in names))
        except RecontrastError as error:
            yield str(error)


def _judged_by_their_own(folder: Path, plan: dict) -> Iterator[str]:
    """Sessions that are compared with what a model made that was trained, or stopped, by the same person.

    Models of whom that cannot be told are named too: the key by which they name people is another one.
    """
    key = pseudonyms.read(folder / layout.PSEUDONYMS)
    people = {session["participant_id"] for session in plan["sessions"]}
    seen: dict[str, set[str]] = {}
    for session in plan["sessions"]:
        for name, made in session["experiments"].items():
            card = fill(MODEL_CARD, experiment=made["model"], fold=made["fold"])
            if made["acquired"] and card not in seen:
                sessions = _sessions_of(folder / card)
                named = pseudonyms.labels(sessions, key, people)
                seen[card] = {label.partition("_")[0] for label in named}
                if key and any("participant" in one for one in sessions) and not seen[card] & people:
                    yield (
                        f"{card}: this {layout.PSEUDONYMS} does not tell whom the model saw; restore the one that it"
                        " was trained with, or delete the model and run the study again"
                    )
            if made["acquired"] and session["participant_id"] in seen[card]:
                yield f"{session['session']}: {name} is by the model of fold {made['fold']}, which saw this participant"


def _sessions_of(card: Path) -> list[dict]:
    """What a model learned from; nothing where its card cannot be read, which is told of already."""
    try:
        return read_card(card).get("sessions", []) if card.is_file() else []
    except RecontrastError:
        return []
