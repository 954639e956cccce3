"""Wei 2019's voxel-wise multilayer perceptron, as 1x1x1 convolutions: it sees one voxel of every contrast."""

import itertools

import numpy as np
from torch import nn

from ..trainer import cubes
from ..trainer.applied import Applied, Block
from ..trainer.slabs import slabs
from .interface import Cohort, Model, Run, Volumes
from .recipes import Recipe


def margin(recipe: Recipe) -> int | None:
    """None is needed around the mask; whole images where the background counts."""
    return None if recipe["region"] == "image" else 0


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Train on z-scored volumes or cubes; keep the epoch with the lowest validation error."""
    return cubes.fit(cohort, recipe, run, build, blocks)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target, float32 (x, y, z), in the units of the training targets; slab by slab."""
    return applied(model, volumes, recipe, run).predict()


def applied(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> Applied:
    """The network before the images of one session."""
    return cubes.applied(model, volumes, recipe, run, build, blocks)


def build(contrasts: int, recipe: Recipe) -> nn.Sequential:
    """The network: `layers` hidden layers of `neurons` with ReLU, and a linear output."""
    widths = [contrasts] + [recipe["neurons"]] * recipe["layers"]
    modules: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        modules += [nn.Conv3d(before, after, 1), nn.ReLU()]
    network = nn.Sequential(*modules, nn.Conv3d(widths[-1], 1, 1))
    return cubes.initialise(network, recipe["initialisation"])


def blocks(shape: tuple[int, int, int], recipe: Recipe) -> list[Block]:
    """The slabs of a volume."""
    return list(slabs(shape, recipe["neurons"], halo=0))
