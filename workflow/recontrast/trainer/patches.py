"""Cubic patches of many sessions, gathered by index where the images lie."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..models.interface import Volumes
from . import storage

CHUNK = 256  # patches gathered at a time on a CPU, so that their indices stay in the cache


class PatchPool:
    """All patches around the mask voxels of several sessions, none of them stored.

    The images lie end to end in one flat tensor. The voxels of a patch lie at the same distances from its
    centre everywhere in a session, so a batch of patches is one index expression, whatever sessions it mixes.

    Args:
        sessions: shapes may differ.
        size: edge of the patch in voxels, odd. Beyond the image is 0.
        device: where batches are wanted, and images and indices kept if they fit there.
        prepare: normalises a session; one at a time, so that no two of them are in memory. None: they are.
        folder: of the file that they are kept in (`storage.empty`).

    Attributes:
        bounds: number of the first and one past the last patch of each session.
    """

    def __init__(
        self,
        sessions: list[Volumes],
        size: int,
        device: torch.device,
        *,
        prepare: Callable[[Volumes], Volumes] | None = None,
        folder: Path | None = None,
    ) -> None:
        radius, contrasts = size // 2, len(sessions[0].inputs)
        lengths = [contrasts * np.prod(np.add(one.mask.shape, 2 * radius)) for one in sessions]
        counts = [np.count_nonzero(one.mask) for one in sessions]
        self.bounds = np.concatenate([[0], np.cumsum(counts)])
        self.device = device
        known = all(one.target is not None for one in sessions)
        sizes = [
            (np.sum(lengths), torch.float32),
            (len(self), torch.int64),
            (len(self) * known, torch.float32),
        ]
        device = storage.place(sizes, device)
        flat = storage.empty((int(np.sum(lengths)),), device, folder)
        self._centres = storage.empty((len(self),), device, folder, torch.int64)
        self._targets = storage.empty((len(self),), device, folder) if known else None
        offsets, start = [], 0
        for number, session in enumerate(sessions):
            ready = prepare(session) if prepare else session
            padded = np.pad(np.moveaxis(ready.inputs, 0, -1), [(radius, radius)] * 3 + [(0, 0)])
            padded = np.ascontiguousarray(padded)
            strides = np.array(padded.strides) // padded.itemsize
            # A patch is size² runs of memory, all contrasts of neighbours along z: one index per run.
            planar = np.arange(-radius, radius + 1)
            around = np.add.outer(planar * strides[0], planar * strides[1]).ravel()
            offsets.append(around - radius * strides[2])
            own = slice(*self.bounds[number : number + 2])
            centres = start + (np.argwhere(ready.mask) + radius) @ strides[:3]
            self._centres[own] = torch.from_numpy(centres).to(device)
            if known:
                self._targets[own] = torch.from_numpy(ready.target[ready.mask]).to(device)
            flat[start : start + padded.size] = torch.from_numpy(padded.ravel()).to(device)
            start += padded.size
        self._runs = storage.runs(flat, size * contrasts)
        self._offsets = torch.from_numpy(np.stack(offsets)).to(device)
        self._ends = torch.from_numpy(self.bounds[1:]).to(device)

    def __len__(self) -> int:
        return int(self.bounds[-1])

    def gather(self, which: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Patches by number, float32, shape (len(which), size³ * contrasts), contrasts innermost."""
        which = torch.as_tensor(which, device=self._runs.device)
        patches = self._runs.new_empty(len(which), self._offsets.shape[1], self._runs.shape[1])
        step = CHUNK if which.device.type == "cpu" else max(1, len(which))
        for some, filled in zip(which.split(step), patches.split(step), strict=True):
            owners = torch.bucketize(some, self._ends, right=True)
            index = self._centres[some, None] + self._offsets[owners]
            torch.index_select(self._runs, 0, index.view(-1), out=filled.view(-1, self._runs.shape[1]))
        return patches.view(len(which), -1).to(self.device)

    def targets(self, which: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Target intensities at the centres, shape (len(which),)."""
        return self._targets[torch.as_tensor(which, device=self._runs.device)].to(self.device)

    def draw(self, draw: np.random.Generator, sessions: int, patches: int) -> np.ndarray:
        """Numbers of patches drawn without repetition from some sessions, in random order.

        Args:
            draw: the epoch's generator.
            sessions: how many sessions to draw from, chosen at random; 0: all.
            patches: how many patches in all, shared evenly; fewer where a session has fewer.
        """
        count = len(self.bounds) - 1
        chosen = draw.choice(count, size=min(sessions, count) or count, replace=False)
        numbers = []
        for session, share in zip(chosen, _shares(patches, len(chosen)), strict=True):
            first, last = self.bounds[session], self.bounds[session + 1]
            numbers.append(first + draw.choice(last - first, size=min(share, last - first), replace=False))
        return draw.permutation(np.concatenate(numbers))


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (part < total % parts) for part in range(parts)]
