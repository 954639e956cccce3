"""What is known of the trained models: who they learned from, and by which code."""

import json
from collections.abc import Callable
from pathlib import Path

from .. import layout
from ..models import pseudonyms


def models_of(plan: dict) -> dict[tuple[str, str], dict]:
    """Every model that the plan uses, by name and fold; facts come from its card where there is one.

    Args:
        plan: the plan of the study, as `index` reads it; paths are relative to the working folder.

    Returns:
        For each model `name`, `fold`, `experiment`, `training` and `validation` (session labels),
        `best_epoch` and `parameters` (None if not known), `chosen` (the settings that validation chose, in
        words), `older`: whether the method's code has changed since it was trained, and `holds_images`: whether
        its file holds the training images themselves.
    """
    planned = {
        (name, fold): (name, roles)
        for name, experiment in plan["experiments"].items()
        for fold, roles in experiment["folds"].items()
    }
    # A session that lacks an input may use a model of fewer inputs, with a name of its own.
    for session in plan["sessions"]:
        for name, made in session["experiments"].items():
            planned.setdefault((made["model"], made["fold"]), (name, {}))
    names = list(dict.fromkeys(name for name, _ in planned))
    ordered = sorted(planned, key=lambda key: (names.index(key[0]), not key[1].isdigit(), key[1].zfill(4)))
    key = pseudonyms.read(Path(layout.PSEUDONYMS))
    kinds = ("session", "participant_id")
    known = {session[kind] for session in plan["sessions"] for kind in kinds if kind in session}
    return {
        one: _model(
            *one, *planned[one], plan["experiments"], lambda listed: pseudonyms.labels(listed, key, known)
        )
        for one in ordered
    }


def _model(
    name: str,
    fold: str,
    experiment: str,
    roles: dict,
    experiments: dict,
    labels: Callable[[list[dict]], list[str]],
) -> dict:
    facts = _facts(Path(layout.fill(layout.MODEL_CARD, experiment=name, fold=fold)))
    if facts:
        kinds = ("training", "validation")
        roles = {kind: labels([s for s in facts["sessions"] if s["role"] == kind]) for kind in kinds}
    now, then = experiments[experiment].get("code", ""), facts.get("fingerprint", "")
    return {
        "name": name,
        "fold": fold,
        "experiment": experiment,
        "training": roles.get("training", []),
        "validation": roles.get("validation", []),
        "best_epoch": facts.get("best_epoch"),
        "parameters": facts.get("parameters"),
        "chosen": _chosen(facts.get("chosen")),
        "holds_images": facts.get("constants", {}).get("contains_images", False),
        "older": bool(now and then and now != then),
    }


def _facts(card: Path) -> dict:
    """What a card says; nothing where it is not there or damaged, as `recontrast verify` tells."""
    try:
        facts = json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) and isinstance(facts.get("sessions"), list) else {}


def _chosen(choice: dict | None) -> str:
    """`c2_weight 0.3 (of 5)`, or nothing where there was no choice."""
    if not choice:
        return ""
    settings = next(c["settings"] for c in choice["candidates"] if c["number"] == choice["number"])
    return f"{', '.join(f'{k} {v}' for k, v in settings.items())} (of {len(choice['candidates'])})"


def kind_of(made: dict, session: dict, model: dict) -> str:
    """How a synthetic image came about: `imputed`, `out of fold`, or `seen in training`."""
    if not made["acquired"]:
        return "imputed"
    seen = {label.partition("_")[0] for label in [*model["training"], *model["validation"]]}
    return "seen in training" if session["participant_id"] in seen else "out of fold"
