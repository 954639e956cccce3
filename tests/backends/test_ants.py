"""The ants backend on ANTs' own code, run by its command lines; the brain extraction script is a stand-in."""

import nibabel as nib
import numpy as np
import pytest
import scipy.io
import stand_ins
from known_answers import CHECKS
from recontrast import images
from recontrast.backends.ants import registration
from recontrast.backends.ants.brain_template import FILES, VARIABLE
from recontrast.backends.ants.versions import release
from recontrast.backends.embedded.correct_bias import above, head
from recontrast.backends.poses import mutual_information
from recontrast.backends.protocol import load, versions
from recontrast.errors import RecontrastError

# Fewer iterations than there are, for the sake of time.
ITERATIONS = {
    "register": [200, 100, 50, 0],
    "register_template": [100, 50, 0, 0],
    "warp_template": [40, 20, 0, 0],
}

STAGE = (
    "--metric MI[ fixed.nii.gz, moving.nii.gz, 1, 32, Regular, 0.25 ] --convergence [ ITERATIONS, 1e-06, 10 ]"
    " --smoothing-sigmas 3.0x2.0x1.0x0.0vox --shrink-factors 8x4x2x1 --use-histogram-matching 0"
)
FRAME = (
    "antsRegistration --collapse-output-transforms 1 --dimensionality 3 --float 0"
    " --initial-moving-transform [ START ] --initialize-transforms-per-stage 0"
    " --interpolation Linear --output found_ --random-seed 1 {}"
    " -v --winsorize-image-intensities [ 0.005, 0.995 ] --write-composite-transform 0"
)
# Once the starts have been compared on the coarse levels.
FINE = (
    STAGE.replace("3.0x2.0x1.0x0.0vox", "1.0x0.0vox").replace("8x4x2x1", "2x1").replace("ITERATIONS", "50x0")
)
STARTED = FRAME.replace("START", "start.txt, 0")
CENTRES = FRAME.replace("START", "fixed.nii.gz, moving.nii.gz, 1")
COMMANDS = {
    "correct_bias": "N4BiasFieldCorrection --verbose 1 --bspline-fitting [ 200 ] -d 3 --input-image head.nii.gz"
    " --mask-image mask.nii.gz --convergence [ 50x50x50, 1e-07 ]"
    " --output [ corrected.nii.gz, field.nii.gz ] --shrink-factor 2",
    "extract_brain": "antsBrainExtraction.sh -a head.nii.gz -c 3,1,2,3"
    " -m T_template0_BrainCerebellumProbabilityMask.nii.gz -e T_template0.nii.gz"
    " -d 3 -s nii.gz -o found_ -u 0",
    "register": STARTED.format(f"--transform Rigid[ 0.1 ] {FINE} --masks [ mask.nii.gz, NULL ]"),
    "apply_transform": "antsApplyTransforms --default-value 0 --dimensionality 3 --float 0"
    " --input moving.nii.gz --interpolation BSpline[ 3 ] --output moved.nii.gz --reference-image grid.nii.gz"
    " --transform moving.txt",
    "segment_tissue": "Atropos --verbose 1 --image-dimensionality 3 --initialization KMeans[3]"
    " --intensity-image brain.nii.gz --likelihood-model Gaussian --mask-image mask.nii.gz --mrf [0.1,1x1x1]"
    " --convergence [5,0] --output [classes.nii.gz,class%02d.nii.gz] --use-random-seed 0",
    "register_template": CENTRES.format(
        f"--transform Rigid[ 0.1 ] {STAGE} --transform Affine[ 0.1 ] {STAGE}"
    ),
    "warp_template": STARTED.format(f"--transform SyN[ 0.1, 3.0, 0.0 ] {STAGE}"),
}


@pytest.fixture
def programs(tmp_path, monkeypatch):
    folder = stand_ins.install_ants(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    template = tmp_path / "template"
    template.mkdir()
    for name in list(FILES.values())[:2]:
        (template / name).write_bytes(b"any")
    monkeypatch.setenv(VARIABLE, str(template))
    return folder


@pytest.mark.parametrize("operation", CHECKS)
def test_known_answers_by_these_command_lines(programs, monkeypatch, operation):
    iterations = ITERATIONS.get(operation, [])
    monkeypatch.setattr(registration, "ITERATIONS", iterations)
    monkeypatch.setattr(registration, "BENDING", iterations)
    CHECKS[operation]("ants")
    expected = COMMANDS[operation].replace("ITERATIONS", "x".join(map(str, iterations)))
    assert stand_ins.calls(programs)[-1] == expected


def test_versions_are_those_of_the_programs(programs, monkeypatch, tmp_path):
    assert versions("ants", "register").items() >= {"ANTs": "2.5.3"}.items()
    before = versions("ants", "extract_brain")["brain template"]
    (tmp_path / "template/T_template0.nii.gz").write_bytes(b"other")
    assert versions("ants", "extract_brain")["brain template"] != before
    stand_ins.install(programs, "antsRegistration", "print('ANTs Version: 2.2.0')")
    release.cache_clear()
    with pytest.raises(RecontrastError, match=r"ANTs 2\.2\.0 is too old"):
        versions("ants", "register")
    release.cache_clear()


def test_brain_extraction_says_what_it_needs(programs, monkeypatch):
    head = nib.Nifti1Image(np.ones((5, 5, 5), np.float32), np.eye(4))
    with pytest.raises(RecontrastError, match="no threshold"):
        load("ants", "extract_brain")(head, "T1w", 0.4)
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(RecontrastError, match=f"{VARIABLE}.*extract_brain: embedded"):
        versions("ants", "extract_brain")


def test_ants_that_does_not_know_its_version_is_not_called_too_old(programs):
    stand_ins.install(programs, "antsRegistration", "print('ANTs Version: 0.0.0.0')")
    release.cache_clear()
    with pytest.raises(RecontrastError, match=r"does not know its version"):
        versions("ants", "register")
    release.cache_clear()


@pytest.mark.parametrize(
    ("contrast", "classes"), [("T1w", "3,1,2,3"), ("T2w", "3,3,2,1"), ("FLAIR", "3,1,3,2")]
)
def test_the_script_is_told_how_tissues_brighten(programs, contrast, classes):
    head = np.zeros((9, 9, 9), np.float32)
    head[2:7, 2:7, 2:7] = 200
    load("ants", "extract_brain")(nib.Nifti1Image(head, np.diag([-2.0, 2, 2, 1])), contrast, None)
    assert f" -c {classes} " in stand_ins.calls(programs)[-1]


@pytest.mark.real
@pytest.mark.full
@pytest.mark.parametrize("label", ["sub-03", "sub-09"])
def test_heads_that_reach_differently_far_down_the_neck(programs, real_images, label):
    """Where the centres of gravity meet, registration ends 15 to 126 mm off in eight of these fifteen people."""
    t1w, flair = (
        images.read(real_images / f"aging/{label}/anat/{label}_{name}.nii.gz") for name in ("T1w", "FLAIR")
    )
    upper = head(t1w.get_fdata(dtype=np.float32))
    upper &= above(upper, t1w.affine, 120.0)
    mask = nib.Nifti1Image(upper.astype(np.float32), t1w.affine)
    matrix = load("ants", "register")(flair, t1w, None, mask, 6)
    moved = load("embedded", "apply_transform")(flair, t1w, matrix, "linear")
    assert mutual_information(t1w.get_fdata()[upper], moved[upper]) > 0.3


def test_affine_files_turn_about_their_centre(tmp_path):
    parameters = np.array([0, -1, 0, 1, 0, 0, 0, 0, 1, 5, 6, 7.0])[:, None]
    centre = np.array([[10.0], [0], [0]])
    scipy.io.savemat(
        tmp_path / "a.mat", {"AffineTransform_double_3_3": parameters, "fixed": centre}, format="4"
    )
    np.testing.assert_allclose(registration.read(tmp_path / "a.mat") @ [10, 0, 0, 1], [15, 6, 7, 1])
    scipy.io.savemat(
        tmp_path / "b.mat", {"Euler3DTransform_double_3_3": parameters[:6], "fixed": centre}, format="4"
    )
    for name in ("b.mat", "none.mat"):
        with pytest.raises(RecontrastError, match=name):
            registration.read(tmp_path / name)
