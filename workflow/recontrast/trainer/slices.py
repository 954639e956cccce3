"""2D slices of several sessions, resident on the device and gathered by index."""

import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import pad

from ..models.interface import Region, Volumes
from ..models.recipes import Recipe
from . import storage
from .loop import Batch, Task
from .rates import rate, set_rate

Size = tuple[int, int]


class SlicePool:
    """All slices of several sessions along one axis, at one in-plane size.

    Smaller slices are centred in zeros, larger ones lose their rims.

    Args:
        sessions: inputs and target already normalised, one at a time; shapes may differ, all have a target.
        device: where batches are wanted, and the slices kept if they fit there.
        folder: of the files that they are kept in (`storage.empty`).
        axis: the axis that is cut; the other two stay in their order.
        size: in-plane size in voxels; None: the largest of all sessions.
        multiple: of which `size` is made one by rounding up, as networks that halve their images need it.
        empty: keep slices without mask voxels too.
        region: what counts in a loss: the mask, or the whole image.

    Attributes:
        inputs: float32, shape (n, contrasts, h, w).
        target: float32, shape (n, h, w).
        mask: bool, shape (n, h, w).
        weights: how much a pixel counts in a loss, shape (n, h, w), 0 outside the region and in what was added
            around an image: float32 where a session has an emphasis, else bool.
    """

    def __init__(
        self,
        sessions: Iterable[Volumes],
        device: torch.device,
        *,
        folder: Path | None = None,
        axis: int = 2,
        size: int | Size | None = None,
        multiple: int = 1,
        empty: bool = False,
        region: Region = "mask",
    ) -> None:
        sessions = [storage.spilled(session, folder) for session in sessions]
        masks = [np.moveaxis(session.mask, axis, 0) for session in sessions]
        kept = [np.arange(len(one)) if empty else np.flatnonzero(one.any(axis=(1, 2))) for one in masks]
        if size is None:
            size = tuple(max(one.shape[side] for one in masks) for side in (1, 2))
        h, w = rounded((size, size) if isinstance(size, int) else size, multiple)
        count, contrasts = sum(map(len, kept)), len(sessions[0].inputs)
        self.device = device
        emphasised = any(session.emphasis is not None for session in sessions)
        own = region == "image" or emphasised  # weights that are not the mask
        kind = torch.float32 if emphasised else torch.bool
        pixels = count * h * w
        sizes = [((contrasts + 1) * pixels, torch.float32), (pixels, torch.bool), (pixels * own, kind)]
        device = storage.place(sizes, device)
        self.inputs = storage.empty((count, contrasts, h, w), device, folder)
        self.target = storage.empty((count, h, w), device, folder)
        self.mask = storage.empty((count, h, w), device, folder, torch.bool)
        self.weights = storage.empty((count, h, w), device, folder, kind) if own else self.mask
        first = 0
        for session, mask, numbers in zip(sessions, masks, kept, strict=True):
            rows = slice(first, first + len(numbers))
            amounts = centring(mask.shape[1:], (h, w))
            filled = [
                (self.inputs, np.moveaxis(session.inputs, axis + 1, 0)),
                (self.target, np.moveaxis(session.target, axis, 0)),
                (self.mask, mask),
            ]
            if self.weights is not self.mask:
                filled.append((self.weights, np.moveaxis(session.weights_over(region), axis, 0)))
            for stack, image in filled:
                stack[rows] = pad(torch.from_numpy(image[numbers]), amounts).to(device)
            first = rows.stop

    def __len__(self) -> int:
        return len(self.target)

    def gather(self, which: np.ndarray | torch.Tensor) -> Batch:
        """Inputs, target and weights of slices by number."""
        which = torch.as_tensor(which, device=self.target.device)
        return self._given(self.inputs[which], self.target[which], self.weights[which])

    def batches(self, size: int, draw: np.random.Generator | None = None) -> Iterator[Batch]:
        """Every slice once, `size` at a time: in random order, or in their own where nothing is drawn."""
        order = np.arange(len(self)) if draw is None else draw.permutation(len(self))
        for first in range(0, len(self), size):
            yield self.gather(order[first : first + size])

    def draw_patches(self, draw: np.random.Generator, count: int, edge: int) -> Batch:
        """Inputs, target and weights of square patches around mask voxels drawn at random, with repetition.

        Patches are moved to lie inside their slice. A side on which the slices are shorter than `edge` is
        taken whole.
        """
        shape = tuple(self.target.shape)
        voxels = self._voxels[draw.integers(len(self._voxels), size=count)]
        slices, *centres = np.unravel_index(voxels, shape)
        numbers = [slices]
        for centre, length in zip(centres, shape[1:], strict=True):
            side = min(edge, length)
            numbers.append(np.clip(centre - side // 2, 0, length - side)[:, None] + np.arange(side))
        which, rows, columns = (torch.from_numpy(one).to(self.target.device) for one in numbers)
        index = which[:, None, None], rows[:, :, None], columns[:, None, :]
        inputs = self.inputs.movedim(1, -1)[index].movedim(-1, 1)
        return self._given(inputs, self.target[index], self.weights[index])

    def _given(self, *tensors: torch.Tensor) -> Batch:
        return tuple(tensor.to(self.device) for tensor in tensors)

    @functools.cached_property
    def _voxels(self) -> np.ndarray:
        """Where in the flattened stack the mask voxels lie."""
        return np.flatnonzero(self.mask.cpu().numpy())


class SliceTask(Task):
    """A 2D network that learns from slices in random order, with one Adam; a method adds its loss.

    The recipe's keys that are read here: batch, batches_per_epoch (0: every slice once), learning_rate,
    schedule, epochs.
    """

    def __init__(
        self, network: torch.nn.Module, training: SlicePool, validation: SlicePool | None, recipe: Recipe
    ) -> None:
        self.training = training
        self.validation = validation
        self.recipe = recipe
        self.network = network.to(training.device, memory_format=torch.channels_last)
        self.optimizers = {
            "training": torch.optim.Adam(self.network.parameters(), lr=recipe["learning_rate"])
        }

    def begin_epoch(self, epoch: int) -> None:
        recipe = self.recipe
        new = rate(recipe["learning_rate"], recipe["schedule"], epoch, recipe["epochs"])
        set_rate(self.optimizers["training"], new)

    def batches(self, draw: np.random.Generator) -> Iterable[Batch]:
        every = self.training.batches(self.recipe["batch"], draw)
        return itertools.islice(every, self.recipe["batches_per_epoch"] or None)

    def length(self) -> int:
        every = -(-len(self.training) // self.recipe["batch"])
        return min(every, self.recipe["batches_per_epoch"] or every)

    def validation_batches(self) -> Iterator[Batch]:
        """The validation slices, in batches that fit the memory."""
        return self.validation.batches(max(1, self.recipe["batch"] // self.validation_parts))


def counted(batch: Batch) -> Batch:
    """A batch with, for each sample, the mean sum of weights of all: what its parts divide by, so that they add up."""
    weights = batch[2].float().sum() / len(batch[2])
    return (*batch, weights.expand(len(batch[2])))


def rounded(size: Size, multiple: int) -> Size:
    """Both sides rounded up to a multiple."""
    return tuple(-(-length // multiple) * multiple for length in size)


def centring(before: Size, after: Size) -> list[int]:
    """What `torch.nn.functional.pad` must add to (below zero: take from) the last two axes of an image."""
    amounts = []
    for old, new in zip(reversed(before), reversed(after), strict=True):
        amounts += [(new - old) // 2, new - old - (new - old) // 2]
    return amounts
