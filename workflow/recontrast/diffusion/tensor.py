"""What a diffusion tensor says: its eigenvalues and directions, and the scalar maps made of them."""

import numpy as np

from ..backends.transforms import fsl_axes

UNITS = {"MD": "mm^2/s", "FA": "1", "MO": "1", "S0": "arbitrary"}
RANGES = {"FA": (0.0, 1.0), "MO": (-1.0, 1.0), "MD": (0.0, np.inf), "S0": (0.0, np.inf)}


def decompose(tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, largest first, shape (voxels, 3), and eigenvectors, (voxels, 3 of them, 3 components).

    Negative eigenvalues, which noise can bring about, stay as they are, as in dtifit.

    Args:
        tensor: Dxx, Dxy, Dxz, Dyy, Dyz, Dzz, shape (voxels, 6).
    """
    values, vectors = np.linalg.eigh(square(tensor))
    return values[:, ::-1], np.swapaxes(vectors, 1, 2)[:, ::-1]


def square(tensor: np.ndarray) -> np.ndarray:
    """Six elements, shape (..., 6), as symmetric matrices, (..., 3, 3)."""
    return tensor[..., [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(*tensor.shape[:-1], 3, 3)


def scalars(tensor: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """Fractional anisotropy, mean diffusivity and mode of tensors (voxels, 6) with their eigenvalues.

    Source: Basser and Pierpaoli 1996, J Magn Reson B 111:209 (FA, MD); Ennis and Kindlmann 2006, Magn Reson
    Med 55:136 (mode); library dipy.
    """
    from dipy.reconst.dti import fractional_anisotropy, mean_diffusivity, mode

    return {
        "FA": fractional_anisotropy(values),
        "MD": mean_diffusivity(values),
        "MO": mode(square(tensor)),
    }


def in_world(vectors: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Vectors in FSL's axes of an image, shape (..., 3), in world axes: right, front, up."""
    return vectors @ fsl_axes(affine).T
