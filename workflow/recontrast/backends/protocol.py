"""What a backend can be asked to do, and how one is found.

A backend is a folder beside this file, with one module for each operation; the module's function of the
same name does it. So a job loads, and its fingerprint covers, only the operation that it uses. Images go
in as nibabel images that `images.read` has checked, arrays come out on the grid of the first image; a
transform is a (4, 4) matrix as in `transforms`. How a tool wants its files is the backend's own affair.
"""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import RecontrastError
from ..without_pydicom import nibabel as nib
from .warps import Warp

BACKENDS = ("embedded", "fsl", "ants")


class CorrectBias(Protocol):
    """A head without its bias field.

    Args:
        image: a head as it was acquired, shape (x, y, z).
        shrink: how much coarser than the image the field may be looked for.

    Returns:
        float32 array of the image's shape, at least zero; the field has median 1 where it was estimated.
    """

    def __call__(self, image: nib.Nifti1Image, shrink: int) -> np.ndarray: ...


class ExtractBrain(Protocol):
    """The brain in a bias-corrected head.

    Args:
        image: shape (x, y, z).
        contrast: BIDS suffix.
        threshold: BET's fractional intensity threshold, 0 to 1, higher for a smaller brain; None for the usual.

    Returns:
        boolean array of the image's shape.
    """

    def __call__(self, image: nib.Nifti1Image, contrast: str, threshold: float | None) -> np.ndarray: ...


class Register(Protocol):
    """The transform that lays the moving image on the reference.

    Args:
        moving: shape (x, y, z).
        reference: another image of the same head.
        moving_mask: the brain in the moving image, on its grid, if it is known.
        reference_mask: the brain in the reference, on its grid, if it is known.
        dof: 6 for rotation and shift, 12 for scale and shear as well.

    Returns:
        (4, 4), reference to moving in ITK's world.
    """

    def __call__(
        self,
        moving: nib.Nifti1Image,
        reference: nib.Nifti1Image,
        moving_mask: nib.Nifti1Image | None,
        reference_mask: nib.Nifti1Image | None,
        dof: int,
    ) -> np.ndarray: ...


class ApplyTransform(Protocol):
    """The image on the grid of the reference, in one interpolation.

    Args:
        image: shape (x, y, z).
        reference: gives the grid.
        matrix: (4, 4), reference to image in ITK's world.
        interpolation: nearest, linear or bspline (third order).

    Returns:
        float32 array of the reference's shape, zero outside the image's field of view.
    """

    def __call__(
        self, image: nib.Nifti1Image, reference: nib.Nifti1Image, matrix: np.ndarray, interpolation: str
    ) -> np.ndarray: ...


class SegmentTissue(Protocol):
    """Probabilities of CSF, GM and WM.

    Args:
        image: a bias-corrected image, shape (x, y, z).
        mask: the brain, on the same grid.
        contrast: BIDS suffix, which says in what order the tissues brighten; as T1w if it is not known.

    Returns:
        float32, shape (3, x, y, z), summing to 1 inside the mask and zero outside.
    """

    def __call__(self, image: nib.Nifti1Image, mask: nib.Nifti1Image, contrast: str) -> np.ndarray: ...


class RegisterTemplate(Protocol):
    """The affine transform that lays a brain on the template that all backends share.

    Args:
        image: a head of any contrast, shape (x, y, z).
        mask: its brain, on the same grid.

    Returns:
        (4, 4), template to image in ITK's world.
    """

    def __call__(self, image: nib.Nifti1Image, mask: nib.Nifti1Image) -> np.ndarray: ...


class WarpTemplate(Protocol):
    """What bends a brain to the template, beyond the affine transform, and back.

    Args:
        image: a head of any contrast, shape (x, y, z).
        mask: its brain, on the same grid.
        matrix: (4, 4), template to image in ITK's world, as `register_template` finds it.

    Returns:
        From points of the template to where the matrix takes them up, and the inverse; both on a grid of the template.
    """

    def __call__(
        self, image: nib.Nifti1Image, mask: nib.Nifti1Image, matrix: np.ndarray
    ) -> tuple[Warp, Warp]: ...


class CorrectMotion(Protocol):
    """A diffusion series with every volume where the unweighted ones are, its directions turned along.

    Args:
        series: shape (x, y, z, n).
        bvals: in s/mm², shape (n,).
        vectors: unit vectors in FSL's axes, shape (n, 3).
        b0_threshold: up to this b a volume counts as not weighted.
        encoding: the axis along which phase was encoded, as BIDS says it (`j-`); empty if it is not known.

    Returns:
        The series, float32, the directions, and how far each volume had moved: root mean square in mm, (n,).
    """

    def __call__(
        self,
        series: nib.Nifti1Image,
        bvals: np.ndarray,
        vectors: np.ndarray,
        b0_threshold: float,
        encoding: str,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...


class FitTensor(Protocol):
    """The diffusion tensor of each voxel, by linear least squares on the logarithm of the signal.

    Args:
        signal: shape (voxels, n).
        bvals: in s/mm², shape (n,).
        vectors: unit vectors, zero where there is no weighting, shape (n, 3).
        weighted: by the squared signal; else ordinary least squares.

    Returns:
        Dxx, Dxy, Dxz, Dyy, Dyz, Dzz in mm²/s, in the axes of the vectors, shape (voxels, 6), and S0.
    """

    def __call__(
        self, signal: np.ndarray, bvals: np.ndarray, vectors: np.ndarray, weighted: bool
    ) -> tuple[np.ndarray, np.ndarray]: ...


OPERATIONS = {
    "correct_bias": CorrectBias,
    "extract_brain": ExtractBrain,
    "register": Register,
    "apply_transform": ApplyTransform,
    "segment_tissue": SegmentTissue,
    "register_template": RegisterTemplate,
    "warp_template": WarpTemplate,
    "correct_motion": CorrectMotion,
    "fit_tensor": FitTensor,
}


def module_of(backend: str, operation: str) -> str:
    """The full name of the module that does an operation; nothing is imported.

    Raises:
        RecontrastError: there is no such backend, or it cannot do that.
    """
    if backend not in BACKENDS:
        raise RecontrastError(f"there is no backend {backend!r}", remedy=f"choose from {', '.join(BACKENDS)}")
    if operation not in OPERATIONS:
        raise KeyError(operation)
    if not (Path(__file__).parent / backend / f"{operation}.py").is_file():
        able = [name for name in BACKENDS if (Path(__file__).parent / name / f"{operation}.py").is_file()]
        raise RecontrastError(
            f"the backend {backend} has no {operation}", remedy=f"choose from {', '.join(able)}"
        )
    return f"{__package__}.{backend}.{operation}"


def load(backend: str, operation: str) -> Callable:
    """The function of a backend that does an operation, as its protocol in `OPERATIONS` says."""
    return getattr(importlib.import_module(module_of(backend, operation)), operation)


def versions(backend: str, operation: str) -> dict[str, str]:
    """Name and version of each tool on which the results of an operation depend, without loading them.

    Raises:
        RecontrastError: the backend cannot do it here, as a tool is missing, too old, or not set up.
    """
    module_of(backend, operation)
    return importlib.import_module(f"{__package__}.{backend}.versions").versions(operation)


def resolve(preference: Sequence[str], operation: str) -> str:
    """The first backend, in the order of preference, that can do an operation on this machine.

    Raises:
        RecontrastError: none can; says of each why not.
    """
    reasons = []
    for backend in preference:
        try:
            versions(backend, operation)
        except RecontrastError as error:
            reasons.append(f"{backend}: {error}")
        else:
            return backend
    raise RecontrastError(f"no backend can run {operation} here: {'; '.join(reasons)}")
