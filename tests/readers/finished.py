"""What a finished run leaves, as far as a reader study needs it."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.ndimage import gaussian_filter

EXPERIMENTS = ("Forest", "Patch")
AFFINE = np.diag([-2.0, 2.0, 3.0, 1.0])


def write(folder: Path, sessions: int = 4, affine: np.ndarray = AFFINE) -> Path:
    """Sessions with T1w, FLAIR and two synthetic FLAIR; the last one without an acquired FLAIR."""
    draw = np.random.default_rng(1)
    plan = {
        "study": {
            "region": "brain",
            "contrasts": {name: {"suffix": name} for name in ("T1w", "FLAIR")},
        },
        "experiments": {name: {"target": "FLAIR"} for name in EXPERIMENTS},
        "sessions": [],
    }
    for number in range(1, sessions + 1):
        label, acquired = f"sub-{number:02d}", number < sessions
        anat = folder / label / "anat"
        anat.mkdir(parents=True)
        names = ["T1w", *(["FLAIR"] if acquired else [])]
        files = [f"{label}_space-T1w_desc-preproc_{name}.nii.gz" for name in names]
        files += [f"{label}_space-T1w_desc-{name}_FLAIR.nii.gz" for name in EXPERIMENTS]
        for file in files:
            image = 1000 + 300 * gaussian_filter(draw.normal(size=(30, 36, 20)), 2)
            nib.save(nib.Nifti1Image(image.astype(np.float32), affine), anat / file)
        mask = np.zeros((30, 36, 20), np.uint8)
        mask[5:25, 5:30, 3:17] = 1
        nib.save(nib.Nifti1Image(mask, affine), anat / f"{label}_space-T1w_desc-brain_mask.nii.gz")
        made = {name: {"target": "FLAIR", "inputs": ["T1w"]} for name in EXPERIMENTS}
        plan["sessions"].append(
            {"session": label, "reference": "T1w", "contrasts": names, "experiments": made}
        )
    (folder / "cohort").mkdir()
    (folder / "cohort/plan.json").write_text(json.dumps(plan))
    return folder
