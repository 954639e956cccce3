"""What the benchmarks share: a head to work on, clocks, and the words for the machine."""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from recontrast.models.interface import Volumes
from scipy.ndimage import gaussian_filter

Shape = tuple[int, int, int]
#: recipe keys that say how long a training is
LENGTHS = ("epochs", "then_epochs", "epochs_falling", "start_iterations", "adversarial_iterations")
BRAIN = 150  # voxels: edge of the cube whose ball has as many voxels as a brain at 1 mm


def head(shape: Shape, contrasts: int, seed: int = 1, brain: Shape | None = None) -> Volumes:
    """A smooth random head; its brain is an ellipsoid in the middle.

    Args:
        shape: of the images.
        contrasts: number of inputs. The target is a function of the first two and of noise.
        seed: of everything random.
        brain: diameters of the ellipsoid in voxels; None: it touches all faces.
    """
    draw = np.random.default_rng(seed)
    noise = [gaussian_filter(draw.normal(size=shape).astype(np.float32), 3) for _ in range(contrasts)]
    inputs = np.stack([1000 + 200 * image / image.std() for image in noise])
    target = inputs[0] * inputs[-1] / 1000 + draw.normal(size=shape).astype(np.float32) * 50
    axes = np.meshgrid(
        *[
            (np.arange(size) - (size - 1) / 2) * 2 / edge
            for size, edge in zip(shape, brain or shape, strict=True)
        ],
        indexing="ij",
    )
    return Volumes(f"sub-{seed:02d}", inputs, target, sum(axis**2 for axis in axes) < 1)


def cube(edge: int, contrasts: int) -> Volumes:
    """A head of edge³ voxels; its brain is a ball that fills half of the cube."""
    return head((edge,) * 3, contrasts)


def add_device(parser: argparse.ArgumentParser) -> None:
    """The option that says where to compute."""
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def device_of(asked: str) -> str:
    """`cpu` or `cuda`: auto takes the GPU where there is one."""
    import torch

    return asked if asked != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def clock_of(device: str) -> Callable[[], float]:
    """Wall seconds; on a GPU after all that was asked of it is done."""
    import torch

    def synchronised() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return synchronised if device == "cuda" else time.perf_counter


def median_seconds(
    work: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Median time of some runs, after one to warm up."""
    work()
    return statistics.median(seconds(work, clock)[1] for _ in range(repeats))


def seconds(
    work: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> tuple[object, float]:
    """What one run gives, and its time."""
    begun = clock()
    return work(), clock() - begun


def machine(threads: int, device: str = "cpu") -> str:
    """The processor or GPU, how much of it was used, and how busy the machine was otherwise."""
    import torch

    if device == "cuda":
        name = torch.cuda.get_device_name()
    else:
        lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
        name = next(
            (line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine()
        )
    load = Path("/proc/loadavg").read_text().split()[0] if Path("/proc/loadavg").exists() else "unknown"
    return f"{name}, {threads} threads, torch {torch.__version__}, load of the machine {load}"
