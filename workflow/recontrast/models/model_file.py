"""A frozen model as it lies on disk: weights, and the card that says how to use them."""

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from ..errors import RecontrastError
from .card import of_method, read_card
from .interface import Model

# The kinds of arrays that numpy has, by their names in a safetensors file.
KINDS = {"BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "I32": "<i4", "U32": "<u4", "I64": "<i8"} | {
    "U64": "<u8", "F16": "<f2", "F32": "<f4", "F64": "<f8"
}  # fmt: skip


def read_model(model: Path, card: Path) -> tuple[Model, dict]:
    """A frozen model and its card; weights are mapped from the file, as those of a search are images of everyone.

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
    facts = read_card(card)
    try:
        weights = _map(model)
    except SafetensorError as error:
        raise RecontrastError(f"is damaged ({error})", file=model, remedy="train the model again") from error
    with open(model, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != facts["model_sha256"]:
        raise RecontrastError(
            "is not the model that its card describes", file=model, remedy="keep both together"
        )
    return Model(weights, facts["constants"]), facts


def read_method(model: Path, card: Path) -> tuple[Model, dict]:
    """The same of a method's model, its card completed: see `card.of_method`."""
    frozen, facts = read_model(model, card)
    return frozen, of_method(facts, card)


def _map(model: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file, read where they are used; who writes to one changes a copy of his own."""
    with safe_open(model, "numpy"):
        pass  # its header is sound, and the file as long as that says
    content = np.memmap(model, np.uint8, "c")
    start = 8 + int.from_bytes(content[:8].tobytes(), "little")
    header = json.loads(content[8:start].tobytes())
    header.pop("__metadata__", None)
    found = {}
    for name, about in header.items():
        first, last = (start + offset for offset in about["data_offsets"])
        found[name] = np.asarray(content[first:last]).view(KINDS[about["dtype"]]).reshape(about["shape"])
    return found
