"""How long a frozen model takes."""

import time
from pathlib import Path
from typing import Literal

from .. import images as files
from ..methods.interface import Run, method_module
from ..methods.model_file import read_model
from ..methods.volumes import read_volumes


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
    """Measure how long a model takes for one session, without starting the program, reading and writing.

    Args:
        model: safetensors file of weights.
        card: the model's JSON card.
        images: the session's images, in the order of the card's inputs, all on the grid of the mask.
        mask: where to predict.
        output: JSON file to write: experiment, seconds, device, threads, voxels.
        experiment: whose model it is.
        repeats: how often to predict; the shortest time counts, as whatever else runs only adds to it.
        threads: CPU threads.
        device: auto takes the GPU where there is one.
    """
    frozen, facts = read_model(model, card)
    module = method_module(facts["method"])
    session = read_volumes(mask.name, images, None, mask, module.margin(facts["recipe"]))[0]
    run = Run(seed=facts["seed"], threads=threads, device=device)
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        module.predict(frozen, session, facts["recipe"], run)
        taken.append(time.perf_counter() - begun)
        print(f"{taken[-1]:.3f} s", flush=True)
    found = {"experiment": experiment, "seconds": round(min(taken), 4), "device": _name(device)}
    files.write_json(output, found | {"threads": threads, "voxels": session.mask.size})


def _name(device: str) -> str:
    """What a method computes on that can use a GPU; the others are asked for on the CPU."""
    if device == "cpu":
        return "CPU"
    import torch

    from ..trainer.device import choose

    return torch.cuda.get_device_name() if choose(device).type == "cuda" else "CPU"
