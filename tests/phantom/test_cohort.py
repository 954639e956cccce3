"""The demo cohort, measured from its files: what is fixed about it holds, and its truth is true."""

import hashlib
import json
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from recontrast.errors import RecontrastError
from recontrast.phantom.cohort import make
from recontrast.phantom.protocols import PROTOCOLS
from scipy import ndimage

VOXEL = 4.0
PLAIN = ("T1w", "T2w", "PDw", "FLAIR")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("phantom") / "cohort"
    make(out, participants=4, voxel=VOXEL, without_flair=1)
    return out


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("phantom") / "everything"
    make(out, participants=1, voxel=6.0, contrasts=list(PROTOCOLS), without_flair=0, sessions=2)
    return out


def itk(path: Path) -> np.ndarray:
    """A 4x4 of RAS points from an ITK affine text file, read by hand: independent of its writer."""
    numbers = np.array(re.search(r"^Parameters: (.*)$", path.read_text(), re.M)[1].split(), float)
    lps = np.vstack([np.column_stack([numbers[:9].reshape(3, 3), numbers[9:]]), [0, 0, 0, 1]])
    flip = np.diag([-1, -1, 1, 1])
    return flip @ lps @ flip


class Truth:
    """Images and truth of one participant."""

    def __init__(self, root: Path, label: str) -> None:
        self.images, self.known = root / label / "anat", root / "derivatives/truth" / label / "anat"
        self.label = label.replace("/", "_")

    def image(self, contrast: str) -> nib.Nifti1Image:
        return nib.load(self.images / f"{self.label}_{contrast}.nii.gz")

    def map(self, name: str) -> nib.Nifti1Image:
        return nib.load(self.known / f"{self.label}_space-anatomy_{name}.nii.gz")

    def pose(self, contrast: str) -> np.ndarray:
        return itk(self.known / f"{self.label}_from-{contrast}_to-anatomy_mode-image_xfm.txt")

    def bias(self, contrast: str) -> nib.Nifti1Image:
        return nib.load(self.known / f"{self.label}_space-{contrast}_desc-bias_map.nii.gz")

    def on(self, name: str, contrast: str) -> np.ndarray:
        """A map of the anatomy, carried to the grid of a contrast by its transform."""
        source, target = self.map(name), self.image(contrast)
        matrix = np.linalg.inv(source.affine) @ np.linalg.inv(self.pose(contrast)) @ target.affine
        data = np.asarray(source.dataobj, np.float32)
        return ndimage.affine_transform(data, matrix, output_shape=target.shape[:3], order=1)


PEOPLE = ["sub-01", "sub-02", "sub-03"]


@pytest.mark.parametrize("label", [*PEOPLE, "sub-04"])
def test_lesion_volume_is_between_half_and_forty_ml(cohort, label):
    lesions = Truth(cohort, label).map("label-lesion_mask")
    assert 0.5 <= np.asarray(lesions.dataobj).sum() * VOXEL**3 / 1000 <= 40


@pytest.mark.parametrize("label", PEOPLE)
def test_lesions_as_drawn_on_flair_are_those_of_the_anatomy(cohort, label):
    truth = Truth(cohort, label)
    drawn = nib.load(truth.known / f"{label}_space-FLAIR_label-lesion_mask.nii.gz")
    assert drawn.shape == truth.image("FLAIR").shape
    inside = np.asarray(drawn.dataobj) > 0
    assert (
        truth.on("label-lesion_probseg", "FLAIR")[inside].mean() > 0.45
    )  # of voxels that are half lesion or more
    assert truth.on("label-lesion_probseg", "FLAIR")[~inside].max() < 0.95


@pytest.mark.parametrize("label", PEOPLE)
def test_lesions_stand_out_in_flair_by_the_fixed_ratio(cohort, label):
    truth = Truth(cohort, label)
    flair = truth.image("FLAIR").get_fdata() / truth.bias("FLAIR").get_fdata()
    lesion = truth.on("label-lesion_probseg", "FLAIR") > 0.7
    white = truth.on("label-WM_probseg", "FLAIR") > 0.95
    assert lesion.sum() >= 5
    assert 1.3 <= np.median(flair[lesion]) / np.median(flair[white]) <= 1.7


@pytest.mark.parametrize("contrast", PLAIN)
def test_snr_in_white_matter_is_30(cohort, contrast):
    truth = Truth(cohort, "sub-02")
    data = truth.image(contrast).get_fdata()
    white = truth.on("label-WM_probseg", contrast) > 0.95
    # Rician background: its mean square is twice the variance of the noise.
    air = truth.on("PDmap", contrast) == 0
    air = ndimage.binary_erosion(air, iterations=3, border_value=1)
    sigma = np.sqrt((data[air] ** 2).mean() / 2)
    assert np.median(data[white]) / sigma == pytest.approx(30, rel=0.07)


@pytest.mark.parametrize("contrast", PLAIN)
def test_bias_spans_20_percent_and_is_in_the_image(cohort, contrast):
    truth = Truth(cohort, "sub-03")
    bias, data = truth.bias(contrast).get_fdata(), truth.image(contrast).get_fdata()
    inside = truth.on("desc-brain_mask", contrast) > 0.5
    assert bias[inside].min() == pytest.approx(0.8, abs=0.03)
    assert bias[inside].max() == pytest.approx(1.2, abs=0.03)
    white = truth.on("label-WM_probseg", contrast) > 0.9
    assert np.corrcoef(bias[white], data[white])[0, 1] > 0.6
    assert (data / bias)[white].std() < 0.8 * data[white].std()


@pytest.mark.parametrize("contrast", PLAIN)
def test_transforms_lay_the_truth_onto_each_contrast(cohort, contrast):
    truth = Truth(cohort, "sub-01")
    data = truth.image(contrast).get_fdata()
    head = truth.on("PDmap", contrast) > 0.6
    bright = data > 0.35 * np.median(data[truth.on("label-WM_probseg", contrast) > 0.9])
    here = agreement(head, bright)
    # One voxel off in any direction is worse: the transform is neither inverted nor mirrored nor shifted.
    for axis in range(3):
        for step in (-1, 1):
            assert here > agreement(np.roll(head, step, axis), bright)
    pose = truth.pose(contrast)
    assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
    assert 0.5 < np.linalg.norm((pose - np.eye(4)) @ [0, -16, -2, 1]) < 20


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def test_transform_files_and_affines_locate_a_lesion_within_a_hundredth_of_a_mm(tmp_path):
    """A single bright point, scanned through an oblique grid without noise, is found where the file says."""
    from recontrast.phantom import space

    fine = space.isotropic(1.0)
    data = np.zeros(fine.shape, np.float32)
    voxel = np.array([60, 120, 140])
    data[tuple(voxel)] = 1.0
    data = ndimage.gaussian_filter(data, 6.0)
    pose = space.rigid(np.array([4.0, -6.0, 3.0]), np.array([5.0, -3.0, 2.0]))
    grid = space.covering((2.0, 2.0, 3.0), "PSR", space.rigid(np.array([3.0, 2.0, -7.0]), np.zeros(3)))
    seen = space.resample(data, fine, grid, pose)
    centre = np.array(ndimage.center_of_mass(seen))
    space.write_itk(tmp_path / "x.txt", pose)
    expected = itk(tmp_path / "x.txt") @ fine.affine @ [*voxel, 1]
    assert np.abs(grid.affine @ [*centre, 1] - expected).max() < 0.01


def test_grids_differ_between_contrasts(cohort):
    images = [Truth(cohort, "sub-01").image(contrast) for contrast in PLAIN]
    assert len({"".join(nib.aff2axcodes(image.affine)) for image in images}) >= 2
    assert images[1].header.get_zooms() == pytest.approx((VOXEL, VOXEL, 1.5 * VOXEL))
    oblique = np.abs(images[3].affine[:3, :3])
    assert (np.sort(oblique, axis=0)[:2] > 1e-3).any()


def test_the_brain_is_a_brain(cohort):
    for label in PEOPLE:
        truth = Truth(cohort, label)
        shares = {
            name: np.asarray(truth.map(f"label-{name}_probseg").dataobj)
            for name in ("WM", "GM", "CSF", "lesion")
        }
        ml = VOXEL**3 / 1000
        assert 400 < shares["WM"].sum() * ml < 800
        assert 650 < shares["GM"].sum() * ml < 1200
        brain = np.asarray(truth.map("desc-brain_mask").dataobj) > 0
        assert np.quantile(sum(shares.values())[brain], 0.01) > 0.6
        assert sum(shares.values()).max() < 1.005
        t1 = truth.map("T1map").get_fdata()
        assert np.median(t1[shares["WM"] > 0.95]) == pytest.approx(0.832, rel=0.08)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_arguments_same_bytes_and_a_participant_does_not_depend_on_the_others(tmp_path):
    make(tmp_path / "a", participants=2, voxel=8.0, without_flair=0)
    make(tmp_path / "b", participants=2, voxel=8.0, without_flair=0, jobs=2)
    make(tmp_path / "c", participants=1, voxel=8.0, without_flair=0, contrasts=["FLAIR", "T1w"])
    make(tmp_path / "d", participants=1, voxel=8.0, without_flair=0, seed=2)
    a, b, c, d = (digests(tmp_path / name) for name in "abcd")
    assert a == b
    # Fewer participants and fewer contrasts: what is there is the same.
    assert {name: c[name] for name in c if "sub-" in name}.items() <= a.items()
    assert a["sub-01/anat/sub-01_T1w.nii.gz"] != d["sub-01/anat/sub-01_T1w.nii.gz"]
    assert a["sub-01/anat/sub-01_T1w.nii.gz"] != a["sub-02/anat/sub-02_T1w.nii.gz"]


def test_bids_names_and_sidecars(cohort, everything):
    assert not (cohort / "sub-04/anat/sub-04_FLAIR.nii.gz").exists()
    assert (cohort / "sub-04/anat/sub-04_T2w.nii.gz").exists()
    rows = [line.split("\t") for line in (cohort / "participants.tsv").read_text().splitlines()]
    assert rows[0] == ["participant_id", "age", "sex", "group"]
    assert [row[3] for row in rows[1:]] == ["patient", "patient", "patient", "control"]
    facts = json.loads((cohort / "sub-01/anat/sub-01_FLAIR.json").read_text())
    expected = {"EchoTime": 0.124, "RepetitionTime": 9.0, "InversionTime": 2.472, "FlipAngle": 90.0}
    assert facts.items() >= expected.items()

    anat = everything / "sub-01/ses-2/anat"
    names = {path.name.removeprefix("sub-01_ses-2_") for path in anat.glob("*.nii.gz")}
    delays = {f"acq-delay{d}_echo-{e}_MESE.nii.gz" for d in (1, 2, 3, 4) for e in (1, 2)}
    assert names == {f"{n}.nii.gz" for n in (*PLAIN, "acq-dir_T2w", "acq-se_T1w")} | delays
    last = json.loads((anat / "sub-01_ses-2_acq-delay4_echo-2_MESE.json").read_text())
    assert (last["EchoTime"], last["SaturationDelayTime"], last["RepetitionTime"]) == (0.0845, 3.879, 4.0)
    dwi = everything / "sub-01/ses-1/dwi/sub-01_ses-1_dwi"
    bvals, bvecs = np.loadtxt(f"{dwi}.bval"), np.loadtxt(f"{dwi}.bvec")
    assert [int((bvals == b).sum()) for b in (0, 1000, 2000)] == [6, 30, 30]
    assert np.allclose(np.linalg.norm(bvecs[:, bvals > 0], axis=0), 1, atol=1e-5)
    assert nib.load(f"{dwi}.nii.gz").shape[3] == bvals.size == bvecs.shape[1]


def test_a_later_session_holds_the_same_head_with_more_lesion_in_another_pose(everything):
    first, second = (Truth(everything, f"sub-01/ses-{visit}") for visit in (1, 2))
    volume = [np.asarray(truth.map("label-lesion_probseg").dataobj).sum() for truth in (first, second)]
    assert 1.0 < volume[1] / volume[0] < 1.3
    assert np.array_equal(first.map("desc-brain_mask").dataobj, second.map("desc-brain_mask").dataobj)
    assert not np.allclose(first.pose("T1w"), second.pose("T1w"), atol=0.1)


def test_diffusion_images_and_b_vectors_give_the_tensors_of_the_truth(everything):
    truth = Truth(everything, "sub-01/ses-1")
    series = nib.load(everything / "sub-01/ses-1/dwi/sub-01_ses-1_dwi.nii.gz")
    stem = str(series.get_filename()).removesuffix(".nii.gz")
    bvals, bvecs = np.loadtxt(f"{stem}.bval"), np.loadtxt(f"{stem}.bvec").T
    if np.linalg.det(series.affine) > 0:
        bvecs = bvecs * [-1, 1, 1]
    pose = truth.pose("DWI")
    axes = series.affine[:3, :3] / np.linalg.norm(series.affine[:3, :3], axis=0)
    x, y, z = np.linalg.inv(pose[:3, :3]) @ axes @ bvecs.T
    known = nib.load(
        str(truth.map("label-WM_probseg").get_filename())
        .replace("/anat/", "/dwi/")
        .replace("label-WM_probseg", "model-DTI_param-tensor_dwimap")
    )
    to_known = np.linalg.inv(known.affine) @ np.linalg.inv(pose) @ series.affine
    carried = [
        ndimage.affine_transform(volume, to_known, output_shape=series.shape[:3], order=1)
        for volume in np.moveaxis(known.get_fdata(), -1, 0)
    ]
    white = (
        ndimage.affine_transform(
            np.asarray(truth.map("label-WM_probseg").dataobj),
            to_known,
            output_shape=series.shape[:3],
            order=1,
        )
        > 0.9
    )
    used = bvals <= 1000
    design = np.column_stack(
        [np.ones(used.sum())]
        + [-bvals[used] * f[used] for f in (x * x, 2 * x * y, 2 * x * z, y * y, 2 * y * z, z * z)]
    )
    logs = np.log(np.maximum(series.get_fdata()[white][:, used], 1))
    fitted = np.linalg.lstsq(design, logs.T, rcond=None)[0][1:]
    expected = np.array([volume[white] for volume in carried])
    assert white.sum() > 20
    assert np.abs(np.median(fitted - expected, axis=1)).max() < 5e-5
    assert np.corrcoef(fitted.ravel(), expected.ravel())[0, 1] > 0.95


def test_a_finished_phantom_is_left_alone_and_a_foreign_folder_refused(tmp_path):
    out = tmp_path / "p"
    arguments = dict(participants=1, voxel=8.0, contrasts=["T1w"], without_flair=0)
    make(out, **arguments)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    make(out, **arguments)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    with pytest.raises(RecontrastError, match="something other"):
        make(out, **(arguments | {"seed": 2}))
    (tmp_path / "q").mkdir()
    (tmp_path / "q/mine.txt").write_text("precious")
    with pytest.raises(RecontrastError, match="something other"):
        make(tmp_path / "q", **arguments)
    assert (tmp_path / "q/mine.txt").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "q"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"contrasts": ["Flair"]}, "FLAIR"),
        ({"participants": 0}, "participants"),
        ({"without_flair": 9}, "without"),
        ({"voxel": 0.2}, "mm"),
        ({"contrasts": []}, "contrasts"),
    ],
)
def test_arguments_that_cannot_be_met_are_named(tmp_path, wrong, said):
    with pytest.raises(RecontrastError, match=said):
        make(tmp_path / "x", **wrong)
    assert not list(tmp_path.iterdir())
