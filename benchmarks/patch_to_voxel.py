"""Speed of patch_to_voxel: volumes by convolution against literal patches, gathering against a DataLoader.

Run as a script. Prints medians and their ratios, measured in one run on `--threads` CPU threads.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from recontrast.methods import patch_to_voxel, recipes
from recontrast.methods.interface import Model, Run, Volumes
from recontrast.trainer.patches import PatchPool
from scipy.ndimage import gaussian_filter
from torch.utils.data import DataLoader, Dataset

BATCH = 10_000  # patches at a time in the literal prediction


def head(edge: int, contrasts: int) -> Volumes:
    """A smooth random head of edge³ voxels; its brain is a ball that fills half of the cube."""
    draw = np.random.default_rng(1)
    images = [gaussian_filter(draw.normal(size=(edge,) * 3).astype(np.float32), 3) for _ in range(contrasts)]
    axes = np.meshgrid(*[np.linspace(-1, 1, edge)] * 3, indexing="ij")
    mask = sum(axis**2 for axis in axes) < 1
    inputs = np.stack([1000 + 200 * image / image.std() for image in images])
    return Volumes("sub-01", inputs, inputs[0], mask)


def literal(network: torch.nn.Module, inputs: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Every patch cut out as such, then the dense network in batches."""
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(inputs, [(0, 0)] + [(2, 2)] * 3), (5, 5, 5), (1, 2, 3)
    )
    voxels = np.argwhere(mask)
    parts = []
    with torch.no_grad():
        for first in range(0, len(voxels), BATCH):
            x, y, z = voxels[first : first + BATCH].T
            patches = windows[:, x, y, z].transpose(1, 2, 3, 4, 0).reshape(len(x), -1)
            parts.append(network(torch.from_numpy(patches))[:, 0].numpy())
    output = np.zeros(mask.shape, np.float32)
    output[mask] = np.concatenate(parts)
    return output


def one_by_one(network: torch.nn.Module, session: Volumes, inputs: np.ndarray) -> np.ndarray:
    """Patches as a data set gives them, then the dense network in batches."""
    loader = DataLoader(Patches(replace(session, inputs=inputs)), batch_size=BATCH)
    with torch.no_grad():
        return np.concatenate([network(patches)[:, 0].numpy() for patches, _ in loader])


class Patches(Dataset):
    """The usual way: one patch cut in `__getitem__`."""

    def __init__(self, session: Volumes) -> None:
        self.padded = torch.from_numpy(np.pad(np.moveaxis(session.inputs, 0, -1), [(2, 2)] * 3 + [(0, 0)]))
        self.target = torch.from_numpy(session.target)
        self.voxels = np.argwhere(session.mask)

    def __len__(self) -> int:
        return len(self.voxels)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        x, y, z = self.voxels[number]
        return self.padded[x : x + 5, y : y + 5, z : z + 5].reshape(-1), self.target[x, y, z]


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time, after one run to warm up."""
    work()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def prediction(edge: int, contrasts: int, threads: int, repeats: int) -> None:
    """Whole-volume prediction, both ways."""
    session = head(edge, contrasts)
    recipe = recipes.resolve("patch_to_voxel", "quick")
    torch.manual_seed(1)
    network = patch_to_voxel.build(125 * contrasts, recipe).eval()
    torch.nn.init.constant_(network[-2].bias, 1.0)
    constants = {"inputs": [1500.0] * contrasts, "target": 1.0}
    model = Model({name: tensor.numpy() for name, tensor in network.state_dict().items()}, constants)
    inputs = patch_to_voxel.normalise_inputs(session, constants, recipe)
    run = Run(threads=threads, device="cpu")

    def ours() -> np.ndarray:
        return patch_to_voxel.predict(model, session, recipe, run)

    difference = np.abs(ours() - literal(network, inputs, session.mask)).max()
    fast = median_seconds(ours, repeats)
    ways = {
        "cut one by one": median_seconds(lambda: one_by_one(network, session, inputs), 1),
        f"cut by numpy, {BATCH} at a time": median_seconds(
            lambda: literal(network, inputs, session.mask), repeats
        ),
    }
    print(f"prediction, {session.mask.sum()} voxels, {contrasts} contrasts: convolution {fast:.2f} s", end="")
    for way, slow in ways.items():
        print(f"; patches {way} {slow:.2f} s, ratio {slow / fast:.2f}", end="")
    print(f"; largest difference {difference:.1e}", flush=True)


def sampling(batch: int, contrasts: int, repeats: int) -> None:
    """One batch of training patches, both ways, and the share of a training step."""
    session = head(96, contrasts)
    pool = PatchPool([session], 5, torch.device("cpu"))
    loader = iter(DataLoader(Patches(session), batch_size=batch, shuffle=True))
    parts = iter(np.random.default_rng(1).permutation(len(pool))[: (repeats + 1) * batch].reshape(-1, batch))
    slow = median_seconds(lambda: next(loader), repeats)

    def gather() -> tuple[torch.Tensor, torch.Tensor]:
        which = next(parts)
        return pool.gather(which), pool.targets(which)

    fast = median_seconds(gather, repeats)
    network = patch_to_voxel.build(125 * contrasts, recipes.resolve("patch_to_voxel"))
    adam = torch.optim.Adam(network.parameters())
    patches, targets = pool.gather(np.arange(batch)), pool.targets(np.arange(batch))

    def step() -> None:
        adam.zero_grad()
        torch.nn.functional.mse_loss(network(patches)[:, 0], targets).backward()
        adam.step()

    whole = fast + median_seconds(step, min(repeats, 5))
    print(f"sampling {batch} voxels, {contrasts} contrasts: DataLoader {slow * 1e3:.2f} ms, ", end="")
    print(f"gathered {fast * 1e3:.2f} ms, ratio {slow / fast:.0f}, {fast / whole:.1%} of a step", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--edge", type=int, default=150, help="of the volume; 150: as many voxels as a brain at 1 mm"
    )
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sampling(100, contrasts=4, repeats=50)
    sampling(10_000, contrasts=4, repeats=10)
    prediction(options.edge, contrasts=2, threads=options.threads, repeats=options.repeats)


if __name__ == "__main__":
    main()
