"""Speed of random_forest and replica: features against a loop over voxels, a whole 1 mm volume, its memory.

Run as a script. Prints medians and their ratios, measured in one run. Features are built on one thread and timed
in CPU seconds, volumes are predicted on `--threads` threads.
"""

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
from measuring import BRAIN, cube, machine, median_seconds
from recontrast.methods import random_forest, replica
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run, Volumes
from recontrast.trainer.forests import VOXELS
from recontrast.trainer.neighbourhoods import ROTATIONS, Patches
from scipy.ndimage import center_of_mass

LITERAL = 5_000  # voxels of the loop: neighbours, so that it too finds its images in the cache
CONTRASTS = 4
# Few features tried at a split: trees grow in seconds, and to the size of the paper's.
FASTER = {"feature_share": 0.03}
FRAME = 40  # voxels around the image, so that a loop need not ask where the image ends


def literal_patches(session: Volumes, voxels: np.ndarray) -> np.ndarray:
    """3x3x3 voxels of every contrast, cut voxel by voxel."""
    padded = np.pad(session.inputs, [(0, 0)] + [(1, 1)] * 3)
    features = np.empty((len(voxels), 27 * len(padded)), np.float32)
    for row, (x, y, z) in enumerate(voxels):
        features[row] = padded[:, x : x + 3, y : y + 3, z : z + 3].ravel()
    return features


def literal_view(session: Volumes, coarser: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """What replica sees at the finest level, voxel by voxel; `coarser` is on the grid of the session."""
    near = 27 * len(session.inputs)
    features = np.empty((len(voxels), near + ROTATIONS * 4 + 1), np.float32)
    features[:, :near] = literal_patches(session, voxels)
    padded = np.pad(session.inputs[0], FRAME)
    centre = complex(*center_of_mass(session.mask)[:2])
    turns = np.exp(2j * np.pi / ROTATIONS * np.arange(ROTATIONS))
    for row, (x, y, z) in enumerate(voxels):
        direction = centre - complex(x, y)
        direction /= max(abs(direction), 1e-6)
        column = near
        for radius, width in zip(replica.RADII[0], replica.WIDTHS[0], strict=True):
            half = width // 2
            for turn in turns:
                step = radius * direction * turn
                i, j = int(np.floor(x + step.real)) + FRAME, int(np.floor(y + step.imag)) + FRAME
                k = z + FRAME
                cube = padded[i - half : i + half + 1, j - half : j + half + 1, k - half : k + half + 1]
                features[row, column] = cube.mean()
                column += 1
        features[row, -1] = coarser[x, y, z]
    return features


def in_parts(build: Callable[[np.ndarray], object], voxels: np.ndarray) -> None:
    """As prediction does it: what has been built is overwritten by what follows."""
    for first in range(0, len(voxels), VOXELS):
        build(voxels[first : first + VOXELS])


def features(session: Volumes, repeats: int) -> None:
    """All features of a brain against the loop, one thread; the loop is timed on some of its voxels."""
    voxels = np.ascontiguousarray(np.argwhere(session.mask))
    some = voxels[len(voxels) // 2 :][:LITERAL]
    recipe = recipes.resolve("replica")
    coarser = np.zeros(replica.pyramid(session, recipe)[1].mask.shape, np.float32)

    def ours_patches() -> None:
        patches = Patches(session.inputs, 3)
        in_parts(lambda part: random_forest._features(patches, part), voxels)

    def ours_view() -> None:
        in_parts(replica._View(session, 0, coarser, recipe), voxels)

    def loop_view() -> np.ndarray:
        return literal_view(session, np.zeros_like(session.inputs[0]), some)

    patches = Patches(session.inputs, 3)
    same = np.abs(random_forest._features(patches, some) - literal_patches(session, some)).max()
    # A place that lies on the border between two voxels may be rounded either way.
    alike = np.isclose(replica._View(session, 0, coarser, recipe)(some), loop_view(), rtol=1e-4).mean()
    print(f"features equal the loop's: patches within {same:g}, replica's in {alike:.4%} of all", flush=True)
    pairs = {
        "random_forest": (ours_patches, lambda: literal_patches(session, some)),
        "replica, finest level": (ours_view, loop_view),
    }
    for name, (ours, loop) in pairs.items():
        fast = median_seconds(ours, repeats, time.process_time) / len(voxels)
        slow = median_seconds(loop, repeats, time.process_time) / len(some)
        print(f"features of {name}: {fast * 1e9:.0f} ns a voxel, loop {slow * 1e6:.1f} us, ", end="")
        print(f"ratio {slow / fast:.0f}", flush=True)


def prediction(session: Volumes, threads: int) -> None:
    """A volume by forests as large as the paper's (60 trees, 100,000 training voxels); memory of the process."""
    for name, module in {"random_forest": random_forest, "replica": replica}.items():
        recipe = recipes.resolve(name) | FASTER
        model = module.fit(Cohort([session]), recipe, Run(threads=threads))
        nodes = sum(len(array) for key, array in model.weights.items() if key.endswith("feature"))
        wall, work = time.perf_counter(), time.process_time()
        module.predict(model, session, recipe, Run(threads=threads))
        wall, work = time.perf_counter() - wall, time.process_time() - work
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{name}: {session.mask.sum()} voxels, {len(session.inputs)} contrasts, {nodes} nodes: ", end=""
        )
        print(f"predicted in {wall:.1f} s on {threads} threads, {work:.1f} CPU seconds; ", end="")
        print(f"largest memory of the process so far {peak:.2f} GiB", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--edge", type=int, default=BRAIN, help="of the volume; as it is: a brain at 1 mm")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    session = cube(options.edge, CONTRASTS)
    print(machine(options.threads))
    features(session, options.repeats)
    prediction(session, options.threads)


if __name__ == "__main__":
    main()
