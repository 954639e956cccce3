"""Chartsias 2018: every contrast is encoded into the same latent maps, fused by their maximum and decoded.

As every latent can be decoded alone, any subset of the contrasts that were learned gives a prediction.
"""

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..errors import RecontrastError
from ..models.interface import Cohort, Model, Run, Volumes
from ..models.normalisation import Scales
from ..models.recipes import Recipe
from ..trainer import device as devices
from ..trainer.applied import Applied, by_slices, restored, slices_of
from ..trainer.loop import Batch, train
from ..trainer.slices import SlicePool, SliceTask
from ..trainer.stopping import patience

COARSEST = 4  # voxels of a slice that one voxel of the deepest level covers along a side
SLOPE = 0.3  # of the leaky rectifiers


def margin(recipe: Recipe) -> int | None:
    """Whole images, unless the background is left out."""
    return None if recipe["region"] == "image" else 0


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Train on slices; keep the epoch with the lowest validation loss."""
    device = devices.begin(run)
    constants = typical_means(cohort.training)

    def pool(sessions: list[Volumes]) -> SlicePool:
        ready = (normalise(one, constants, recipe) for one in sessions)
        return SlicePool(
            ready,
            device,
            folder=run.checkpoint,
            multiple=COARSEST,
            empty=recipe["region"] == "image",
            region=recipe["region"],
        )

    training = pool(cohort.training)
    validation = pool(cohort.validation) if cohort.validation else None
    task = _Slices(build(training.inputs.shape[1], recipe), training, validation, recipe)
    stop = partial(patience, epochs=recipe["patience"], least=recipe["least_gain"])
    outcome = train(task, run, epochs=recipe["epochs"], stop=stop, bfloat16=recipe["bfloat16"])
    return Model(outcome.weights, constants, outcome.losses, outcome.best_epoch)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target, float32 (x, y, z), in the units of the training targets; a few slices at a time.

    A contrast that is 0 in the whole mask counts as absent, and the others are fused without it.

    Raises:
        RecontrastError: all contrasts are absent.
    """
    return applied(model, volumes, recipe, run).predict()


def applied(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> Applied:
    """The network before the slices of one session."""
    device = devices.begin(run)
    present = [number for number, image in enumerate(volumes.inputs) if image[volumes.mask].any()]
    if not present:
        raise RecontrastError(
            f"{volumes.label}: every contrast is 0 inside the mask", remedy="give at least one image"
        )
    network = restored(build(len(volumes.inputs), recipe), model, device)
    images = normalise(replace(volumes, target=None), model.constants, recipe).inputs
    inputs = torch.from_numpy(images).to(device)
    forward = by_slices(partial(network.synthesise, present=present), 2, COARSEST)
    blocks = slices_of(inputs.shape[3])
    by_itself = recipe["scale"] == "session" and volumes.target is not None
    own = means(volumes)[-1] if by_itself else model.constants["target"]
    return Applied(inputs, forward, blocks, scale=model.constants["target"], axis=2, own=(own, 0.0))


def without(model: Model, volumes: Volumes, number: int, recipe: Recipe, run: Run) -> np.ndarray:
    """The target from all contrasts but one, which is not fused."""
    inputs = volumes.inputs.copy()
    inputs[number] = 0
    return predict(model, replace(volumes, inputs=inputs, target=None), recipe, run)


def means(session: Volumes) -> list[float]:
    """The mean inside the mask of every contrast and, at the end, of the target if there is one.

    Raises:
        RecontrastError: one is below zero or, for a target, zero: it is no scale. A mean of 0 is an absent contrast.
    """
    images = [*session.inputs, *([] if session.target is None else [session.target])]
    found = [float(image[session.mask].mean(dtype=np.float64)) for image in images]
    if min(found) < 0 or (session.target is not None and not found[-1] > 0):
        raise RecontrastError(
            f"{session.label}: the mean of an image inside the mask is {min(found):g}",
            remedy="check image and mask of this session, or exclude it",
        )
    return found


def typical_means(sessions: list[Volumes]) -> Scales:
    """The medians of the sessions' own means, and of their inputs' SDs as shares of these."""
    medians = np.median([means(session) for session in sessions], axis=0)
    sds = np.median([session.inputs[:, session.mask].std(axis=1) for session in sessions], axis=0)
    return {
        "inputs": medians[:-1].tolist(),
        "target": float(medians[-1]),
        "spreads": (sds / medians[:-1]).tolist(),
    }


def normalise(session: Volumes, constants: Scales, recipe: Recipe) -> Volumes:
    """A session without background, every image divided by its own mean or by the training's.

    For z-scores, inputs are also centred and divided by the training's SDs; the target, which the network cannot
    make negative, is not.
    """
    typical = [*constants["inputs"], constants["target"]]
    # An absent contrast has no mean to divide by, and stays 0.
    scales = [mean or 1.0 for mean in (means(session) if recipe["scale"] == "session" else typical)]
    divisors = np.array(scales[: len(session.inputs)], dtype=np.float32)
    inputs = session.inputs / divisors[:, None, None, None]
    if recipe["intensity"] == "z-score":
        inputs = (inputs - 1) / np.array(constants["spreads"], dtype=np.float32)[:, None, None, None]
    inputs *= session.mask
    target = None if session.target is None else session.target * session.mask / np.float32(scales[-1])
    return replace(session, inputs=inputs, target=target)


def build(contrasts: int, recipe: Recipe) -> "_Network":
    """The network, with Keras's first weights, as the authors' code has them."""
    network = _Network(contrasts, recipe["maps"], recipe["latent"])
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    # The output's ReLU could be dead from the start: it begins at the mean of the target, which is 1.
    nn.init.ones_(network.decoder.last.bias)
    return network


class _Network(nn.Module):
    """An encoder for every contrast and one decoder for all; slices (n, contrasts, h, w)."""

    def __init__(self, contrasts: int, maps: int, latent: int) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(_Encoder(maps, latent) for _ in range(contrasts))
        self.decoder = _Decoder(latent, maps)

    def latents(self, slices: torch.Tensor, present: list[int]) -> torch.Tensor:
        """The latent maps of some contrasts, shape (contrasts, n, latent, h, w)."""
        return torch.stack([self.encoders[number](slices[:, number : number + 1]) for number in present])

    def synthesise(self, slices: torch.Tensor, present: list[int]) -> torch.Tensor:
        """The target from some contrasts, shape (n, 1, h, w)."""
        return self.decoder(self.latents(slices, present).amax(0))

    def forward(self, slices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The target from each contrast alone and, at the end, from all, (contrasts + 1, n, h, w); the latents."""
        latents = self.latents(slices, list(range(len(self.encoders))))
        every = torch.cat([latents, latents.amax(0, keepdim=True)])
        return self.decoder(every.flatten(0, 1)).view(len(every), len(slices), *slices.shape[2:]), latents


class _Encoder(nn.Module):
    """A U-Net of three levels, from one contrast to latent maps; both sides multiples of 4."""

    def __init__(self, maps: int, latent: int) -> None:
        super().__init__()
        high, low, bottom = maps, 2 * maps, 4 * maps
        self.down_high = _convolutions(1, high, high)
        self.down_low = _convolutions(high, low, low)
        self.bottom = _convolutions(low, bottom, bottom)
        self.grow_low = nn.Conv2d(bottom, low, 3, padding=1)
        self.up_low = _convolutions(2 * low, low, low)
        self.grow_high = nn.Conv2d(low, high, 3, padding=1)
        self.up_high = _convolutions(2 * high, high, high, latent)

    def forward(self, contrast: torch.Tensor) -> torch.Tensor:
        high = self.down_high(contrast)
        low = self.down_low(functional.max_pool2d(high, 2))
        bottom = self.bottom(functional.max_pool2d(low, 2))
        low = self.up_low(torch.cat([low, self.grow_low(_twice(bottom))], 1))
        return self.up_high(torch.cat([high, self.grow_high(_twice(low))], 1))


class _Decoder(nn.Module):
    """Four convolutions at full resolution, twice with what went in put beside what came out."""

    def __init__(self, latent: int, maps: int) -> None:
        super().__init__()
        self.first = _convolutions(latent, maps, maps, slope=0)
        self.second = _convolutions(latent + maps, maps, maps, slope=0)
        self.last = nn.Conv2d(latent + 2 * maps, 1, 1)

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        beside = torch.cat([latent, self.first(latent)], 1)
        return self.last(torch.cat([beside, self.second(beside)], 1)).relu()


def _convolutions(*widths: int, slope: float = SLOPE) -> nn.Sequential:
    pairs = itertools.pairwise(widths)
    return nn.Sequential(
        *(
            module
            for pair in pairs
            for module in (nn.Conv2d(*pair, 3, padding=1), nn.LeakyReLU(slope) if slope else nn.ReLU())
        )
    )


def _twice(maps: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(maps, scale_factor=2)


class _Slices(SliceTask):
    """Slices in random order; mean absolute errors of all decodings and the variance between the latents."""

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        inputs, target, region = batch
        made, latents = self.network(inputs)
        errors = ((made.float() - target).abs() * region).sum()
        spread = (latents.float().var(0, correction=0).mean(1) * region).sum()
        return (errors + self.recipe["variance_weight"] * spread) / self.weight(batch)

    def weight(self, batch: Batch) -> torch.Tensor:
        return batch[2].float().sum()

    def validate(self) -> float | None:
        if self.validation is None:
            return None
        total = pixels = 0.0
        for batch in self.validation_batches():
            counted = float(self.weight(batch))
            total += float(self.loss(batch, "training")) * counted
            pixels += counted
        return total / pixels
