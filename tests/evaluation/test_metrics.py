"""Metrics beside scikit-image, torchmetrics, scipy and values worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from recontrast.errors import RecontrastError
from recontrast.evaluation.metrics import METRICS, compare, nrmse_map
from recontrast.evaluation.pair import Pair, slice_axis
from recontrast.measures import MEASURES, check_names
from scipy.ndimage import gaussian_filter, maximum_filter, uniform_filter
from skimage.metrics import structural_similarity

SHAPE = (14, 13, 12)
HARMONISED = ["mse", "mae", "psnr", "nrmse", "ssim"]
OF_IMAGES = [name for name in METRICS if MEASURES[name].scope == "image"]


@pytest.fixture
def arrays_of_pair():
    random = np.random.default_rng(0)
    reference = gaussian_filter(random.normal(size=(24, 22, 20)), 1.5) * 3000 + 1000
    prediction = reference + random.normal(size=reference.shape) * 40 + 30
    mask = np.zeros(reference.shape, bool)
    mask[4:16, 3:14, 5:13] = True
    return reference, prediction, mask


@pytest.fixture(scope="module")
def large():
    """A pair of slices that are long enough for five scales, on a scale of about 0 to 1."""
    random = np.random.default_rng(1)
    reference = gaussian_filter(random.normal(size=(3, 181, 190)), (0, 3, 3))
    reference = (reference - reference.min()) / np.ptp(reference)
    return reference, reference + gaussian_filter(random.normal(size=reference.shape), (0, 1, 1)) * 0.2


def values_of(pair, names, **more):
    return {name: value for _, name, value in compare(pair, names, **more)}


def test_every_metric_of_images_is_defined_and_computed():
    assert set(METRICS) == {n for n, m in MEASURES.items() if m.scope in ("mask", "region", "image")}
    documentation = (Path(__file__).parents[2] / "docs/metrics.md").read_text(encoding="utf-8")
    assert [name for name in MEASURES if f"`{name}`" not in documentation] == []


def test_errors_have_their_analytic_values():
    reference = np.linspace(0, 1, 14 * 13 * 12).reshape(SHAPE)
    unit = np.diff(np.percentile(reference, (0.5, 99.5)))[0]
    pair = Pair(reference, reference + 0.1, np.ones(SHAPE, bool))
    values = values_of(pair, HARMONISED)
    assert values["mse"] == pytest.approx((0.1 / unit) ** 2, abs=1e-9)
    assert values["mae"] == pytest.approx(0.1 / unit, abs=1e-9)
    assert values["psnr"] == pytest.approx(-20 * np.log10(0.1 / unit), abs=1e-9)
    # The mean of a ramp is the middle of its percentiles: 0.5 on the harmonised scale.
    assert values["nrmse"] == pytest.approx(0.2 / unit, abs=1e-9)
    assert nrmse_map(pair) == pytest.approx(np.full(SHAPE, 0.2 / unit))


def test_metrics_as_printed_have_their_analytic_values():
    reference = np.linspace(100, 300, 14 * 13 * 12).reshape(SHAPE)
    mask = np.zeros(SHAPE, bool)
    mask[:, :, 3:9] = True
    share = mask.mean()
    values = values_of(Pair(reference, reference + 10, mask), list(METRICS))
    assert values["hagiwara_psnr"] == pytest.approx(20 * np.log10(2550))
    assert values["hagiwara_nrmse"] == pytest.approx(10 / (reference[mask].mean() + 10))
    assert values["wei_mse"] == pytest.approx(100)
    # The whole image: 0 outside the mask, where both agree; slices without the mask do not count for Osman.
    unit = (10 / reference[mask].max()) ** 2
    assert values["kim_mse"] == pytest.approx(unit * share)
    assert values["kim_psnr"] == pytest.approx(-10 * np.log10(unit * share))
    assert values["osman_mse"] == pytest.approx(unit)
    assert values["osman_mae"] == pytest.approx(np.sqrt(unit))
    assert values["osman_psnr"] == pytest.approx(-10 * np.log10(unit))


def test_ssim_is_the_formula_of_wang_averaged_over_the_mask(arrays_of_pair):
    pair = Pair(*arrays_of_pair)
    reference, prediction = pair.harmonised[0], pair.filled

    def local(image):
        return gaussian_filter(image, 1.5, truncate=3.5)

    m1, m2 = local(reference), local(prediction)
    v1, v2 = local(reference**2) - m1**2, local(prediction**2) - m2**2
    covariance = local(reference * prediction) - m1 * m2
    expected = (2 * m1 * m2 + 1e-4) * (2 * covariance + 9e-4) / ((m1**2 + m2**2 + 1e-4) * (v1 + v2 + 9e-4))
    assert METRICS["ssim"](pair, pair.mask) == pytest.approx(expected[pair.mask].mean(), abs=1e-6)
    # In the images' own units the constants follow the range of the acquired image in the mask.
    k = np.ptp(pair.reference[pair.mask]) ** 2 * np.array([1e-4, 9e-4])
    a, b = pair.reference, np.where(pair.mask, pair.prediction, pair.reference)
    m1, m2 = local(a), local(b)
    v1, v2, covariance = local(a**2) - m1**2, local(b**2) - m2**2, local(a * b) - m1 * m2
    expected = (2 * m1 * m2 + k[0]) * (2 * covariance + k[1]) / ((m1**2 + m2**2 + k[0]) * (v1 + v2 + k[1]))
    assert METRICS["wei_ssim"](pair, pair.mask) == pytest.approx(expected[pair.mask].mean(), abs=1e-6)


def test_slices_agree_with_torchmetrics(large):
    functional = pytest.importorskip("torchmetrics.functional.image")
    torch = pytest.importorskip("torch")
    reference, prediction = (image.transpose(1, 2, 0) for image in large)
    pair = Pair(reference, prediction, np.ones(reference.shape, bool))
    ours = values_of(pair, ["kim_ssim", "kim_ms_ssim"])
    one, other = (torch.tensor(np.moveaxis(image, 2, 0)[:, None]) for image in pair.whole)
    full = functional.structural_similarity_index_measure(other, one, data_range=1.0, return_full_image=True)
    ssim = full[1][..., 5:-5, 5:-5].mean().item()  # scikit-image leaves out what windows over the border see
    ms_ssim = functional.multiscale_structural_similarity_index_measure(other, one, data_range=1.0).item()
    assert 0.5 < ssim < 0.99
    assert ours["kim_ssim"] == pytest.approx(ssim, abs=1e-4)
    assert ours["kim_ms_ssim"] == pytest.approx(ms_ssim, abs=1e-4)


def test_osmans_similarity_has_a_flat_window_and_a_range_of_two(large):
    reference, prediction = (image.transpose(1, 2, 0) for image in large)
    pair = Pair(reference, prediction, np.ones(reference.shape, bool))
    expected = []
    for one, other in zip(*(np.moveaxis(image, 2, 0) for image in pair.whole), strict=True):
        m1, m2 = uniform_filter(one, 7), uniform_filter(other, 7)
        sample = 49 / 48  # variances of a sample
        v1 = sample * (uniform_filter(one**2, 7) - m1**2)
        v2 = sample * (uniform_filter(other**2, 7) - m2**2)
        both = sample * (uniform_filter(one * other, 7) - m1 * m2)
        c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
        found = (2 * m1 * m2 + c1) * (2 * both + c2) / ((m1**2 + m2**2 + c1) * (v1 + v2 + c2))
        expected.append(found[3:-3, 3:-3].mean())
    assert values_of(pair, ["osman_ssim"])["osman_ssim"] == pytest.approx(np.mean(expected), abs=1e-4)


def test_multi_scale_similarity_of_whole_slices_is_that_of_torchmetrics(large):
    functional = pytest.importorskip("torchmetrics.functional.image")
    torch = pytest.importorskip("torch")
    reference, prediction = (image.transpose(1, 2, 0) for image in large)
    pair = Pair(reference, prediction, np.ones(reference.shape, bool))
    one, other = (torch.tensor(np.moveaxis(v, 2, 0)[:, None]) for v in (pair.harmonised[0], pair.filled))
    wanted = functional.multiscale_structural_similarity_index_measure(other, one, data_range=1.0).item()
    assert METRICS["ms_ssim"](pair, pair.mask) == pytest.approx(wanted, abs=1e-4)


def test_multi_scale_similarity_over_a_mask(large):
    reference, prediction = (image.transpose(1, 2, 0) for image in large)
    mask = np.zeros(reference.shape, bool)
    mask[40:140, 40:130] = True
    found = METRICS["ms_ssim"](pair := Pair(reference, prediction, mask), mask)
    whole = Pair(reference, prediction, np.ones_like(mask))
    assert found == pytest.approx(METRICS["ms_ssim"](whole, whole.mask), abs=0.02)
    assert METRICS["ssim"](pair, mask) < found < 1
    outside = Pair(reference, np.where(mask, prediction, 7), mask)
    assert METRICS["ms_ssim"](outside, mask) == found
    # Defined for slices of more than 160 voxels a side, and no others.
    narrow = Pair(reference[:161, :160], prediction[:161, :160], mask[:161, :160])
    assert np.isnan([METRICS["ms_ssim"](narrow, narrow.mask), METRICS["kim_ms_ssim"](narrow)]).all()
    enough = Pair(reference[:161, :161], prediction[:161, :161], mask[:161, :161])
    assert np.isfinite([METRICS["ms_ssim"](enough, enough.mask), METRICS["kim_ms_ssim"](enough)]).all()


def test_only_the_mask_counts(arrays_of_pair):
    reference, prediction, mask = arrays_of_pair
    before = values_of(Pair(reference, prediction, mask), list(METRICS))
    for elsewhere in (0, 9000):
        cut = Pair(reference, np.where(mask, prediction, elsewhere), mask)
        assert values_of(cut, list(METRICS)) == pytest.approx(before, nan_ok=True)
    # The acquired image goes on at the rim; beyond the window of ssim it does not matter.
    near = maximum_filter(mask, 11)
    assert not near.all()
    far = Pair(np.where(near, reference, 9000), prediction, mask)
    assert values_of(far, HARMONISED) == values_of(Pair(reference, prediction, mask), HARMONISED)


def test_a_perfect_image_that_ends_at_the_mask_is_perfect(arrays_of_pair):
    reference, _, mask = arrays_of_pair
    pair = Pair(reference, np.where(mask, reference, 0), mask)
    for name in ("ssim", "wei_ssim", "kim_ssim"):
        value = METRICS[name](pair) if name in OF_IMAGES else METRICS[name](pair, mask)
        assert value == pytest.approx(1)


def test_areas_are_measured_on_the_scale_of_the_region(arrays_of_pair):
    pair = Pair(*arrays_of_pair)
    low, high = pair.mask.copy(), pair.mask.copy()
    low[9:], high[:9] = False, False
    areas = {"low": low, "high": high, "none": np.zeros_like(low), "beyond": np.ones_like(low)}
    found = {
        (r, m): v for r, m, v in compare(pair, ["mse", "ssim", "nrmse", "kim_mse", "ms_ssim"], "brain", areas)
    }
    for name in ("mse", "ssim"):
        mean = (found["low", name] * low.sum() + found["high", name] * high.sum()) / pair.mask.sum()
        assert found["brain", name] == pytest.approx(mean)
        # What lies outside the region does not count.
        assert found["beyond", name] == found["brain", name]
        assert np.isnan(found["none", name])
    assert found["low", "nrmse"] == pytest.approx(
        found["brain", "nrmse"] * np.sqrt(found["low", "mse"] / found["brain", "mse"])
    )
    places = {metric: {r for r, m in found if m == metric} for metric in ("ms_ssim", "kim_mse")}
    assert places == {"ms_ssim": {"brain"}, "kim_mse": {"image"}}


def test_an_intensity_bias_is_not_hidden(arrays_of_pair):
    reference, _, mask = arrays_of_pair
    values = values_of(Pair(reference, reference * 1.2, mask), ["mae", "ssim"])
    assert values["mae"] > 0.1
    assert values["ssim"] < 0.995


@pytest.mark.parametrize("axis", [0, 2])
def test_by_slice_no_window_reaches_into_another_slice(arrays_of_pair, axis):
    reference, prediction, mask = arrays_of_pair
    pair = Pair(reference, prediction, mask, axis=axis, by_slice=True)
    stacks = [np.moveaxis(image, axis, 0) for image in (*pair.harmonised[:1], pair.filled)]
    settings = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    maps = [structural_similarity(*images, full=True, **settings)[1] for images in zip(*stacks, strict=True)]
    expected = np.moveaxis(np.array(maps), 0, axis)[mask]
    assert pair.ssim_map[mask] == pytest.approx(expected, abs=1e-9)
    whole = Pair(reference, prediction, mask, axis=axis)
    assert np.abs(whole.ssim_map[mask] - expected).max() > 1e-3
    # So do the windows in the images' own units; there, too, values are those of each slice by itself.
    first = int(np.argmax(np.moveaxis(mask, axis, 0).any(axis=(1, 2))))
    other = np.moveaxis(prediction.copy(), axis, 0)
    other[first + 1 :] = np.random.default_rng(0).permutation(other[first + 1 :])
    changed = Pair(reference, np.moveaxis(other, 0, axis), mask, axis=axis, by_slice=True)
    of_first = (np.moveaxis(one.ssim_map_in_units, axis, 0)[first] for one in (pair, changed))
    np.testing.assert_array_equal(*of_first)
    assert np.nanmax(np.abs(whole.ssim_map_in_units - pair.ssim_map_in_units)) > 1e-3


def test_a_single_slice_has_the_two_dimensional_ssim(arrays_of_pair):
    reference, prediction, mask = (image[:, :, 10] for image in arrays_of_pair)
    pair = Pair(reference[..., None], prediction[..., None], mask[..., None])
    _, flat = structural_similarity(
        pair.harmonised[0][..., 0],
        pair.filled[..., 0],
        data_range=1,
        gaussian_weights=True,
        use_sample_covariance=False,
        full=True,
    )
    values = values_of(pair, list(METRICS))
    assert values["ssim"] == pytest.approx(flat[mask].mean(), abs=1e-9)
    assert {name for name in METRICS if not np.isfinite(values[name])} == {"ms_ssim", "kim_ms_ssim"}


def test_slices_lie_across_the_longest_side_of_a_voxel():
    assert slice_axis(np.diag([1, 1, 3, 1])) == 2
    assert slice_axis(np.diag([3, 1, 1, 1])) == 0
    # Equal sides: axial slices, whatever the order of the axes.
    assert slice_axis(np.diag([1, 1, 1, 1])) == 2
    assert slice_axis(np.array([[0, 1, 0, 0], [0, 0, 1, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])) == 0


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda r, p, m: (r, p, m & False), "mask is empty"),
        (lambda r, p, m: (np.full_like(r, 7), p, m), "constant inside the mask"),
        (lambda r, p, m: (r, p[1:], m), "shapes differ"),
    ],
)
def test_what_cannot_be_compared_is_said(arrays_of_pair, spoil, problem):
    with pytest.raises(RecontrastError, match=problem):
        Pair(*spoil(*arrays_of_pair))


def test_a_constant_synthetic_image_has_values(arrays_of_pair):
    reference, prediction, mask = arrays_of_pair
    values = values_of(Pair(reference, prediction * 0, mask), list(METRICS))
    assert {n for n, v in values.items() if not np.isfinite(v)} == {
        "hagiwara_nrmse",
        "ms_ssim",
        "kim_ms_ssim",
    }
    assert values["hagiwara_nrmse"] == np.inf


def test_equal_images_have_an_infinite_printed_psnr(arrays_of_pair):
    reference, _, mask = arrays_of_pair
    assert values_of(Pair(reference, reference, mask), ["hagiwara_psnr"])["hagiwara_psnr"] == np.inf


def test_an_unknown_metric_is_answered_with_the_nearest():
    with pytest.raises(RecontrastError, match="'PNSR'; use psnr"):
        check_names(["PNSR"])


volumes = arrays.arrays(np.float64, (6, 7, 8), elements=st.floats(0, 1000, width=32))


@settings(max_examples=25, deadline=None)
@given(volumes, volumes, st.floats(0.1, 50), st.floats(-100, 100))
def test_properties(reference, prediction, scale, offset):
    reference[0, 0, :4], reference[1, 0, :4] = 0, 1000  # so that it is never constant
    mask = np.ones(reference.shape, bool)
    same = values_of(Pair(reference, reference, mask), HARMONISED)
    assert (same["mse"], same["mae"], same["nrmse"], same["psnr"]) == (0, 0, 0, np.inf)
    assert same["ssim"] == pytest.approx(1)
    pair = Pair(reference, prediction, mask)
    values = values_of(pair, HARMONISED)
    assert values["mae"] ** 2 <= values["mse"] * (1 + 1e-9)
    assert values["ssim"] <= 1 + 1e-9
    # Units do not matter, as long as both images have the same.
    other = values_of(Pair(reference * scale + offset, prediction * scale + offset, mask), HARMONISED)
    assert other == pytest.approx(values, rel=1e-6, abs=1e-6)
