"""Head motion and eddy currents: eddy (Andersson and Sotiropoulos 2016, NeuroImage 125:1063)."""

import nibabel as nib
import numpy as np

from ...errors import RecontrastError
from ..nipype_tools import put, run, take
from .bet import bet
from .tools import fsl_for
from .versions import locate

GENEROUS = 0.3  # threshold of BET on unweighted volumes, whose brain is dim at the edge
FEWEST, MOST = (
    100,
    1000,
)  # voxels by which eddy's hyperparameters are estimated; it fails in a mask that has fewer
# A readout in s only scales eddy's own numbers: with one direction of encoding and no field map, nothing else
# depends on it (FSL wiki, eddy FAQ).
ACQUISITION = {"i": "1 0 0 0.05", "i-": "-1 0 0 0.05", "j": "0 1 0 0.05", "j-": "0 -1 0 0.05"}


def correct_motion(
    series: nib.Nifti1Image, bvals: np.ndarray, vectors: np.ndarray, b0_threshold: float, encoding: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay every volume on the first one, free of eddy currents, and turn its direction.

    Where the phase encoding is not known, eddy is told the second axis.

    Arguments and result as `protocol.CorrectMotion` says.

    Raises:
        RecontrastError: phase was encoded across the slices, which eddy has no model for.
    """
    if not encoding:
        print("the phase-encoding direction is assumed to be the second axis of the image")
    if encoding.startswith("k"):
        raise RecontrastError(
            "the phase-encoding direction is the third axis of the image, which eddy does not support",
            remedy="use another backend: backends: {correct_motion: embedded}",
        )
    data = series.get_fdata(dtype=np.float32)
    unweighted = data[..., bvals <= b0_threshold].mean(axis=-1)
    with fsl_for("correct_motion") as (fsl, folder):
        mask_file, brain = bet(fsl, folder, unweighted, series.affine, GENEROUS)
        # A volume that counts as not weighted has no direction, which eddy would divide by zero.
        still = bvals <= b0_threshold
        np.savetxt(folder / "bvals", np.where(still, 0, bvals)[None], fmt="%g")
        np.savetxt(folder / "bvecs", vectors.T, fmt="%.8f")
        (folder / "acquisition.txt").write_text(ACQUISITION[encoding or "j"] + "\n")
        (folder / "index.txt").write_text(" ".join(["1"] * len(bvals)) + "\n")
        found = run(
            fsl.Eddy(
                command=locate("eddy").name,
                in_file=put(folder / "dwi.nii.gz", data, series.affine),
                in_mask=mask_file,
                in_bval=str(folder / "bvals"),
                in_bvec=str(folder / "bvecs"),
                in_acqp=str(folder / "acquisition.txt"),
                in_index=str(folder / "index.txt"),
                out_base=str(folder / "eddy"),
                # The check of shells fails on scanners that write nominal b-values with a spread.
                is_shelled=True,
                # Without it, eddy draws other voxels in each run.
                initrand=True,
                nvoxhp=int(np.clip(brain.sum(), FEWEST, MOST)),
            ),
            folder,
        )
        corrected = np.maximum(take(found.out_corrected, series.shape), 0)
        turned = np.where(still[:, None], 0, np.loadtxt(found.out_rotated_bvecs).T)
        return corrected, turned, np.loadtxt(found.out_movement_rms)[:, 0]
