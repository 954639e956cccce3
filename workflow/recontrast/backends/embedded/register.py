"""Rigid and affine registration: ANTs (Avants 2011, NeuroImage 54:2033), mutual information, antspyx."""

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes
from scipy import ndimage

from ..poses import crowns_meet, mutual_information
from ..transforms import write
from .antspy import library, matrix_of, to_ants
from .grids import cubes

# mm, or the edge of the finest voxels: a rigid transform has far fewer unknowns than there are voxels
WORKING = 2.0
COARSE = 8.0  # mm on which the starts are compared
AROUND = 10.0  # mm around a brain that count as well: its outline holds the pose


def register(
    moving: nib.Nifti1Image,
    reference: nib.Nifti1Image,
    moving_mask: nib.Nifti1Image | None,
    reference_mask: nib.Nifti1Image | None,
    dof: int,
) -> np.ndarray:
    """The transform that lays the moving image on the reference.

    Both are brought to cubes of 2 mm, or more where neither has voxels as fine. Starts from the scanner's pose, from
    where the crowns meet and from where the centres of gravity meet; of the ends on coarse levels, that which
    shares the most information goes on to the finest, where nearly all of the time is spent.

    Arguments and result as `protocol.Register` says.
    """
    if reference_mask is None and moving_mask is not None:
        # ANTs draws its samples in the mask of the fixed image: five times faster, and more exact, than
        # from the whole head.
        return np.linalg.inv(register(reference, moving, None, moving_mask, dof))
    kind = {6: "Rigid", 12: "Affine"}[dof]
    side = max(WORKING, min(voxel_sizes(reference.affine).min(), voxel_sizes(moving.affine).min()))
    fixed, floating = cubes(reference, side), cubes(moving, side)
    fixed_mask = None if reference_mask is None else surrounded(reference_mask, side)
    floating_mask = None if moving_mask is None else surrounded(moving_mask, side)
    with library() as ants:

        def clipped(image):
            data = image.get_fdata(dtype=np.float32)
            return to_ants(ants, np.clip(data, 0, np.percentile(data, 99.5)), image.affine)

        def masked(image):
            return None if image is None else to_ants(ants, image.dataobj, image.affine)

        def aligned(kind, start, iterations, shrink):
            return ants.registration(
                clipped_fixed,
                clipped_floating,
                kind,
                initial_transform=start,
                mask=masked(fixed_mask),
                moving_mask=masked(floating_mask),
                aff_iterations=iterations,
                aff_shrink_factors=shrink,
                aff_smoothing_sigmas=tuple(factor // 2 for factor in shrink),
                aff_random_sampling_rate=0.25,
            )

        # None is where the centres of gravity meet.
        starts = {
            "the scanner's pose": np.eye(4),
            "the crowns": crowns_meet(floating, fixed),
            "the centres": None,
        }
        poses = Path(tempfile.gettempdir())
        inside = slice(None) if fixed_mask is None else np.asarray(fixed_mask.dataobj) > 0
        clipped_fixed, clipped_floating = clipped(fixed), clipped(floating)
        target = clipped_fixed.numpy()[inside]
        found = {}
        shrink = max(1, round(COARSE / side))
        for number, (name, start) in enumerate(starts.items()):
            # Rigid, also for an affine: coarse images fit best where one of them has shrunk to a part of the other.
            end = aligned("Rigid", pose(poses / f"{number}.txt", start), (500,), (shrink,))
            shared = mutual_information(target, end["warpedmovout"].numpy()[inside])
            print(f"mutual information from {name} {shared:.3f}")
            found[shared] = end["fwdtransforms"][0]
        return matrix_of(ants, aligned(kind, found[max(found)], (250, 100), (2, 1))["fwdtransforms"][0])


def pose(path: Path, start: np.ndarray | None) -> str | None:
    """A start as ANTs takes it: a file, or None for the centres of gravity."""
    if start is None:
        return None
    write(path, start)
    return str(path)


def surrounded(mask: nib.Nifti1Image, side: float = WORKING) -> nib.Nifti1Image:
    """A mask on cubes of `side` mm, grown by `AROUND`; ones inside."""
    cube = cubes(mask, side)
    distance = ndimage.distance_transform_edt(np.asarray(cube.dataobj) < 0.5) * side
    return nib.Nifti1Image((distance <= AROUND).astype(np.float32), cube.affine)
