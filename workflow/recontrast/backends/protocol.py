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

import nibabel as nib
import numpy as np

from ..errors import RecontrastError

BACKENDS = ("embedded", "fsl", "ants")


class CorrectBias(Protocol):
    """A head, and how much coarser the field may be, to the head without its bias, float32."""

    def __call__(self, image: nib.Nifti1Image, shrink: int) -> np.ndarray: ...


class ExtractBrain(Protocol):
    """A bias-corrected head of some contrast (BIDS suffix) to its brain, boolean."""

    def __call__(self, image: nib.Nifti1Image, contrast: str, threshold: float | None) -> np.ndarray: ...


class Register(Protocol):
    """Two images, with masks where there are some, to the transform with 6 or 12 parameters."""

    def __call__(
        self,
        moving: nib.Nifti1Image,
        reference: nib.Nifti1Image,
        moving_mask: nib.Nifti1Image | None,
        reference_mask: nib.Nifti1Image | None,
        dof: int,
    ) -> np.ndarray: ...


class ApplyTransform(Protocol):
    """An image on the grid of the reference, float32, zero outside its own field of view."""

    def __call__(
        self, image: nib.Nifti1Image, reference: nib.Nifti1Image, matrix: np.ndarray, interpolation: str
    ) -> np.ndarray: ...


class SegmentTissue(Protocol):
    """A brain of some contrast (BIDS suffix) to the probabilities of CSF, GM and WM, shape (3, x, y, z)."""

    def __call__(self, image: nib.Nifti1Image, mask: nib.Nifti1Image, contrast: str) -> np.ndarray: ...


class RegisterTemplate(Protocol):
    """A brain to the affine transform that takes it to the template: template to image, (4, 4)."""

    def __call__(self, image: nib.Nifti1Image, mask: nib.Nifti1Image) -> np.ndarray: ...


class CorrectMotion(Protocol):
    """A diffusion series with its b-values, directions (FSL's axes, (n, 3)), b0 threshold and phase encoding.

    The last is BIDS' `PhaseEncodingDirection`, `j-`, or empty if it is not known.

    To the series with every volume where the unweighted ones are, float32 (x, y, z, n), the directions turned
    along, and how far each volume had moved: root mean square over the head in mm, (n,).
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
    """Signals (voxels, n), b-values, directions, and whether to weight by the squared signal.

    To Dxx, Dxy, Dxz, Dyy, Dyz, Dzz in mm²/s in the axes of the directions, (voxels, 6), and S0, (voxels,).
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
    raise RecontrastError(f"no backend can do {operation} here: {'; '.join(reasons)}")
