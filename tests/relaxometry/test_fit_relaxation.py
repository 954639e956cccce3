"""Relaxation rates against signals made from known ones, and against the bound of Cramér and Rao."""

import json

import nibabel as nib
import numpy as np
import pytest
from recontrast import relaxation, signals
from recontrast.errors import RecontrastError
from recontrast.phantom.protocols import DELAYS, ECHOES
from recontrast.relaxation import Acquisition
from recontrast.relaxometry.fit_relaxation import fit_relaxation

SCHEME = Acquisition(np.tile(ECHOES, len(DELAYS)), np.repeat(DELAYS, len(ECHOES)), 4000.0)
SNR = 50.0  # proton density over the noise's standard deviation


def clean(pd, t1, t2):
    """Signed signals of voxels, shape (voxels, 8)."""
    pd, t1, t2 = (np.atleast_1d(value)[:, None] for value in (pd, t1, t2))
    timing = dict(tr=SCHEME.repetition, te=SCHEME.echoes, delay=SCHEME.delays)
    return signals.saturation_recovery(pd, t1, t2, **timing)


def bound(pd, t1, t2, sigma):
    """The least standard deviation of T1 and T2 that any unbiased estimator has, from numerical slopes."""
    point, slopes = np.array([pd, t1, t2]), []
    for index in range(3):
        step = np.zeros(3)
        step[index] = 1e-5 * point[index]
        slopes.append((clean(*(point + step)) - clean(*(point - step)))[0] / (2 * step[index]))
    jacobian = np.array(slopes)
    return np.sqrt(np.diag(np.linalg.inv(jacobian @ jacobian.T / sigma**2)))[1:]


def test_t1_and_t2_are_unbiased_and_as_exact_as_the_acquisition_allows_in_every_bin():
    rng = np.random.default_rng(0)
    bins = [(t1, t2) for t1 in np.linspace(300, 2500, 6) for t2 in np.geomspace(30, 300, 5)]
    voxels, pd = 1500, 800.0
    truth = np.repeat(bins, voxels, axis=0)
    measured = signals.rician(clean(np.full(len(truth), pd), *truth.T), pd / SNR, rng)
    found, sigma = relaxation.fit(measured, SCHEME)
    assert sigma == pytest.approx(pd / SNR, rel=0.05)
    for index, tissue in enumerate(bins):
        here = found[index * voxels : (index + 1) * voxels, 1:]
        assert np.abs(np.median(here / tissue - 1, axis=0)).max() < 0.02, tissue
        exact = np.median(np.abs(here - tissue), axis=0) / bound(pd, *tissue, pd / SNR)
        assert exact.max() < 1.3, tissue


def test_without_noise_the_truth_comes_back_and_empty_voxels_stay_empty():
    truth = np.array([[800.0, 300, 30], [900, 832, 80], [700, 1331, 99], [1000, 4235, 2000]])
    measured = np.abs(np.vstack([clean(*truth.T), np.zeros((1, 8))]))
    found, sigma = relaxation.fit(measured, SCHEME)
    assert found[:4] == pytest.approx(truth, rel=1e-3)
    assert sigma < 0.1
    assert not found[4].any()


def write(folder, leave_out=None):
    """The eight images of a small head with their JSON files; the paths, delay by delay."""
    truth = np.zeros((6, 6, 6, 3))
    truth[1:-1, 1:-1, 1:-1] = (900, 832, 80)
    truth[3:5, 3:5, 3:5] = (800, 1331, 99)
    inside = truth[..., 0] > 0
    paths = []
    for column, (echo, delay) in enumerate(zip(SCHEME.echoes, SCHEME.delays, strict=True)):
        if column == leave_out:
            continue
        data = np.zeros(inside.shape, np.float32)
        data[inside] = np.abs(clean(*truth[inside].T))[:, column]
        path = folder / f"image-{column}_MESE.nii.gz"
        nib.save(nib.Nifti1Image(data, np.eye(4)), path)
        facts = {"EchoTime": echo / 1000, "SaturationDelayTime": delay / 1000, "RepetitionTime": 4.0}
        (folder / f"image-{column}_MESE.json").write_text(json.dumps(facts))
        paths.append(path)
    return paths, truth


@pytest.mark.parametrize("from_files", [True, False])
def test_the_step_writes_rates_in_1_over_s(tmp_path, from_files):
    paths, truth = write(tmp_path)
    made = {name: tmp_path / f"{name}.nii.gz" for name in ("r1", "r2", "pd")}
    given = {
        "echo_times": SCHEME.echoes.tolist(),
        "delays": SCHEME.delays.tolist(),
        "repetition_time": 4000.0,
    }
    if not from_files:
        for path in tmp_path.glob("*.json"):
            path.unlink()
    # The order of the images is no matter.
    for values in (paths, given["echo_times"], given["delays"]):
        values.reverse()
    fit_relaxation(images=paths, **made, **({} if from_files else given))
    found = [nib.load(made[name]).get_fdata() for name in ("pd", "r1", "r2")]
    inside = truth[..., 0] > 0
    assert found[0][inside] == pytest.approx(truth[inside][:, 0], rel=1e-3)
    for rate, column in ((found[1], 1), (found[2], 2)):
        assert rate[inside] == pytest.approx(1000 / truth[inside][:, column], rel=1e-3)
        assert not rate[~inside].any()


def test_a_missing_echo_and_a_missing_setting_are_named(tmp_path):
    made = {name: tmp_path / f"{name}.nii.gz" for name in ("r1", "r2", "pd")}
    paths, _ = write(tmp_path, leave_out=3)
    with pytest.raises(RecontrastError, match=r"missing: delay 546 ms with echo 84\.5 ms"):
        fit_relaxation(images=paths, **made)
    with pytest.raises(RecontrastError, match="not the only image with a delay of 146"):
        fit_relaxation(images=[*paths, paths[0]], **made)
    with pytest.raises(RecontrastError, match="7 images, but 2 echo times"):
        fit_relaxation(images=paths, echo_times=[10.0, 20.0], **made)
    (tmp_path / "image-0_MESE.json").unlink()
    with pytest.raises(RecontrastError, match="no EchoTime"):
        fit_relaxation(images=paths, **made)
    assert not any(path.exists() for path in made.values())
