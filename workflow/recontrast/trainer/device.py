"""Where and how torch computes: device, threads, seeds, determinism."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from ..errors import RecontrastError
from ..models.interface import Run


def begin(run: Run) -> torch.device:
    """Set torch up for one run and seed it; everything random in a method comes after this."""
    # cuBLAS is deterministic only with a fixed workspace, and reads this when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    device = choose(run.device)
    torch.set_num_threads(run.threads)
    # A few CUDA kernels have no deterministic form: there a warning in the log must do. This is the same as
    # `use_deterministic_algorithms`, which also loads torch's compiler: 2.9 s.
    torch.set_deterministic_debug_mode("warn" if device.type == "cuda" else "error")
    seed_epoch(run.seed, 0)
    return device


def choose(name: str) -> torch.device:
    """`auto` is the GPU where there is one; `cuda` insists on it."""
    if name == "cuda" and not torch.cuda.is_available():
        raise RecontrastError(
            "device cuda was requested, but PyTorch finds no GPU", remedy="use device auto or cpu"
        )
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def seed_epoch(seed: int, epoch: int) -> np.random.Generator:
    """Seed torch for one epoch and give a generator for draws on the host.

    Every epoch starts from (seed, epoch) alone. So a run that resumes after any epoch draws what an
    uninterrupted run draws, without the states of all generators in the checkpoint.
    """
    sequence = np.random.SeedSequence([seed, epoch])
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    return np.random.default_rng(sequence)


def random_state() -> dict[str, str]:
    """Where torch's random draws are, by device, as text."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        states["cuda"] = torch.cuda.get_rng_state()
    return {name: bytes(state.tolist()).hex() for name, state in states.items()}


def set_random_state(states: dict[str, str]) -> None:
    """Go on drawing from where `random_state` was asked."""
    for name, text in states.items():
        state = torch.tensor(list(bytes.fromhex(text)), dtype=torch.uint8)
        if name == "cpu":
            torch.set_rng_state(state)
        elif torch.cuda.is_available():
            torch.cuda.set_rng_state(state)


def side_by_side(
    work: Callable[[torch.Tensor], torch.Tensor], parts: Sequence[torch.Tensor], threads: int
) -> list[torch.Tensor]:
    """The results for independent parts, as many at a time as there are threads, without gradient.

    Each part is computed by one thread alone. So no thread waits for another inside an operation, and the
    results do not depend on how many there are. A part that does not fit into the GPU's memory is halved.
    """

    def one(part: torch.Tensor) -> torch.Tensor:
        try:
            with torch.no_grad():
                return work(part)
        except torch.OutOfMemoryError:
            if len(part) < 2:
                raise
        torch.cuda.empty_cache()
        return torch.cat([one(half) for half in part.chunk(2)])

    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(one, parts))
    finally:
        torch.set_num_threads(threads)
