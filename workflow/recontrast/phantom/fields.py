"""Seeded randomness: independent streams by name, and smooth random fields."""

import zlib
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import CubicSpline


def stream(seed: int, participant: int, *names: str) -> np.random.Generator:
    """A generator for one purpose of one participant.

    Each purpose has its own stream, so that one more contrast, session or participant changes no other
    number.
    """
    return np.random.default_rng([seed, participant, zlib.crc32("/".join(names).encode())])


def smooth_field(rng: np.random.Generator, axes: Sequence[np.ndarray], spacing: float) -> np.ndarray:
    """A smooth random field of mean 0 and SD about 1 on a regular grid.

    Normal values on a lattice that covers -160 to 160 mm, joined by cubic splines; the lattice, and with it
    the field, does not depend on the resolution of the grid.

    Args:
        axes: the coordinates in mm along the three axes of the grid, lengths (x, y, z), within ±160 mm.
        spacing: distance between lattice points in mm.

    Returns:
        float32, shape (x, y, z).
    """
    half = int(np.ceil(160 / spacing))
    lattice = spacing * np.arange(-half, half + 1)
    field = rng.standard_normal((lattice.size,) * 3)
    for axis in axes:
        weights = CubicSpline(lattice, np.eye(lattice.size))(axis)
        # Each turn consumes the first axis and appends the new one: after three the order is x, y, z again.
        field = np.tensordot(field, weights, axes=(0, 1))
    return field.astype(np.float32)
