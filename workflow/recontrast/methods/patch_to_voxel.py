"""Build-A-FLAIR: a dense network that sees a small neighbourhood of every contrast and gives one voxel.

The first dense layer on a flattened p³ patch is a p³ convolution, and the others are 1³ convolutions. So it
trains on gathered patches and predicts whole volumes by convolution; both give the same numbers.
"""

import itertools
from collections.abc import Iterable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..trainer import device as devices
from ..trainer.applied import Applied, restored
from ..trainer.loop import Batch, Task, train
from ..trainer.patches import PatchPool
from ..trainer.rates import rate, set_rate
from ..trainer.slabs import slabs
from .interface import Cohort, Model, Run, Volumes
from .normalisation import cohort_scales, normalise, normalise_inputs
from .recipes import Recipe
from .volumes import bounding_box

DROPOUT_AFTER = (2, 4, 6, 8)
MEMORY = 32 * 2**20  # bytes of a slab after the p³ convolution
VOXELS = 1000  # at a time through the 1³ convolutions, so that their layers stay in the cache


def margin(recipe: Recipe) -> int:
    """The reach of a patch."""
    return recipe["patch"] // 2


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Train on random voxels inside the masks; keep the epoch with the lowest validation error."""
    device = devices.begin(run)
    constants = cohort_scales(cohort.training, recipe)
    task = _Voxels(
        PatchPool([normalise(one, constants, recipe) for one in cohort.training], recipe["patch"], device),
        PatchPool([normalise(one, constants, recipe) for one in cohort.validation], recipe["patch"], device)
        if cohort.validation
        else None,
        recipe,
        devices.seed_epoch(run.seed, 0),
    )
    outcome = train(task, run, epochs=recipe["epochs"], bfloat16=recipe["bfloat16"])
    return Model(outcome.weights, constants, outcome.losses, outcome.best_epoch)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target of every mask voxel, float32 (x, y, z), in the units of the training targets; 0 elsewhere.

    The p³ convolution runs over slabs of the volume, the 1³ convolutions over a slab's mask voxels alone.
    """
    device = devices.begin(run)
    inputs = torch.from_numpy(normalise_inputs(volumes, model.constants, recipe)).to(device)
    network = restored(build(len(inputs) * recipe["patch"] ** 3, recipe), model, device)
    first, rest = network[0], network[1:]
    kernel = as_kernel(first.weight, recipe, len(inputs))
    radius = margin(recipe)
    padded = functional.pad(inputs, [radius] * 6)
    output = torch.zeros(volumes.mask.shape, device=device)
    with torch.no_grad():
        for _, planes, _ in slabs(volumes.mask.shape, len(kernel), halo=0, memory=MEMORY):
            if not volumes.mask[planes].any():
                continue
            _, rows, columns = bounding_box(volumes.mask[planes], 0)
            seen = padded[
                (..., *(slice(one.start, one.stop + 2 * radius) for one in (planes, rows, columns)))
            ]
            seen = seen[None].contiguous(memory_format=torch.channels_last_3d)
            features = functional.conv3d(seen, kernel, first.bias)[0].permute(1, 2, 3, 0)
            inside = torch.from_numpy(volumes.mask[planes, rows, columns]).to(device)
            voxels = features[inside].split(VOXELS)
            output[planes, rows, columns][inside] = torch.cat([rest(part)[:, 0] for part in voxels])
    return output.cpu().numpy() * np.float32(model.constants["target"])


def applied(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> Applied:
    """The network before the images of one session, as convolutions; for what needs a gradient."""
    device = devices.begin(run)
    inputs = torch.from_numpy(normalise_inputs(volumes, model.constants, recipe)).to(device)
    network = restored(build(len(inputs) * recipe["patch"] ** 3, recipe), model, device)
    kernel = as_kernel(network[0].weight, recipe, len(inputs))

    def forward(seen: torch.Tensor) -> torch.Tensor:
        features = functional.conv3d(seen[None], kernel, network[0].bias, padding=margin(recipe))[0]
        return network[1:](features.movedim(0, -1))[..., 0]

    blocks = list(slabs(volumes.mask.shape, len(kernel), halo=margin(recipe), memory=MEMORY))
    return Applied(inputs, forward, blocks, scale=model.constants["target"])


def as_kernel(weight: torch.Tensor, recipe: Recipe, contrasts: int) -> torch.Tensor:
    """The first dense layer as a p³ convolution, shape (maps, contrasts, p, p, p)."""
    return weight.reshape(-1, *[recipe["patch"]] * 3, contrasts).permute(0, 4, 1, 2, 3)


def build(inputs: int, recipe: Recipe) -> nn.Sequential:
    """The network: `layers` dense layers whose widths fall linearly from `inputs` to 1, each with a ReLU.

    The last one's can be left out: then its place holds an identity.
    """
    widths = [inputs, *np.linspace(inputs, 1, recipe["layers"]).round().astype(int).tolist()]
    modules: list[nn.Module] = []
    for number, (before, after) in enumerate(itertools.pairwise(widths), start=1):
        last = number == recipe["layers"]
        linear = last and recipe["output"] == "linear"
        modules += [nn.Linear(before, after), nn.Identity() if linear else nn.ReLU()]
        if recipe["initialisation"] == "he":
            nn.init.kaiming_normal_(modules[-2].weight, nonlinearity="relu")
            nn.init.zeros_(modules[-2].bias)
        if number in DROPOUT_AFTER and not last:
            modules.append(nn.Dropout(recipe["dropout"]))
    return nn.Sequential(*modules)


class _Voxels(Task):
    """Random mask voxels of the training sessions; mean squared error."""

    def __init__(
        self, training: PatchPool, validation: PatchPool | None, recipe: Recipe, draw: np.random.Generator
    ) -> None:
        self.training = training
        self.validation = validation
        self.recipe = recipe
        everything = np.arange(len(training))
        network = build(training.gather(everything[:1]).shape[1], recipe)
        nn.init.constant_(network[-2].bias, float(training.targets(everything).mean()))
        self.network = network.to(training.gather(everything[:1]).device)
        self.optimizers = {
            "training": torch.optim.Adam(self.network.parameters(), lr=recipe["learning_rate"])
        }
        if validation is not None:
            each = recipe["validation_voxels"] * (len(validation.bounds) - 1)
            self.chosen = validation.draw(draw, sessions=0, patches=each)

    def begin_epoch(self, epoch: int) -> None:
        recipe = self.recipe
        new = rate(recipe["learning_rate"], recipe["schedule"], epoch, recipe["epochs"])
        set_rate(self.optimizers["training"], new)

    def batches(self, draw: np.random.Generator) -> Iterable[Batch]:
        recipe = self.recipe
        numbers = self.training.draw(draw, recipe["sessions_per_epoch"], recipe["voxels_per_epoch"])
        for first in range(0, len(numbers), recipe["batch"]):
            which = numbers[first : first + recipe["batch"]]
            yield self.training.gather(which), self.training.targets(which)

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        patches, targets = batch
        return functional.mse_loss(self.network(patches)[:, 0].float(), targets)

    def validate(self) -> float | None:
        if self.validation is None:
            return None
        predicted = self.network(self.validation.gather(self.chosen))[:, 0]
        return float(functional.mse_loss(predicted, self.validation.targets(self.chosen)))
