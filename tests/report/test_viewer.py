"""The page to walk through a session: its mosaics hold the right voxels in the right places."""

import io
import json
import re
from base64 import b64decode

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from recontrast.report import viewer

SHAPE = (30, 40, 20)
LIMITS = (0.0, 100.0)


@pytest.fixture
def mask():
    inside = np.zeros(SHAPE, np.uint8)
    inside[2:-2, 2:-2, 2:-2] = 1
    # Axes stored left, front, top, and 3 mm thick.
    return nib.Nifti1Image(inside, np.array([[-2, 0, 0, 40], [0, 2, 0, -50], [0, 0, 3, -10], [0, 0, 0, 1.0]]))


@pytest.fixture
def written(tmp_path, mask):
    def write(**given):
        path = tmp_path / "sub-01" / "viewer-x.html"
        path.parent.mkdir(exist_ok=True)
        viewer.write(path, "title", mask, limits=LIMITS, strongest=50.0, **given)
        page = path.read_text()
        names = re.findall(r'name="(?:image|top)" value="[0-9]+"[^>]*> ([^<]+)<', page)
        pictures = re.findall(r'id="(?:image|top)-[0-9]+" src="data:image/webp;base64,([^"]+)"', page)
        opened = [np.asarray(Image.open(io.BytesIO(b64decode(each)))) for each in pictures]
        settings = json.loads(re.search(r"const settings = (.*);", page)[1])
        # `difference` is an image and may lie on top.
        return list(zip(names, opened, strict=True)), settings

    return write


def place(picture, settings):
    """Where the brightest pixel lies in mm, as the viewer tells it."""
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    x, y, z = (settings["nbSlice"][axis] for axis in "XYZ")
    columns = picture.shape[1] // y
    counted = (row // z) * columns + column // y, column % y, z - 1 - row % z
    assert counted[0] < x
    return np.array(settings["affine"]) @ [*(np.array(counted) + 1), 1]


def test_a_voxel_is_found_at_its_place_in_space(written, mask):
    volume = np.zeros(SHAPE, np.float32)
    volume[8, 30, 14] = 100
    pictures, settings = written(synthetic=volume, acquired=None)
    ((name, picture),) = pictures
    assert name == "synthetic"
    grey = picture if picture.ndim == 2 else picture[..., 0]
    np.testing.assert_allclose(place(grey, settings)[:3], mask.affine[:3] @ [8, 30, 14, 1], atol=1.6)
    # From the person's right on, as a radiologist stands.
    assert settings["affine"][0][0] < 0


def test_acquired_synthetic_difference_and_lesions_can_be_chosen(written):
    synthetic = np.full(SHAPE, 60, np.float32)
    acquired = synthetic.copy()
    acquired[15:] = 20
    one, other, hand = (np.zeros(SHAPE) for _ in range(3))
    one[10:14, 10:20, 8:12], other[12:16, 10:20, 8:12], hand[20:22, 20:30, 8:12] = 1, 1, 1
    lesions = {"acquired": one, "synthetic": other, "manual": hand}
    pictures, _ = written(synthetic=synthetic, acquired=acquired, lesions=lesions)
    images, tops = dict(pictures[:4]), dict(pictures[4:])
    assert list(images) == ["acquired", "synthetic", "difference", "absolute difference"]
    assert list(tops) == ["difference", "lesions", "lesions of the given mask"]
    assert len({picture.shape[:2] for picture in (*images.values(), *tops.values())}) == 1
    orange = images["difference"].reshape(-1, 3).astype(int)
    assert (orange[:, 0] > orange[:, 2] + 60).any()
    assert not (orange[:, 2] > orange[:, 0] + 60).any()
    assert images["absolute difference"].max() > 190
    marked = tops["lesions"][tops["lesions"][..., 3] > 0]
    shown = {tuple(map(int, colour[:3])) for colour in np.unique(marked, axis=0)}
    assert shown == {viewer.BOTH, viewer.LOST, viewer.ADDED}
    assert tops["difference"][..., 3].min() == 0 < tops["difference"][..., 3].max()


def test_nothing_outside_the_mask_is_shown(written, mask):
    volume = np.where(np.asarray(mask.dataobj) > 0, 0, 100).astype(np.float32)
    ((_, picture),) = written(synthetic=volume, acquired=None)[0]
    assert picture.max() == 0
