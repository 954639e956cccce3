"""Learning rates that change with the epoch."""

import math
from typing import Literal

import torch

Schedule = Literal["constant", "cosine"]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give all parameters of an optimizer one learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def rate(start: float, schedule: Schedule, epoch: int, epochs: int) -> float:
    """The learning rate of an epoch; `cosine` falls from `start` in the first to near 0 in the last."""
    if schedule == "constant":
        return start
    return start * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2


def hold_then_fall(start: float, epoch: int, held: int, falling: int) -> float:
    """The learning rate of an epoch: `start` for `held` epochs, then linearly to near 0 in the last."""
    return start * min(1.0, (held + falling + 1 - epoch) / (falling + 1))
