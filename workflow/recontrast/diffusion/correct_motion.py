"""A diffusion series free of head motion, with its gradient table turned along."""

from pathlib import Path
from typing import Literal

import numpy as np

from .. import images
from ..backends.protocol import load, versions
from ..errors import RecontrastError
from . import gradients


def correct_motion(
    *,
    dwi: Path,
    bval: Path,
    bvec: Path,
    output: Path,
    output_bval: Path,
    output_bvec: Path,
    b0: Path,
    motion: Literal["affine", "keep"] = "affine",
    b0_threshold: float = 50.0,
    backend: str = "embedded",
) -> None:
    """Check a diffusion series and lay all its volumes on one another, as if the head had been still.

    Args:
        dwi: diffusion series as acquired, 4-D.
        bval: its b-values in s/mm², as FSL has them.
        bvec: its directions, as FSL has them.
        output: the corrected series.
        output_bval: the checked b-values.
        output_bvec: the checked directions, turned with the head.
        b0: mean of the corrected volumes without weighting, to find the brain on.
        motion: affine corrects head motion and the shear and scale of eddy currents; keep leaves the volumes.
        b0_threshold: up to this b, in s/mm², a volume counts as not weighted.
        backend: which tools do it.

    Raises:
        RecontrastError: series or table cannot be used, or no volume is without weighting.
    """
    series = images.read_series(dwi)
    table = gradients.read(bval, bvec, series.shape[3], b0_threshold)
    unweighted = table.bvals <= b0_threshold
    if not unweighted.any():
        raise RecontrastError(
            f"has no volume without weighting (b up to {b0_threshold:g})",
            file=dwi,
            remedy="raise the b0 threshold, or exclude the series",
        )
    kept = table.usable
    bvals, vectors = table.bvals[kept], table.vectors[kept]
    used = images.nib.Nifti1Image(np.asarray(series.dataobj)[..., kept], series.affine)
    facts = {"Sources": [str(path) for path in (dwi, bval, bvec)], "Notes": list(table.notes)}
    if motion == "affine":
        data, vectors, shifts = load(backend, "correct_motion")(used, bvals, vectors, b0_threshold)
        facts |= {
            "MotionCorrection": "affine",
            "Displacement": [round(float(shift), 3) for shift in shifts],
            "Backend": backend,
            "Software": versions(backend, "correct_motion"),
        }
        print(
            f"{dwi}: volumes had moved by {np.median(shifts):.2f} mm (median), {shifts.max():.2f} mm at most"
        )
    else:
        data = used.get_fdata(dtype=np.float32)
        facts |= {"MotionCorrection": "keep"}
    for note in table.notes:
        print(f"{dwi}: {note}")
    gradients.write(output_bval, output_bvec, bvals, vectors)
    mean = data[..., unweighted[kept]].mean(axis=-1)
    images.write(b0, mean, series, facts=facts | {"Description": "mean of the volumes without weighting"})
    images.write(output, data, series, facts=facts)
