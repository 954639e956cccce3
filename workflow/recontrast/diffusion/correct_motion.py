"""A diffusion series free of head motion, with its gradient table turned along."""

from pathlib import Path
from typing import Literal

import numpy as np

from .. import images, inheritance
from ..backends.protocol import load, versions
from . import gradients

DIRECTIONS = ("i", "i-", "j", "j-", "k", "k-")  # of BIDS


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
    highest_b: float = np.inf,
    backend: str = "embedded",
) -> None:
    """Check a diffusion series and correct it for head motion and eddy currents.

    Args:
        dwi: diffusion series as acquired, 4-D; the phase-encoding direction is read from its JSON file.
        bval: its b-values in s/mm², in FSL format.
        bvec: its gradient directions, in FSL format.
        output: the corrected series.
        output_bval: the checked b-values.
        output_bvec: the checked directions, rotated with the head.
        b0: mean of the corrected volumes without diffusion weighting, for brain extraction.
        motion: affine corrects head motion and the shear and scale of eddy currents; keep leaves the volumes.
        b0_threshold: volumes up to this b-value, in s/mm², count as b = 0.
        highest_b: volumes with higher b-values, in s/mm², are left out, as they are not used for the tensor.
        backend: the tools to use.

    Raises:
        RecontrastError: series or table cannot be used, no volume is without weighting, or those that are
            kept could not hold a tensor.
    """
    series = images.read_series(dwi)
    table = gradients.read(bval, bvec, series.shape[3], b0_threshold)
    kept = gradients.shell(table, highest_b, b0_threshold, dwi)
    unweighted = table.bvals <= b0_threshold
    bvals, vectors = table.bvals[kept], table.vectors[kept]
    used = images.nib.Nifti1Image(np.asarray(series.dataobj)[..., kept], series.affine)
    notes = list(table.notes)
    facts = {"Sources": [str(path) for path in (dwi, bval, bvec)], "Notes": notes}
    if motion == "affine":
        if not (encoding := phase_encoding(dwi)):
            notes.append("its JSON file does not say along which axis phase was encoded")
        correct = load(backend, "correct_motion")
        data, vectors, shifts = correct(used, bvals, vectors, b0_threshold, encoding)
        facts |= {
            "MotionCorrection": "affine",
            "PhaseEncodingDirection": encoding or "n/a",
            "Displacement": [round(float(shift), 3) for shift in shifts],
            "Backend": backend,
            "Software": versions(backend, "correct_motion"),
        }
        print(f"{dwi}: head motion {np.median(shifts):.2f} mm (median), {shifts.max():.2f} mm (maximum)")
    else:
        data = used.get_fdata(dtype=np.float32)
        facts |= {"MotionCorrection": "keep"}
    for note in notes:
        print(f"{dwi}: {note}")
    gradients.write(output_bval, output_bvec, bvals, vectors)
    mean = data[..., unweighted[kept]].mean(axis=-1)
    images.write(
        b0, mean, series, facts=facts | {"Description": "mean of the volumes without diffusion weighting"}
    )
    images.write(output, data, series, facts=facts)


def phase_encoding(dwi: Path) -> str:
    """The `PhaseEncodingDirection` in the JSON files of a series, or dcm2niix's axis without a sign; or empty."""
    facts = inheritance.facts(dwi)
    found = facts.get("PhaseEncodingDirection", facts.get("PhaseEncodingAxis"))
    return found if found in DIRECTIONS else ""
