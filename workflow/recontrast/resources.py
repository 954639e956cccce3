"""What jobs may take of a machine: more memory and time at each try, and no more GPUs than there are."""

import os
from collections.abc import Callable
from pathlib import Path

from .config import Training

DEVICES = ("nvidia[0-9]*", "kfd")  # of NVIDIA and AMD


def growing(amount: int) -> Callable[..., int]:
    """As much at the first try, twice as much at the second, and so on; Snakemake calls it for each job."""
    return lambda wildcards, attempt: amount * attempt


def trainings_at_once(settings: Training, devices: Path = Path("/dev")) -> int | None:
    """How many trainings may run on this machine at a time; None where its GPU does not matter.

    Found without torch, which takes seconds to load: the main process must answer at once.

    Args:
        settings: of the study.
        devices: where the system lists its devices.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1", "NoDevFiles")
    there = any(found for pattern in DEVICES for found in devices.glob(pattern))
    return settings.per_gpu if there and not hidden and settings.device != "cpu" else None
