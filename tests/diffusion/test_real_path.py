"""T1w and DTI of one person as a Philips scanner wrote them, through the whole graph to maps on the T1w."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml
from scipy import ndimage

pytestmark = [pytest.mark.real, pytest.mark.full]
STUDY = {
    "output": "out",
    "datasets": [{"path": "dicom"}],
    "contrasts": {"T1w": {"suffix": "T1w"}},
    "reference": "T1w",
    "experiments": {},
    "diffusion": {"dwi": {"suffix": "dwi"}},
    "anatomy": {"template": False},
}
SHIFTS = [
    (n if axis == 0 else 0, n if axis == 1 else 0, n if axis == 2 else 0)
    for axis in range(3)
    for n in (-2, 2)
]


def test_maps_lie_on_the_t1w(real_images: Path, tmp_path: Path) -> None:
    with tarfile.open(real_images / "dicom/philips-t1-dti.tar.gz") as archive:
        archive.extractall(tmp_path / "dicom", filter="data")
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    command = [sys.executable, "-c", "from recontrast.cli import main; main()"]
    command += ["run", "dicom", "out", "participant", "--study", "study.yaml", "--cores", "1"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

    def image(name: str) -> np.ndarray:
        return nib.load(tmp_path / f"out/sub-001/ses-1/{name}.nii.gz").get_fdata(dtype=np.float32)

    start, maps = "anat/sub-001_ses-1_space-T1w", "dwi/sub-001_ses-1_space-T1w_model-DTI_param"
    fa, md, s0 = (image(f"{maps}-{name}_dwimap") for name in ("FA", "MD", "S0"))
    brain, measured = image(f"{start}_desc-brain_mask") > 0, md > 0
    assert 2 * (brain & measured).sum() / (brain.sum() + measured.sum()) > 0.88
    white, grey, fluid = (image(f"{start}_label-{name}_probseg") > 0.9 for name in ("WM", "GM", "CSF"))
    white, grey, fluid = (tissue & measured for tissue in (white, grey, fluid))
    assert np.median(fa[white]) == pytest.approx(0.40, abs=0.03)
    assert np.median(md[white]) == pytest.approx(0.74e-3, abs=0.04e-3)
    assert np.median(fa[grey]) < 0.22
    assert np.median(s0[fluid]) > np.median(s0[grey]) > np.median(s0[white])
    # Nowhere do the maps fit the tissues of the T1w better than where they lie.
    ventricles = fluid & ndimage.binary_erosion(brain, iterations=15)
    for shift in SHIFTS:
        assert fa[np.roll(white, shift, (0, 1, 2)) & measured].mean() < fa[white].mean() - 0.01
        assert md[np.roll(ventricles, shift, (0, 1, 2)) & measured].mean() < md[ventricles].mean() - 0.1e-3
