"""Tiny images as the bytes of their files."""

import gzip

import nibabel as nib
import numpy as np


def tiny(seed: int = 0, shape: tuple[int, ...] = (5, 6, 7), affine: np.ndarray | None = None) -> bytes:
    """A readable NIfTI, packed without a time stamp."""
    data = np.random.default_rng(seed).random(shape).astype(np.float32)
    image = nib.Nifti1Image(data, np.diag([2, 2, 2, 1]) if affine is None else None)
    if affine is not None:
        image.header.set_sform(affine, code=1)
        image.header["pixdim"][1:4] = 1
    return gzip.compress(image.to_bytes(), mtime=0)
