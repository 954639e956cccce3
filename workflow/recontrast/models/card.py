"""The card of a frozen model: what it must hold, and what a card of an older version is taken to say."""

import json
from pathlib import Path

from ..errors import RecontrastError
from . import recipes

AGAIN = "train the model again"
# What every model is used by, whatever learned it ...
COMMON = {"constants": dict, "model_sha256": str}
# ... and one of a method.
OF_METHODS = {"method": str, "recipe": dict, "inputs": list, "target": str, "seed": int, "sessions": list} | {
    "versions": dict,
    "voxel_sizes": list,
}
_KINDS = {dict: "a table", str: "text", list: "a list", int: "a whole number"}


def read_card(card: Path) -> dict:
    """The card of any model.

    Raises:
        RecontrastError: it is no card.
    """
    try:
        facts = json.loads(card.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RecontrastError(f"is not a model card ({error})", file=card, remedy=AGAIN) from error
    _check(facts, COMMON, card)
    return facts


def of_method(facts: dict, card: Path) -> dict:
    """The card of a method's model, its recipe completed by keys that the method got only after its training.

    Args:
        facts: as `read_card` gives them.
        card: the file, for messages.

    Raises:
        RecontrastError: something is missing, or the model is of a form that the method has no more.
    """
    _check(facts, OF_METHODS, card)
    try:
        recipe = recipes.complete(facts["method"], facts["recipe"])
    except RecontrastError as error:
        made = facts["versions"].get("recontrast", "an unknown version")
        raise RecontrastError(
            f"was written by recontrast {made}: {error}",
            file=card,
            remedy=f"{AGAIN}, or use it with the code that trained it",
        ) from error
    return facts | {"recipe": recipe}


def _check(facts: object, needed: dict[str, type], card: Path) -> None:
    if not isinstance(facts, dict):
        raise RecontrastError("is not a model card (it holds no keys)", file=card, remedy=AGAIN)
    wrong = [
        f"{key} is {'missing' if key not in facts else f'not {_KINDS[kind]}'}"
        for key, kind in needed.items()
        if not isinstance(facts.get(key), kind)
    ]
    if wrong:
        raise RecontrastError(f"is not a model card ({', '.join(wrong)})", file=card, remedy=AGAIN)
