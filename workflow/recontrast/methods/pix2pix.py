"""Isola 2017: a U-Net that is trained against a discriminator of image patches, slice by slice."""

import itertools
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..models.interface import Cohort, Model, Run, Volumes
from ..models.normalisation import Scales, cohort_scales, normalise, normalise_inputs, target_scale
from ..models.recipes import Recipe
from ..trainer import device as devices
from ..trainer.applied import Applied, by_slices, restored, slices_of
from ..trainer.loop import Batch, Task, train
from ..trainer.rates import hold_then_fall, set_rate
from ..trainer.slices import SlicePool, counted

DEPTHS = (1, 2, 4, 8)  # multiples of `filters` from the first layer on; deeper ones stay at the last
DROPOUTS = 3  # layers of the decoder with dropout, the deepest first


def margin(recipe: Recipe) -> int | None:
    """Whole images, unless the background is left out."""
    return None if recipe["region"] == "image" else 0


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Train generator and discriminator in turns; what is kept is the generator."""
    device = devices.begin(run)
    constants = cohort_scales(cohort.training, recipe)
    training, validation = (
        SlicePool(
            (prepare(session, constants, recipe) for session in sessions),
            device,
            folder=run.checkpoint,
            axis=recipe["axis"],
            multiple=2 ** recipe["levels"],
            empty=recipe["region"] == "image",
            region=recipe["region"],
        )
        if sessions
        else None
        for sessions in (cohort.training, cohort.validation if recipe["keep"] == "best" else [])
    )
    task = _Turns(training, validation, recipe)
    epochs = recipe["epochs"] + recipe["epochs_falling"]
    outcome = train(task, run, epochs=epochs, bfloat16=recipe["bfloat16"])
    kept = {
        name.removeprefix("generator."): array
        for name, array in outcome.weights.items()
        if name.startswith("generator.")
    }
    return Model(kept, constants, outcome.losses, outcome.best_epoch)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target, float32 (x, y, z), in the units of the training targets; a few slices at a time."""
    return applied(model, volumes, recipe, run).predict()


def applied(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> Applied:
    """The generator before the slices of one session."""
    device = devices.begin(run)
    scaled = normalise_inputs(volumes, model.constants, recipe)
    if recipe["region"] == "mask":
        scaled *= volumes.mask
    inputs = torch.from_numpy(scaled).to(device)
    generator = restored(Generator(len(inputs), recipe), model, device)
    # The paper's only noise is dropout, at test time too; it is drawn from the run's seed.
    generator.train(recipe["test_dropout"])
    axis = recipe["axis"]
    forward = by_slices(generator, axis, 2 ** recipe["levels"])
    blocks = slices_of(inputs.shape[axis + 1])
    own = target_scale(volumes, model.constants, recipe), 0.0
    return Applied(inputs, forward, blocks, scale=model.constants["target"], axis=axis, own=own)


def prepare(session: Volumes, constants: Scales, recipe: Recipe) -> Volumes:
    """A session as the networks see it: scaled, and 0 outside the mask where only that counts."""
    scaled = normalise(session, constants, recipe)
    if recipe["region"] == "image":
        return scaled
    return replace(scaled, inputs=scaled.inputs * session.mask, target=scaled.target * session.mask)


class Generator(nn.Module):
    """A U-Net of 4x4 convolutions with stride 2 down to `levels` halvings and up again, with skips.

    Takes and gives intensities from 0 to 1; inside they go from -1 to 1, as its tanh does.
    """

    def __init__(self, contrasts: int, recipe: Recipe) -> None:
        super().__init__()
        levels, deepest = recipe["levels"], DEPTHS[-1]
        multiples = [*DEPTHS, *[deepest] * levels][:levels]
        widths = [recipe["filters"] * multiple for multiple in multiples]
        self.down = nn.ModuleList([nn.Conv2d(contrasts, widths[0], 4, stride=2, padding=1, bias=False)])
        for level, (before, after) in enumerate(itertools.pairwise(widths), start=2):
            # The deepest map may be a single voxel, which has nothing to be normalised with.
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2), *_halving(before, after, norm=level < levels)))
        self.up = nn.ModuleList()
        for number, (fine, coarse) in enumerate(reversed(list(itertools.pairwise(widths)))):
            dropout = [nn.Dropout(0.5)] if number < DROPOUTS else []
            seen = coarse if number == 0 else 2 * coarse
            grow = nn.ConvTranspose2d(seen, fine, 4, stride=2, padding=1, bias=False)
            self.up.append(nn.Sequential(nn.ReLU(), grow, _norm(fine), *dropout))
        last = nn.ConvTranspose2d(2 * widths[0], 1, 4, stride=2, padding=1)
        self.last = nn.Sequential(nn.ReLU(), last, nn.Tanh())
        self.apply(_initialise)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """From (n, contrasts, h, w) to (n, 1, h, w); both sides multiples of 2^levels."""
        skips = [self.down[0](2 * images - 1)]
        for layer in self.down[1:]:
            skips.append(layer(skips[-1]))
        maps = skips.pop()
        for layer in self.up:
            maps = torch.cat([layer(maps), skips.pop()], 1)
        return (self.last(maps) + 1) / 2


def discriminator(contrasts: int, filters: int) -> nn.Sequential:
    """PatchGAN: from inputs and target (n, contrasts + 1, h, w) to one logit per patch of 70x70 voxels."""
    modules = [nn.Conv2d(contrasts + 1, filters, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    widths = [filters * multiple for multiple in DEPTHS]
    for before, after in itertools.pairwise(widths):
        stride = 1 if after == widths[-1] else 2
        modules += [*_halving(before, after, stride=stride), nn.LeakyReLU(0.2)]
    return nn.Sequential(*modules, nn.Conv2d(widths[-1], 1, 4, padding=1)).apply(_initialise)


def _halving(before: int, after: int, stride: int = 2, norm: bool = True) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, 4, stride=stride, padding=1, bias=False)
    return [convolution, _norm(after)] if norm else [convolution]


def _norm(channels: int) -> nn.Module:
    """The paper's batch normalisation: with one image a batch, in training and later, it is this."""
    return nn.InstanceNorm2d(channels, affine=True)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.InstanceNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)
    if getattr(module, "bias", None) is not None:
        nn.init.zeros_(module.bias)


class _Turns(Task):
    """Slices in random order; the discriminator's turn, then the generator's."""

    def __init__(self, training: SlicePool, validation: SlicePool | None, recipe: Recipe) -> None:
        self.training = training
        self.validation = validation
        self.recipe = recipe
        contrasts, device = training.inputs.shape[1], training.device
        parts = {
            "discriminator": discriminator(contrasts, recipe["filters"]),
            "generator": Generator(contrasts, recipe),
        }
        self.network = nn.ModuleDict(parts).to(device, memory_format=torch.channels_last)
        self.optimizers = {
            turn: torch.optim.Adam(
                part.parameters(), lr=recipe["learning_rate"], betas=(recipe["beta1"], 0.999)
            )
            for turn, part in self.network.items()
        }

    def begin_epoch(self, epoch: int) -> None:
        recipe = self.recipe
        rate = hold_then_fall(recipe["learning_rate"], epoch, recipe["epochs"], recipe["epochs_falling"])
        for optimizer in self.optimizers.values():
            set_rate(optimizer, rate)

    def batches(self, draw: np.random.Generator) -> Iterable[Batch]:
        every = self.training.batches(self.recipe["batch"], draw)
        return map(counted, itertools.islice(every, self.recipe["batches_per_epoch"] or None))

    def length(self) -> int:
        every = -(-len(self.training) // self.recipe["batch"])
        return min(every, self.recipe["batches_per_epoch"] or every)

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        inputs, target, region, pixels = batch
        judge = self.network["discriminator"].requires_grad_(turn == "discriminator")
        with torch.set_grad_enabled(turn == "generator"):
            # Beyond the region target and inputs are 0 too, so that the discriminator learns nothing from it.
            made = self.network["generator"](inputs) * region[:, None]
        if turn == "discriminator":
            true, false = (
                _cross_entropy(judge, inputs, target[:, None], 1.0),
                _cross_entropy(judge, inputs, made, 0.0),
            )
            # Halved, so that it learns more slowly than the generator.
            return (true + false) / 2
        # Twice, as the paper's intensities go from -1 to 1.
        distance = 2 * (made[:, 0].float() - target).abs().sum() / pixels.sum()
        return _cross_entropy(judge, inputs, made, 1.0) + self.recipe["l1_weight"] * distance

    def validate(self) -> float | None:
        """The mean absolute error over the region."""
        if self.validation is None:
            return None
        total = voxels = 0.0
        for inputs, target, region in self.validation.batches(
            max(1, self.recipe["batch"] // self.validation_parts)
        ):
            error = self.network["generator"](inputs)[:, 0].float() - target
            total += float((error.abs() * region).sum())
            voxels += float(region.sum())
        return total / voxels


def _cross_entropy(judge: nn.Module, inputs: torch.Tensor, image: torch.Tensor, label: float) -> torch.Tensor:
    logits = judge(2 * torch.cat([inputs, image], 1) - 1).float()
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))
