"""How long a frozen model takes."""

import time
from pathlib import Path
from typing import Literal

from .. import images as files
from .loaded import load


def time_prediction(
    *,
    model: Path,
    card: Path,
    images: list[Path],
    mask: Path,
    output: Path,
    experiment: str,
    repeats: int = 3,
    threads: int = 1,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> None:
    """Measure the prediction time of a model for one session, without program start, reading and writing.

    Args:
        model: safetensors file of weights.
        card: the model's JSON card.
        images: the session's images, in the order of the card's inputs, all on the grid of the mask.
        mask: where to predict.
        output: JSON file to write: experiment, seconds, device, threads, voxels.
        experiment: the experiment of the model.
        repeats: number of predictions; the shortest time counts, as other processes can only lengthen it.
        threads: CPU threads.
        device: auto uses the GPU if there is one.
    """
    loaded = load(model, card, images, mask, threads=threads, device=device)
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        loaded.predict()
        taken.append(time.perf_counter() - begun)
        print(f"{taken[-1]:.3f} s", flush=True)
    found = {"experiment": experiment, "seconds": round(min(taken), 4), "device": _name(device)}
    files.write_json(output, found | {"threads": threads, "voxels": loaded.volumes.mask.size})


def _name(device: str) -> str:
    """What a method computes on that can use a GPU; the others are asked for on the CPU."""
    if device == "cpu":
        return "CPU"
    import torch

    from ..trainer.device import choose

    return torch.cuda.get_device_name() if choose(device).type == "cuda" else "CPU"
