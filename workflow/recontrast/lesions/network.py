"""A small 3D network for lesions, trained on cubes of a study's own images and manual masks.

The network is MONAI's basic U-Net (Falk 2019, Nat Methods 16:67), the loss its sum of Dice and cross entropy. It
sees every image over its median in the brain, so that units do not matter. Images of all sessions are taken voxel
by voxel: a network suits the voxel size that it was trained on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet
from torch.nn import functional

from ..masks import bounding_box
from ..models.interface import Run
from ..trainer import device as devices
from ..trainer.loop import Batch, Outcome, Task, train
from ..trainer.rates import rate, set_rate

MARGIN = 8  # voxels around the brain that are kept
ON_LESIONS = 0.5  # part of the cubes whose centre is lesion, in sessions that have any
BRIGHTNESS, OFFSET, NOISE = 0.15, 0.1, 0.05  # how far images are changed at random, in units of their median
RARE = -4.0  # log-odds of lesion, to start from
OVERLAP = 0.25  # of two cubes in prediction
OUTSIDE = -1.0  # outside the brain, and where a cube reaches beyond a thin image


@dataclass(frozen=True)
class Settings:
    """What a network is and how it is trained.

    Attributes:
        filters: maps of the first two levels, doubled at each of the next three.
        edge: of a cube, in voxels; a multiple of 16, as the deepest of five levels needs it.
        epochs: how many.
        cubes: in each of them.
        batch: cubes in an update.
        learning_rate: of AdamW in the first epoch; it falls to 0 along a cosine.
    """

    filters: int
    edge: int
    epochs: int
    cubes: int
    batch: int
    learning_rate: float


@dataclass(frozen=True)
class Example:
    """A session to learn from, cut to the box of its brain: images (contrasts, x, y, z), masks (x, y, z)."""

    images: np.ndarray
    brain: np.ndarray
    lesions: np.ndarray


def fit(examples: Sequence[Example], settings: Settings, run: Run) -> Outcome:
    """Train a network; of one seed, always the same on a CPU, interrupted or not."""
    device = devices.begin(run)
    task = _Cubes(build(len(examples[0].images), settings).to(device), examples, settings, device)
    return train(task, run, epochs=settings.epochs, bfloat16=True)


def probability(
    weights: dict[str, np.ndarray], images: np.ndarray, brain: np.ndarray, settings: Settings, run: Run
) -> np.ndarray:
    """Lesion probability, float32 (x, y, z), 0 outside the brain.

    Args:
        weights: of a trained network.
        images: (contrasts, x, y, z), as read.
        brain: mask.
        settings: with which it was trained.
        run: where to compute.
    """
    device = devices.begin(run)
    network = build(len(images), settings)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    network.to(device).eval()
    part, scaled = prepare(images, brain)
    with torch.no_grad():
        logits = sliding_window_inference(
            torch.from_numpy(scaled)[None].to(device),
            (settings.edge,) * 3,
            settings.batch,
            network,
            overlap=OVERLAP,
            mode="gaussian",
            cval=OUTSIDE,
        )
    found = np.zeros(brain.shape, np.float32)
    found[part] = np.where(brain[part], torch.sigmoid(logits)[0, 0].cpu().numpy(), 0)
    return found


def build(contrasts: int, settings: Settings) -> torch.nn.Module:
    """The network, from (n, contrasts, x, y, z) to log-odds (n, 1, x, y, z)."""
    widths = [settings.filters * factor for factor in (1, 1, 2, 4, 8, 1)]
    # Instance norm, its default, would hide how bright a cube is as a whole.
    network = BasicUNet(3, contrasts, 1, widths, norm="batch")
    # It starts from the knowledge that lesions are rare; to learn that alone takes hundreds of updates.
    torch.nn.init.constant_(network.final_conv.bias, RARE)
    return network


def prepare(images: np.ndarray, brain: np.ndarray) -> tuple[tuple[slice, ...], np.ndarray]:
    """The box of the brain, and every image there over its median in the brain, less 1; `OUTSIDE` outside the brain."""
    part = bounding_box(brain, MARGIN)
    inside = brain[part]
    # Who reads images refuses those without a median; an array of zeros stays one.
    scaled = [one[part] / np.float32(np.median(one[brain]) or 1) - 1 for one in images]
    return part, np.where(inside, scaled, OUTSIDE).astype(np.float32)


def example(images: np.ndarray, brain: np.ndarray, lesions: np.ndarray) -> Example:
    """A session with a manual mask, as training sees it; arrays as read."""
    part, scaled = prepare(images, brain)
    return Example(scaled, brain[part], lesions[part])


class _Cubes(Task):
    """Random cubes, half of them around lesions; flipped, and of a changed brightness."""

    def __init__(
        self,
        network: torch.nn.Module,
        examples: Sequence[Example],
        settings: Settings,
        device: torch.device,
    ) -> None:
        self.network = network
        self.settings = settings
        self.optimizers = {"training": torch.optim.AdamW(network.parameters(), lr=settings.learning_rate)}
        self.criterion = DiceCELoss(sigmoid=True, batch=True)
        self.images, self.lesions, self.centres = [], [], []
        for one in examples:
            # Where a brain is smaller than a cube, cubes still have one shape.
            pad = [n for size in reversed(one.brain.shape) for n in (0, max(0, settings.edge - size))]
            self.images.append(functional.pad(torch.from_numpy(one.images), pad, value=OUTSIDE).to(device))
            truth = torch.from_numpy(one.lesions.astype(np.float32))[None]
            self.lesions.append(functional.pad(truth, pad).to(device))
            self.centres.append((np.argwhere(one.lesions), np.argwhere(one.brain)))

    def begin_epoch(self, epoch: int) -> None:
        asked = self.settings
        set_rate(self.optimizers["training"], rate(asked.learning_rate, "cosine", epoch, asked.epochs))

    def batches(self, draw: np.random.Generator) -> Iterable[Batch]:
        for _ in range(0, self.settings.cubes, self.settings.batch):
            drawn = [self._cube(draw) for _ in range(self.settings.batch)]
            yield tuple(torch.stack(tensors) for tensors in zip(*drawn, strict=True))

    def loss(self, batch: Batch, turn: str) -> torch.Tensor:
        images, lesions = batch
        return self.criterion(self.network(images).float(), lesions)

    def _cube(self, draw: np.random.Generator) -> Batch:
        number = int(draw.integers(len(self.images)))
        images, lesions = self.images[number], self.lesions[number]
        on_lesions, anywhere = self.centres[number]
        chosen = on_lesions if len(on_lesions) and draw.random() < ON_LESIONS else anywhere
        centre, edge = chosen[draw.integers(len(chosen))], self.settings.edge
        # The centre lies anywhere in the middle half, or places in the cube would tell of lesions.
        first = centre - edge // 2 + draw.integers(-edge // 4, edge // 4 + 1, size=3)
        first = np.clip(first, 0, np.array(lesions.shape[1:]) - edge)
        where = (slice(None), *(slice(start, start + edge) for start in first))
        flipped = [axis + 1 for axis in range(3) if draw.random() < 0.5]
        seen, truth = images[where].flip(flipped), lesions[where].flip(flipped)
        factor, shift = 1 + draw.uniform(-BRIGHTNESS, BRIGHTNESS), draw.uniform(-OFFSET, OFFSET)
        noise = torch.randn(seen.shape).to(seen.device) * float(draw.uniform(0, NOISE))
        return seen * factor + shift + noise, truth
