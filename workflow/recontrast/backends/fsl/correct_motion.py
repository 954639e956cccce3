"""Head motion and eddy currents: eddy (Andersson and Sotiropoulos 2016, NeuroImage 125:1063)."""

import nibabel as nib
import numpy as np

from ..nipype_tools import put, run, take
from .tools import fsl_for

GENEROUS = 0.3  # threshold of BET on unweighted volumes, whose brain is dim at the edge
# Phase encoding from front to back, and a readout in s that only scales eddy's own numbers: with one
# direction of encoding and no field map, nothing else depends on it (FSL wiki, eddy FAQ).
ACQUISITION = "0 1 0 0.05\n"


def correct_motion(
    series: nib.Nifti1Image, bvals: np.ndarray, vectors: np.ndarray, b0_threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay every volume on the first one, free of eddy currents, and turn its direction.

    Args:
        series: shape (x, y, z, n); phase encoded along the second axis.
        bvals: in s/mm², shape (n,).
        vectors: unit vectors in FSL's axes, shape (n, 3).
        b0_threshold: up to this b a volume counts as not weighted.

    Returns:
        The series, float32, the directions, and how far each volume had moved from the first: root mean
        square in mm, (n,).
    """
    data = series.get_fdata(dtype=np.float32)
    unweighted = data[..., bvals <= b0_threshold].mean(axis=-1)
    with fsl_for("correct_motion") as (fsl, folder):
        brain = run(
            fsl.BET(
                in_file=put(folder / "b0.nii.gz", unweighted, series.affine),
                out_file=str(folder / "brain.nii.gz"),
                frac=GENEROUS,
                mask=True,
            ),
            folder,
        )
        np.savetxt(folder / "bvals", bvals[None], fmt="%g")
        np.savetxt(folder / "bvecs", vectors.T, fmt="%.8f")
        (folder / "acquisition.txt").write_text(ACQUISITION)
        (folder / "index.txt").write_text(" ".join(["1"] * len(bvals)) + "\n")
        found = run(
            fsl.Eddy(
                in_file=put(folder / "dwi.nii.gz", data, series.affine),
                in_mask=brain.mask_file,
                in_bval=str(folder / "bvals"),
                in_bvec=str(folder / "bvecs"),
                in_acqp=str(folder / "acquisition.txt"),
                in_index=str(folder / "index.txt"),
                out_base=str(folder / "eddy"),
                # The check of shells fails on scanners that write nominal b-values with a spread.
                is_shelled=True,
            ),
            folder,
        )
        corrected = np.maximum(take(found.out_corrected, series.shape), 0)
        return corrected, np.loadtxt(found.out_rotated_bvecs).T, np.loadtxt(found.out_movement_rms)[:, 0]
