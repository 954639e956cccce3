"""Whole sessions, and cubes of them gathered by index where the images lie."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..models.interface import Volumes
from . import storage
from .loop import Batch


class CubePool:
    """Several sessions end to end in one flat tensor, each as a stack of inputs, target and weights.

    Args:
        sessions: all have a target; shapes may differ.
        edge: of the cubes in voxels; 0: whole sessions only. Where a session is smaller it is filled up with 0.
        device: where batches are wanted, and the images kept if they fit there.
        prepare: normalises a session, one at a time: inputs, target and weights, float32
            (contrasts + 2, x, y, z).
        folder: of the file that they are kept in (`storage.empty`).
    """

    def __init__(
        self,
        sessions: list[Volumes],
        edge: int,
        device: torch.device,
        *,
        prepare: Callable[[Volumes], np.ndarray],
        folder: Path | None = None,
    ) -> None:
        self.edge = edge
        self.device = device
        images = len(sessions[0].inputs) + 2
        self.shapes = np.array([np.maximum(one.mask.shape, edge) for one in sessions])
        self.stacks = []
        self._starts = np.cumsum([0, *images * self.shapes.prod(axis=1)])
        device = storage.place([(self._starts[-1], torch.float32)], device)
        self._flat = storage.empty((int(self._starts[-1]),), device, folder)
        self._bounds = np.cumsum([0, *(np.count_nonzero(one.mask) for one in sessions)])
        self._voxels = storage.empty((int(self._bounds[-1]), 3), torch.device("cpu"), folder, torch.int32)
        for number, session in enumerate(sessions):
            first, last = self._starts[number : number + 2]
            stack = self._flat[first:last].view(images, *self.shapes[number].tolist()).zero_()
            x, y, z = session.mask.shape
            stack[:, :x, :y, :z] = torch.from_numpy(prepare(session))
            self.stacks.append(stack)
            own = slice(*self._bounds[number : number + 2])
            self._voxels[own] = torch.from_numpy(np.argwhere(session.mask))
        if edge:
            self._runs = storage.runs(self._flat, edge)
            # A cube is edge² runs of memory in each image: neighbours along z.
            offsets = [self._offsets_in(number) for number in range(len(sessions))]
            self._offsets = torch.from_numpy(np.stack(offsets)).to(self._flat.device)

    def __len__(self) -> int:
        return len(self.stacks)

    def whole(self, number: int) -> Batch:
        """Inputs (1, contrasts, x, y, z), target and weights (1, x, y, z) of one session."""
        return _parts(self.stacks[number][None].to(self.device))

    def cubes(self, owners: np.ndarray, centres: np.ndarray) -> Batch:
        """Inputs, target and weights of cubes around voxels, moved to lie inside their session.

        Args:
            owners: (n,), numbers of sessions.
            centres: (n, 3), in voxels.
        """
        shapes = self.shapes[owners]
        first = np.clip(centres - self.edge // 2, 0, shapes - self.edge)
        x, y, z = first.T
        corners = self._starts[owners] + (x * shapes[:, 1] + y) * shapes[:, 2] + z
        which, first = (torch.from_numpy(one).to(self._offsets.device) for one in (owners, corners))
        index = first[:, None] + self._offsets[which]
        gathered = torch.index_select(self._runs, 0, index.view(-1)).to(self.device)
        return _parts(gathered.view(len(owners), -1, *[self.edge] * 3))

    def draw(self, draw: np.random.Generator, count: int) -> Batch:
        """Cubes around mask voxels of sessions, both drawn at random with repetition."""
        owners = draw.integers(len(self), size=count)
        voxels = self._bounds[owners] + draw.integers(np.diff(self._bounds)[owners])
        return self.cubes(owners, self._voxels[torch.from_numpy(voxels)].numpy())

    def _offsets_in(self, number: int) -> np.ndarray:
        shape = self.shapes[number]
        images = np.arange(len(self.stacks[number])) * shape.prod()
        rows, columns = np.arange(self.edge) * shape[1] * shape[2], np.arange(self.edge) * shape[2]
        return np.add.outer(np.add.outer(images, rows), columns).ravel()


def _parts(stacks: torch.Tensor) -> Batch:
    return stacks[:, :-2], stacks[:, -2], stacks[:, -1]
