"""Heads brought onto one another by an affine that ANTs finds from their intensities, begun at their masks' moments."""

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

from ..backends.embedded.antspy import library, matrix_of, to_ants
from ..backends.embedded.grids import cubes
from ..backends.embedded.register import pose
from ..backends.transforms import FLIP
from .moments import Spacing, from_moments

WORKING = 2.0  # mm


def from_images(
    image: np.ndarray,
    mask: np.ndarray,
    spacing: Spacing,
    other: np.ndarray,
    other_mask: np.ndarray,
    other_spacing: Spacing,
) -> tuple[np.ndarray, np.ndarray]:
    """The affine in mm that lays the brain of one person on another's: mutual information, one thread, seeded.

    Args:
        image: float32 (x, y, z), some contrast of the head to come to.
        mask: its brain, bool.
        spacing: its voxel size in mm.
        other: float32 (u, v, w), the same contrast of the other head; its axes point the same ways.
        other_mask: its brain, bool.
        other_spacing: its voxel size in mm.

    Returns:
        Matrix (3, 3) and offset (3,) from voxels of `image` to voxels of `other`.
    """
    to_millimetres, from_millimetres = _scaling(spacing), np.linalg.inv(_scaling(other_spacing))
    start = np.eye(4)
    start[:3, :3], start[:3, 3] = from_moments(mask, spacing, other_mask, other_spacing)
    start = np.linalg.inv(from_millimetres) @ start @ np.linalg.inv(to_millimetres)
    with library() as ants:
        fixed, moving = (
            to_ants(ants, brain.dataobj, brain.affine)
            for brain in (_brain(image, mask, spacing), _brain(other, other_mask, other_spacing))
        )
        found = ants.registration(
            fixed,
            moving,
            "Affine",
            initial_transform=pose(Path(tempfile.gettempdir()) / "moments.txt", start),
            aff_iterations=(200, 100),
            aff_shrink_factors=(3, 2),
            aff_smoothing_sigmas=(1.5, 1),
        )
        matrix = from_millimetres @ matrix_of(ants, found["fwdtransforms"][0]) @ to_millimetres
    return matrix[:3, :3], matrix[:3, 3]


def _scaling(spacing: Spacing) -> np.ndarray:
    return np.diag([*spacing, 1.0])


def _brain(image: np.ndarray, mask: np.ndarray, spacing: Spacing) -> nib.Nifti1Image:
    """Clipped, 0 outside the mask, on cubes; ITK's world has the first voxel at 0 and the image's own axes."""
    # From the darkest voxel on, as z-scores are negative too and the background is 0.
    darkest, brightest = np.percentile(image[mask], [0, 99.5])
    clipped = np.where(mask, np.minimum(image, brightest) - darkest, 0)
    return cubes(nib.Nifti1Image(clipped.astype(np.float32), FLIP @ _scaling(spacing)), WORKING)
