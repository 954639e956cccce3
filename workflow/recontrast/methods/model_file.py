"""A frozen model as it lies on disk: weights, and the card that says how to use them."""

import hashlib
import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load

from ..errors import RecontrastError
from .interface import Model


def read_model(model: Path, card: Path) -> tuple[Model, dict]:
    """A frozen model and its card.

    Raises:
        RecontrastError: a file is missing or damaged, or the two do not belong together.
    """
    for path in (model, card):
        if not path.is_file():
            there = sorted(
                one.parent.name for one in path.parent.parent.glob("*/model.safetensors") if path == model
            )
            remedy = f"there are {', '.join(there)}" if there else "train the model first"
            raise RecontrastError("does not exist", file=path, remedy=remedy)
    try:
        facts = json.loads(card.read_text(encoding="utf-8"))
        content = model.read_bytes()
        weights = load(content)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RecontrastError(
            f"is not a model card ({error})", file=card, remedy="train the model again"
        ) from error
    except SafetensorError as error:
        raise RecontrastError(f"is damaged ({error})", file=model, remedy="train the model again") from error
    if hashlib.sha256(content).hexdigest() != facts.get("model_sha256"):
        raise RecontrastError(
            "is not the model that its card describes", file=model, remedy="keep both together"
        )
    return Model(weights, facts["constants"]), facts
