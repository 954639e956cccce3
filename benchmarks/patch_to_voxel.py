"""Speed of patch_to_voxel: whole volumes against literal patches, training samples against a DataLoader.

Run as a script. Prints medians and their ratios, measured in one run on `--threads` CPU threads or on a GPU, where the
literal ways cut on the CPU and send what they have cut. The literal way
cuts all patches with numpy and sends them through the dense network in batches. Beside it stand two variants: one
that cuts them batch by batch, for several sizes of the batch, and one that cuts them one by one, as a torch Dataset
does.
"""

import argparse
import resource
from dataclasses import replace

import numpy as np
import torch
from measuring import BRAIN, add_device, clock_of, cube, device_of, machine, median_seconds, seconds
from recontrast.methods import patch_to_voxel
from recontrast.models import recipes
from recontrast.models.interface import Model, Run, Volumes
from recontrast.trainer.patches import PatchPool
from torch.utils.data import DataLoader, Dataset

BATCH = 10_000  # patches at a time through the dense network
BATCHES = (100, 1_000, BATCH)  # of the variant that cuts as many as it needs; the paper trains on 100


def windows(inputs: np.ndarray) -> np.ndarray:
    """A view of the 5³ neighbourhood of every voxel, (contrasts, x, y, z, 5, 5, 5)."""
    padded = np.pad(inputs, [(0, 0)] + [(2, 2)] * 3)
    return np.lib.stride_tricks.sliding_window_view(padded, (5, 5, 5), (1, 2, 3))


def cut(around: np.ndarray, voxels: np.ndarray) -> torch.Tensor:
    """The patches of voxels (n, 3), contrasts innermost, shape (n, 125 * contrasts)."""
    x, y, z = voxels.T
    return torch.from_numpy(around[:, x, y, z].transpose(1, 2, 3, 4, 0).reshape(len(voxels), -1))


@torch.no_grad()
def literal(network: torch.nn.Module, inputs: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Every patch cut out, then the dense network in batches."""
    return np.concatenate([through(network, some) for some in cut(windows(inputs), voxels).split(BATCH)])


@torch.no_grad()
def by_batches(network: torch.nn.Module, inputs: np.ndarray, voxels: np.ndarray, batch: int) -> np.ndarray:
    """The same, a batch at a time."""
    around = windows(inputs)
    parts = np.split(voxels, range(batch, len(voxels), batch))
    return np.concatenate([through(network, cut(around, some)) for some in parts])


def one_by_one(network: torch.nn.Module, session: Volumes, inputs: np.ndarray) -> np.ndarray:
    """Patches as a data set gives them, then the dense network in batches."""
    loader = DataLoader(Patches(replace(session, inputs=inputs)), batch_size=BATCH)
    with torch.no_grad():
        return np.concatenate([through(network, patches) for patches, _ in loader])


def through(network: torch.nn.Module, patches: torch.Tensor) -> np.ndarray:
    """A batch of patches through the network, wherever that lies."""
    return network(patches.to(network[0].weight.device))[:, 0].cpu().numpy()


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


def prediction(edge: int, contrasts: int, threads: int, repeats: int, device: str) -> None:
    """Whole-volume prediction, both ways."""
    session = cube(edge, contrasts)
    recipe = recipes.resolve("patch_to_voxel", "quick")
    torch.manual_seed(1)
    network = patch_to_voxel.build(125 * contrasts, recipe).eval()
    torch.nn.init.constant_(network[-2].bias, 1.0)
    constants = {"inputs": [1500.0] * contrasts, "target": 1.0}
    model = Model({name: tensor.numpy() for name, tensor in network.state_dict().items()}, constants)
    inputs = patch_to_voxel.normalise_inputs(session, constants, recipe)
    run, clock = Run(threads=threads, device=device), clock_of(device)
    network.to(device)

    def ours() -> np.ndarray:
        return patch_to_voxel.predict(model, session, recipe, run)

    voxels = np.argwhere(session.mask)
    before, made = peak(device), ours()
    own = peak(device)
    difference = np.abs(made[session.mask] - literal(network, inputs, voxels)).max()
    print(f"prediction, {len(voxels)} voxels, {contrasts} contrasts: largest difference {difference:.1e}")
    print(
        f"  peak memory: {before:.2f} GiB before, {own:.2f} in prediction, {peak(device):.2f} in the literal way"
    )
    fast = median_seconds(ours, repeats, clock)
    print(f"  ours: {fast:.2f} s", flush=True)
    ways = {"literal": lambda: literal(network, inputs, voxels)}
    for batch in BATCHES:
        ways[f"cut {batch} at a time"] = lambda batch=batch: by_batches(network, inputs, voxels, batch)
    for way, work in ways.items():
        slow = median_seconds(work, repeats, clock)
        print(f"  {way}: {slow:.2f} s, ratio {slow / fast:.2f}", flush=True)
    slow = seconds(lambda: one_by_one(network, session, inputs), clock)[1]
    print(f"  cut one by one: {slow:.2f} s, ratio {slow / fast:.2f}", flush=True)


def peak(device: str) -> float:
    """The most memory that the process has had so far, on a GPU since this was last asked, in GiB."""
    if device == "cuda":
        most = torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return most / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def sampling(batch: int, contrasts: int, repeats: int, device: str) -> None:
    """One batch of training patches on the device, both ways, and the share of a training step."""
    clock = clock_of(device)
    session = cube(96, contrasts)
    pool = PatchPool([session], 5, torch.device(device))
    loader = iter(DataLoader(Patches(session), batch_size=batch, shuffle=True))
    parts = iter(np.random.default_rng(1).permutation(len(pool))[: (repeats + 1) * batch].reshape(-1, batch))
    slow = median_seconds(lambda: [one.to(device) for one in next(loader)], repeats, clock)

    def gather() -> tuple[torch.Tensor, torch.Tensor]:
        which = next(parts)
        return pool.gather(which), pool.targets(which)

    fast = median_seconds(gather, repeats, clock)
    network = patch_to_voxel.build(125 * contrasts, recipes.resolve("patch_to_voxel")).to(device)
    adam = torch.optim.Adam(network.parameters())
    patches, targets = pool.gather(np.arange(batch)), pool.targets(np.arange(batch))

    def step() -> None:
        adam.zero_grad()
        torch.nn.functional.mse_loss(network(patches)[:, 0], targets).backward()
        adam.step()

    whole = fast + median_seconds(step, min(repeats, 5), clock)
    print(f"sampling {batch} voxels, {contrasts} contrasts: DataLoader {slow * 1e3:.2f} ms, ", end="")
    print(f"gathered {fast * 1e3:.2f} ms, ratio {slow / fast:.0f}, {fast / whole:.1%} of a step", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--edge", type=int, default=BRAIN, help="of the volume; as it is: a brain at 1 mm")
    parser.add_argument("--repeats", type=int, default=3)
    add_device(parser)
    options = parser.parse_args()
    device = device_of(options.device)
    torch.set_num_threads(options.threads)
    print(machine(options.threads, device))
    sampling(100, contrasts=4, repeats=50, device=device)
    sampling(10_000, contrasts=4, repeats=10, device=device)
    prediction(options.edge, contrasts=2, threads=options.threads, repeats=options.repeats, device=device)


if __name__ == "__main__":
    main()
