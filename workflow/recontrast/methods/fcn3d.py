"""Wei 2019: a few 3x3x3 convolutions from all contrasts to the target, at full resolution throughout."""

import itertools
from functools import partial

from torch import nn

from ..models.recipes import Recipe
from ..trainer import cubes
from ..trainer.slabs import Slabs, slabs


def margin(recipe: Recipe) -> int | None:
    """The reach of its convolutions; whole images where the background counts."""
    return None if recipe["region"] == "image" else recipe["layers"] + 1


class Convolutions(nn.Sequential):
    """Convolutions that keep the shape of an image.

    In training on cubes whose rim is as wide as they see, they leave the rim out instead of computing it: the
    voxels that count are the same.
    """

    shrinks = False

    def train(self, mode: bool = True) -> "Convolutions":
        for module in self:
            if isinstance(module, nn.Conv3d):
                module.padding = (0 if mode and self.shrinks else 1,) * 3
        return super().train(mode)


def build(contrasts: int, recipe: Recipe) -> Convolutions:
    """The network: `layers` convolutions with ReLU to `filters` maps each, and a linear one to the target."""
    widths = [contrasts] + [recipe["filters"]] * recipe["layers"]
    modules: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        modules += [nn.Conv3d(before, after, 3, padding=1), nn.ReLU()]
    network = Convolutions(*modules, nn.Conv3d(widths[-1], 1, 3, padding=1))
    network.shrinks = recipe["crop"] > 0 and recipe["rim"] > recipe["layers"]
    return cubes.initialise(network, recipe["initialisation"])


def blocks(shape: tuple[int, int, int], recipe: Recipe) -> Slabs:
    """The slabs of a volume, each with what its convolutions reach."""
    return slabs(shape, recipe["filters"], halo=recipe["layers"] + 1)


fit = partial(cubes.fit, build=build, blocks=blocks)
predict = partial(cubes.predict, build=build, blocks=blocks)
applied = partial(cubes.applied, build=build, blocks=blocks)
