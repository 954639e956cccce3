"""The fsl backend: exact coordinates, exact command lines, outputs as documented, from stand-ins."""

import errno
import shutil

import nibabel as nib
import numpy as np
import pytest
import stand_ins
from known_answers import CHECKS
from recontrast import images
from recontrast.anatomy.extract_brain import extract_brain
from recontrast.anatomy.register import register
from recontrast.anatomy.segment_tissue import segment_tissue
from recontrast.backends import transforms
from recontrast.backends.fsl import coordinates, flirt
from recontrast.backends.fsl.tools import fsl_for
from recontrast.backends.protocol import load, versions
from recontrast.errors import RecontrastError

COMMANDS = {
    "correct_bias": [
        "bet head.nii.gz brain.nii.gz -f 0.1 -m",
        "fast -I 10 --nopve -n 3 -o fast -b -S 1 rough.nii.gz",
    ],
    "extract_brain": ["bet head.nii.gz brain.nii.gz -f 0.5 -m -R"],
    "register": [
        "bet head.nii.gz brain.nii.gz -f 0.5 -m -R",
        "fslreorient2std moving.nii.gz moving_std.nii.gz",
        "fslreorient2std reference.nii.gz reference_std.nii.gz",
        "flirt -in moving_std.nii.gz -ref reference_std.nii.gz -out moved.nii.gz -omat moving.mat"
        " -cost normmi -dof 6",
    ],
    "apply_transform": [
        "flirt -in moving.nii.gz -ref grid.nii.gz -out moved.nii.gz -omat applied.mat -applyxfm -setbackground 0.000000"
        " -datatype float -init moving.mat -interp spline -noresampblur"
    ],
    "segment_tissue": ["fast -t 1 -n 3 -o fast -S 1 brain.nii.gz"],
    "register_template": [
        "fslreorient2std moving.nii.gz moving_std.nii.gz",
        "fslreorient2std reference.nii.gz reference_std.nii.gz",
        "flirt -in moving_std.nii.gz -ref reference_std.nii.gz -out moved.nii.gz -omat moving.mat"
        " -cost corratio -dof 12",
    ],
}
HEAD = nib.Nifti1Image(np.arange(1000, dtype=np.float32).reshape(10, 10, 10), np.diag([-2.0, 2, 2, 1]))


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs stand-ins for FSL, some of them changed, and puts them on the PATH."""

    def put(version="6.0.7.7", **changed):
        programs = stand_ins.install_fsl(tmp_path / "fsl", version, **changed)
        monkeypatch.setenv("PATH", str(programs), prepend=":")
        monkeypatch.delenv("FSLDIR", raising=False)
        return programs

    return put


@pytest.mark.parametrize("operation", COMMANDS)
def test_known_answers_by_these_command_lines(install, operation):
    programs = install()
    CHECKS[operation]("fsl")
    expected = COMMANDS[operation]
    assert stand_ins.calls(programs)[-len(expected) :] == expected


@pytest.mark.parametrize("handed", [-1, 1])
def test_scaled_millimetres_count_from_the_radiological_end(handed):
    affine = np.array([[handed * 2.0, 0, 0, 7], [0, 3, 0, -5], [0, 0, 4, 1], [0, 0, 0, 1]])
    found = coordinates.scaled((11, 12, 13), affine) @ [1, 2, 3, 1]
    np.testing.assert_allclose(found, [18 if handed > 0 else 2, 6, 12, 1])


def test_a_turn_in_flirts_coordinates_is_the_same_turn_in_the_world():
    """A moving image with right-handed axes, a reference with left-handed ones."""
    moving = nib.Nifti1Image(
        np.zeros((20, 30, 25), np.uint8), [[2, 0, 0, -9], [0, 1.5, 0, 4], [0, 0, 3, 8], [0, 0, 0, 1]]
    )
    reference = nib.Nifti1Image(
        np.zeros((24, 28, 22), np.uint8), [[0, 0, 2, -20], [1, 0, 0, 3], [0, -1, 0, 30], [0, 0, 0, 1]]
    )
    turn = np.deg2rad(20)
    world = np.array(
        [[np.cos(turn), -np.sin(turn), 0, 3], [np.sin(turn), np.cos(turn), 0, -8], [0, 0, 1, 6], [0, 0, 0, 1]]
    )
    matrix = coordinates.from_world(world, moving, reference)
    np.testing.assert_allclose(coordinates.to_world(matrix, moving, reference), world, atol=1e-10)
    # A rigid transform is rigid in millimetres of any kind.
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-10)
    voxel = np.array([5, 6, 7, 1])
    there = (
        np.linalg.inv(moving.affine) @ transforms.FLIP @ world @ transforms.FLIP @ reference.affine @ voxel
    )
    expected = matrix @ [2 * (19 - there[0]), 1.5 * there[1], 3 * there[2], 1]
    found = coordinates.scaled(reference.shape, reference.affine) @ voxel
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_known_tensor_comes_back_in_the_axes_of_its_directions(install):
    programs = install()
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(12, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[0], bvals = 0, np.full(12, 1000.0)
    bvals[0] = 0
    x, y, z = vectors.T
    elements = np.array([1.2, 0.1, -0.2, 0.7, 0.05, 0.4]) * 1e-3
    powers = np.stack([x * x, 2 * x * y, 2 * x * z, y * y, 2 * y * z, z * z])
    signal = np.tile(800 * np.exp(-bvals * (elements @ powers)), (70, 1))
    tensor, s0 = load("fsl", "fit_tensor")(signal, bvals, vectors, True)
    np.testing.assert_allclose(tensor, np.tile(elements, (70, 1)), atol=1e-7)
    np.testing.assert_allclose(s0, np.full(70, 800), rtol=1e-4)
    wanted = "dtifit -k dwi.nii.gz -o fit -m mask.nii.gz -r bvecs -b bvals --wls --save_tensor"
    assert stand_ins.calls(programs) == [wanted]
    load("fsl", "fit_tensor")(signal, bvals, vectors, False)
    assert stand_ins.calls(programs)[-1] == wanted.replace(" --wls", "")


@pytest.mark.parametrize(
    ("name", "encoding", "said"),
    [
        ("eddy", "j-", "acquisition: 0 -1 0 0.05"),
        ("eddy_openmp", "i", "acquisition: 1 0 0 0.05"),
        ("eddy", "", "the phase-encoding direction is assumed to be the second axis"),
    ],
)
def test_eddy_gives_series_directions_and_displacement(install, monkeypatch, capsys, name, encoding, said):
    programs = install()
    (programs / "eddy").rename(programs / name)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")  # without the programs of a real FSL
    data = np.random.default_rng(0).uniform(150, 300, (10, 12, 8, 7)).astype(np.float32)
    vectors = np.eye(3)[[0, 0, 1, 2, 0, 1, 2]]
    vectors[0] = 0
    series = nib.Nifti1Image(data, np.diag([-2.0, 2, 2, 1]))
    found, turned, shifts = load("fsl", "correct_motion")(
        series, np.array([5.0] + [1000] * 6), vectors, 50.0, encoding
    )
    np.testing.assert_allclose(found, data - 1, atol=1e-3)
    np.testing.assert_allclose(turned, vectors[:, [1, 0, 2]])
    np.testing.assert_allclose(shifts, range(7))
    assert stand_ins.calls(programs) == [
        "bet head.nii.gz brain.nii.gz -f 0.3 -m",
        f"{name} --flm=quadratic --ff=10.0 --acqp=acquisition.txt --bvals=bvals --bvecs=bvecs --imain=dwi.nii.gz"
        " --index=index.txt --mask=brain_mask.nii.gz --initrand --interp=spline --data_is_shelled --resamp=jac"
        " --niter=5 --nvoxhp=960 --out=eddy --slm=none",
    ]
    printed = capsys.readouterr().out
    assert f"$ {name} --flm" in printed
    assert said in printed
    assert versions("fsl", "correct_motion")["FSL"]


def test_phase_encoded_across_slices_is_nothing_for_eddy(install):
    programs = install()
    series = nib.Nifti1Image(np.ones((10, 12, 8, 2), np.float32), np.eye(4))
    with pytest.raises(RecontrastError, match=r"third axis of the image.*embedded"):
        load("fsl", "correct_motion")(series, np.array([0.0, 1000]), np.eye(3)[:2], 50.0, "k-")
    assert not (programs / "calls.txt").exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('Cannot find a valid license file', file=sys.stderr); sys.exit(3)", "bet failed.*licence"),
        ("print('Error: FSLDIR is not set', file=sys.stderr); sys.exit(1)", "bet failed.*set FSLDIR"),
        (
            "print('bet2: error while loading shared libraries: libopenblas.so', file=sys.stderr)",
            "misses a lib",
        ),
        ("print('nothing found'); os.abort()", "bet failed with status"),
        ("print('all is well')", r"brain_mask\.nii\.gz: was not written"),
    ],
)
def test_a_failure_is_one_line_with_what_to_do(install, capsys, body, message):
    install(bet=body)
    with pytest.raises(RecontrastError, match=message) as error:
        load("fsl", "extract_brain")(HEAD, "T1w", None)
    assert "\n" not in str(error.value)
    said = capsys.readouterr().out
    assert said.startswith("$ bet head.nii.gz")
    assert body.split("'")[1] in said.splitlines()


def test_a_shell_that_complains_of_its_locale_is_no_failure(install):
    install(bet=stand_ins.BET + "print('setlocale: LC_ALL: cannot change locale', file=sys.stderr)")
    assert load("fsl", "extract_brain")(HEAD, "T1w", None).any()


def test_images_are_turned_alike_without_fslreorient2std(install, monkeypatch):
    programs = install()
    affine = np.array([[0, 0, 2.0, -20], [-1.5, 0, 0, 3], [0, -3, 0, 30], [0, 0, 0, 1]])
    head = nib.Nifti1Image(np.arange(210, dtype=np.float32).reshape(5, 6, 7), affine)
    turned = []
    for _ in range(2):
        with fsl_for("register") as (fsl, folder):
            image = flirt.upright_file(fsl, folder, "head", head)
            turned.append((image.get_fdata(), image.affine))
        (programs / "fslreorient2std").unlink(missing_ok=True)
    assert [call.split()[0] for call in stand_ins.calls(programs)] == ["fslreorient2std"]
    for one, other in zip(*turned, strict=True):
        np.testing.assert_array_equal(one, other)
    assert nib.aff2axcodes(turned[0][1])[1:] == ("A", "S")


def test_a_script_without_the_calculator_that_it_pipes_to_is_named(install, monkeypatch):
    programs = install()
    (programs / "bet").write_text('#!/bin/bash\ni=$(echo "$i 1 + p" | dc -)\n')
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **more: None if name == "dc" else which(name, **more))
    with pytest.raises(RecontrastError, match=r"bet: needs dc, which is not on the PATH; install dc"):
        versions("fsl", "extract_brain")


def test_the_installation_that_a_program_is_in_counts_not_the_one_that_the_shell_names(
    install, monkeypatch, tmp_path
):
    install("6.0.7.7")
    stand_ins.install_fsl(tmp_path / "other", "6.0.1")
    monkeypatch.setenv("FSLDIR", str(tmp_path / "other"))
    assert versions("fsl", "register")["FSL"] == "6.0.7.7"


def test_what_the_machine_did_is_not_blamed_on_the_image(install):
    programs = install(bet="os.kill(os.getpid(), 9)")
    with pytest.raises(MemoryError, match="bet was killed"):
        load("fsl", "extract_brain")(HEAD, "T1w", None)
    for said in ("line 4: 123 Killed  bet2", "Unable to satisfy request for memory"):
        stand_ins.install(programs, "bet", f"print('{said}', file=sys.stderr); sys.exit(1)")
        with pytest.raises(MemoryError, match="bet ran out of memory"):
            load("fsl", "extract_brain")(HEAD, "T1w", None)
    stand_ins.install(programs, "bet", "print('No space left on device', file=sys.stderr); sys.exit(1)")
    with pytest.raises(OSError, match="no space") as error:
        load("fsl", "extract_brain")(HEAD, "T1w", None)
    assert error.value.errno == errno.ENOSPC
    # As a cluster does with a job that runs too long: the record of failures must not hear of it.
    stand_ins.install(programs, "bet", "os.kill(os.getpid(), 15)")
    with pytest.raises(KeyboardInterrupt, match="bet was stopped"):
        load("fsl", "extract_brain")(HEAD, "T1w", None)


def test_where_fsl_is_and_which(install, monkeypatch, tmp_path):
    programs = install("6.0.3:b862cdd5")
    assert versions("fsl", "register")["FSL"] == "6.0.3"
    monkeypatch.setenv("FSLDIR", str(tmp_path))
    with pytest.raises(RecontrastError, match="FSLDIR names this folder, but FSL is not in it"):
        versions("fsl", "register")
    monkeypatch.delenv("FSLDIR")
    (tmp_path / "fsl/etc/fslversion").write_text("5.0.2\n")
    with pytest.raises(RecontrastError, match=r"FSL 5\.0\.2 is too old"):
        versions("fsl", "register")
    # As conda installs it: no version of the whole.
    (tmp_path / "fsl/etc/fslversion").unlink()
    (tmp_path / "fsl/conda-meta").mkdir()
    for name in ("fsl-bet2-2111.4-h2bc3f7f_0", "fsl-topup-2203.5-h0_1"):
        (tmp_path / f"fsl/conda-meta/{name}.json").write_text("{}")
    assert versions("fsl", "extract_brain").items() >= {"fsl-bet2": "2111.4"}.items()
    (programs / "bet").unlink()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RecontrastError, match="bet of FSL is not on the PATH"):
        versions("fsl", "extract_brain")


@pytest.mark.real
def test_results_of_fsl_itself_are_read_as_the_backends_own(install, real_images, tmp_path):
    """Programs that hand out what FSL 6.0.0 made of this session: the steps write what other backends do."""
    made, raw = real_images / "fsl-reference/anat", real_images / "ms-raw/sub-03/ses-2/anat/sub-03_ses-2"
    copy = "import shutil\ndef copy(one, other): shutil.copy(one, other)\n"
    install(
        bet=copy + f"copy('{made}/bet_T1w_mask.nii.gz', sys.argv[2].replace('.nii.gz', '_mask.nii.gz'))\n"
        "copy(sys.argv[1], sys.argv[2])",
        fast=copy + f"copy('{made}/fast_pveseg.nii.gz', 'fast_seg.nii.gz')\n"
        f"for i in range(3): copy(f'{made}/fast_T1w_pve_{{i}}.nii.gz', f'fast_pve_{{i}}.nii.gz')",
        # The reference matrices are between the images as they were acquired.
        fslreorient2std=copy + "copy(sys.argv[1], sys.argv[2])",
        flirt=copy
        + f"copy('{made}/flirt-6dof-normmi_from-T1w_to-FLAIR.mat', sys.argv[sys.argv.index('-omat') + 1])\n"
        "copy(sys.argv[2], sys.argv[sys.argv.index('-out') + 1])",
    )
    t1w, flair = f"{raw}_T1w.nii.gz", f"{raw}_FLAIR.nii.gz"
    extract_brain(image=t1w, contrast="T1w", mask=tmp_path / "mask.nii.gz", backend="fsl")
    mask = images.read(tmp_path / "mask.nii.gz")
    bet = images.read(made / "bet_T1w_mask.nii.gz")
    images.check_same_grid(tmp_path / "mask.nii.gz", mask, images.read_header(t1w))
    np.testing.assert_array_equal(mask.get_fdata(), bet.get_fdata() > 0)

    names = {name: tmp_path / f"{name}.nii.gz" for name in ("csf", "gm", "wm", "segmentation")}
    segment_tissue(image=t1w, mask=tmp_path / "mask.nii.gz", contrast="T1w", backend="fsl", **names)
    # A few voxels of the mask have no signal, and no class from FAST.
    classified = images.read(made / "fast_pveseg.nii.gz").get_fdata() > 0
    for index, name in enumerate(("csf", "gm", "wm")):
        found = images.read(names[name]).get_fdata()
        fast = images.read(made / f"fast_T1w_pve_{index}.nii.gz").get_fdata()
        np.testing.assert_allclose(found[classified], fast[classified], atol=0.01)

    register(
        moving=t1w,
        reference=flair,
        moving_mask=tmp_path / "mask.nii.gz",
        transform=tmp_path / "xfm.txt",
        reference_mask=made / "bet_FLAIR_mask.nii.gz",
        backend="fsl",
    )
    published = real_images / "ms-raw/derivatives/published/sub-03/ses-2/anat"
    truth = transforms.read(published / "sub-03_ses-2_from-T1w_to-FLAIR_mode-image_xfm.txt")
    brain = images.read(made / "bet_FLAIR_mask.nii.gz")
    voxels = np.argwhere(brain.get_fdata() > 0)[::97]
    points = transforms.FLIP @ brain.affine @ np.column_stack([voxels, np.ones(len(voxels))]).T
    distance = np.linalg.norm(((transforms.read(tmp_path / "xfm.txt") - truth) @ points)[:3], axis=0)
    print(f"flirt and the published transform are {distance.mean():.2f} mm apart")
    assert distance.max() < 1.5
