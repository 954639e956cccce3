"""What a method is given and what it gives back.

A method is a module `recontrast.methods.NAME` with three functions, found by its name:

    def margin(recipe) -> int | None
        # voxels around the mask that it looks at; None: it wants whole images
    def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model
    def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray
        # float32, shape of the mask, in the units of the target; values outside the mask are ignored

Two more are asked for by maps of influence, where a method has them:

    def applied(model, volumes, recipe, run) -> trainer.applied.Applied
        # a network before the images of a session
    def without(model, volumes, number, recipe, run) -> np.ndarray
        # as predict, but with one input left out in the method's own way, all scales as if it were there

Nothing here needs torch: a method may be a forest or a search. Torch methods write a `trainer.loop.Task`
and leave the rest to `trainer.loop.train`.
"""

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np

from ..errors import RecontrastError

Region = Literal["image", "mask"]  # what a loss counts


@dataclass(frozen=True)
class Volumes:
    """The images of one session on one grid, cropped to what the method looks at.

    Attributes:
        label: `sub-01_ses-1`.
        inputs: float32, shape (contrasts, x, y, z).
        target: float32, shape (x, y, z); None where it was not acquired.
        mask: bool, shape (x, y, z).
        spacing: voxel size in mm.
        emphasis: how much a voxel counts in a loss against others, float32, shape (x, y, z); None: all alike.
    """

    label: str
    inputs: np.ndarray
    target: np.ndarray | None
    mask: np.ndarray
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    emphasis: np.ndarray | None = None

    @property
    def weights(self) -> np.ndarray:
        """What a loss over the mask weights voxels by: float32, 0 outside the mask."""
        inside = self.mask.astype(np.float32)
        return inside if self.emphasis is None else inside * self.emphasis

    def weights_over(self, region: Region) -> np.ndarray:
        """What a loss over a region weights voxels by: `weights`, and for `image` 1 outside the mask."""
        return np.where(self.mask, self.weights, np.float32(1)) if region == "image" else self.weights


@dataclass(frozen=True)
class Cohort:
    """Sessions by role; sessions of all roles may differ in shape.

    Attributes:
        training: what the method learns from.
        validation: inner validation sessions, for stopping and for choosing the best epoch; may be empty.
        test: the fold's held-out sessions: empty unless the recipe says `leaks: true`.
    """

    training: list[Volumes]
    validation: list[Volumes] = field(default_factory=list)
    test: list[Volumes] = field(default_factory=list)

    def seen(self, leaks: bool) -> list[Volumes]:
        """The sessions by which intensities are scaled: those of training, or where it leaks everyone's."""
        return [*self.training, *self.validation, *self.test] if leaks else self.training


@dataclass(frozen=True)
class Run:
    """How to compute, as opposed to what.

    Attributes:
        seed: of everything random.
        threads: CPU threads.
        device: `auto`, `cpu` or `cuda`.
        checkpoint: folder for the state of an unfinished training; None: keep none.
        key: digest of data and recipe; a checkpoint with another key is not used.
    """

    seed: int = 1
    threads: int = 1
    device: str = "auto"
    checkpoint: Path | None = None
    key: str = ""

    @property
    def state(self) -> Path | None:
        """The one file of an unfinished training."""
        return self.checkpoint and self.checkpoint / "state.safetensors"

    def forget(self) -> None:
        """Delete the state, and its folder if nothing else lies there."""
        if self.state:
            self.state.unlink(missing_ok=True)
            if self.checkpoint.is_dir() and not any(self.checkpoint.iterdir()):
                self.checkpoint.rmdir()


@dataclass(frozen=True)
class Model:
    """What was learned, as plain arrays and numbers.

    Attributes:
        weights: arrays by name; they go into the safetensors file.
        constants: numbers that the prediction needs (normalisation); they go into the model card.
        losses: one row per epoch for the loss table; empty for a model read from its file.
        best_epoch: the epoch whose weights these are; None where there are no epochs.
    """

    weights: dict[str, np.ndarray]
    constants: dict[str, object]
    losses: list[dict[str, float | int | None]] = field(default_factory=list)
    best_epoch: int | None = None


def method_module(name: str) -> ModuleType:
    """The module of a method; it and what it needs (torch) are imported only now."""
    try:
        return importlib.import_module(f"recontrast.methods.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"recontrast.methods.{name}":
            raise
        raise RecontrastError(
            f"there is no method {name}", remedy="see docs/methods for valid names"
        ) from error
