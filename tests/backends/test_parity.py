"""How near the embedded backend comes to what FSL 6.0.0 made of a real session; -s prints it."""

import nibabel as nib
import numpy as np
import pytest
from recontrast import images
from recontrast.backends import transforms
from recontrast.backends.fsl import coordinates
from recontrast.backends.protocol import load

pytestmark = [pytest.mark.real, pytest.mark.full]
LABEL = "sub-03_ses-2"


@pytest.fixture(scope="module")
def raw(real_images):
    folder = real_images / "ms-raw/sub-03/ses-2/anat"
    return {name: images.read(folder / f"{LABEL}_{name}.nii.gz") for name in ("T1w", "T2w", "FLAIR")}


@pytest.fixture(scope="module")
def reference(real_images):
    folder = real_images / "fsl-reference/anat"
    masks = {name: images.read(folder / f"bet_{name}_mask.nii.gz") for name in ("T1w", "T2w", "FLAIR")}
    tissues = [images.read(folder / f"fast_T1w_pve_{index}.nii.gz").get_fdata() for index in range(3)]
    return folder, masks, tissues


@pytest.fixture(scope="module")
def corrected(raw):
    correct = load("embedded", "correct_bias")
    return {name: nib.Nifti1Image(correct(image, 4), image.affine) for name, image in raw.items()}


def published(real_images, name):
    folder = real_images / "ms-raw/derivatives/published/sub-03/ses-2/anat"
    return transforms.read(folder / f"{LABEL}_from-{name}_mode-image_xfm.txt")


def distance(one, other, mask):
    """Mean distance in mm between where two transforms take the voxels of a mask."""
    voxels = np.argwhere(mask.get_fdata() > 0)[::97]
    points = transforms.FLIP @ mask.affine @ np.column_stack([voxels, np.ones(len(voxels))]).T
    return np.linalg.norm(((one - other) @ points)[:3], axis=0).mean()


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize(("name", "least"), [("T1w", 0.85), ("T2w", 0.8), ("FLAIR", 0.85)])
def test_masks(real_images, raw, corrected, reference, name, least):
    found = load("embedded", "extract_brain")(corrected[name], name, None)
    bet = reference[1][name].get_fdata() > 0
    # The database's own mask, from its common space through FLAIR.
    common = images.read(
        real_images / "ms-raw/derivatives/published/sub-03/sub-03_space-common_desc-brain_mask.nii.gz"
    )
    way = np.linalg.inv(published(real_images, "FLAIR_to-common"))
    if name != "FLAIR":
        way = way @ np.linalg.inv(published(real_images, f"{name}_to-FLAIR"))
    truth = load("embedded", "apply_transform")(common, raw[name], way, "linear") >= 0.5
    print(
        f"\n{name}: Dice of embedded and bet {dice(found, bet):.3f}, of embedded and published"
        f" {dice(found, truth):.3f}, of bet and published {dice(bet, truth):.3f}"
    )
    assert dice(found, bet) > least


@pytest.mark.parametrize("name", ["T1w", "T2w"])
def test_transforms(real_images, raw, corrected, reference, name):
    folder, masks, _ = reference
    found = load("embedded", "register")(corrected[name], corrected["FLAIR"], None, masks["FLAIR"], 6)
    matrix = coordinates.read(folder / f"flirt-6dof-normmi_from-{name}_to-FLAIR.mat")
    flirt = coordinates.to_world(matrix, raw[name], raw["FLAIR"])
    truth = published(real_images, f"{name}_to-FLAIR")
    apart = [distance(*pair, masks["FLAIR"]) for pair in ((found, flirt), (found, truth), (flirt, truth))]
    print(
        f"\n{name} to FLAIR: embedded and flirt {apart[0]:.2f} mm apart, embedded and published"
        f" {apart[1]:.2f}, flirt and published {apart[2]:.2f}"
    )
    assert max(apart) < 1.5


def test_tissues(corrected, reference):
    _, masks, fast = reference
    inside = masks["T1w"].get_fdata() > 0
    found = load("embedded", "segment_tissue")(corrected["T1w"], masks["T1w"], "T1w")
    for name, one, other in zip(("CSF", "GM", "WM"), found, fast, strict=True):
        correlation = np.corrcoef(one[inside], other[inside])[0, 1]
        volume = one.sum() / other.sum()
        print(f"\n{name}: correlation with fast {correlation:.3f}, volume {volume:.2f} times fast's")
        assert correlation > 0.6
