"""Affine registration: a head whose T2w, on coarse voxels, fits its FLAIR best where it shrinks; where it failed."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine
from recontrast.anatomy import register as step
from recontrast.backends import transforms
from recontrast.backends.embedded.apply_transform import apply_transform
from recontrast.backends.embedded.register import register
from recontrast.errors import RecontrastError
from recontrast.phantom import cohort

SEED, NUMBER, VOXEL = 1, 7, 3.0


def test_an_affine_does_not_shrink_a_head(tmp_path: Path) -> None:
    cohort.write_session(tmp_path, cohort.person(SEED, NUMBER), 0, SEED, VOXEL, ["T2w", "FLAIR"])
    truth = tmp_path / "derivatives/truth/sub-07/anat"

    def scanned(contrast: str) -> nib.Nifti1Image:
        image = nib.load(tmp_path / f"sub-07/anat/sub-07_{contrast}.nii.gz")
        bias = nib.load(truth / f"sub-07_space-{contrast}_desc-bias_map.nii.gz")
        return nib.Nifti1Image((image.get_fdata() / bias.get_fdata()).astype(np.float32), image.affine)

    def pose(contrast: str) -> np.ndarray:
        return transforms.read(truth / f"sub-07_from-{contrast}_to-anatomy_mode-image_xfm.txt")

    moving, reference = scanned("T2w"), scanned("FLAIR")
    brain = nib.load(truth / "sub-07_space-anatomy_desc-brain_mask.nii.gz")
    mask = apply_transform(brain, reference, np.linalg.inv(pose("FLAIR")), "linear") > 0.5
    mask = nib.Nifti1Image(mask.astype(np.uint8), reference.affine)
    found = register(moving, reference, None, mask, 12)
    true = pose("T2w") @ np.linalg.inv(pose("FLAIR"))
    inside = apply_affine(reference.affine, np.argwhere(np.asarray(mask.dataobj))) * (-1, -1, 1)
    apart = np.linalg.norm(apply_affine(found, inside) - apply_affine(true, inside), axis=1)
    assert apart.mean() < 1.0


@pytest.mark.parametrize(("scale", "fails"), [(1.05, False), (0.95, False), (1.2, True), (0.85, True)])
def test_a_head_of_another_size_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: float, fails: bool
) -> None:
    image = nib.Nifti1Image(np.random.default_rng(1).random((6, 7, 8), np.float32), np.eye(4))
    for name in ("T2w", "FLAIR"):
        nib.save(image, tmp_path / f"{name}.nii.gz")
    monkeypatch.setattr(step, "load", lambda *asked: lambda *given: np.diag([1, scale, 1, 1]))
    paths = {"moving": tmp_path / "T2w.nii.gz", "reference": tmp_path / "FLAIR.nii.gz"}
    if fails:
        with pytest.raises(
            RecontrastError, match=r"T2w.nii.gz: registration to FLAIR.nii.gz changes its size by"
        ):
            step.register(**paths, transform=tmp_path / "x.txt")
    else:
        step.register(**paths, transform=tmp_path / "x.txt")
    assert (tmp_path / "x.txt").exists() != fails
