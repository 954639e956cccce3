"""Real series of two scanners: converted as a reference conversion has them."""

import json
import tarfile

import nibabel as nib
import numpy as np
import pytest
from scanner import angles, convert_all, sort, world

pytestmark = pytest.mark.real
RAW = "sourcedata/raw/sub-001/ses-1"


@pytest.fixture
def unpacked(real_images, tmp_path):
    def unpack(name):
        with tarfile.open(real_images / f"dicom/{name}.tar.gz") as archive:
            archive.extractall(tmp_path / "in", filter="data")
        return tmp_path / "in"

    return unpack


def test_t1_and_dti_equal_the_reference(unpacked, real_images, tmp_path):
    source, out = unpacked("philips-t1-dti"), tmp_path / "out"
    planned = sort(source, out)
    assert list(planned.jobs) == [
        f"{RAW}/anat/sub-001_ses-1_T1w.nii.gz",
        f"{RAW}/dwi/sub-001_ses-1_dwi.nii.gz",
    ]
    t1, dwi = convert_all(planned, out)
    assert sorted(nib.load(t1).shape) == [170, 256, 256]
    start, reference = str(dwi).removesuffix(".nii.gz"), real_images / "fsl-reference/dti"
    np.testing.assert_array_equal(np.loadtxt(f"{start}.bval"), np.loadtxt(reference / "bvals"))
    affine = nib.load(reference / "bet-f0.3_b0_mask.nii.gz").affine
    np.testing.assert_allclose(nib.load(dwi).affine, affine, atol=1e-4)
    turned = [world(np.loadtxt(f), affine) for f in (f"{start}.bvec", reference / "bvecs")]
    assert angles(*turned).max() < 0.5
    assert nib.load(dwi).shape == (128, 128, 82, 17)


def test_a_trace_volume_is_split_off_and_recorded(unpacked, tmp_path):
    out = tmp_path / "out"
    planned = sort(unpacked("philips-dti-b2000"), out)
    (dwi,) = convert_all(planned, out)
    start = str(dwi).removesuffix(".nii.gz")
    assert nib.load(dwi).shape == (80, 80, 40, 16)
    np.testing.assert_array_equal(np.loadtxt(f"{start}.bval"), [0, *[2000] * 15])
    vectors = np.loadtxt(f"{start}.bvec")
    np.testing.assert_allclose(np.linalg.norm(vectors[:, 1:], axis=0), 1, atol=1e-3)
    with open(f"{start}.json") as file:
        facts = json.load(file)
    assert facts["SplitOff"] == ["ADC"]
    assert not {"SeriesDescription", "DeviceSerialNumber", "InstitutionName", "AcquisitionTime"} & set(facts)
