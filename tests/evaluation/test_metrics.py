"""Metrics beside scikit-image, scipy and values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from recontrast.errors import RecontrastError
from recontrast.evaluation.metrics import METRICS, compare, harmonise, ssim
from scipy.ndimage import gaussian_filter, maximum_filter
from skimage.metrics import structural_similarity

SHAPE = (14, 13, 12)


@pytest.fixture
def pair():
    random = np.random.default_rng(0)
    reference = gaussian_filter(random.normal(size=(24, 22, 20)), 1.5) * 3000 + 1000
    prediction = reference + random.normal(size=reference.shape) * 40 + 30
    mask = np.zeros(reference.shape, bool)
    mask[4:16, 3:14, 5:13] = True
    return reference, prediction, mask


def test_errors_have_their_analytic_values():
    reference = np.linspace(0, 1, 14 * 13 * 12).reshape(SHAPE)
    mask = np.ones(SHAPE, bool)
    unit = np.diff(np.percentile(reference, (0.5, 99.5)))[0]
    values = compare(reference, reference + 0.1, mask, list(METRICS))
    assert values["mse"] == pytest.approx((0.1 / unit) ** 2, abs=1e-9)
    assert values["mae"] == pytest.approx(0.1 / unit, abs=1e-9)
    assert values["psnr"] == pytest.approx(-20 * np.log10(0.1 / unit), abs=1e-9)
    # The mean of a ramp is the middle of its percentiles: 0.5 on the harmonised scale.
    assert values["nrmse"] == pytest.approx(0.2 / unit, abs=1e-9)


def test_ssim_is_the_formula_of_wang_averaged_over_the_mask(pair):
    (reference, prediction), mask = harmonise(*pair), pair[2]

    def local(image):
        return gaussian_filter(image, 1.5, truncate=3.5)

    m1, m2 = local(reference), local(prediction)
    v1, v2 = local(reference**2) - m1**2, local(prediction**2) - m2**2
    covariance = local(reference * prediction) - m1 * m2
    expected = (2 * m1 * m2 + 1e-4) * (2 * covariance + 9e-4) / ((m1**2 + m2**2 + 1e-4) * (v1 + v2 + 9e-4))
    assert ssim(reference, prediction, mask) == pytest.approx(expected[mask].mean(), abs=1e-6)


def test_only_the_mask_counts_and_ssim_sees_no_farther_than_its_window(pair):
    reference, prediction, mask = pair
    before = compare(reference, prediction, mask, list(METRICS))
    near = maximum_filter(mask, 11)
    assert not near.all()
    beyond = compare(reference, np.where(near, prediction, 9000), mask, list(METRICS))
    assert beyond == before
    outside = compare(reference, np.where(mask, prediction, 9000), mask, list(METRICS))
    assert {name for name in METRICS if before[name] != outside[name]} == {"ssim"}


def test_an_intensity_bias_is_not_hidden(pair):
    reference, _, mask = pair
    values = compare(reference, reference * 1.2, mask, ["mae", "ssim"])
    assert values["mae"] > 0.1
    assert values["ssim"] < 0.995


def test_a_single_slice_has_the_two_dimensional_ssim(pair):
    reference, prediction = (image[:, :, 10] for image in harmonise(*pair))
    mask = pair[2][:, :, 10]
    _, flat = structural_similarity(
        reference, prediction, data_range=1, gaussian_weights=True, use_sample_covariance=False, full=True
    )
    one_slice = ssim(reference[..., None], prediction[..., None], mask[..., None])
    assert one_slice == pytest.approx(flat[mask].mean(), abs=1e-9)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda r, p, m: (r, p, m & False), "mask is empty"),
        (lambda r, p, m: (np.full_like(r, 7), p, m), "constant inside the mask"),
        (lambda r, p, m: (r, p[1:], m), "shapes differ"),
    ],
)
def test_what_cannot_be_compared_is_said(pair, spoil, problem):
    with pytest.raises(RecontrastError, match=problem):
        compare(*spoil(*pair), ["mse"])


def test_an_unknown_metric_is_answered_with_the_nearest(pair):
    with pytest.raises(RecontrastError, match="'PNSR'; use psnr"):
        compare(*pair, ["PNSR"])


volumes = arrays.arrays(np.float64, (6, 7, 8), elements=st.floats(0, 1000, width=32))


@settings(max_examples=25, deadline=None)
@given(volumes, volumes, st.floats(0.1, 50), st.floats(-100, 100))
def test_properties(reference, prediction, scale, offset):
    reference[0, 0, :4], reference[1, 0, :4] = 0, 1000  # so that it is never constant
    mask = np.ones(reference.shape, bool)
    same = compare(reference, reference, mask, list(METRICS))
    assert (same["mse"], same["mae"], same["nrmse"], same["psnr"]) == (0, 0, 0, np.inf)
    assert same["ssim"] == pytest.approx(1)
    values = compare(reference, prediction, mask, list(METRICS))
    assert values["mae"] ** 2 <= values["mse"] * (1 + 1e-9)
    assert values["ssim"] <= 1 + 1e-9
    # Units do not matter, as long as both images have the same.
    other = compare(reference * scale + offset, prediction * scale + offset, mask, list(METRICS))
    assert other == pytest.approx(values, rel=1e-6, abs=1e-6)
    a, b = harmonise(reference, prediction, mask)
    for name in ("mse", "mae", "psnr", "ssim"):
        assert METRICS[name](a, b, mask) == pytest.approx(METRICS[name](b, a, mask))
