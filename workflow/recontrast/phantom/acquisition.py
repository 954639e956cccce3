"""The scanner: signals of a head in its pose, seen by voxels, under a bias field, with noise."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .. import signals
from . import fibres
from .anatomy import Compartment, Head
from .fields import smooth_field
from .protocols import DIRECTIONS, SHELLS, UNWEIGHTED, Image, Protocol
from .space import Grid, covering, resample, rigid, to_voxels

SNR = 30.0  # median signal of white matter (of grey matter where white is nulled) over the noise's SD
BIAS = 0.2  # the bias field spans 1 ± this over the brain
FAT_LEFT = 0.15
MOTION = (3.0, 4.0)  # SD in degrees and mm of the head's pose in each contrast


@dataclass(frozen=True)
class Scan:
    """Where and how one contrast was scanned.

    Attributes:
        grid: of its images.
        pose: 4x4, from the anatomy's world to the world of the images.
        bias: factor on the signal, float32, shape of `grid`.
        gain: scanner units per unit of signal.
        sigma: SD of the noise in scanner units.
    """

    grid: Grid
    pose: np.ndarray
    bias: np.ndarray
    gain: float
    sigma: float


def plan(rng: np.random.Generator, protocol: Protocol, voxel: float) -> tuple[Grid, np.ndarray]:
    """The head moves by a few mm and degrees, and the box of slices is laid over it.

    Returns:
        The grid, and the pose: 4x4, from the anatomy's world to the scanner's.
    """
    degrees, mm = MOTION
    shift = np.clip(mm * rng.standard_normal(3), -2 * mm, 2 * mm)
    pose = rigid(np.clip(degrees * rng.standard_normal(3), -2 * degrees, 2 * degrees), shift)
    box = rigid(protocol.tilt * rng.uniform(-1, 1, 3), shift)
    return covering(np.array(protocol.zooms) * voxel, protocol.orientation, box), pose


def magnitude(scan: Scan, signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the scanner stores of a signed signal: biased, noisy, positive, whole numbers, int16."""
    noisy = signals.rician(scan.gain * scan.bias * signal, scan.sigma, rng)
    return np.minimum(np.round(noisy), np.iinfo(np.int16).max).astype(np.int16)


def calibrate(
    rng: np.random.Generator, head: Head, protocol: Protocol, grid: Grid, pose: np.ndarray, signal: np.ndarray
) -> Scan:
    """Draw the bias field, and set gain and noise by one tissue in the scan's brightest image.

    Args:
        signal: of that image, shape of `grid`.
    """
    share = head.full(protocol.noise_tissue)
    kind = head.brain.astype(np.uint8) + (share > min(0.95, np.quantile(share[head.brain], 0.95)))
    kind = ndimage.affine_transform(kind, to_voxels(head.grid, grid, pose), output_shape=grid.shape, order=0)
    bias = smooth_field(rng, grid.axes(), 80.0)
    low, high = bias[kind > 0].min(), bias[kind > 0].max()
    bias = 1 + BIAS * np.clip((2 * bias - low - high) / (high - low), -1.3, 1.3)
    pure = kind == 2
    gain = rng.uniform(500, 900) / float(np.median(signal[pure]))
    sigma = gain * float(np.median((signal * bias)[pure])) / SNR
    return Scan(grid, pose, bias.astype(np.float32), gain, sigma)


def signal(protocol: Protocol, image: Image, part: Compartment, name: str) -> np.ndarray | float:
    """Signal of a pure voxel of one tissue, a number or one for each of its voxels."""
    first, second = (getattr(part, key) for key in protocol.relaxation)
    left = FAT_LEFT if protocol.fat_suppressed and name == "fat" else 1.0
    return left * protocol.equation(part.pd, first, second, **image.settings)


def image_signal(head: Head, protocol: Protocol, image: Image, grid: Grid, pose: np.ndarray) -> np.ndarray:
    """The noise-free, signed signal of one image on its grid."""
    fine = np.zeros(head.grid.shape, np.float32)
    for name, part in head.compartments.items():
        fine.flat[part.index] += part.fraction * signal(protocol, image, part, name)
    return resample(fine, head.grid, grid, pose)


def gradients() -> tuple[np.ndarray, np.ndarray]:
    """The diffusion scheme: b-values in s/mm², (n,), and unit vectors in the image's axes, (n, 3).

    Each shell is a spiral over a hemisphere, the second one turned against the first; volumes without
    weighting come first and spread among the others.
    """
    steps = np.arange(DIRECTIONS) + 0.5
    rows = []
    for shell, b in enumerate(SHELLS):
        height = 1 - steps / DIRECTIONS
        angle = np.pi * (1 + 5**0.5) * steps + shell
        ring = np.sqrt(1 - height**2)
        rows += [
            (b, ring_i * np.cos(a), ring_i * np.sin(a), h)
            for ring_i, a, h in zip(ring, angle, height, strict=True)
        ]
    for place in np.linspace(0, len(rows), UNWEIGHTED, endpoint=False).astype(int)[::-1]:
        rows.insert(place, (0, 0.0, 0.0, 0.0))
    table = np.array(rows)
    return table[:, 0], table[:, 1:]


def diffusion_signals(
    head: Head, protocol: Protocol, grid: Grid, pose: np.ndarray, bvals: np.ndarray, directions: np.ndarray
):
    """The noise-free signal of each volume in turn, on its grid.

    Args:
        directions: unit vectors in the image's axes, shape (n, 3).
    """
    inverse = np.linalg.inv(pose)
    points = np.tensordot(inverse[:3, :3], grid.points(), axes=1) + inverse[:3, 3][:, None, None, None]
    turn = inverse[:3, :3] @ (grid.affine[:3, :3] / grid.zooms)
    parts = []
    for name, part in head.compartments.items():
        fine = np.zeros(head.grid.shape, np.float32)
        fine.flat[part.index] = part.fraction * signal(protocol, protocol.images[0], part, name)
        weight = resample(fine, head.grid, grid, pose)
        where = np.flatnonzero(weight > 1e-6)
        parts.append((where, weight.flat[where], tensors(head, name, points.reshape(3, -1)[:, where])))
    for b, direction in zip(bvals, directions @ turn.T, strict=True):
        volume = np.zeros(grid.shape, np.float32)
        for where, weight, tensor in parts:
            volume.flat[where] += signals.diffusion(weight, tensor, b=b, direction=direction)
        yield volume


def tensors(head: Head, name: str, points: np.ndarray) -> np.ndarray:
    """The tensor of one tissue at points of the anatomy, (3, n): shape (n, 6), or (6,) for one and all."""
    mean = head.tissues["WM"].diffusivity
    if name == "WM":
        return fibres.white_matter(points, mean)
    if name == "lesion":
        return fibres.lesion(
            fibres.white_matter(points, mean), mean, float(head.compartments["lesion"].diffusivity[0])
        )
    return fibres.isotropic(head.tissues[name].diffusivity)
