"""Osman 2022: a small 2D U-Net from one contrast (or several) to another, slice by slice."""

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..models.contradictions import refuse
from ..models.interface import Cohort, Model, Run, Volumes
from ..models.normalisation import mean_and_sd, percentile_scale
from ..models.recipes import Recipe
from ..trainer import device as devices
from ..trainer.applied import Applied, by_slices, restored, slices_of
from ..trainer.loop import Batch, train
from ..trainer.slices import SlicePool, SliceTask, centring
from ..trainer.stopping import patience


def margin(recipe: Recipe) -> int | None:
    """Whole images where slices are resized, as their size decides how large a voxel becomes, or count as a whole."""
    return None if recipe["size"] or recipe["region"] == "image" else 0


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Train on the slices that show the region; keep the epoch with the lowest validation error.

    Raises:
        RecontrastError: values of the recipe contradict each other.
    """
    refuse("unet2d", recipe, len(cohort.training[0].inputs))
    device = devices.begin(run)
    *inputs, target = np.median([own_scales(session, recipe) for session in cohort.training], axis=0).tolist()
    constants = {"inputs": inputs, "target": target}
    training, validation = (
        SlicePool(
            (prepare(session, constants, recipe) for session in sessions),
            device,
            folder=run.checkpoint,
            axis=recipe["axis"],
            multiple=coarsest(recipe),
            region=recipe["region"],
        )
        if sessions
        else None
        for sessions in (cohort.training, cohort.validation)
    )
    task = _Slices(UNet(training.inputs.shape[1], recipe), training, validation, recipe)
    stop = partial(patience, epochs=recipe["patience"])
    outcome = train(task, run, epochs=recipe["epochs"], stop=stop, bfloat16=recipe["bfloat16"])
    return Model(outcome.weights, constants, outcome.losses, outcome.best_epoch)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target, float32 (x, y, z), in the units of the training targets; a few slices at a time."""
    return applied(model, volumes, recipe, run).predict()


def applied(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> Applied:
    """The network before the slices of one session."""
    device = devices.begin(run)
    network = restored(UNet(len(volumes.inputs), recipe), model, device)
    inputs = torch.from_numpy(scale(volumes, model.constants, recipe).inputs).to(device)

    def resized(slices: torch.Tensor) -> torch.Tensor:
        return from_square(network(to_square(slices, recipe["size"])), slices.shape[2:])

    axis = recipe["axis"]
    forward = by_slices(resized, axis, 1) if recipe["size"] else by_slices(network, axis, coarsest(recipe))
    blocks = slices_of(inputs.shape[axis + 1])
    offset, divisor = model.constants["target"]
    own = offset, divisor
    if recipe["scale"] == "session" and volumes.target is not None:
        own = own_scales(volumes, recipe)[-1]
    return Applied(inputs, forward, blocks, scale=divisor, offset=offset, axis=axis, own=own[::-1])


def prepare(session: Volumes, constants: dict[str, list], recipe: Recipe) -> Volumes:
    """A session as the network sees it: scaled, without background, its slices resized."""
    scaled = scale(session, constants, recipe)
    if not recipe["size"]:
        return scaled
    axis = recipe["axis"]
    images = np.stack([*scaled.inputs, scaled.target, scaled.mask.astype(np.float32), scaled.weights])
    slices = to_square(torch.from_numpy(images).movedim(axis + 1, 0), recipe["size"])
    *inputs, target, mask, weights = slices.movedim(0, axis + 1).numpy()
    emphasis = session.emphasis
    if emphasis is not None:  # the splines of the resizing overshoot, and fall where the mask ends
        emphasis = np.clip(weights / np.maximum(mask, 0.5), emphasis.min(), emphasis.max())
    return replace(scaled, inputs=np.stack(inputs), target=target, mask=mask > 0.5, emphasis=emphasis)


def scale(session: Volumes, constants: dict[str, list], recipe: Recipe) -> Volumes:
    """Inputs, and the target if there is one, minus an offset, over a divisor, and 0 outside the mask."""
    pairs = [*constants["inputs"], constants["target"]]
    if recipe["scale"] == "session":
        pairs = own_scales(session, recipe)
    images = [*session.inputs, *([] if session.target is None else [session.target])]
    scaled = [
        (image - np.float32(offset)) / np.float32(divisor) * session.mask
        for image, (offset, divisor) in zip(images, pairs, strict=False)
    ]
    count = len(session.inputs)
    return replace(session, inputs=np.stack(scaled[:count]), target=next(iter(scaled[count:]), None))


def own_scales(session: Volumes, recipe: Recipe) -> list[tuple[float, float]]:
    """Offset and divisor of every contrast and, at the end, of the target if there is one."""
    images = [*session.inputs, *([] if session.target is None else [session.target])]
    if recipe["intensity"] == "z-score":
        return [mean_and_sd([image[session.mask]]) for image in images]
    percentile = recipe["percentile"]
    return [(0.0, percentile_scale(image, session.mask, percentile, session.label)) for image in images]


def to_square(slices: torch.Tensor, size: int) -> torch.Tensor:
    """Slices (n, channels, h, w), centred in a square so that nothing is stretched, at size x size."""
    edge = max(slices.shape[2:])
    square = functional.pad(slices, centring(slices.shape[2:], (edge, edge)))
    return functional.interpolate(square, (size, size), mode="bicubic")


def from_square(slices: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Back to the in-plane shape that `to_square` started from."""
    edge = max(shape)
    square = functional.interpolate(slices, (edge, edge), mode="bicubic")
    return functional.pad(square, [-amount for amount in centring(shape, (edge, edge))])


def coarsest(recipe: Recipe) -> int:
    """Voxels of a slice that one voxel of the deepest level covers along a side."""
    return 2 ** (recipe["levels"] - 1)


def dropouts(recipe: Recipe) -> list[float]:
    """Between the two convolutions, by level: 10, 10, 20, 20, 30 % in the paper."""
    return [recipe["dropout"] * (1 + level // 2) for level in range(recipe["levels"])]


class UNet(nn.Module):
    """Two 3x3 convolutions at every level, maps doubling downwards, skips, a 1x1 convolution at the end."""

    def __init__(self, contrasts: int, recipe: Recipe) -> None:
        super().__init__()
        widths = [recipe["filters"] * 2**level for level in range(recipe["levels"])]
        rates = dropouts(recipe)
        transposed = recipe["upsampling"] == "transposed"
        self.down = nn.ModuleList(
            _block(before, after, dropout, recipe["batch_norm"])
            for (before, after), dropout in zip(itertools.pairwise([contrasts, *widths]), rates, strict=True)
        )
        self.grow, self.up = nn.ModuleList(), nn.ModuleList()
        for (fine, coarse), dropout in reversed(
            list(zip(itertools.pairwise(widths), rates[:-1], strict=True))
        ):
            grown = fine if transposed else coarse
            self.grow.append(
                nn.ConvTranspose2d(coarse, fine, 2, stride=2) if transposed else nn.Upsample(scale_factor=2)
            )
            self.up.append(_block(grown + fine, fine, dropout, recipe["batch_norm"]))
        last = {"tanh": nn.Tanh, "linear": nn.Identity, "relu": nn.ReLU}[recipe["output"]]
        self.last = nn.Sequential(nn.Conv2d(widths[0], 1, 1), last())
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """From (n, contrasts, h, w) to (n, 1, h, w); both sides multiples of 2^(levels - 1)."""
        skips = [self.down[0](images)]
        for block in self.down[1:]:
            skips.append(block(functional.max_pool2d(skips[-1], 2)))
        maps = skips.pop()
        for grow, block in zip(self.grow, self.up, strict=True):
            maps = block(torch.cat([grow(maps), skips.pop()], 1))
        return self.last(maps)


def _block(before: int, after: int, dropout: float, batch_norm: bool) -> nn.Sequential:
    def convolution(channels: int) -> list[nn.Module]:
        norm = [nn.BatchNorm2d(after)] if batch_norm else []
        return [nn.Conv2d(channels, after, 3, padding=1), *norm, nn.ReLU()]

    return nn.Sequential(*convolution(before), nn.Dropout(dropout), *convolution(after))


class _Slices(SliceTask):
    """Slices in random order; mean squared or absolute error over the region."""

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        total, voxels = self._error(batch)
        return total / voxels

    def weight(self, batch: Batch) -> torch.Tensor:
        return batch[2].float().sum()

    def validate(self) -> float | None:
        if self.validation is None:
            return None
        sums = [self._error(batch) for batch in self.validation_batches()]
        total, voxels = (float(sum(column)) for column in zip(*sums, strict=True))
        return total / voxels

    def _error(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Sum of the errors over the region by the weights of voxels, and the sum of these."""
        inputs, target, weights = batch
        error = self.network(inputs)[:, 0].float() - target
        error = error.abs() if self.recipe["loss"] == "mae" else error**2
        return (error * weights).sum(), self.weight(batch)
