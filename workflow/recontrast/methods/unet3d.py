"""Wei 2019's small 3D U-Net: two poolings, two deconvolutions with skips, no batch norm."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional

from ..models.recipes import Recipe
from ..trainer import cubes
from ..trainer.slabs import Slabs, slabs

COARSEST = 4  # voxels on a side of the deepest level's voxels, after two poolings
# 22 voxels: the two convolutions of each level, down and up, and what pooling adds; in whole coarsest voxels.
REACH = 24


def margin(recipe: Recipe) -> int | None:
    """The reach of the network; whole images where the background counts."""
    return None if recipe["region"] == "image" else REACH


def build(contrasts: int, recipe: Recipe) -> nn.Module:
    """The network, whose first level has `filters` maps."""
    network = cubes.initialise(_UNet(contrasts, recipe["filters"]), recipe["initialisation"])
    # Two thirds of the time on a CPU for so few maps; wider networks gain nothing.
    return network.to(memory_format=torch.channels_last_3d)


def blocks(shape: tuple[int, int, int], recipe: Recipe) -> Slabs:
    """The slabs of a volume, which begin where coarsest voxels begin."""
    # The last level of the way up sees twice `filters` maps.
    return slabs(shape, 2 * recipe["filters"], halo=REACH, align=COARSEST)


fit = partial(cubes.fit, build=build, blocks=blocks)
predict = partial(cubes.predict, build=build, blocks=blocks)
applied = partial(cubes.applied, build=build, blocks=blocks)


class _UNet(nn.Module):
    """From (n, contrasts, x, y, z) to (n, 1, x, y, z), for sides of any length."""

    def __init__(self, contrasts: int, filters: int) -> None:
        super().__init__()
        high, low, bottom = filters, 2 * filters, 4 * filters
        self.down_high = _twice(contrasts, high)
        self.down_low = _twice(high, low)
        self.bottleneck = _twice(low, bottom)
        self.widen_low = nn.ConvTranspose3d(bottom, low, 2, stride=2)
        self.up_low = _twice(2 * low, low)
        self.widen_high = nn.ConvTranspose3d(low, high, 2, stride=2)
        self.up_high = _twice(2 * high, 2 * high)
        self.last = nn.Conv3d(2 * high, 1, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        shape = inputs.shape[2:]
        # Beyond the image is the mean intensity, which is 0 after z-scoring, as for the convolutions.
        pad = [amount for size in reversed(shape) for amount in (0, -size % COARSEST)]
        high = self.down_high(functional.pad(inputs, pad))
        low = self.down_low(functional.max_pool3d(high, 2))
        bottom = self.bottleneck(functional.max_pool3d(low, 2))
        low = self.up_low(torch.cat([low, self.widen_low(bottom)], dim=1))
        high = self.up_high(torch.cat([high, self.widen_high(low)], dim=1))
        return self.last(high)[:, :, : shape[0], : shape[1], : shape[2]]


def _twice(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(before, after, 3, padding=1), nn.ReLU(), nn.Conv3d(after, after, 3, padding=1), nn.ReLU()
    )
