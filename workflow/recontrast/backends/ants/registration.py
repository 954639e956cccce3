"""antsRegistration with mutual information, and the transforms that it writes."""

from pathlib import Path
from types import ModuleType

import nibabel as nib
import numpy as np
import scipy.io

from ...errors import RecontrastError
from .. import transforms, warps
from ..nipype_tools import put, run

# Stages, coarsest first, as antsRegistrationSyN.sh has them.
ITERATIONS = [1000, 500, 250, 100]
BENDING = [100, 70, 50, 20]
SHRINK = [8, 4, 2, 1]
SMOOTHING = [3, 2, 1, 0]  # voxels
SEED = 1


def align(
    ants: ModuleType,
    folder: Path,
    moving: nib.Nifti1Image,
    reference: nib.Nifti1Image,
    reference_mask: np.ndarray | None,
    dof: int,
    start: np.ndarray | None = None,
    levels: slice = slice(None),
) -> np.ndarray:
    """The transform that lays one image on another, (4, 4), reference to moving in ITK's world.

    With 12 degrees of freedom a rigid stage goes first.

    Args:
        start: (4, 4), reference to moving in ITK's world; None is where the centres of gravity meet.
        levels: which of those of `SHRINK`.
    """
    kinds = {6: ["Rigid"], 12: ["Rigid", "Affine"]}[dof]
    region = {}
    if reference_mask is not None:
        mask = put(folder / "mask.nii.gz", reference_mask, reference.affine)
        region["fixed_image_masks"] = [mask] * len(kinds)
    pose = {"initial_moving_transform_com": 1} if start is None else _given(folder, start)
    run_registration(ants, folder, moving, reference, kinds, (0.1,), ITERATIONS, levels, **pose, **region)
    return read(folder / "found_0GenericAffine.mat")


def bend(
    ants: ModuleType, folder: Path, moving: nib.Nifti1Image, reference: nib.Nifti1Image, matrix: np.ndarray
) -> tuple[warps.Warp, warps.Warp]:
    """What bends one image to another beyond an affine transform (SyN; Avants 2008, Med Image Anal 12:26), and back.

    Args:
        matrix: (4, 4), reference to moving in ITK's world.
    """
    run_registration(
        ants,
        folder,
        moving,
        reference,
        ["SyN"],
        (0.1, 3.0, 0.0),
        BENDING,
        slice(None),
        **_given(folder, matrix),
    )
    return warps.read(folder / "found_1Warp.nii.gz"), warps.read(folder / "found_1InverseWarp.nii.gz")


def _given(folder: Path, matrix: np.ndarray) -> dict:
    """A start, (4, 4), as nipype takes it."""
    transforms.write(folder / "start.txt", matrix)
    return {"initial_moving_transform": str(folder / "start.txt")}


def run_registration(
    ants: ModuleType,
    folder: Path,
    moving: nib.Nifti1Image,
    reference: nib.Nifti1Image,
    kinds: list[str],
    parameters: tuple[float, ...],
    iterations: list[int],
    levels: slice,
    **more,
) -> None:
    """Run antsRegistration on some levels, one stage for each kind of transform; it writes `found_*`.

    Args:
        parameters: of each kind of transform.
        iterations: at most, on each level of `SHRINK`.
        levels: which of them.
        more: inputs of nipype's interface.
    """
    stages = len(kinds)
    images = {
        f"{role}_image": put(folder / f"{role}.nii.gz", image.get_fdata(dtype=np.float32), image.affine)
        for role, image in (("fixed", reference), ("moving", moving))
    }
    run(
        ants.Registration(
            **images,
            **more,
            dimension=3,
            transforms=kinds,
            transform_parameters=[parameters] * stages,
            metric=["MI"] * stages,
            metric_weight=[1] * stages,
            radius_or_number_of_bins=[32] * stages,
            sampling_strategy=["Regular"] * stages,
            sampling_percentage=[0.25] * stages,
            number_of_iterations=[iterations[levels]] * stages,
            convergence_threshold=[1e-6] * stages,
            convergence_window_size=[10] * stages,
            shrink_factors=[SHRINK[levels]] * stages,
            smoothing_sigmas=[SMOOTHING[levels]] * stages,
            sigma_units=["vox"] * stages,
            use_histogram_matching=[False] * stages,
            winsorize_lower_quantile=0.005,
            winsorize_upper_quantile=0.995,
            collapse_output_transforms=True,
            float=False,
            random_seed=SEED,
            output_transform_prefix="found_",
            verbose=True,
        ),
        folder,
    )


def read(path: Path) -> np.ndarray:
    """An affine file of ANTs (MATLAB 4) as (4, 4), reference to moving in ITK's world.

    Raises:
        RecontrastError: there is no such file, or it holds another kind of transform.
    """
    try:
        content = scipy.io.loadmat(path)
    except (OSError, ValueError):
        content = {}
    centre = content.pop("fixed", np.empty(0)).ravel()
    parameters = [value.ravel() for value in content.values() if np.size(value) == 12]
    if len(parameters) != 1 or centre.size != 3:
        raise RecontrastError(
            "does not contain an affine transform",
            file=path,
            remedy="see the log for the output of antsRegistration",
        )
    linear, offset = parameters[0][:9].reshape(3, 3), parameters[0][9:]
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = offset + centre - linear @ centre
    return matrix
