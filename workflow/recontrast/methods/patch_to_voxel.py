"""Build-A-FLAIR: a dense network that sees a small neighbourhood of every contrast and gives one voxel.

It trains on and predicts from patches gathered by index. The first dense layer on a flattened p³ patch is a p³
convolution, and the others are 1³ convolutions: where a gradient of whole images is asked for it is taken of those.
"""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..models.interface import Cohort, Model, Run, Volumes
from ..models.normalisation import cohort_scales, normalise, normalise_inputs, target_scale
from ..models.recipes import Recipe
from ..trainer import device as devices
from ..trainer.applied import Applied, restored
from ..trainer.loop import Batch, Task, train
from ..trainer.patches import PatchPool
from ..trainer.rates import rate, set_rate
from ..trainer.slabs import slabs

DROPOUT_AFTER = (2, 4, 6, 8)
VOXELS = {"cpu": 1000, "cuda": 2**17}  # predicted at a time: on a CPU, patches and layers fit into the cache
ALIGNED = 8  # floats of a vector register: matrix products are faster where widths are multiples of it
MEMORY = 32 * 2**20  # bytes of a slab after the p³ convolution, where a gradient is asked for


def margin(recipe: Recipe) -> int:
    """The reach of a patch."""
    return recipe["patch"] // 2


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Train on random voxels inside the masks; keep the epoch with the lowest validation error."""
    device = devices.begin(run)
    constants = cohort_scales(cohort.training, recipe)

    def pool(sessions: list[Volumes]) -> PatchPool:
        prepare = partial(normalise, constants=constants, recipe=recipe)
        return PatchPool(sessions, recipe["patch"], device, prepare=prepare, folder=run.checkpoint)

    task = _Voxels(
        pool(cohort.training),
        pool(cohort.validation) if cohort.validation else None,
        recipe,
        devices.seed_epoch(run.seed, 0),
        [_weights(sessions, device) for sessions in (cohort.training, cohort.validation)],
    )
    outcome = train(task, run, epochs=recipe["epochs"], bfloat16=recipe["bfloat16"])
    return Model(outcome.weights, constants, outcome.losses, outcome.best_epoch)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target of every mask voxel, float32 (x, y, z), in the units of the training targets; 0 elsewhere.

    Patches are gathered and sent through the network a few at a time, so that they never leave the cache.
    """
    device = devices.begin(run)
    inputs = normalise_inputs(volumes, model.constants, recipe)
    pool = PatchPool([replace(volumes, inputs=inputs, target=None)], recipe["patch"], device)
    network = aligned(restored(build(len(inputs) * recipe["patch"] ** 3, recipe), model, device))
    parts = torch.arange(len(pool), device=device).split(VOXELS[device.type])
    made = devices.side_by_side(lambda which: network(pool.gather(which)), parts, run.threads)
    output = np.zeros(volumes.mask.shape, np.float32)
    output[volumes.mask] = torch.cat(made)[:, 0].cpu().numpy()
    return output * np.float32(model.constants["target"])


def applied(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> Applied:
    """The network before the images of one session, as convolutions; for what needs a gradient."""
    device = devices.begin(run)
    inputs = torch.from_numpy(normalise_inputs(volumes, model.constants, recipe)).to(device)
    network = restored(build(len(inputs) * recipe["patch"] ** 3, recipe), model, device)
    kernel = as_kernel(network[0].weight, recipe, len(inputs))

    def forward(seen: torch.Tensor) -> torch.Tensor:
        features = functional.conv3d(seen[None], kernel, network[0].bias, padding=margin(recipe))[0]
        return network[1:](features.movedim(0, -1))[..., 0]

    blocks = slabs(volumes.mask.shape, len(kernel), halo=margin(recipe), memory=MEMORY)
    own = target_scale(volumes, model.constants, recipe), 0.0
    return Applied(inputs, forward, blocks, scale=model.constants["target"], own=own)


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
        modules += [nn.Linear(before, after), nn.Identity() if linear else nn.ReLU(inplace=True)]
        if recipe["initialisation"] == "he":
            nn.init.kaiming_normal_(modules[-2].weight, nonlinearity="relu")
            nn.init.zeros_(modules[-2].bias)
        if number in DROPOUT_AFTER and not last:
            modules.append(nn.Dropout(recipe["dropout"]))
    return nn.Sequential(*modules)


@torch.no_grad()
def aligned(network: nn.Sequential) -> nn.Sequential:
    """The same function, its hidden widths rounded up: weights of zero make maps of zero that nothing reads."""
    hidden = [layer for layer in network if isinstance(layer, nn.Linear)]
    for layer, following in itertools.pairwise(hidden):
        more = -layer.out_features % ALIGNED
        layer.weight = nn.Parameter(functional.pad(layer.weight, (0, 0, 0, more)))
        layer.bias = nn.Parameter(functional.pad(layer.bias, (0, more)))
        following.weight = nn.Parameter(functional.pad(following.weight, (0, more)))
    return network


class _Voxels(Task):
    """Random mask voxels of the training sessions; mean squared error."""

    def __init__(
        self,
        training: PatchPool,
        validation: PatchPool | None,
        recipe: Recipe,
        draw: np.random.Generator,
        weights: list[torch.Tensor | None],
    ) -> None:
        self.training = training
        self.validation = validation
        self.weights, self.validation_weights = weights
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
            batch = self.training.gather(which), self.training.targets(which)
            yield batch if self.weights is None else (*batch, self.weights[which])

    def length(self) -> int:
        drawn = min(self.recipe["voxels_per_epoch"], len(self.training))
        return -(-drawn // self.recipe["batch"])

    def weight(self, batch: Batch) -> torch.Tensor | float:
        return float(len(batch[0])) if len(batch) == 2 else batch[2].sum()

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        patches, targets, *weights = batch
        return functional.mse_loss(
            self.network(patches)[:, 0].float(), targets, weight=next(iter(weights), None)
        )

    def validate(self) -> float | None:
        if self.validation is None:
            return None
        parts = np.array_split(self.chosen, min(self.validation_parts, len(self.chosen)))
        predicted = torch.cat([self.network(self.validation.gather(part))[:, 0] for part in parts])
        weights = self.validation_weights
        return float(
            functional.mse_loss(
                predicted,
                self.validation.targets(self.chosen),
                weight=None if weights is None else weights[self.chosen],
            )
        )


def _weights(sessions: list[Volumes], device: torch.device) -> torch.Tensor | None:
    """How much every patch of a pool of some sessions counts, in the pool's order; None: all alike."""
    if all(one.emphasis is None for one in sessions):
        return None
    return torch.from_numpy(np.concatenate([one.weights[one.mask] for one in sessions])).to(device)
