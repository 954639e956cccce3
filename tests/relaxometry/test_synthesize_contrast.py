"""Contrasts from relaxation rates, against the equations worked out by hand."""

import json

import nibabel as nib
import numpy as np
import pytest
from recontrast.errors import RecontrastError
from recontrast.relaxometry.synthesize_contrast import synthesize_contrast

PD, T1, T2 = (np.array(values) for values in ((0.7, 0.82, 1.0), (832.0, 1331, 4235), (80.0, 99, 2000)))


@pytest.fixture
def maps(tmp_path):
    """Rates and density of white matter, grey matter and fluid in three slabs of a box, empty around them."""
    paths = {name: tmp_path / f"{name}.nii.gz" for name in ("r1", "r2", "pd")}
    for name, values in (("r1", 1000 / T1), ("r2", 1000 / T2), ("pd", PD)):
        data = np.zeros((5, 5, 5), np.float32)
        data[1:4] = values[:, None, None]
        nib.save(nib.Nifti1Image(data, np.eye(4)), paths[name])
    return paths


def test_flair_and_t1w_follow_their_equations_and_flair_nulls_fluid(maps, tmp_path):
    out = tmp_path / "flair.nii.gz"
    synthesize_contrast(**maps, output=out, repetition_time=15000, echo_time=100, inversion_times=[3000])
    flair = nib.load(out).get_fdata()
    expected = np.abs(PD * (1 - 2 * np.exp(-3000 / T1) + np.exp(-15000 / T1)) * np.exp(-100 / T2))
    assert flair[1:4, 2, 2] == pytest.approx(expected, rel=1e-5)
    assert not flair[[0, 4]].any()
    assert json.loads((tmp_path / "flair.json").read_text())["Synthetic"] is True
    synthesize_contrast(**maps, output=tmp_path / "t1w.nii.gz", repetition_time=500, echo_time=10)
    t1w = nib.load(tmp_path / "t1w.nii.gz").get_fdata()[1:4, 2, 2]
    assert t1w == pytest.approx(PD * (1 - np.exp(-500 / T1)) * np.exp(-10 / T2), rel=1e-5)
    null = -T1[2] * np.log((1 + np.exp(-9000 / T1[2])) / 2)
    timing = dict(repetition_time=9000, echo_time=124, inversion_times=[null])
    synthesize_contrast(**maps, output=tmp_path / "null.nii.gz", **timing)
    white, _, fluid = nib.load(tmp_path / "null.nii.gz").get_fdata()[1:4, 2, 2]
    assert fluid < 1e-4 * white


def test_double_inversion_nulls_fluid_and_white_matter(maps, tmp_path):
    out = tmp_path / "dir.nii.gz"
    synthesize_contrast(
        **maps, output=out, repetition_time=11000, echo_time=10, inversion_times=[3180.0, 558.0]
    )
    white, grey, fluid = nib.load(out).get_fdata()[1:4, 2, 2]
    assert max(white, fluid) < 0.1 * grey


@pytest.mark.parametrize(
    "timing",
    [
        dict(repetition_time=100.0, echo_time=200.0),
        dict(repetition_time=2000.0, echo_time=10.0, inversion_times=[2500.0]),
        dict(repetition_time=9000.0, echo_time=10.0, inversion_times=[1.0, 2.0, 3.0]),
        dict(repetition_time=9000.0, echo_time=-10.0),
    ],
)
def test_times_that_no_sequence_has_are_named(maps, tmp_path, timing):
    with pytest.raises(RecontrastError, match=r"no sequence has|two are the most"):
        synthesize_contrast(**maps, output=tmp_path / "out.nii.gz", **timing)
