"""Tensor fits against tensors that are known, against FSL's dtifit, and maps on another grid."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from recontrast import signals
from recontrast.backends import transforms
from recontrast.backends.embedded.fit_tensor import fit_tensor as fit
from recontrast.diffusion import tensor
from recontrast.diffusion.fit_tensor import fit_tensor
from recontrast.diffusion.resample_maps import resample_maps
from recontrast.errors import RecontrastError
from recontrast.phantom import acquisition, fibres
from scipy.spatial.transform import Rotation

# Right-handed, oblique, with the first axis to the front: nothing here is what it would be by default.
TURN = Rotation.from_euler("zyx", [95, 10, -8], degrees=True).as_matrix()
AFFINE = nib.affines.from_matvec(TURN * [2.0, 2.0, 3.0], [5, -7, 3])
NAMES = ("fa", "md", "mo", "s0", "eigenvalues", "eigenvectors")


def maps(signal, bvals, vectors, weighted=False):
    elements, s0 = fit(signal, bvals, vectors, weighted)
    values, _ = tensor.decompose(elements)
    return tensor.scalars(elements, values) | {"S0": s0}


@pytest.mark.parametrize("weighted", [False, True])
def test_noise_free_tensors_come_back(weighted):
    bvals, vectors = acquisition.gradients()
    first = bvals <= 1200
    rod, disc = np.diag([1.7e-3, 0.3e-3, 0.3e-3]), np.diag([1.2e-3, 1.2e-3, 0.2e-3])
    elements = np.array([[m[0, 0], 0, 0, m[1, 1], 0, m[2, 2]] for m in (rod, disc)])
    signal = np.stack(
        [signals.diffusion(800.0, elements, b=b, direction=g) for b, g in zip(bvals, vectors, strict=True)], 1
    )
    found = maps(signal[:, first], bvals[first], vectors[first], weighted)
    assert found["MD"] == pytest.approx([2.3e-3 / 3, 2.6e-3 / 3], rel=1e-6)
    assert found["MO"] == pytest.approx([1, -1], abs=1e-6)
    assert found["S0"] == pytest.approx([800, 800])
    assert found["FA"] == pytest.approx(fibres.scalars(elements)[0], rel=1e-6)


def test_unweighted_volumes_may_have_small_b_values_of_their_own():
    """As scanners write them: b of 0, 5 and 15 without a direction."""
    bvals, vectors = acquisition.gradients()
    bvals, vectors = bvals[bvals <= 1200], vectors[bvals <= 1200]
    rng = np.random.default_rng(5)
    signal = rng.uniform(100, 800, (20, len(bvals)))
    uneven = bvals.copy()
    uneven[np.flatnonzero(bvals == 0)[:2]] = 5, 15
    expected = maps(signal, bvals, vectors)
    assert maps(signal, uneven, vectors)["FA"] == pytest.approx(expected["FA"])


@pytest.mark.parametrize("weighted", [False, True])
def test_white_matter_at_snr_30_with_six_unweighted_volumes(weighted):
    rng = np.random.default_rng(3)
    elements = fibres.white_matter(rng.uniform([[-60], [-80], [-40]], [[60], [60], [60]], (3, 8000)), 0.75e-3)
    bvals, vectors = acquisition.gradients()
    first = bvals <= 1200
    assert (bvals == 0).sum() == 6
    clean = np.stack(
        [signals.diffusion(30.0, elements, b=b, direction=g) for b, g in zip(bvals, vectors, strict=True)], 1
    )
    found = maps(signals.rician(clean, 1.0, rng)[:, first], bvals[first], vectors[first], weighted)
    anisotropy, mean = fibres.scalars(elements)
    assert np.median(np.abs(found["FA"] - anisotropy)) < 0.025
    assert np.median(np.abs(found["MD"] / mean - 1)) < 0.025


def test_signals_without_a_value_do_no_harm():
    bvals, vectors = acquisition.gradients()
    signal = np.random.default_rng(0).uniform(0, 100, (50, len(bvals)))
    signal[::2, 5], signal[0] = 0, 0
    for weighted in (False, True):
        assert all(np.isfinite(found).all() for found in maps(signal, bvals, vectors, weighted).values())


def series(folder: Path) -> tuple[dict[str, Path], np.ndarray]:
    """Files of a series with rods of every direction; their directions in world axes, (8, 8, 6, 3)."""
    rng = np.random.default_rng(5)
    axes = rng.normal(size=(8, 8, 6, 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    dyads = np.stack([axes[..., i] * axes[..., j] for i in range(3) for j in range(i, 3)], axis=-1)
    elements = 1.4e-3 * dyads + 0.3e-3 * fibres.isotropic(1.0)
    bvals, vectors = acquisition.gradients()
    world = vectors @ transforms.fsl_axes(AFFINE).T
    data = np.stack(
        [signals.diffusion(500.0, elements, b=b, direction=g) for b, g in zip(bvals, world, strict=True)], -1
    )
    files = {"dwi": folder / "dwi.nii.gz", "bval": folder / "dwi.bval", "bvec": folder / "dwi.bvec"}
    nib.save(nib.Nifti1Image(data.astype(np.float32), AFFINE), files["dwi"])
    np.savetxt(files["bval"], bvals[None])
    np.savetxt(files["bvec"], vectors.T)
    files["mask"] = folder / "mask.nii.gz"
    mask = np.ones(data.shape[:3], np.uint8)
    mask[0] = 0
    nib.save(nib.Nifti1Image(mask, AFFINE), files["mask"])
    return files, axes


def test_the_step_writes_maps_in_the_mask_and_directions_of_the_world(tmp_path):
    files, axes = series(tmp_path)
    made = {name: tmp_path / f"{name}.nii.gz" for name in NAMES}
    fit_tensor(**files, **made)
    found = {name: nib.load(path).get_fdata() for name, path in made.items()}
    assert not found["fa"][0].any()
    assert found["md"][1:] == pytest.approx(np.full((7, 8, 6), 2.3e-3 / 3), rel=0.02)
    assert found["eigenvalues"][1:, ..., 0] == pytest.approx(np.full((7, 8, 6), 1.7e-3), rel=0.02)
    assert np.abs((found["eigenvectors"][1:, ..., :3] * axes[1:]).sum(axis=-1)).min() > np.cos(np.deg2rad(1))


def test_a_series_with_nan_is_named(tmp_path):
    files, _ = series(tmp_path)
    image = nib.load(files["dwi"])
    data = image.get_fdata(dtype=np.float32)
    data[3, 3, 3, 9] = np.nan
    nib.save(nib.Nifti1Image(data, AFFINE), files["dwi"])
    with pytest.raises(RecontrastError, match="NaN"):
        fit_tensor(**files, **{name: tmp_path / f"{name}.nii.gz" for name in NAMES})


def test_maps_come_to_a_finer_grid_in_place_without_an_edge(tmp_path):
    grid = np.diag([2.0, 2.0, 2.0, 1.0])
    x = np.indices((16, 16, 16))[0].astype(np.float32)
    mask = np.zeros(x.shape, np.uint8)
    mask[4:12, 4:12, 4:12] = 1
    paths = {name: tmp_path / f"{name}.nii.gz" for name in ("FA", "S0", "mask", "reference", "oFA", "oS0")}
    nib.save(nib.Nifti1Image(np.where(mask, 0.99 + 0.01 * (x % 2), 0).astype(np.float32), grid), paths["FA"])
    nib.save(nib.Nifti1Image(mask * (100 + x), grid), paths["S0"])
    nib.save(nib.Nifti1Image(mask, grid), paths["mask"])
    nib.save(nib.Nifti1Image(np.ones((32, 32, 32), np.float32), np.diag([1.0, 1, 1, 1])), paths["reference"])
    # ITK's x points to the left: reference points are 3 mm to the right of where they are in the maps.
    matrix = np.eye(4)
    matrix[0, 3] = 3.0
    transforms.write(tmp_path / "shift.txt", matrix)
    resample_maps(
        maps=[paths["FA"], paths["S0"]],
        parameters=["FA", "S0"],
        mask=paths["mask"],
        reference=paths["reference"],
        outputs=[paths["oFA"], paths["oS0"]],
        transform=tmp_path / "shift.txt",
    )
    anisotropy, s0 = (nib.load(paths[name]).get_fdata() for name in ("oFA", "oS0"))
    assert anisotropy[anisotropy > 0].min() > 0.98
    assert anisotropy.max() <= 1
    # Voxel i of the reference lies at i mm, and shows x voxel (i - 3) / 2 of the maps.
    inside = np.arange(12, 25)
    assert s0[inside, 16, 16] == pytest.approx(100 + (inside - 3) / 2, abs=0.1)
    assert s0[27:, 16, 16].max() == 0
    assert json.loads((tmp_path / "oS0.json").read_text())["Units"] == "arbitrary"


@pytest.fixture(scope="module")
def philips(real_images, tmp_path_factory) -> tuple[Path, Path]:
    """A real series converted from DICOM, without its ending, and the folder of what dtifit made of it."""
    pytest.importorskip("dcm2niix", reason="dcm2niix is not installed")
    folder = tmp_path_factory.mktemp("philips")
    with tarfile.open(real_images / "dicom/philips-t1-dti.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    subprocess.run(
        [sys.executable, "-m", "dcm2niix", "-b", "n", "-o", folder, "-f", "%s", folder / "philips-t1-dti"],
        check=True,
        capture_output=True,
    )
    return folder / "2201", real_images / "fsl-reference/dti"


@pytest.mark.real
@pytest.mark.parametrize("method", ["ols", "wls"])
def test_a_real_series_gives_what_dtifit_gives(philips, method):
    start, reference = philips
    region = nib.load(reference / "bet-f0.3_b0_mask.nii.gz").get_fdata() > 0
    signal = nib.load(start.with_suffix(".nii")).get_fdata(dtype=np.float32)[region]
    bvals, vectors = np.loadtxt(start.with_suffix(".bval")), np.loadtxt(start.with_suffix(".bvec")).T
    found = maps(signal, bvals, vectors, method == "wls")
    bounds = {"FA": 1e-3, "MD": 1e-6, "MO": 1e-2}
    for name, bound in bounds.items():
        if (path := reference / f"dtifit-{method}_{name}.nii.gz").is_file():
            near = np.abs(found[name] - nib.load(path).get_fdata()[region]) <= bound
            print(f"{method} {name}: {near.mean():.4%} within {bound:g}")
            assert near.mean() > 0.999
