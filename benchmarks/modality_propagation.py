"""Speed of modality_propagation: box-filtered shifts against a loop over voxels with numpy windows.

Run as a script. Prints seconds and their ratio, measured in one run, and a whole volume's prediction.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from measuring import head, machine
from recontrast.methods import modality_propagation
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run
from recontrast.trainer.patch_search import nearest
from scipy.ndimage import binary_erosion

BRAIN = (140, 180, 140)  # mm of the ellipsoid that stands for a brain: 1.8 litres


def literal(
    source: np.ndarray, atlases: list[np.ndarray], estimate: np.ndarray, voxels: np.ndarray, reach: int
) -> np.ndarray:
    """The nearest 3³ patch of every voxel: all windows of an atlas in one numpy expression."""
    windows = [
        np.lib.stride_tricks.sliding_window_view(
            np.pad(atlas, [(0, 0)] + [(reach + 1,) * 2] * 3), (3,) * 3, (1, 2, 3)
        )
        for atlas in atlases
    ]
    own = np.lib.stride_tricks.sliding_window_view(
        np.pad(np.concatenate([source, estimate[None]]), [(0, 0)] + [(1, 1)] * 3), (3,) * 3, (1, 2, 3)
    )
    found = []
    for x, y, z in voxels:
        mine = own[:, x, y, z][:, None, None, None]
        best = np.inf
        for window in windows:
            there = window[:, x : x + 2 * reach + 1, y : y + 2 * reach + 1, z : z + 2 * reach + 1]
            distances = ((there - mine) ** 2).sum(axis=(0, 4, 5, 6))
            if distances.min() < best:
                best = distances.min()
                value = there[-1, *np.unravel_index(distances.argmin(), distances.shape), 1, 1, 1]
        found.append(value)
    return np.array(found)


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    """What it gives, its wall seconds and its CPU seconds: on a busy machine the latter say more."""
    begun, busy = time.perf_counter(), time.process_time()
    return work(), time.perf_counter() - begun, time.process_time() - busy


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shape", type=int, nargs=3, default=(180, 220, 180), help="voxels of 1 mm")
    parser.add_argument("--atlases", type=int, default=4)
    parser.add_argument("--voxels", type=int, default=2000, help="that the loop is timed on")
    options = parser.parse_args()
    test, *training = [head(tuple(options.shape), 1, seed, BRAIN) for seed in range(options.atlases + 1)]
    print(machine(options.threads))
    recipe = recipes.resolve("modality_propagation")
    reach = recipe["window"] // 2

    atlases = [np.stack([*one.inputs, one.target]) / np.float32(1000) for one in training]
    source, estimate = test.inputs / np.float32(1000), test.target / np.float32(1000)
    inner = np.argwhere(binary_erosion(test.mask))
    chosen = np.random.default_rng(1).permutation(inner)[: options.voxels]
    expected, *slow = timed(lambda: literal(source, atlases, estimate, chosen, reach))
    slow = [seconds / len(chosen) * test.mask.sum() for seconds in slow]
    search = partial(nearest, source, atlases, test.mask, estimate=estimate, weight=1.0, patch=3)
    made, *fast = timed(lambda: search(reach=(reach,) * 3, neighbours=1, threads=options.threads))
    same = np.isclose(made[tuple(chosen.T)], expected, rtol=1e-6).mean()
    print(f"one iteration, {test.mask.sum()} voxels, {options.atlases} atlases, {options.threads} threads:")
    for kind, ours, loop in zip(("wall", "CPU"), fast, slow, strict=True):
        print(f"  {ours:.1f} {kind} seconds; loop over voxels {loop:.0f}, ratio {loop / ours:.0f}")
    print(f"  the loop was run on {len(chosen)} voxels: {same:.2%} of them the same", flush=True)

    run = Run(threads=options.threads)
    model = modality_propagation.fit(Cohort(training), recipe, run)
    _, wall, busy = timed(lambda: modality_propagation.predict(model, test, recipe, run))
    print(f"paper recipe with {recipe['iterations']} iterations, alignment included: ", end="")
    print(f"{wall:.0f} wall seconds, {busy:.0f} CPU seconds", flush=True)


if __name__ == "__main__":
    main()
