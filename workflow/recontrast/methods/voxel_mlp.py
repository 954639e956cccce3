"""Wei 2019's voxel-wise multilayer perceptron, as 1x1x1 convolutions: it sees one voxel of every contrast."""

import itertools

import numpy as np
import torch
from torch import nn

from ..trainer import cubes
from .interface import Cohort, Model, Run, Volumes
from .recipes import Recipe


def margin(recipe: Recipe) -> int | None:
    """None is needed around the mask; whole images where the background counts."""
    return None if recipe["region"] == "image" else 0


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Train on z-scored volumes or cubes; keep the epoch with the lowest validation error."""
    return cubes.fit(cohort, recipe, run, build, forward)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target, float32 (x, y, z), in the units of the training targets; slab by slab."""
    return cubes.predict(model, volumes, recipe, run, build, forward)


def build(contrasts: int, recipe: Recipe) -> nn.Sequential:
    """The network: `layers` hidden layers of `neurons` with ReLU, and a linear output."""
    widths = [contrasts] + [recipe["neurons"]] * recipe["layers"]
    modules: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        modules += [nn.Conv3d(before, after, 1), nn.ReLU()]
    return nn.Sequential(*modules, nn.Conv3d(widths[-1], 1, 1))


def forward(network: nn.Module, inputs: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Apply the network to (contrasts, x, y, z), in slabs."""
    return cubes.in_slabs(network, inputs, channels=recipe["neurons"], halo=0)
