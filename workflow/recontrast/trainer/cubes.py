"""Convolutional networks on z-scored sessions: whole volumes or random cubes to train on, slabs to predict.

A method adds its network, as two functions of its recipe:

    def build(contrasts, recipe) -> nn.Module
        # (n, contrasts, x, y, z) to (n, 1, x, y, z)
    def blocks(shape, recipe) -> list
        # the pieces in which a volume is predicted

The recipe's keys that are read here: region (`image`, or `mask`: what z-scores and loss look at), leaks, crop
(edge of the cubes in voxels; 0: whole volumes), rim, crops_per_epoch, batch, optimizer, learning_rate,
schedule, epochs, stop_strip, stop_rises, keep, bfloat16.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..models.contradictions import of_cubes
from ..models.interface import Cohort, Model, Run, Volumes
from ..models.normalisation import Scales, scaled, z_scores
from ..models.recipes import Recipe
from . import device as devices
from .applied import Applied, by_slabs, restored
from .cube_pool import CubePool
from .loop import Batch, Task, train
from .rates import rate, set_rate
from .slabs import Slabs
from .stopping import strips

Build = Callable[[int, Recipe], nn.Module]
Blocks = Callable[[tuple[int, int, int], Recipe], Slabs]


def fit(cohort: Cohort, recipe: Recipe, run: Run, build: Build, blocks: Blocks) -> Model:
    """Train on z-scored volumes or cubes; keep the epoch with the lowest validation error, or the last.

    With leaks, as in Wei 2019, all sessions give the z-scores, and where there are test sessions they decide when to
    stop, so that the validation sessions train too.

    Raises:
        RecontrastError: a batch of several whole volumes is asked for, whose shapes may differ; or a cube is all rim.
    """
    for error in of_cubes(recipe):
        raise error
    device = devices.begin(run)
    training, judges = cohort.training, cohort.validation
    if recipe["leaks"] and (tested := [session for session in cohort.test if session.target is not None]):
        training, judges = cohort.training + cohort.validation, tested
    constants = z_scores(cohort.seen(recipe["leaks"]), recipe["region"])
    pool = partial(
        CubePool,
        device=device,
        prepare=partial(_stack, constants=constants, recipe=recipe),
        folder=run.checkpoint,
    )
    task = _Cubes(
        build(len(cohort.training[0].inputs), recipe).to(device),
        partial(blocks, recipe=recipe),
        pool(training, edge=recipe["crop"]),
        pool(judges, edge=0) if judges else None,
        recipe,
    )
    stop = partial(strips, length=recipe["stop_strip"], rises=recipe["stop_rises"])
    outcome = train(
        task, run, epochs=recipe["epochs"], stop=stop, keep=recipe["keep"], bfloat16=recipe["bfloat16"]
    )
    return Model(outcome.weights, constants, outcome.losses, outcome.best_epoch)


def applied(
    model: Model, volumes: Volumes, recipe: Recipe, run: Run, build: Build, blocks: Blocks
) -> Applied:
    """The trained network before the images of one session."""
    device = devices.begin(run)
    inputs = torch.from_numpy(scaled(volumes.inputs, model.constants["inputs"])).to(device)
    network = restored(build(len(inputs), recipe), model, device)
    mean, sd = model.constants["target"]
    return Applied(inputs, by_slabs(network), blocks(volumes.mask.shape, recipe), scale=sd, offset=mean)


def predict(
    model: Model, volumes: Volumes, recipe: Recipe, run: Run, build: Build, blocks: Blocks
) -> np.ndarray:
    """The target, float32 (x, y, z), in the units of the training targets; slab by slab."""
    return applied(model, volumes, recipe, run, build, blocks).predict()


def initialise(network: nn.Module, way: Literal["pytorch", "glorot"]) -> nn.Module:
    """Give a new network its first weights: as PyTorch has left them, or as Keras does."""
    if way == "glorot":
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            else:
                nn.init.xavier_uniform_(parameter)
    return network


def _stack(session: Volumes, constants: Scales, recipe: Recipe) -> np.ndarray:
    """Inputs and target z-scored, and the weights that the loss gives to voxels."""
    inputs = scaled(session.inputs, constants["inputs"])
    target = scaled(session.target[None], [constants["target"]])
    return np.concatenate([inputs, target, session.weights_over(recipe["region"])[None]])


class _Cubes(Task):
    """Whole volumes, or random cubes around mask voxels; mean squared error over the region."""

    def __init__(
        self,
        network: nn.Module,
        blocks: Callable[[tuple[int, int, int]], Slabs],
        training: CubePool,
        judges: CubePool | None,
        recipe: Recipe,
    ) -> None:
        self.network = network
        self.blocks = blocks
        self.training = training
        self.judges = judges
        self.recipe = recipe
        if recipe["crop"]:
            # A network sees zeros beyond the faces of a cube, where the volume goes on.
            seeing = torch.ones([recipe["crop"] - 2 * recipe["rim"]] * 3)
            self.inner = functional.pad(seeing, [recipe["rim"]] * 6).to(training.device)
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
                yield self.training.whole(number)
            return
        for _ in range(0, self.recipe["crops_per_epoch"], self.recipe["batch"]):
            inputs, target, weights = self.training.draw(draw, self.recipe["batch"])
            yield inputs, target, weights * self.inner

    def length(self) -> int:
        recipe = self.recipe
        return -(-recipe["crops_per_epoch"] // recipe["batch"]) if recipe["crop"] else len(self.training)

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        inputs, target, weights = batch
        made = self.network(inputs)[:, 0].float()
        # A network may leave out what lies in the rim of a cube, which has no weight.
        frame = [-((target.shape[-1] - made.shape[-1]) // 2)] * 6
        squares = (made - functional.pad(target, frame)) ** 2
        return (squares * functional.pad(weights, frame)).sum() / self.weight(batch)

    def weight(self, batch: Batch) -> torch.Tensor:
        # Nothing but rim where a cube was moved far: then the batch teaches nothing.
        return batch[2].sum().clamp(min=1)

    def validate(self) -> float | None:
        if self.judges is None:
            return None
        squares = voxels = 0.0
        for number in range(len(self.judges)):
            (inputs,), (target,), (weights,) = self.judges.whole(number)
            pieces = self.blocks(tuple(target.shape))
            error = Applied(inputs, by_slabs(self.network), pieces, scale=1).output() - target
            squares += float((error**2 * weights).sum())
            voxels += float(weights.sum())
        return squares / voxels
