"""A frozen model before the images of one session."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import nibabel as nib
import numpy as np

from ..errors import RecontrastError
from ..masks import Box
from ..models import recipes
from ..models.interface import Model, Run, Volumes, method_module
from ..models.model_file import read_method
from ..models.volumes import read_volumes
from ..tables import MISSING

ABSENT = Path(MISSING)


@dataclass(frozen=True)
class Loaded:
    """What a prediction needs, in memory.

    Attributes:
        facts: the model's card.
        module: its method.
        model: weights and constants.
        volumes: the session's images, cropped to what the method looks at.
        box: the part of the grid that they fill.
        grid: image that has the whole grid.
        run: how to compute.
    """

    facts: dict
    module: ModuleType
    model: Model
    volumes: Volumes
    box: Box
    grid: nib.Nifti1Image
    run: Run

    def predict(self) -> np.ndarray:
        """The target, float32, shape of the volumes; values outside the mask mean nothing."""
        return self.module.predict(self.model, self.volumes, self.facts["recipe"], self.run)


def load(
    model: Path,
    card: Path,
    images: list[Path],
    mask: Path,
    *,
    threads: int,
    device: str,
    target: Path | None = None,
) -> Loaded:
    """Read a model and the images of a session, in the order of the card's inputs, all on the grid of the mask.

    Where the method can do without some of them, these are named `n/a`.

    Raises:
        RecontrastError: a file cannot be used, or there are more or fewer images than the model takes.
    """
    frozen, facts = read_method(model, card)
    if len(images) != len(facts["inputs"]):
        raise RecontrastError(
            f"the model takes {len(facts['inputs'])} images, but was given {len(images)}",
            file=card,
            remedy=f"give {', '.join(facts['inputs'])}, in this order",
        )
    there = [None if image == ABSENT else image for image in images]
    lacking = [name for name, image in zip(facts["inputs"], there, strict=True) if image is None]
    given = [name for name in facts["inputs"] if name not in lacking]
    if not recipes.load(facts["method"]).suffice(given, facts["inputs"]):
        raise RecontrastError(f"the model requires {', '.join(lacking)}", file=card)
    module = method_module(facts["method"])
    volumes, box, grid = read_volumes(mask.name, there, target, mask, module.margin(facts["recipe"]))
    run = Run(seed=facts["seed"], threads=threads, device=device)
    return Loaded(facts, module, frozen, volumes, box, grid, run)
