"""The anatomy steps on real heads, beside published transforms and masks."""

import numpy as np
import pytest
from recontrast import images
from recontrast.anatomy.carry_mask import carry_mask
from recontrast.anatomy.correct_bias import correct_bias
from recontrast.anatomy.extract_brain import extract_brain
from recontrast.anatomy.register import register
from recontrast.backends import transforms

MS_SESSIONS = ["sub-01_ses-1", "sub-01_ses-2", "sub-03_ses-2", "sub-04_ses-1"]
INCOMPLETE = "sub-03_ses-2"  # its published mask, laid on the image, cuts through the brain
QUICK = "sub-03"
AGING = [label for number in range(1, 16) if (label := f"sub-{number:02d}") != QUICK]


def array(path):
    return np.asarray(images.read(path).dataobj)


def dice(one, other):
    return 2 * np.sum(one & other) / (one.sum() + other.sum())


def displacement(one, other, image, mask):
    """Mean distance in mm between where two transforms take the voxels of a mask."""
    voxels = np.argwhere(mask)[::23]
    points = transforms.FLIP @ image.affine @ np.column_stack([voxels, np.ones(len(voxels))]).T
    return np.linalg.norm(((one - other) @ points)[:3], axis=0).mean()


def corrected(raw, folder, contrast):
    correct_bias(image=raw, output=folder / f"{contrast}.nii.gz")
    return folder / f"{contrast}.nii.gz"


@pytest.mark.full
@pytest.mark.real
@pytest.mark.parametrize("label", MS_SESSIONS)
def test_ms_sessions_agree_with_the_published_transforms_and_mask(real_images, tmp_path, label):
    participant, session = label.split("_")
    root, truth = real_images / "ms-raw", real_images / "ms-raw/derivatives/published" / participant
    t1w, t2w, flair = (
        corrected(root / participant / session / "anat" / f"{label}_{name}.nii.gz", tmp_path, name)
        for name in ("T1w", "T2w", "FLAIR")
    )
    published = truth / session / "anat"
    to_common = transforms.read(published / f"{label}_from-FLAIR_to-common_mode-image_xfm.txt")
    transforms.write(tmp_path / "back.txt", np.linalg.inv(to_common))
    brain = truth / f"{participant}_space-common_desc-brain_mask.nii.gz"
    carry_mask(mask=brain, reference=flair, transform=tmp_path / "back.txt", output=tmp_path / "truth.nii.gz")

    extract_brain(image=t1w, contrast="T1w", mask=tmp_path / "native.nii.gz")
    register(
        moving=t1w, reference=flair, moving_mask=tmp_path / "native.nii.gz", transform=tmp_path / "T1w.txt"
    )
    carry_mask(
        mask=tmp_path / "native.nii.gz",
        reference=flair,
        transform=tmp_path / "T1w.txt",
        output=tmp_path / "mask.nii.gz",
    )
    register(
        moving=t2w, reference=flair, reference_mask=tmp_path / "mask.nii.gz", transform=tmp_path / "T2w.txt"
    )
    expected = array(tmp_path / "truth.nii.gz") > 0
    for name in ("T1w", "T2w"):
        found = transforms.read(tmp_path / f"{name}.txt")
        known = transforms.read(published / f"{label}_from-{name}_to-FLAIR_mode-image_xfm.txt")
        assert displacement(found, known, images.read_header(flair), expected) <= 1.0
    mask = array(tmp_path / "mask.nii.gz") > 0
    assert (mask & expected).sum() >= 0.92 * expected.sum()
    if label == INCOMPLETE and dice(mask, expected) < 0.94:
        pytest.xfail("the published mask leaves out the frontal poles and the back of the head")
    assert dice(mask, expected) >= 0.94


@pytest.mark.real
@pytest.mark.parametrize(
    "participant", [pytest.param(p, marks=[] if p == "sub-03" else pytest.mark.full) for p in AGING]
)
def test_brains_found_apart_overlap_after_registration(real_images, tmp_path, participant):
    anat = real_images / "aging" / participant / "anat"
    t1w, flair = (
        corrected(anat / f"{participant}_{name}.nii.gz", tmp_path, name) for name in ("T1w", "FLAIR")
    )
    for name, image in (("T1w", t1w), ("FLAIR", flair)):
        extract_brain(image=image, contrast=name, mask=tmp_path / f"{name}_mask.nii.gz")
    register(
        moving=t1w, reference=flair, moving_mask=tmp_path / "T1w_mask.nii.gz", transform=tmp_path / "xfm.txt"
    )
    carry_mask(
        mask=tmp_path / "T1w_mask.nii.gz",
        reference=flair,
        transform=tmp_path / "xfm.txt",
        output=tmp_path / "carried.nii.gz",
    )
    overlap = dice(array(tmp_path / "carried.nii.gz") > 0, array(tmp_path / "FLAIR_mask.nii.gz") > 0)
    assert overlap >= 0.9
