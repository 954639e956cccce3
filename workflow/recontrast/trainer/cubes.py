"""Convolutional networks on z-scored sessions: whole volumes or random cubes to train on, slabs to predict.

A method adds its network, as two functions of its recipe:

    def build(contrasts, recipe) -> nn.Module
        # (n, contrasts, x, y, z) to (n, 1, x, y, z)
    def forward(network, inputs, recipe) -> Tensor
        # (contrasts, x, y, z) to (x, y, z) without gradient, usually `in_slabs`

The recipe's keys that are read here: region (`image`, or `mask`: what z-scores and loss look at), leaks, crop
(edge of the cubes in voxels; 0: whole volumes), crops_per_epoch, batch, optimizer, learning_rate, schedule,
epochs, stop_strip, stop_rises, bfloat16.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..methods.interface import Cohort, Model, Run, Volumes
from ..methods.normalisation import mean_and_sd
from ..methods.recipes import Recipe
from . import device as devices
from .loop import Batch, Task, train
from .rates import rate, set_rate
from .slabs import slabs
from .stopping import strips

MEMORY = 256 * 2**20  # bytes of a slab in one hidden layer

Build = Callable[[int, Recipe], nn.Module]
Forward = Callable[[nn.Module, torch.Tensor, Recipe], torch.Tensor]


def fit(cohort: Cohort, recipe: Recipe, run: Run, build: Build, forward: Forward) -> Model:
    """Train on z-scored volumes or cubes; keep the epoch with the lowest validation error.

    With leaks, as in Wei 2019, all sessions give the z-scores and the test sessions decide when to stop.
    """
    device = devices.begin(run)
    judges = cohort.validation
    seen = cohort.training
    if recipe["leaks"]:
        seen = cohort.training + cohort.validation + cohort.test
        judges = [session for session in cohort.test if session.target is not None]
    constants = z_scores(seen, recipe)
    task = _Cubes(
        build(len(cohort.training[0].inputs), recipe).to(device),
        partial(forward, recipe=recipe),
        [_Resident.of(session, constants, recipe, device) for session in cohort.training],
        [_Resident.of(session, constants, recipe, device) for session in judges],
        recipe,
    )
    stop = partial(strips, length=recipe["stop_strip"], rises=recipe["stop_rises"])
    outcome = train(task, run, epochs=recipe["epochs"], stop=stop, bfloat16=recipe["bfloat16"])
    return Model(outcome.weights, constants, outcome.losses, outcome.best_epoch)


def predict(
    model: Model, volumes: Volumes, recipe: Recipe, run: Run, build: Build, forward: Forward
) -> np.ndarray:
    """The target, float32 (x, y, z), in the units of the training targets."""
    device = devices.begin(run)
    inputs = normalise_inputs(volumes, model.constants).to(device)
    network = build(len(inputs), recipe)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in model.weights.items()})
    output = forward(network.to(device).eval(), inputs, recipe)
    mean, sd = model.constants["target"]
    return output.cpu().numpy() * np.float32(sd) + np.float32(mean)


def in_slabs(
    network: nn.Module, inputs: torch.Tensor, *, channels: int, halo: int, align: int = 1
) -> torch.Tensor:
    """Apply a network to (contrasts, x, y, z) in slabs along x; equal to one pass over the whole volume.

    Args:
        network: (n, contrasts, x, y, z) to (n, 1, x, y, z).
        inputs: one session.
        channels: of its widest layer at full resolution.
        halo: how far a voxel of the output sees; a multiple of `align`.
        align: slabs begin at multiples of it: the side of a network's coarsest voxels.
    """
    shape = tuple(inputs.shape[1:])
    output = torch.empty(shape, device=inputs.device)
    with torch.no_grad():
        for seen, planes, inner in slabs(shape, channels, halo, MEMORY, align):
            output[planes] = network(inputs[None, :, seen])[0, 0, inner]
    return output


def z_scores(sessions: list[Volumes], recipe: Recipe) -> dict[str, object]:
    """Mean and SD of every contrast and of the target over all voxels of all sessions, as [mean, sd]."""

    def values(session: Volumes, image: np.ndarray) -> np.ndarray:
        return image if recipe["region"] == "image" else image[session.mask]

    contrasts = range(len(sessions[0].inputs))
    inputs = [mean_and_sd(values(one, one.inputs[number]) for one in sessions) for number in contrasts]
    target = mean_and_sd(values(one, one.target) for one in sessions if one.target is not None)
    return {"inputs": [list(pair) for pair in inputs], "target": list(target)}


def normalise_inputs(volumes: Volumes, constants: dict[str, object]) -> torch.Tensor:
    """Every contrast z-scored with the training's constants, float32 (contrasts, x, y, z)."""
    mean, sd = np.array(constants["inputs"], dtype=np.float32).T[:, :, None, None, None]
    return torch.from_numpy((volumes.inputs - mean) / sd)


@dataclass(frozen=True)
class _Resident:
    """A session on the device: inputs (contrasts, x, y, z), target, weights (x, y, z), mask voxels (n, 3)."""

    inputs: torch.Tensor
    target: torch.Tensor
    weights: torch.Tensor
    voxels: np.ndarray

    @classmethod
    def of(cls, session: Volumes, constants: dict, recipe: Recipe, device: torch.device) -> "_Resident":
        inputs = normalise_inputs(session, constants)
        mean, sd = constants["target"]
        target = torch.from_numpy((session.target - np.float32(mean)) / np.float32(sd))
        weights = torch.from_numpy(session.mask.astype(np.float32))
        if recipe["region"] == "image":
            weights = torch.ones_like(weights)
        # Where a volume is smaller than a cube, cubes still have one shape.
        short = [max(0, recipe["crop"] - size) for size in session.mask.shape]
        pad = [amount for missing in reversed(short) for amount in (0, missing)]
        tensors = [functional.pad(tensor, pad).to(device) for tensor in (inputs, target, weights)]
        return cls(*tensors, voxels=np.argwhere(session.mask))

    def cube(self, centre: np.ndarray, edge: int) -> Batch:
        """Inputs, target and weights of a cube around a voxel, moved to lie inside the volume."""
        shape = np.array(self.target.shape)
        first = np.clip(centre - edge // 2, 0, shape - edge)
        box = tuple(slice(start, start + edge) for start in first)
        return self.inputs[:, *box], self.target[box], self.weights[box]


class _Cubes(Task):
    """Whole volumes, or random cubes around mask voxels; mean squared error over the region."""

    def __init__(
        self,
        network: nn.Module,
        forward: Callable[[nn.Module, torch.Tensor], torch.Tensor],
        training: list[_Resident],
        judges: list[_Resident],
        recipe: Recipe,
    ) -> None:
        self.network = network
        self.forward = forward
        self.training = training
        self.judges = judges
        self.recipe = recipe
        kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[recipe["optimizer"]]
        self.optimizers = {"training": kind(self.network.parameters(), lr=recipe["learning_rate"])}

    def begin_epoch(self, epoch: int) -> None:
        recipe = self.recipe
        new = rate(recipe["learning_rate"], recipe["schedule"], epoch, recipe["epochs"])
        set_rate(self.optimizers["training"], new)

    def batches(self, draw: np.random.Generator) -> Iterable[Batch]:
        if not self.recipe["crop"]:
            # Volumes of different shapes cannot share a batch.
            for number in draw.permutation(len(self.training)):
                one = self.training[number]
                yield one.inputs[None], one.target[None], one.weights[None]
            return
        for _ in range(0, self.recipe["crops_per_epoch"], self.recipe["batch"]):
            cubes = []
            for number in draw.integers(len(self.training), size=self.recipe["batch"]):
                one = self.training[number]
                cubes.append(one.cube(one.voxels[draw.integers(len(one.voxels))], self.recipe["crop"]))
            yield tuple(torch.stack(tensors) for tensors in zip(*cubes, strict=True))

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        inputs, target, weights = batch
        squares = (self.network(inputs)[:, 0].float() - target) ** 2
        return (squares * weights).sum() / weights.sum()

    def validate(self) -> float | None:
        if not self.judges:
            return None
        squares = voxels = 0.0
        for one in self.judges:
            error = self.forward(self.network, one.inputs) - one.target
            squares += float((error**2 * one.weights).sum())
            voxels += float(one.weights.sum())
        return squares / voxels
