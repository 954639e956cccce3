"""Lesions by a trained network."""

from pathlib import Path
from typing import Literal

from .. import images
from ..errors import RecontrastError
from ..models.interface import Run
from ..models.model_file import read_model
from . import inputs, network


def segment_lesions(
    *,
    flair: Path,
    mask: Path,
    model: Path,
    card: Path,
    probability: Path,
    lesions: Path,
    t1w: Path | None = None,
    threshold: float = 0.5,
    threads: int = 1,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> None:
    """Segment lesions with a network trained on manual masks of other participants.

    Args:
        flair: prepared FLAIR on the reference grid, acquired or synthetic.
        mask: brain mask on the same grid.
        model: safetensors file of weights.
        card: its JSON card.
        probability: lesion probability to write.
        lesions: lesion mask to write.
        t1w: prepared T1w on the same grid, for networks that were trained on it too.
        threshold: probability from which a voxel counts as lesion.
        threads: CPU threads.
        device: auto uses the GPU if there is one.

    Raises:
        RecontrastError: images on different grids, a mask that is no brain, an image that is no FLAIR, or a network
            that sees other images.
    """
    frozen, facts = read_model(model, card)
    image, brain = inputs.read_flair(flair, mask)
    given = {"flair": flair} | ({"t1w": t1w} if t1w else {})
    if list(given) != facts["images"]:
        raise RecontrastError(
            f"was trained on {' and '.join(facts['images'])} but was given {' and '.join(given)}",
            file=card,
            remedy="give what it was trained on",
        )
    found = network.probability(
        frozen.weights,
        inputs.read_together(image, list(given.values())[1:], brain),
        brain,
        network.Settings(**facts["settings"]),
        Run(seed=facts["seed"], threads=threads, device=device),
    )
    mine = found >= threshold
    print(f"{mine.sum() * inputs.voxel_volume(image):.2f} ml of lesions", flush=True)
    told = {
        "Sources": [str(path) for path in (*given.values(), mask, model)],
        "Method": "3D network",
        "ModelHash": facts["model_sha256"],
    }
    images.write(probability, found, image, facts=told)
    images.write(lesions, mine, image, facts=told | {"Threshold": threshold, "Type": "Lesion"})
