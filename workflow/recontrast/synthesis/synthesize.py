"""Apply a frozen model to one session."""

from pathlib import Path
from typing import Literal

import numpy as np

from ..images import write
from .loaded import ABSENT, load


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
    """Synthesise the target contrast of a model for one session, inside the mask.

    Args:
        model: safetensors file of weights.
        card: the model's JSON card.
        images: the session's images, in the order of the card's inputs, all on the grid of the mask; n/a if it
            has none and the method can do without.
        mask: where to synthesise.
        output: image to write, zero outside the mask, in the units of the training targets.
        threads: CPU threads.
        device: auto uses the GPU if there is one.
    """
    loaded = load(model, card, images, mask, threads=threads, device=device)
    facts, inside = loaded.facts, loaded.volumes.mask
    result = np.zeros(loaded.grid.shape[:3], dtype=np.float32)
    result[loaded.box] = np.where(inside, loaded.predict(), 0)
    used = [(name, path) for name, path in zip(facts["inputs"], images, strict=True) if path != ABSENT]
    sidecar = {
        "Synthetic": True,
        "Sources": [str(path) for path in [*dict(used).values(), mask]],
        "Method": facts["method"],
        "Recipe": facts["recipe"],
        "Inputs": [name for name, _ in used],
        "Contrast": facts["target"],
        "ModelHash": facts["model_sha256"],
    }
    write(output, result, loaded.grid, facts=sidecar)
    median = np.median(result[loaded.box][inside])
    print(f"{facts['method']}: {output.name}, median {median:.0f} inside the mask")
