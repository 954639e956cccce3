"""CC-DNN: residual convolutions at full resolution on every contrast, then on all; losses that forgive small shifts.

Kim et al. 2020. The losses are in `trainer.losses`; they can also train a U-Net, as the paper tried.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ..errors import RecontrastError
from ..models.interface import Cohort, Model, Run, Volumes
from ..models.recipes import Recipe
from ..trainer import device as devices
from ..trainer import losses
from ..trainer.applied import Applied, by_slices, restored, slices_of
from ..trainer.loop import Batch, Task, train
from ..trainer.rates import rate, set_rate
from ..trainer.slices import SlicePool, rounded
from .unet2d import UNet

REACH = 14  # voxels: fourteen 3x3 convolutions in a row
SLOPE = 0.1  # of the leaky rectifiers
SLICES = 4  # at a time in a prediction
UNET: Recipe = {
    "levels": 5,
    "dropout": 0.0,
    "batch_norm": True,
    "upsampling": "transposed",
    "output": "linear",
}


def margin(recipe: Recipe) -> int | None:
    """The reach of its convolutions; whole images where the background counts."""
    return None if recipe["region"] == "image" else REACH


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Train on slices with one loss and then with another; keep the last phase's best validation epoch."""
    device = devices.begin(run)
    constants = value_range(cohort.seen(recipe["leaks"]), recipe)

    def pool(sessions: list[Volumes]) -> SlicePool:
        scaled = (
            replace(one, inputs=normalise(one.inputs, constants), target=normalise(one.target, constants))
            for one in sessions
        )
        return SlicePool(
            scaled,
            device,
            folder=run.checkpoint,
            multiple=coarsest(recipe),
            empty=recipe["region"] == "image",
            region=recipe["region"],
        )

    task = _Slices(pool(cohort.training), pool(cohort.validation) if cohort.validation else None, recipe)
    epochs = recipe["epochs"] + recipe["then_epochs"]
    outcome = train(task, run, epochs=epochs, bfloat16=recipe["bfloat16"])
    return Model(outcome.weights, constants, outcome.losses, outcome.best_epoch)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target, float32 (x, y, z), in the units of the training targets; a few slices at a time."""
    return applied(model, volumes, recipe, run).predict()


def applied(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> Applied:
    """The network before the slices of one session."""
    device = devices.begin(run)
    inputs = torch.from_numpy(normalise(volumes.inputs, model.constants)).to(device)
    network = restored(build(len(inputs), recipe), model, device)
    low, high = model.constants["minimum"], model.constants["maximum"]
    forward, blocks = by_slices(network, 2, coarsest(recipe)), slices_of(inputs.shape[3], SLICES)
    return Applied(inputs, forward, blocks, scale=high - low, offset=low, axis=2)


def value_range(sessions: list[Volumes], recipe: Recipe) -> dict[str, object]:
    """The smallest and the largest value of all contrasts and the target of all sessions together.

    Raises:
        RecontrastError: they are the same.
    """
    values = []
    for session in sessions:
        for image in [*session.inputs, *([] if session.target is None else [session.target])]:
            counted = image if recipe["region"] == "image" else image[session.mask]
            values += [counted.min(), counted.max()]
    low, high = float(min(values)), float(max(values))
    if not high > low:
        raise RecontrastError(
            f"all training images have the same constant value {low:g}",
            remedy="check the images of this experiment",
        )
    return {"minimum": low, "maximum": high}


def normalise(image: np.ndarray, constants: dict[str, object]) -> np.ndarray:
    """Values of one or of all contrasts on the scale where the training's lie between 0 and 1."""
    low, high = constants["minimum"], constants["maximum"]
    return (image - np.float32(low)) / np.float32(high - low)


def build(contrasts: int, recipe: Recipe) -> nn.Module:
    """The network, from (n, contrasts, h, w) to (n, 1, h, w)."""
    if recipe["network"] == "unet":
        return UNet(contrasts, UNET | {"filters": recipe["maps"]})
    network = _CCDNN(contrasts, recipe["maps"], recipe["momentum"])
    if recipe["initialisation"] == "glorot":
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(network.last.bias)
    return network


def coarsest(recipe: Recipe) -> int:
    """Of how many pixels both sides of a slice must be a multiple."""
    return 2 ** (UNET["levels"] - 1) if recipe["network"] == "unet" else 1


class _CCDNN(nn.Module):
    """A hypothesis H for every contrast, one for all their maps together, and a 1x1 convolution (equation 4)."""

    def __init__(self, contrasts: int, maps: int, momentum: float) -> None:
        super().__init__()
        self.each = nn.ModuleList(_Hypothesis(1, maps, momentum) for _ in range(contrasts))
        self.together = _Hypothesis(contrasts * maps, maps, momentum)
        self.last = nn.Conv2d(maps, 1, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        contrasts = inputs.split(1, dim=1)
        maps = [branch(one) for branch, one in zip(self.each, contrasts, strict=True)]
        return self.last(self.together(torch.cat(maps, dim=1)))


class _Hypothesis(nn.Module):
    """H: a convolution, and three residual blocks with a skip connection over them."""

    def __init__(self, before: int, maps: int, momentum: float) -> None:
        super().__init__()
        self.first = nn.Sequential(*_convolution(before, maps, momentum), nn.LeakyReLU(SLOPE))
        self.blocks = nn.Sequential(*(_Residual(maps, momentum) for _ in range(3)))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        maps = self.first(inputs)
        return maps + self.blocks(maps)


class _Residual(nn.Module):
    """R(x) = σ(x + C(σ(C(x)))) (equation 6)."""

    def __init__(self, maps: int, momentum: float) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            *_convolution(maps, maps, momentum), nn.LeakyReLU(SLOPE), *_convolution(maps, maps, momentum)
        )
        self.activation = nn.LeakyReLU(SLOPE)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.activation(inputs + self.inner(inputs))


def _convolution(before: int, after: int, momentum: float) -> list[nn.Module]:
    # The batch norm's shift takes the place of a bias; its epsilon is that of Keras, the paper's software.
    norm = nn.BatchNorm2d(after, momentum=momentum, eps=1e-3)
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), norm]


class _Slices(Task):
    """Whole slices, or square patches around mask voxels; one loss in the first epochs and another in the rest."""

    def __init__(self, training: SlicePool, validation: SlicePool | None, recipe: Recipe) -> None:
        self.training = training
        self.validation = validation
        self.recipe = recipe
        network = build(training.inputs.shape[1], recipe)
        if recipe["output_start"] == "mean":
            # A random output may be far from intensities between 0 and 1.
            *_, last = (module for module in network.modules() if isinstance(module, nn.Conv2d))
            nn.init.zeros_(last.weight)
            nn.init.constant_(last.bias, float(training.target[training.mask].mean()))
        self.network = network.to(training.device, memory_format=torch.channels_last)
        self.optimizers = {
            "training": torch.optim.Adam(self.network.parameters(), lr=recipe["learning_rate"])
        }
        self.samples = recipe["patches_per_epoch"] if recipe["patch"] else len(training)

    def begin_epoch(self, epoch: int) -> None:
        recipe = self.recipe
        self.last_phase = epoch > recipe["epochs"] or not recipe["then_epochs"]
        self.loss_in_force = recipe["then_loss" if epoch > recipe["epochs"] else "loss"]
        updates = (epoch - 1) * -(-self.samples // recipe["batch"])
        new = rate(
            recipe["learning_rate"], recipe["schedule"], epoch, recipe["epochs"] + recipe["then_epochs"]
        )
        set_rate(self.optimizers["training"], new / (1 + recipe["decay"] * updates))

    def batches(self, draw: np.random.Generator) -> Iterable[Batch]:
        recipe = self.recipe
        if not recipe["patch"]:
            yield from self.training.batches(recipe["batch"], draw)
            return
        edge, _ = rounded((recipe["patch"],) * 2, coarsest(recipe))
        for first in range(0, self.samples, recipe["batch"]):
            count = min(recipe["batch"], self.samples - first)
            yield self.training.draw_patches(draw, count, edge)

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        inputs, target, region = batch
        weights = region.float()
        made = self.network(inputs)[:, 0].float()
        total = losses.c1(made, target, weights)
        if "c2" in self.loss_in_force:
            total += self.recipe["c2_weight"] * losses.c2(
                made, target, weights, window=self.recipe["c2_window"]
            )
        if "c3" in self.loss_in_force:
            total += self.recipe["c3_weight"] * losses.c3(
                made, target, weights, window=self.recipe["c3_window"]
            )
        return total

    def length(self) -> int:
        return -(-self.samples // self.recipe["batch"])

    def weight(self, batch: Batch) -> torch.Tensor:
        return batch[2].float().sum()

    def validate(self) -> float | None:
        # Errors under two losses cannot be compared: only the last phase's epochs compete.
        if self.validation is None or not self.last_phase:
            return None
        total = pixels = 0.0
        for batch in self.validation.batches(max(1, SLICES // self.validation_parts)):
            counted = float(self.weight(batch))
            total += float(self.loss(batch, "training")) * counted
            pixels += counted
        return total / pixels
