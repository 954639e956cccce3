"""Pictures of volumes in which the place and the value of every bright spot are known."""

import json

import numpy as np
import pytest
from PIL import Image
from recontrast.report import pictures
from recontrast.report.gallery import unit_of

SHAPE = (40, 50, 30)


@pytest.fixture
def mask():
    mask = np.zeros(SHAPE, bool)
    mask[5:35, 5:45, 5:25] = True
    return mask


def view(mask, affine=None):
    return pictures.View.of(mask, np.diag([2.0, 2, 3, 1]) if affine is None else affine)


def brightest(plane):
    row, column = np.unravel_index(np.argmax(plane), plane.shape)
    return row / plane.shape[0], column / plane.shape[1]


def test_planes_are_radiological_and_upright(mask):
    shown = view(mask)
    i, j, k = shown.centre
    right_front_top = np.zeros((3, *SHAPE))
    right_front_top[0, 33, 43, k], right_front_top[1, 33, j, 23], right_front_top[2, i, 43, 23] = 1, 1, 1
    for number, volume in enumerate(right_front_top):
        row, column = brightest(shown.planes(volume)[number])
        # Front or top is up; the person's right, and the front of the sagittal plane, is left.
        assert (row < 0.3, column < 0.3) == (True, True)


def test_the_stored_order_of_axes_does_not_matter(mask):
    random = np.random.default_rng(0)
    volume = random.integers(0, 255, SHAPE).astype(np.uint8)
    affine = np.diag([2.0, 2, 3, 1])
    flipped = affine @ np.array([[0, 0, -1, SHAPE[0] - 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    turned, turned_mask = (np.moveaxis(array[::-1], 0, 2) for array in (volume, mask))
    same = view(turned_mask, flipped).montage(turned)
    np.testing.assert_array_equal(view(mask).montage(volume), same)


def test_voxels_are_drawn_in_millimetres(mask):
    montage = view(mask).montage(np.full(SHAPE, 255, np.uint8))
    x, y, z = 2 * 40, 2 * 50, 3 * 28  # the mask and 12 mm around it, cut at the border
    heights = [round(360 * side / y) for side in (y, z, z)]
    assert montage.shape == (sum(heights) + 2 * pictures.GAP, 360)
    assert (montage[10] > 0).sum() == pytest.approx(360 * x / y, abs=1)


def test_difference_is_orange_where_synthetic_is_brighter(mask, tmp_path):
    difference = np.zeros(SHAPE)
    shown = view(mask)
    k = shown.centre[2]
    difference[20:, :, k], difference[:20, :, k] = 30, -30  # brighter on the person's right
    pictures.save_difference(tmp_path / "d.webp", shown, difference, 60)
    pixels = np.asarray(Image.open(tmp_path / "d.webp").convert("RGB")).astype(int)
    left, right = pixels[100, 120], pixels[100, 240]
    assert left[0] > left[2] + 40
    assert right[2] > right[0] + 40
    assert pixels[-1].max() < 30  # no difference, and beside the planes
    assert pixels[100, 2].max() < 30


def test_colours_are_black_at_zero_and_saturate_at_the_limit():
    levels = pictures.signed(np.array([-90, -50, 0, 50, 90]), 50)
    colours = pictures.colours(levels)
    assert colours[2].tolist() == [0, 0, 0]
    assert colours[3].tolist() == colours[4].tolist() == list(pictures.BRIGHTER)
    assert colours[0].tolist() == colours[1].tolist() == list(pictures.DARKER)


def test_a_difference_without_its_sign_is_grey_of_its_strength():
    shares = np.array([float(share) for share in pictures.amounts().split()])
    assert (shares > 0).all()
    for colour in (pictures.BRIGHTER, pictures.DARKER):
        assert shares @ colour == pytest.approx(255, abs=0.1)


def test_window_and_grey_levels(mask):
    volume = np.where(mask, 500.0, 9000)
    volume[mask] = np.linspace(0, 1000, mask.sum())
    low, high = pictures.window(volume, mask)
    assert (low, high) == pytest.approx((5, 995))
    assert pictures.grey(np.array([-1, 5, 500, 995, 9000]), (low, high)).tolist() == [0, 0, 128, 255, 255]
    assert pictures.window(np.ones(SHAPE), mask) == (1, 2)
    assert pictures.window(volume - 100, mask) == pytest.approx((0, 895))


def test_outline_runs_around_the_mask(mask, tmp_path):
    shown = view(mask)
    pictures.save_outline(tmp_path / "o.png", shown, mask)
    line = np.asarray(Image.open(tmp_path / "o.png").convert("RGBA"))[..., 3] > 0
    inside = shown.montage(mask.astype(np.uint8) * 255, resample=Image.Resampling.NEAREST) > 0
    assert line.any()
    assert (line & inside).sum() < 0.05 * line.sum()
    # One closed line in each plane: crossed twice on the way from border to border.
    assert np.diff(line[150].astype(int)).clip(0).sum() == 2


def test_an_empty_mask_shows_the_whole_grid():
    shown = view(np.zeros(SHAPE, bool))
    assert [part.stop - part.start for part in shown.box] == list(SHAPE)


def test_names_hold_nothing_that_an_address_cannot():
    assert pictures.file_name("synthetic", "a/b <c>") == "synthetic-a-b--c-.webp"


def test_colour_fa_is_red_where_fibres_run_from_left_to_right(mask, tmp_path):
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    view = pictures.View.of(mask, affine)
    across = np.zeros((*mask.shape, 3))
    across[..., 0] = -1
    height = pictures.save_fibres(tmp_path / "fibres.webp", view, mask * 0.8, across)
    picture = np.asarray(Image.open(tmp_path / "fibres.webp").convert("RGB")).astype(int)
    assert picture.shape == (height, pictures.WIDTH, 3)
    middle = picture[height // 6, pictures.WIDTH // 2]
    assert middle[0] > 200
    assert middle[1:].max() < 60


@pytest.mark.parametrize(("said", "shown"), [("mm^2/s", "mm²/s"), ("arbitrary", ""), ("1", ""), (None, "")])
def test_an_image_has_the_unit_of_its_sidecar(tmp_path, said, shown):
    (tmp_path / "i.json").write_text(json.dumps({"Units": said} if said else {}))
    assert unit_of(tmp_path / "i.nii.gz") == shown
