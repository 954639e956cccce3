"""Wei 2019's voxel-wise multilayer perceptron, as 1x1x1 convolutions: it sees one voxel of every contrast."""

import itertools
from functools import partial

from torch import nn

from ..models.recipes import Recipe
from ..trainer import cubes
from ..trainer.slabs import Slabs, slabs


def margin(recipe: Recipe) -> int | None:
    """None is needed around the mask; whole images where the background counts."""
    return None if recipe["region"] == "image" else 0


def build(contrasts: int, recipe: Recipe) -> nn.Sequential:
    """The network: `layers` hidden layers of `neurons` with ReLU, and a linear output."""
    widths = [contrasts] + [recipe["neurons"]] * recipe["layers"]
    modules: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        modules += [nn.Conv3d(before, after, 1), nn.ReLU()]
    network = nn.Sequential(*modules, nn.Conv3d(widths[-1], 1, 1))
    return cubes.initialise(network, recipe["initialisation"])


def blocks(shape: tuple[int, int, int], recipe: Recipe) -> Slabs:
    """The slabs of a volume."""
    return slabs(shape, recipe["neurons"], halo=0)


fit = partial(cubes.fit, build=build, blocks=blocks)
predict = partial(cubes.predict, build=build, blocks=blocks)
applied = partial(cubes.applied, build=build, blocks=blocks)
