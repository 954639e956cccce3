"""Cubic patches of many sessions, gathered by index where the images lie."""

import numpy as np
import torch

from ..methods.interface import Volumes

CHUNK = 256  # patches gathered at a time on a CPU, so that their indices stay in the cache


class PatchPool:
    """All patches around the mask voxels of several sessions, none of them stored.

    The images lie end to end in one flat tensor. The voxels of a patch lie at the same distances from its
    centre everywhere in a session, so a batch of patches is one index expression, whatever sessions it mixes.

    Args:
        sessions: inputs already normalised; shapes may differ.
        size: edge of the patch in voxels, odd. Beyond the image is 0.
        device: where images and indices are kept.
    """

    def __init__(self, sessions: list[Volumes], size: int, device: torch.device) -> None:
        radius = size // 2
        images, offsets, centres, owners, targets, start = [], [], [], [], [], 0
        for number, session in enumerate(sessions):
            last = np.moveaxis(session.inputs, 0, -1)
            padded = np.ascontiguousarray(np.pad(last, [(radius, radius)] * 3 + [(0, 0)]))
            strides = np.array(padded.strides) // padded.itemsize
            # A patch is size² runs of memory, all contrasts of neighbours along z: one index per run.
            planar = np.arange(-radius, radius + 1)
            around = np.add.outer(planar * strides[0], planar * strides[1]).ravel()
            offsets.append(around - radius * strides[2])
            centres.append(start + strides[:3] @ (np.argwhere(session.mask) + radius).T)
            owners.append(np.full(len(centres[-1]), number))
            if session.target is not None:
                targets.append(session.target[session.mask])
            images.append(padded.ravel())
            start += padded.size
        #: index of the first and one past the last patch of each session
        self.bounds = np.concatenate([[0], np.cumsum([len(part) for part in centres])])
        flat = torch.from_numpy(np.concatenate(images)).to(device)
        run = size * len(sessions[0].inputs)
        self._runs = flat.as_strided((len(flat) - run + 1, run), (1, 1))
        self._offsets = torch.from_numpy(np.stack(offsets)).to(device)
        self._centres = torch.from_numpy(np.concatenate(centres)).to(device)
        self._owners = torch.from_numpy(np.concatenate(owners)).to(device)
        self._targets = torch.from_numpy(np.concatenate(targets)).to(device) if targets else None

    def __len__(self) -> int:
        return int(self.bounds[-1])

    def gather(self, which: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Patches by number, float32, shape (len(which), size³ * contrasts), contrasts innermost."""
        which = torch.as_tensor(which, device=self._runs.device)
        patches = self._runs.new_empty(len(which), self._offsets.shape[1], self._runs.shape[1])
        step = CHUNK if which.device.type == "cpu" else max(1, len(which))
        for some, filled in zip(which.split(step), patches.split(step), strict=True):
            index = self._centres[some, None] + self._offsets[self._owners[some]]
            torch.index_select(self._runs, 0, index.view(-1), out=filled.view(-1, self._runs.shape[1]))
        return patches.view(len(which), -1)

    def targets(self, which: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Target intensities at the centres, shape (len(which),)."""
        return self._targets[torch.as_tensor(which, device=self._runs.device)]

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
