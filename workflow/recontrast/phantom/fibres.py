"""Diffusion tensors of white matter: callosal, projection, association and short fibres that cross."""

import numpy as np

PARALLEL, ACROSS = 2.2, 0.4  # eigenvalues of one bundle over its mean diffusivity: (2.2 + 0.4 + 0.4) / 3 = 1
LESION_FIBRES = 0.5  # share of the white matter's anisotropy left in a lesion


def white_matter(points: np.ndarray, mean: float) -> np.ndarray:
    """The tensor of healthy white matter at any place.

    Args:
        points: world coordinates of the anatomy in mm, shape (3, ...).
        mean: mean diffusivity in mm²/s.

    Returns:
        Dxx, Dxy, Dxz, Dyy, Dyz, Dzz in mm²/s, in the axes R, A, S, shape (..., 6); fractional anisotropy
        between 0.3 where bundles cross and 0.78 where one runs alone.
    """
    x, y, z = points.astype(np.float64)
    one, none = np.ones_like(x), np.zeros_like(x)
    bundles = [
        (np.exp(-((x / 18) ** 2) - ((z - 15) / 18) ** 2), (one, none, none)),
        (
            np.exp(-(((np.abs(x) - 26) / 10) ** 2)) + 2 * np.exp(-((np.maximum(z + 15, 0) / 8) ** 2)),
            (x / 70, none, one),
        ),
        (np.exp(-(((np.abs(x) - 42) / 12) ** 2)) + 0.3 * np.exp(-((x / 12) ** 2)), (none, one, y / 300)),
        (0.2 * one, (x, y + 18, z - 10 + 1e-3)),
    ]
    total = sum(weight for weight, _ in bundles)
    tensor = np.zeros((*x.shape, 6))
    for weight, direction in bundles:
        e = np.stack(np.broadcast_arrays(*direction), axis=-1)
        e = e / np.linalg.norm(e, axis=-1, keepdims=True)
        dyads = np.stack([e[..., i] * e[..., j] for i in range(3) for j in range(i, 3)], axis=-1)
        tensor += (weight / total)[..., None] * ((PARALLEL - ACROSS) * dyads + ACROSS * isotropic(1.0))
    return mean * tensor


def isotropic(mean: np.ndarray | float) -> np.ndarray:
    """The tensor of free diffusion, shape (..., 6)."""
    return np.multiply.outer(mean, np.array([1.0, 0, 0, 1.0, 0, 1.0]))


def lesion(healthy: np.ndarray, mean: float, mean_lesion: float) -> np.ndarray:
    """The tensor of a lesion where white matter had `healthy`, of mean diffusivity `mean`; (..., 6)."""
    return mean_lesion * (LESION_FIBRES * healthy / mean + (1 - LESION_FIBRES) * isotropic(1.0))


def scalars(tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fractional anisotropy and mean diffusivity of tensors of shape (..., 6), without eigenvalues.

    Source: Basser and Pierpaoli 1996, J Magn Reson B 111:209.
    """
    xx, xy, xz, yy, yz, zz = np.moveaxis(tensor, -1, 0)
    mean = (xx + yy + zz) / 3
    squares = xx**2 + yy**2 + zz**2 + 2 * (xy**2 + xz**2 + yz**2)
    spread = np.maximum(squares - 3 * mean**2, 0)
    return np.sqrt(1.5 * spread / np.where(squares > 0, squares, 1)), mean
