"""segment_tissue and register on analytic eggs, correct_bias on phantom heads, beside their truth."""

import json

import nibabel as nib
import numpy as np
import pytest
from recontrast import images
from recontrast.anatomy.correct_bias import correct_bias
from recontrast.anatomy.extract_brain import extract_brain
from recontrast.anatomy.register import register
from recontrast.anatomy.segment_tissue import segment_tissue
from recontrast.backends import transforms

AFFINE = np.array([[-3.0, 0, 0, 80], [0, -3, 0, 90], [0, 0, 3, -70], [0, 0, 0, 1]])
SHAPE = (50, 56, 48)
LIKE = nib.Nifti1Image(np.zeros(SHAPE, np.float32), AFFINE)


def tissues(matrix=None):
    """Label image of a head-sized egg, 0 air, 1 fluid, 2 grey, 3 white; moved by an ITK matrix if given."""
    places = np.indices(SHAPE).reshape(3, -1)
    points = transforms.FLIP @ AFFINE @ np.vstack([places, np.ones(places.shape[1])])
    if matrix is not None:
        points = np.linalg.inv(matrix) @ points
    x, y, z = points[:3].reshape(3, *SHAPE)
    radius = np.sqrt((x / 50) ** 2 + ((y + 0.1 * x) / 65) ** 2 + ((z - 0.05 * y) / 55) ** 2)
    # A ventricle off the middle leaves no rotation that looks alike.
    labels = np.select([radius < 0.6, radius < 0.85, radius < 1], [3, 2, 1], 0)
    labels[(x - 12) ** 2 + (y - 15) ** 2 + (z - 8) ** 2 < 14**2] = 1
    return labels


def image_of(labels, intensities, seed=0):
    noise = np.random.default_rng(seed).normal(0, 12, SHAPE)
    return np.abs(np.array(intensities, float)[labels] + noise).astype(np.float32)


@pytest.mark.parametrize(
    ("contrast", "intensities"), [("T1w", (0, 150, 400, 600)), ("FLAIR", (0, 100, 500, 350))]
)
def test_three_classes_are_found_and_named(tmp_path, contrast, intensities):
    labels = tissues()
    images.write(tmp_path / "image.nii.gz", image_of(labels, intensities), LIKE)
    images.write(tmp_path / "mask.nii.gz", labels > 0, LIKE)
    for run in ("a", "b"):
        segment_tissue(
            image=tmp_path / "image.nii.gz",
            mask=tmp_path / "mask.nii.gz",
            csf=tmp_path / f"{run}_csf.nii.gz",
            gm=tmp_path / f"{run}_gm.nii.gz",
            wm=tmp_path / f"{run}_wm.nii.gz",
            segmentation=tmp_path / f"{run}_dseg.nii.gz",
            contrast=contrast,
        )
    found = np.asarray(nib.load(tmp_path / "a_dseg.nii.gz").dataobj)
    for label, index in ((1, 3), (2, 1), (3, 2)):
        assert ((found == index) & (labels == label)).sum() > 0.97 * (labels == label).sum()
    maps = [np.asarray(nib.load(tmp_path / f"a_{name}.nii.gz").dataobj) for name in ("csf", "gm", "wm")]
    np.testing.assert_allclose(sum(maps), labels > 0, atol=1e-5)
    assert ("Caution" in json.loads((tmp_path / "a_dseg.json").read_text())) == (contrast != "T1w")
    for name in ("csf", "gm", "wm", "dseg"):
        same = [(tmp_path / f"{run}_{name}.nii.gz").read_bytes() for run in ("a", "b")]
        assert same[0] == same[1]


def test_registration_finds_a_known_pose_far_away(tmp_path):
    turn = np.deg2rad(10)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    matrix[:3, 3] = [14, -12, 9]
    images.write(tmp_path / "reference.nii.gz", image_of(tissues(), (0, 150, 400, 600)), LIKE)
    # Another contrast: what was dark is bright.
    images.write(tmp_path / "moving.nii.gz", image_of(tissues(matrix), (0, 700, 400, 300), 1), LIKE)
    outputs = [tmp_path / "a_xfm.txt", tmp_path / "b_xfm.txt"]
    for output in outputs:
        register(moving=tmp_path / "moving.nii.gz", reference=tmp_path / "reference.nii.gz", transform=output)
    points = np.array([[x, y, z, 1] for x in (-40, 40) for y in (-50, 50) for z in (-40, 40)], float).T
    distance = np.linalg.norm((transforms.read(outputs[0]) @ points - matrix @ points)[:3], axis=0)
    assert distance.max() < 1.5  # half a voxel
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize("contrast", ["T1w", "FLAIR"])
def test_the_shading_of_a_phantom_head_is_taken_out(tmp_path, phantom_head, contrast):
    head = phantom_head(contrast)
    outputs = [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]
    for output in outputs:
        correct_bias(image=head.image, output=output)
    raw, corrected = (images.read(path).get_fdata() for path in (head.image, outputs[0]))
    white, brain = head.region("label-WM_probseg") > 0.95, head.region("desc-brain_mask") > 0.5
    found, bias = raw[brain] / corrected[brain], head.bias[brain]
    assert np.corrcoef(np.log(found), np.log(bias))[0, 1] > 0.8

    def variation(data):
        return data[white].std() / data[white].mean()

    # Of what noise and mixed voxels leave to be gained, most.
    assert variation(raw) - variation(corrected) > 0.6 * (variation(raw) - variation(raw / head.bias))
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.full
def test_the_brain_of_a_phantom_head_is_found(tmp_path, phantom_head):
    head = phantom_head("T1w")
    outputs = [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]
    for output in outputs:
        extract_brain(image=head.image, contrast="T1w", mask=output)
    found, brain = np.asarray(images.read(outputs[0]).dataobj) > 0, head.region("desc-brain_mask") >= 0.5
    assert 2 * (found & brain).sum() / (found.sum() + brain.sum()) > 0.93
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
