"""Motion correction of a series whose motion is known."""

import json

import nibabel as nib
import numpy as np
import pytest
from recontrast import signals
from recontrast.backends import transforms
from recontrast.backends.embedded.correct_motion import displacement, head_points, turned
from recontrast.diffusion import gradients
from recontrast.diffusion.correct_motion import correct_motion
from recontrast.errors import RecontrastError
from recontrast.phantom import fibres
from scipy import ndimage
from scipy.spatial.transform import Rotation

AFFINE = nib.affines.from_matvec(np.diag([-4.0, 4.0, 4.0]), [56, -64, -46])
SHAPE = (28, 33, 25)
BVALS = np.array([0.0, 1000, 1000, 1000, 0.0, 1000])
VECTORS = np.array([[0, 0, 0], [1, 0, 0], [0, 0.6, 0.8], [0, 0, 1], [0, 0, 0], [0.6, 0.8, 0]])
MOVED = {5: (9.0, [3.0, -4.0, 2.0]), 4: (-4.0, [0.0, 3.0, 1.0])}  # volume: degrees about z, mm


@pytest.fixture
def few(monkeypatch):
    """Fewer directions than a tensor needs: their motion is corrected alike, in less time."""
    monkeypatch.setattr(gradients, "FEWEST", 3)


def write(folder, motion=MOVED):
    """A head of textured white matter, cortex and fluid; the fibres turn with it. Returns files and poses."""
    rng = np.random.default_rng(2)
    world = np.einsum("ij,j...->i...", AFFINE, np.stack([*np.indices(SHAPE), np.ones(SHAPE)]))[:3]
    radius = np.sqrt((world[0] / 43) ** 2 + (world[1] / 54) ** 2 + ((world[2] - 3) / 40) ** 2)
    texture = ndimage.gaussian_filter(rng.normal(size=SHAPE), 1.5)
    mixed = 1 / (1 + np.exp(-8 * texture / texture.std()))
    head = 1 / (1 + np.exp((radius - 1) * 40))
    tensor = fibres.lesion(fibres.white_matter(world, 0.75e-3), 0.75e-3, 0.75e-3) * mixed[..., None]
    tensor += fibres.isotropic(1.3e-3 * (1 - mixed))
    volumes, poses = [], []
    for index, (b, g) in enumerate(zip(BVALS, VECTORS, strict=True)):
        degrees, mm = motion.get(index, (0.0, [0.0, 0, 0]))
        pose = nib.affines.from_matvec(Rotation.from_euler("z", degrees, degrees=True).as_matrix(), mm)
        direction = pose[:3, :3].T @ transforms.fsl_axes(AFFINE) @ g
        still = signals.diffusion(600 * head * (1.4 - 0.6 * mixed), tensor, b=b, direction=direction)
        step = np.linalg.inv(AFFINE) @ np.linalg.inv(pose) @ AFFINE
        volume = ndimage.affine_transform(still, step[:3, :3], step[:3, 3], order=3)
        volumes.append(signals.rician(volume, 12.0, rng))
        poses.append(transforms.FLIP @ pose @ transforms.FLIP)
    files = {"dwi": folder / "dwi.nii.gz", "bval": folder / "dwi.bval", "bvec": folder / "dwi.bvec"}
    nib.save(nib.Nifti1Image(np.stack(volumes, -1).astype(np.float32), AFFINE), files["dwi"])
    np.savetxt(files["bval"], BVALS[None])
    np.savetxt(files["bvec"], VECTORS.T)
    return files, np.array(poses)


def outputs(folder):
    return {
        "output": folder / "out.nii.gz",
        "output_bval": folder / "out.bval",
        "output_bvec": folder / "out.bvec",
        "b0": folder / "b0.nii.gz",
    }


def test_moved_volumes_come_back_and_their_directions_turn_along(tmp_path, monkeypatch, few):
    from recontrast.backends.embedded import correct_motion as module

    found = []
    monkeypatch.setattr(module, "turned", lambda *given: found.append(given[1]) or turned(*given))
    files, poses = write(tmp_path)
    made = outputs(tmp_path)
    correct_motion(**files, **made)
    points = head_points(nib.load(made["b0"]).get_fdata(), AFFINE)
    for index in MOVED:
        left = displacement(np.linalg.inv(poses[index]) @ found[0][index], points)
        assert displacement(poses[index], points) > 3.5
        assert left < 1.0
    true = turned(VECTORS, poses, AFFINE)
    corrected = np.loadtxt(made["output_bvec"]).T
    for index in np.flatnonzero(BVALS):
        assert np.degrees(np.arccos(np.clip(corrected[index] @ true[index], -1, 1))) < 3.0


def test_directions_turn_against_the_head():
    # The head has turned by 90 degrees from right to front; a gradient along the front is then felt as right.
    turn = nib.affines.from_matvec(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]))
    matrix = transforms.FLIP @ turn @ transforms.FLIP
    for affine in (np.eye(4), AFFINE):
        axes = transforms.fsl_axes(affine)
        front = np.linalg.inv(axes) @ [0, 1, 0]
        assert axes @ turned(front[None], matrix[None], affine)[0] == pytest.approx([1, 0, 0])


def test_keeping_the_volumes_checks_them_and_drops_what_has_no_direction(tmp_path, few):
    files, _ = write(tmp_path, {})
    vectors = VECTORS.copy()
    vectors[2] = 0
    np.savetxt(files["bvec"], vectors.T)
    made = outputs(tmp_path)
    correct_motion(**files, **made, motion="keep")
    kept = [0, 1, 3, 4, 5]
    data = nib.load(files["dwi"]).get_fdata()
    assert np.array_equal(nib.load(made["output"]).get_fdata(), data[..., kept])
    assert nib.load(made["b0"]).get_fdata() == pytest.approx(data[..., [0, 4]].mean(axis=-1), rel=1e-5)
    assert np.loadtxt(made["output_bval"]).tolist() == BVALS[kept].tolist()


def test_a_shell_that_the_tensor_has_no_use_for_is_left_out(tmp_path, few):
    files, _ = write(tmp_path, {})
    bvals = np.where(np.arange(len(BVALS)) == 2, 2000, BVALS)
    np.savetxt(files["bval"], bvals[None])
    made = outputs(tmp_path)
    correct_motion(**files, **made, motion="keep", highest_b=1200)
    kept = [0, 1, 3, 4, 5]
    assert np.array_equal(nib.load(made["output"]).get_fdata(), nib.load(files["dwi"]).get_fdata()[..., kept])
    assert np.loadtxt(made["output_bval"]).tolist() == BVALS[kept].tolist()


@pytest.mark.parametrize(
    ("sidecar", "wanted"),
    [
        ('{"PhaseEncodingDirection": "i-"}', "i-"),
        ('{"PhaseEncodingAxis": "j"}', "j"),
        ('{"PhaseEncodingDirection": "A>>P"}', ""),
        ("[]", ""),
        (None, ""),
    ],
)
def test_the_axis_of_phase_encoding_comes_from_the_json_file(tmp_path, monkeypatch, few, sidecar, wanted):
    from recontrast.backends.embedded import correct_motion as module

    given = []

    def still(series, bvals, vectors, b0_threshold, encoding):
        given.append(encoding)
        return series.get_fdata(dtype=np.float32), vectors, np.zeros(len(bvals))

    monkeypatch.setattr(module, "correct_motion", still)
    files, _ = write(tmp_path, {})
    if sidecar is not None:
        (tmp_path / "dwi.json").write_text(sidecar)
    made = outputs(tmp_path)
    correct_motion(**files, **made)
    assert given == [wanted]
    facts = json.loads((tmp_path / "out.json").read_text())
    assert facts["PhaseEncodingDirection"] == (wanted or "n/a")
    assert any("phase was encoded" in note for note in facts["Notes"]) is not bool(wanted)


def test_a_series_without_unweighted_volumes_or_directions_and_a_single_volume_are_named(tmp_path):
    files, _ = write(tmp_path, {})
    with pytest.raises(RecontrastError, match="has 4 different directions"):
        correct_motion(**files, **outputs(tmp_path), motion="keep")
    np.savetxt(files["bval"], BVALS[None] + 700)
    with pytest.raises(RecontrastError, match="no volume without diffusion weighting"):
        correct_motion(**files, **outputs(tmp_path), motion="keep")
    nib.save(nib.Nifti1Image(np.random.default_rng(0).normal(size=SHAPE), AFFINE), files["dwi"])
    with pytest.raises(RecontrastError, match="series of volumes"):
        correct_motion(**files, **outputs(tmp_path), motion="keep")
