"""DL-FLAIR: a pixel-wise generator on the raw images of synthetic MRI, trained against a U-Net-shaped critic.

Step one brings the generator near a FLAIR that is computed from the relaxation rates; step two is adversarial.
Both are epochs of one training, so that it can stop and go on anywhere.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ..models.interface import Cohort, Model, Run, Volumes
from ..models.normalisation import percentile_scale
from ..models.recipes import Recipe
from ..trainer import device as devices
from ..trainer.applied import Applied, restored
from ..trainer.coarse_flair import channels, coarse_flair, magnitudes, split
from ..trainer.critics import PixelCritic, deceive, judge
from ..trainer.loop import Batch, Task, train
from ..trainer.rates import rate, set_rate
from ..trainer.slabs import slabs
from ..trainer.slices import SlicePool, counted

MULTIPLE = 8  # of which the sides of slices and patches are one: the critic halves them three times


def margin(recipe: Recipe) -> int:
    """A pixel needs no others, and the critic sees nothing outside the mask."""
    return 0


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Train in both steps; keep the last epoch, or with `keep: best` the one nearest to validation targets."""
    device = devices.begin(run)
    level = float(np.median([_scale(one.target, one, recipe) for one in cohort.training]))

    def prepare(session: Volumes) -> Volumes:
        """Raw images and, as a last channel, the target of step one; all divided, the target 0 outside."""
        unit = _scale(session.target, session, recipe) if recipe["scale"] == "session" else level
        first = coarse_flair(session, recipe) if recipe["start"] == "synthetic" else session.target
        inputs = np.concatenate([normalise_inputs(session, recipe), first[None] / np.float32(unit)])
        return replace(session, inputs=inputs, target=session.target / np.float32(unit))

    judged = cohort.validation if recipe["keep"] == "best" else []
    training, validation = (
        SlicePool(map(prepare, sessions), device, folder=run.checkpoint, multiple=MULTIPLE)
        if sessions
        else None
        for sessions in (cohort.training, judged)
    )
    task = _TwoSteps(training, validation, recipe)
    outcome = train(task, run, epochs=task.epochs, bfloat16=recipe["bfloat16"])
    prefix = "generator."
    weights = {n.removeprefix(prefix): w for n, w in outcome.weights.items() if n.startswith(prefix)}
    return Model(weights, {"target": level}, outcome.losses, outcome.best_epoch)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target, float32 (x, y, z), in the units of the training targets; slab by slab."""
    return applied(model, volumes, recipe, run).predict()


def applied(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> Applied:
    """The generator before the voxels of one session."""
    device = devices.begin(run)
    network = restored(Generator(recipe["hidden"], channels(recipe)), model, device)
    inputs = torch.from_numpy(normalise_inputs(volumes, recipe)).to(device)

    def forward(seen: torch.Tensor) -> torch.Tensor:
        return network(seen.flatten(1).T).view(seen.shape[1:])

    blocks = slabs(volumes.mask.shape, channels=2 * recipe["hidden"], halo=0)
    unit = model.constants["target"]
    by_itself = recipe["scale"] == "session" and volumes.target is not None
    own = (_scale(volumes.target, volumes, recipe) if by_itself else unit), 0.0
    return Applied(inputs, forward, blocks, scale=unit, own=own)


def normalise_inputs(volumes: Volumes, recipe: Recipe) -> np.ndarray:
    """The raw images of a session divided by one number, so that their ratios stay; float32 (8 or 16, x, y, z)."""
    raw, _ = split(volumes, recipe)
    sizes = magnitudes(raw)
    everywhere = np.broadcast_to(volumes.mask, sizes.shape)
    return raw / np.float32(percentile_scale(sizes, everywhere, recipe["percentile"], volumes.label))


class Generator(nn.Module):
    """Two dense networks side by side on the raw signals of a pixel; the product of their outputs is its FLAIR.

    Source: Hagiwara 2019, figure 1A.
    """

    def __init__(self, hidden: int, images: int) -> None:
        super().__init__()
        self.signal = nn.Sequential(nn.Linear(images, hidden), nn.Sigmoid(), nn.Linear(hidden, 1))
        self.suppression = nn.Sequential(
            nn.Linear(images, hidden), nn.ELU(), nn.Linear(hidden, 1), nn.Sigmoid()
        )

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        """From (..., images) to (...)."""
        return (self.signal(signals).square() * self.suppression(signals))[..., 0]


class _TwoSteps(Task):
    """Random patches; step one with absolute differences, step two against the critic."""

    def __init__(self, training: SlicePool, validation: SlicePool | None, recipe: Recipe) -> None:
        self.training, self.validation, self.recipe = training, validation, recipe
        self.first, second = (
            -(-recipe[f"{step}_iterations"] // recipe["iterations_per_epoch"])
            for step in ("start", "adversarial")
        )
        self.epochs = self.first + second
        self.iterations = recipe["iterations_per_epoch"]  # the last epoch of a step may have fewer
        self.adversarial = False
        self.images = channels(recipe)
        generator = Generator(recipe["hidden"], self.images)
        seen = 1 + self.images if recipe["conditional"] else 1
        critic = PixelCritic(seen, recipe["filters"])
        self.network = nn.ModuleDict({"discriminator": critic, "generator": generator}).to(training.device)
        self.optimizers = {
            turn: torch.optim.Adam(network.parameters()) for turn, network in self.network.items()
        }

    def begin_epoch(self, epoch: int) -> None:
        self.adversarial = epoch > self.first
        step = "adversarial" if self.adversarial else "start"
        if epoch == self.first + 1:  # another loss: its slopes have other sizes
            self.optimizers["generator"].state.clear()
        past, epochs = (self.first, self.epochs - self.first) if self.adversarial else (0, self.first)
        usual = self.recipe["iterations_per_epoch"]
        self.iterations = min(usual, self.recipe[f"{step}_iterations"] - (epoch - past - 1) * usual)
        for turn, optimizer in self.optimizers.items():
            begun = self.recipe[f"{step}_{turn}_rate"]
            set_rate(optimizer, rate(begun, self.recipe["schedule"], epoch - past, epochs))
        for group in self.optimizers["generator"].param_groups:
            group["betas"] = (self.recipe[f"{step}_beta1"], 0.999)

    def turns(self) -> list[str]:
        idle = not self.adversarial and not self.recipe["start_discriminator_rate"]
        return ["generator"] if idle else ["discriminator", "generator"]

    def batches(self, draw: np.random.Generator) -> Iterable[Batch]:
        for _ in range(self.iterations):
            yield counted(self.training.draw_patches(draw, self.recipe["batch"], self.recipe["patch"]))

    def length(self) -> int:
        return self.iterations

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        inputs, target, mask, pixels = batch
        raw, first = inputs[:, : self.images], inputs[:, self.images]
        critic = self.network["discriminator"].requires_grad_(turn == "discriminator")

        def logits(image: torch.Tensor) -> list[torch.Tensor]:
            seen = image[:, None]
            if self.recipe["conditional"]:
                seen = torch.cat([seen, raw], 1)
            return critic(seen * mask[:, None])

        if turn == "discriminator":
            with torch.no_grad():
                made = self.network["generator"](raw.movedim(1, -1))
            return judge(logits(target), real=True) + judge(logits(made), real=False)
        made = self.network["generator"](raw.movedim(1, -1))
        if not self.adversarial:
            return _absolute(made, first, mask, pixels)
        loss = deceive(logits(made), self.recipe["adversarial_loss"])
        if self.recipe["absolute_weight"]:
            loss = loss + self.recipe["absolute_weight"] * _absolute(made, target, mask, pixels)
        return loss

    def validate(self) -> float | None:
        if self.validation is None:
            return None
        errors = [
            (self.network["generator"](inputs[:, : self.images].movedim(1, -1)) - target)[mask].abs()
            for inputs, target, mask in self.validation.batches(
                max(1, self.recipe["batch"] // self.validation_parts)
            )
        ]
        return float(torch.cat(errors).mean())


def _absolute(
    made: torch.Tensor, target: torch.Tensor, mask: torch.Tensor, pixels: torch.Tensor
) -> torch.Tensor:
    """Mean absolute difference over the mask, of which every sample has so many pixels on average."""
    return ((made.float() - target).abs() * mask).sum() / pixels.sum()


def _scale(image: np.ndarray, session: Volumes, recipe: Recipe) -> float:
    return percentile_scale(image, session.mask, recipe["percentile"], session.label)
