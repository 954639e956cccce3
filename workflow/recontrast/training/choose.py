"""Of several models that were trained for one fold, the one that suits its validation participants best."""

import json
import shutil
from pathlib import Path
from typing import Literal

import numpy as np

from .. import images
from ..errors import RecontrastError
from ..models.interface import Run, method_module
from ..models.model_file import read_method
from .train import read_list, read_role


def choose(
    *,
    candidates: list[Path],
    candidate_cards: list[Path],
    candidate_losses: list[Path],
    settings: str,
    sessions: Path,
    model: Path,
    card: Path,
    losses: Path,
    packed: Path | None = None,
    threads: int = 1,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> None:
    """Choose the model with the smallest mean squared error inside the masks of the validation sessions.

    Their losses are not compared, as candidates may use different ones.

    Args:
        candidates: safetensors files of the models to choose from.
        candidate_cards: their cards.
        candidate_losses: their losses by epoch.
        settings: how they differ, as JSON: number of each candidate -> recipe values, in the same order.
        sessions: the table that they were trained on; its validation sessions are used.
        model: copy of the chosen model to write.
        card: its card; `chosen` has the settings chosen, and the error of every candidate.
        losses: copy of its losses.
        packed: folder in which trainings share the sessions as arrays; None: they are read from their images, one
            at a time.
        threads: CPU threads.
        device: auto uses the GPU if there is one.

    Raises:
        RecontrastError: there is no validation session.
    """
    given = json.loads(settings)
    found = [read_method(*both) for both in zip(candidates, candidate_cards, strict=True)]
    facts = found[0][1]
    entries = read_list(sessions, facts["inputs"], facts["target"])
    validation = [entry for entry in entries if entry.role == "validation"]
    if not validation:
        raise RecontrastError(
            "lists no validation session to choose by", file=sessions, remedy="raise splits.validation"
        )
    squares: dict[str, list[float]] = {number: [] for number in given}
    for entry in validation:
        for number, (frozen, facts) in zip(given, found, strict=True):
            module, recipe = method_module(facts["method"]), facts["recipe"]
            run = Run(seed=facts["seed"], threads=threads, device=device)
            (one,) = read_role([entry], "validation", module.margin(recipe), packed=packed)
            difference = (module.predict(frozen, one, recipe, run) - one.target)[one.mask]
            squares[number].append(float(np.square(difference, dtype=np.float64).mean()))
    errors = {number: float(np.mean(each)) for number, each in squares.items()}
    for number, changed in given.items():
        print(
            f"candidate {number} {json.dumps(changed)}: mean squared error {errors[number]:.6g}", flush=True
        )
    best = min(errors, key=errors.get)
    place = list(given).index(best)
    print(f"chosen: candidate {best}")
    copies = {candidates[place]: model, candidate_losses[place]: losses}
    described = candidate_losses[place].with_suffix(".json")  # its columns
    copies |= {described: losses.with_suffix(".json")} if described.is_file() else {}
    for source, copy in copies.items():
        with images.replacing(copy) as partial:
            shutil.copyfile(source, partial)
    listed = [
        {"number": int(number), "settings": given[number], "validation_mse": error}
        for number, error in errors.items()
    ]
    images.write_json(card, found[place][1] | {"chosen": {"number": int(best), "candidates": listed}})
