"""Apply a frozen model to one session."""

from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import RecontrastError
from ..images import write
from ..methods.interface import Run, method_module
from ..methods.model_file import read_model
from ..methods.volumes import read_volumes


def synthesize(
    *,
    model: Path,
    card: Path,
    images: list[Path],
    mask: Path,
    output: Path,
    threads: int = 1,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> None:
    """Make the contrast that a model has learned, for one session, inside its mask.

    Args:
        model: safetensors file of weights.
        card: the model's JSON card.
        images: the session's images, in the order of the card's inputs, all on the grid of the mask.
        mask: where to synthesise.
        output: image to write, zero outside the mask, in the units of the training targets.
        threads: CPU threads.
        device: auto takes the GPU where there is one.
    """
    frozen, facts = read_model(model, card)
    if len(images) != len(facts["inputs"]):
        raise RecontrastError(
            f"the model takes {len(facts['inputs'])} images and was given {len(images)}",
            file=card,
            remedy=f"give {', '.join(facts['inputs'])}, in this order",
        )
    module = method_module(facts["method"])
    recipe = facts["recipe"]
    session, box, grid = read_volumes(mask.name, images, None, mask, module.margin(recipe))
    run = Run(seed=facts["seed"], threads=threads, device=device)
    predicted = module.predict(frozen, session, recipe, run)
    result = np.zeros(grid.shape[:3], dtype=np.float32)
    result[box] = np.where(session.mask, predicted, 0)
    sidecar = {
        "Synthetic": True,
        "Sources": [str(path) for path in [*images, mask]],
        "Method": facts["method"],
        "Recipe": recipe,
        "Inputs": facts["inputs"],
        "Contrast": facts["target"],
        "ModelHash": facts["model_sha256"],
    }
    write(output, result, grid, facts=sidecar)
    print(
        f"{facts['method']}: {output.name}, median {np.median(result[box][session.mask]):.0f} inside the mask"
    )
