"""How strongly a prediction hangs on each voxel of each input."""

from collections.abc import Callable

import numpy as np
import torch

from .applied import Applied


def gradient(applied: Applied, mask: np.ndarray) -> np.ndarray:
    """Plain saliency, |d(sum of the prediction over the mask) / d input|.

    Args:
        applied: network and inputs.
        mask: where the prediction counts, bool, shape (x, y, z).

    Returns:
        float32, shape (contrasts, x, y, z): units of the normalised target to one of the normalised input.
    """
    inside = torch.from_numpy(mask).to(applied.inputs.device)
    return _backward(applied, lambda made, where: made[inside[where]].sum())


def p3s(applied: Applied, mask: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The pulse-sequence-specific saliency map of Wei 2019, section 2.2: |d||I - I^||^2 / d input|.

    Args:
        applied: network and inputs.
        mask: where the error counts, bool, shape (x, y, z).
        target: the acquired image in its units, shape (x, y, z).

    Returns:
        float32, shape (contrasts, x, y, z), in normalised units; the target's are those of training, its own
        where the recipe scales each session by itself.
    """
    inside = torch.from_numpy(mask).to(applied.inputs.device)
    truth = applied.normalised(target)
    return _backward(applied, lambda made, where: ((made - truth[where])[inside[where]] ** 2).sum())


def _backward(applied: Applied, loss: Callable[[torch.Tensor, tuple], torch.Tensor]) -> np.ndarray:
    """The gradient of a sum over output voxels, block by block: each adds what hangs on it."""
    total = torch.zeros_like(applied.inputs)
    for seen, filled, inner in applied.blocks:
        where = (slice(None), *applied.cut(seen))
        some = applied.inputs[where].clone().requires_grad_()
        made = applied.forward(some)[applied.cut(inner)].float()
        total[where] += torch.autograd.grad(loss(made, applied.cut(filled)), some)[0]
    return total.abs().cpu().numpy()
