"""Voxels, directions and values come out of DICOM where the headers and the truth have them."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from recontrast.conversion.dcm2niix_run import check, split_off
from recontrast.errors import RecontrastError
from recontrast.phantom.cohort import make
from recontrast.phantom.dicom import make_dicom
from scanner import angles, convert_all, distance, mosaic, oblique, scan, sort, world

BVALS = np.array([0, 1000, 1000, 1000, 2000, 2000, 2000, 1000])
DRAWN = np.random.default_rng(3).standard_normal((3, 8))
BVECS = np.where(BVALS > 0, DRAWN / np.linalg.norm(DRAWN, axis=0), 0)
AXES = {"LAS": np.diag([-1, 1, 1]), "RAS": np.eye(3), "PSR": [[0, 0, 1], [-1, 0, 0], [0, 1, 0]]}


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("tilt", [0.0, 0.25])
def test_voxels_and_directions_stay_in_place(tmp_path, axes, tilt):
    turn = nib.eulerangles.euler2mat(tilt, -tilt, tilt / 2)
    affine = nib.affines.from_matvec(turn @ AXES[axes] @ np.diag([2.0, 2.5, 4.0]), [12.0, -30.0, 7.0])
    shape, out = (8, 9, 7, len(BVALS)), tmp_path / "out"
    data = scan(tmp_path / "in", "dwi", affine=affine, shape=shape, weighting=(BVALS, BVECS))
    (path,) = convert_all(sort(tmp_path / "in", out), out)
    made = nib.load(path)
    assert distance(made, data, affine) < 0.01
    start = str(path).removesuffix(".nii.gz")
    np.testing.assert_array_equal(np.loadtxt(f"{start}.bval"), BVALS)
    found = angles(world(np.loadtxt(f"{start}.bvec"), made.affine), world(BVECS, affine))
    assert found.max() < 0.5


def test_the_phantom_survives_the_way_through_dicom(tmp_path):
    bids, out = tmp_path / "bids", tmp_path / "out"
    make(bids, participants=1, voxel=8.0, contrasts=["T1w", "FLAIR", "DIR", "MDME"], without_flair=0)
    make_dicom(bids, tmp_path / "dicom")
    made = convert_all(sort(tmp_path / "dicom", out), out)
    raw = out / "sourcedata/raw/sub-001/ses-1/anat"
    names = {p.name.replace("sub-001_ses-1", "sub-01") for p in made}
    assert names == {p.name for p in (bids / "sub-01/anat").glob("*.nii.gz")}
    for path in made:
        truth = nib.load(bids / "sub-01/anat" / path.name.replace("sub-001_ses-1", "sub-01"))
        assert distance(nib.load(path), np.asanyarray(truth.dataobj), truth.affine) < 0.01
        facts = json.loads((raw / path.name.replace(".nii.gz", ".json")).read_text())
        known = json.loads(Path(truth.get_filename().replace(".nii.gz", ".json")).read_text())
        timing = ["RepetitionTime", "EchoTime", "FlipAngle", "SaturationDelayTime", "FirstInversionTime"]
        for key in [*timing, *(["InversionTime"] if "FirstInversionTime" in known else [])]:
            assert facts.get(key) == pytest.approx(known.get(key)), (path.name, key)


def test_same_series_gives_same_bytes(tmp_path):
    scan(tmp_path / "in", affine=oblique(left_handed=False))
    first, second = (
        [p.read_bytes() for p in convert_all(sort(tmp_path / "in", tmp_path / name), tmp_path / name)]
        for name in ("one", "two")
    )
    assert first == second


def test_dicom_of_the_phantom_is_deterministic(tmp_path):
    for name in ("one", "two"):
        scan(tmp_path / name / "in")
    one, two = (sorted((tmp_path / name / "in").iterdir()) for name in ("one", "two"))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
    assert len(one) == 7


def test_a_single_slice_is_checked(tmp_path):
    data = scan(tmp_path / "in", shape=(8, 9, 1), ImagesInAcquisition=1)
    planned, out = sort(tmp_path / "in", tmp_path / "out"), tmp_path / "out"
    (made,) = convert_all(planned, out)
    assert distance(nib.load(made), data, oblique()) < 0.01
    (job,) = planned.jobs.values()
    wanted = json.loads(job.list.read_text())
    assert np.shape(wanted["corners"]) == (8, 3)
    moved = wanted | {"corners": np.add(wanted["corners"], [0, 0, 0.02]).tolist()}
    check(nib.load(made), wanted, 0)
    with pytest.raises(RecontrastError, match=r"0\.020 mm from the position in the headers"):
        check(nib.load(made), moved, 0)


@pytest.mark.parametrize("digits", [2, 3])
def test_many_slices_with_rounded_positions_lie_where_the_first_and_the_last_do(tmp_path, digits):
    """dcm2niix takes their distance from the first two; over 170 slices that is off by up to 170 last digits."""
    affine, out = oblique(), tmp_path / "out"
    data = scan(tmp_path / "in", shape=(8, 9, 170), affine=affine, ImagesInAcquisition=170)
    for path in (tmp_path / "in").iterdir():
        file = pydicom.dcmread(path)
        file.ImagePositionPatient = [round(float(value), digits) for value in file.ImagePositionPatient]
        file.save_as(path)
    planned = sort(tmp_path / "in", out)
    (job,) = planned.jobs.values()
    assert json.loads(job.list.read_text())["rounding"] == pytest.approx(10.0**-digits)
    (made,) = convert_all(planned, out)
    assert distance(nib.load(made), data, affine) < 0.01 + 10.0**-digits
    image = nib.load(made)
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-4)


@pytest.mark.parametrize("slices", [7, 4])
def test_mosaics_are_checked(tmp_path, slices):
    """Two volumes, each in one picture of two or three tiles a side."""
    affine, out, weighting = oblique(), tmp_path / "out", (np.array([0, 1000]), np.eye(3)[:, :2] * [0, 1])
    data = scan(tmp_path / "in", "dwi", shape=(8, 10, slices, 2), affine=affine, weighting=weighting)
    files = sorted((tmp_path / "in").iterdir())
    for volume in range(2):
        mosaic(files[volume * slices : (volume + 1) * slices], tmp_path / f"mosaic/{volume}", volume + 1)
    planned = sort(tmp_path / "mosaic", out)
    (job,) = planned.jobs.values()
    wanted = json.loads(job.list.read_text())
    assert (wanted["volumes"], len(wanted["corners"])) == (2, 12)
    (made,) = convert_all(planned, out)
    assert distance(nib.load(made), data, affine) < 0.01
    moved = wanted | {"corners": np.add(wanted["corners"], [0.02, 0, 0]).tolist()}
    with pytest.raises(RecontrastError, match=r"0\.020 mm from the position in the headers"):
        check(nib.load(made), moved, 0)


@pytest.mark.parametrize(
    ("made", "apart", "sound"), [(3, 0, True), (2, 1, True), (2, 0, False), (1, 1, False)]
)
def test_volumes_split_off_are_counted(made, apart, sound):
    image = nib.Nifti1Image(np.zeros((2, 2, 2, made), np.int16), np.eye(4))
    wanted = {"volumes": 3, "corners": None}
    if sound:
        check(image, wanted, apart)
    else:
        with pytest.raises(RecontrastError, match=f"made {made} volumes from it"):
            check(image, wanted, apart)


def test_what_dcm2niix_says_of_trace_volumes():
    assert split_off("x\nNote: 2 volumes appear to be ADC or trace images that will be removed") == 2
    assert split_off("Convert 680 DICOM as image (80x80x40x17)") == 0
