"""Masks that a user has: found among derivatives, on the right run, empty or not."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from recontrast.cohort import manifest
from recontrast.cohort.bids import RawImage
from recontrast.config import Contrast, Dataset, Include
from recontrast.contrasts import Mask
from recontrast.layout import PLAN

EMPTY = gzip.compress(nib.Nifti1Image(np.zeros((5, 6, 7), np.uint8), np.eye(4)).to_bytes(), mtime=0)
FLAIR = Contrast(suffix="FLAIR")
LESION = Mask(of="FLAIR", label="lesion")
BY_HAND = "derivatives/drawn/sub-01/anat"


@pytest.fixture
def mask(put, tmp_path):
    """What is chosen as the mask of sub-01: a file's name, a problem, or nothing."""

    def run(wanted: Mask = LESION, contrast: Contrast = FLAIR) -> str:
        put("sub-01_T1w")
        contrasts = {"T1w": Contrast(suffix="T1w"), "FLAIR": contrast}
        data = [Dataset(path=tmp_path / "bids")]
        built = manifest.build(
            data, contrasts, Include(), tmp_path / "cache.json", 1, masks={"drawn": wanted}
        )
        found = [image for image in built.images if image.contrast == "drawn"]
        return (found[0].problem or found[0].path.name) if found else ""

    return run


def test_what_this_package_found_is_no_mask_of_the_user(put, mask, tmp_path):
    put("sub-01_FLAIR")
    put("sub-01_label-lesion_mask", EMPTY, folder=BY_HAND)
    put("sub-01_label-lesion_desc-acquired_mask", EMPTY, folder="derivatives/recontrast/sub-01/anat")
    assert "2 files match the mask drawn" in mask()
    plan = tmp_path / "bids/derivatives/recontrast" / PLAN
    plan.parent.mkdir()
    plan.write_text("{}")
    assert mask() == "sub-01_label-lesion_mask.nii.gz"


@pytest.mark.parametrize("suffix", ["mask", "roi"])
def test_an_empty_mask_is_a_mask(put, mask, suffix):
    put("sub-01_FLAIR")
    put(f"sub-01_label-lesion_{suffix}", EMPTY, folder=BY_HAND)
    assert mask(LESION.model_copy(update={"suffix": suffix})) == f"sub-01_label-lesion_{suffix}.nii.gz"


def test_a_mask_goes_with_the_run_that_is_taken(put, mask):
    second = Contrast(suffix="FLAIR", run="last")
    for run in (1, 2):
        put(f"sub-01_run-{run}_FLAIR")
    put("sub-01_run-1_label-lesion_mask", EMPTY, folder=BY_HAND)
    problem = mask(contrast=second)
    assert "sub-01_run-1_label-lesion_mask.nii.gz was not drawn on the run of sub-01_run-2_FLAIR" in problem
    assert mask(LESION.model_copy(update={"run": 1}), second) == "sub-01_run-1_label-lesion_mask.nii.gz"
    put("sub-01_run-2_label-lesion_mask", EMPTY, folder=BY_HAND)
    assert mask(contrast=second) == "sub-01_run-2_label-lesion_mask.nii.gz"


def test_the_table_of_images_does_not_name_a_folder_of_dicom(put, tmp_path):
    put("sub-01_label-lesion_mask", EMPTY, folder=BY_HAND)
    put("sub-01_run-2_label-lesion_mask", EMPTY, folder=BY_HAND)
    put("sub-02_label-lesion_mask", EMPTY, folder=BY_HAND.replace("01", "02"))
    folder = tmp_path / "bids"
    images = [
        RawImage(label, "", "FLAIR", {}, Path(f"sub-{label}_FLAIR.nii.gz"), 0, 0, 0) for label in ("01", "02")
    ]
    built = manifest.build(
        [Dataset(path=folder)],
        {"FLAIR": FLAIR},
        Include(),
        None,
        1,
        masks={"drawn": LESION},
        converted={folder: images},
        hashes={image.path: "0" for image in images},
    )
    built.write(tmp_path / "manifest.tsv")
    written = (tmp_path / "manifest.tsv").read_text()
    assert "DICOM 1/derivatives/drawn/sub-02/anat/sub-02_label-lesion_mask.nii.gz" in written
    assert "2 files match the mask drawn" in written
    assert str(tmp_path) not in written
