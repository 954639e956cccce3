"""What a backend can be asked to do, and how one is found.

A backend is a folder beside this file, with one module for each operation; the module's function of the
same name does it. So a job loads, and its fingerprint covers, only the operation that it uses. Images go
in as nibabel images that `images.read` has checked, arrays come out on the grid of the first image; a
transform is a (4, 4) matrix as in `transforms`. How a tool wants its files is the backend's own affair.
"""

import importlib
from collections.abc import Callable
from typing import Protocol

import nibabel as nib
import numpy as np

from ..errors import RecontrastError

BACKENDS = ("embedded",)


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


OPERATIONS = {
    "correct_bias": CorrectBias,
    "extract_brain": ExtractBrain,
    "register": Register,
    "apply_transform": ApplyTransform,
    "segment_tissue": SegmentTissue,
    "register_template": RegisterTemplate,
}


def module_of(backend: str, operation: str) -> str:
    """The full name of the module that does an operation; nothing is imported.

    Raises:
        RecontrastError: there is no such backend.
    """
    if backend not in BACKENDS:
        raise RecontrastError(f"there is no backend {backend!r}", remedy=f"choose from {', '.join(BACKENDS)}")
    if operation not in OPERATIONS:
        raise KeyError(operation)
    return f"{__package__}.{backend}.{operation}"


def load(backend: str, operation: str) -> Callable:
    """The function of a backend that does an operation, as its protocol in `OPERATIONS` says."""
    return getattr(importlib.import_module(module_of(backend, operation)), operation)


def versions(backend: str, operation: str) -> dict[str, str]:
    """Name and version of each tool on which the results of an operation depend, without loading them."""
    module_of(backend, operation)
    return importlib.import_module(f"{__package__}.{backend}.versions").versions(operation)
