"""Tensor fit: dtifit (Behrens 2003, Magn Reson Med 50:1077)."""

import numpy as np

from ..nipype_tools import put, run, take
from .tools import fsl_for

SIDE = 128  # voxels; one axis of NIfTI holds no more than 32,767
RADIOLOGICAL = np.diag([-1.0, 1.0, 1.0, 1.0])  # the orientation in which FSL takes axes as they are stored


def fit_tensor(
    signal: np.ndarray, bvals: np.ndarray, vectors: np.ndarray, weighted: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The diffusion tensor of each voxel, by linear least squares on the logarithm of the signal.

    dtifit treats each voxel by itself, so the voxels are handed over side by side in a box of no anatomy.

    Arguments and result as `protocol.FitTensor` says.
    """
    count, volumes = signal.shape
    box = (-(-count // SIDE**2), SIDE, SIDE)
    filled = np.zeros((np.prod(box), volumes), np.float32)
    filled[:count] = signal
    with fsl_for("fit_tensor") as (fsl, folder):
        np.savetxt(folder / "bvals", bvals[None], fmt="%g")
        np.savetxt(folder / "bvecs", vectors.T, fmt="%.8f")
        found = run(
            fsl.DTIFit(
                dwi=put(folder / "dwi.nii.gz", filled.reshape(*box, volumes), RADIOLOGICAL),
                mask=put(folder / "mask.nii.gz", (np.arange(len(filled)) < count).reshape(box), RADIOLOGICAL),
                bvals=str(folder / "bvals"),
                bvecs=str(folder / "bvecs"),
                base_name="fit",
                save_tensor=True,
                **({"args": "--wls"} if weighted else {}),
            ),
            folder,
        )
        tensor = take(found.tensor, (*box, 6)).reshape(-1, 6)[:count]
        return tensor, take(found.S0, box).ravel()[:count]
