"""carry_mask, resample and mask_foreground beside maps that are known exactly."""

import json

import nibabel as nib
import numpy as np
import pytest
from recontrast import images
from recontrast.anatomy.carry_mask import carry_mask
from recontrast.anatomy.correct_bias import correct_bias
from recontrast.anatomy.mask_foreground import mask_foreground
from recontrast.anatomy.resample import resample
from recontrast.anatomy.resample_mask import resample_mask
from recontrast.backends import transforms
from recontrast.errors import RecontrastError
from scipy import ndimage

RAS_2MM = np.diag([2.0, 2, 2, 1])
LPS_3MM = np.array([[-3.0, 0, 0, 60], [0, -3, 0, 55], [0, 0, 3, -2], [0, 0, 0, 1]])


def grid(shape, affine):
    return nib.Nifti1Image(np.zeros(shape, np.float32), affine)


def world(like):
    """World coordinates (3, x, y, z) of the voxels, x to the right, y to the front, in mm."""
    places = np.indices(like.shape).reshape(3, -1)
    return (like.affine[:3, :3] @ places + like.affine[:3, 3:]).reshape(3, *like.shape)


@pytest.fixture
def scene(tmp_path):
    """A ramp on a 2 mm grid, a reference on a flipped 3 mm grid, a mask there, and a turn with a shift."""
    moving, reference = grid((30, 28, 26), RAS_2MM), grid((16, 15, 14), LPS_3MM)
    x, y, z = world(moving)
    images.write(tmp_path / "moving.nii.gz", 100 + 2 * x + 3 * y - z, moving)
    x, y, z = world(reference)
    images.write(tmp_path / "reference.nii.gz", x + y + z, reference)
    inside = ((np.abs(x - 30) < 12) & (np.abs(y - 28) < 10) & (np.abs(z - 20) < 9)).astype(float)
    images.write(tmp_path / "mask.nii.gz", inside > 0, reference)
    turn = np.deg2rad(8)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    matrix[:3, 3] = [1.5, -2.0, 3.0]
    transforms.write(tmp_path / "xfm.txt", matrix)
    return tmp_path, moving, reference, matrix, inside > 0


@pytest.mark.parametrize("interpolation", ["linear", "bspline"])
def test_a_ramp_stays_a_ramp_under_an_affine_transform(scene, interpolation):
    folder, _, reference, matrix, inside = scene
    resample(
        image=folder / "moving.nii.gz",
        reference=folder / "reference.nii.gz",
        mask=folder / "mask.nii.gz",
        transform=folder / "xfm.txt",
        intensity="keep",
        interpolation=interpolation,
        output=folder / "out.nii.gz",
    )
    points = transforms.FLIP[:3, :3] @ world(reference).reshape(3, -1)
    x, y, z = transforms.FLIP[:3, :3] @ (matrix[:3, :3] @ points + matrix[:3, 3:])
    expected = (100 + 2 * x + 3 * y - z).reshape(reference.shape)
    out = images.read(folder / "out.nii.gz")
    images.check_same_grid(folder / "out.nii.gz", out, reference)
    assert np.abs(np.asarray(out.dataobj) - expected)[inside].max() < (
        0.01 if interpolation == "linear" else 2
    )


def test_the_median_in_the_mask_becomes_1000_and_the_factor_is_written(scene):
    folder, *_, inside = scene
    resample(
        image=folder / "reference.nii.gz",
        reference=folder / "reference.nii.gz",
        mask=folder / "mask.nii.gz",
        output=folder / "out.nii.gz",
    )
    before, after = (
        np.asarray(images.read(folder / f"{name}.nii.gz").dataobj) for name in ("reference", "out")
    )
    assert np.median(after[inside]) == pytest.approx(1000, abs=0.01)
    factor = json.loads((folder / "out.json").read_text())["IntensityScale"]
    np.testing.assert_allclose(after, before * factor, rtol=1e-6)


def test_another_grid_needs_a_transform(scene):
    folder, *_ = scene
    with pytest.raises(RecontrastError, match=r"moving\.nii\.gz.*shape"):
        resample(
            image=folder / "moving.nii.gz",
            reference=folder / "reference.nii.gz",
            mask=folder / "mask.nii.gz",
            output=folder / "out.nii.gz",
        )
    assert not (folder / "out.nii.gz").exists()


def test_an_image_without_signal_in_the_mask_is_refused(scene):
    folder, _, reference, _, inside = scene
    images.write(folder / "dark.nii.gz", (~inside).astype(np.float32), reference)
    with pytest.raises(RecontrastError, match=r"dark\.nii\.gz.*no signal"):
        resample(
            image=folder / "dark.nii.gz",
            reference=folder / "reference.nii.gz",
            mask=folder / "mask.nii.gz",
            output=folder / "out.nii.gz",
        )


@pytest.mark.parametrize("intensity", ["median", "keep"])
def test_a_region_without_voxels_is_refused_by_name(scene, intensity):
    folder, _, reference, _, inside = scene
    images.write(folder / "nowhere.nii.gz", np.zeros(inside.shape, np.float32), reference)
    files = {"image": folder / "reference.nii.gz", "reference": folder / "reference.nii.gz"}
    with pytest.raises(RecontrastError, match=r"nowhere\.nii\.gz.*the mask is empty"):
        resample(**files, mask=folder / "nowhere.nii.gz", output=folder / "out.nii.gz", intensity=intensity)


def test_a_mask_is_carried_to_where_its_ball_lies(scene):
    folder, moving, reference, matrix, _ = scene
    centre = np.array([29.0, 27.0, 25.0])
    ball = np.linalg.norm(world(moving) - centre[:, None, None, None], axis=0) < 14
    images.write(folder / "ball.nii.gz", ball & ~ndimage.binary_erosion(ball, iterations=4), moving)
    outputs = [folder / name for name in ("first_mask.nii.gz", "second_mask.nii.gz")]
    for output in outputs:
        carry_mask(
            mask=folder / "ball.nii.gz",
            reference=folder / "reference.nii.gz",
            transform=folder / "xfm.txt",
            output=output,
        )
    itk = np.linalg.inv(matrix) @ transforms.FLIP @ [*centre, 1]
    expected = np.linalg.norm(world(reference) - (transforms.FLIP @ itk)[:3, None, None, None], axis=0) < 14
    carried = np.asarray(images.read(outputs[0]).dataobj) > 0
    # The hollow inside is filled too.
    assert 2 * (carried & expected).sum() / (carried.sum() + expected.sum()) > 0.95
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_foreground_is_the_largest_piece_without_holes(tmp_path):
    data = np.zeros((20, 20, 20), np.float32)
    data[4:14, 4:14, 4:14] = 5
    data[8, 8, 8] = 0
    data[17, 17, 17] = 5
    images.write(tmp_path / "a.nii.gz", data, grid(data.shape, RAS_2MM))
    images.write(tmp_path / "b.nii.gz", data + 1, grid(data.shape, RAS_2MM))
    both = [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]
    mask_foreground(images=both, output=tmp_path / "mask.nii.gz")
    expected = np.zeros(data.shape, bool)
    expected[4:14, 4:14, 4:14] = True
    np.testing.assert_array_equal(np.asarray(images.read(tmp_path / "mask.nii.gz").dataobj) > 0, expected)
    images.write(tmp_path / "b.nii.gz", data + 1, grid(data.shape, np.diag([3.0, 2, 2, 1])))
    with pytest.raises(RecontrastError, match=r"b\.nii\.gz.*another grid"):
        mask_foreground(images=both, output=tmp_path / "mask.nii.gz")


def test_a_given_mask_moves_with_its_image_and_may_be_empty(tmp_path):
    cube = np.zeros((20, 22, 24), np.uint8)
    cube[5:9, 6:10, 7:11] = 1
    nib.save(nib.Nifti1Image(np.random.default_rng(1).random(cube.shape), RAS_2MM), tmp_path / "ref.nii.gz")
    nib.save(nib.Nifti1Image(cube, RAS_2MM), tmp_path / "drawn.nii.gz")
    nib.save(nib.Nifti1Image(cube * 0, RAS_2MM), tmp_path / "empty.nii.gz")
    # From points of the reference to points of the drawing, in LPS: 4 mm to the right is 4 mm less in x.
    matrix = np.eye(4)
    matrix[0, 3] = 4.0
    transforms.write(tmp_path / "xfm.txt", matrix)
    for name, expected in (("drawn", np.roll(cube, 2, axis=0)), ("empty", cube * 0)):
        out = tmp_path / f"{name}_moved.nii.gz"
        resample_mask(
            mask=tmp_path / f"{name}.nii.gz",
            reference=tmp_path / "ref.nii.gz",
            transform=tmp_path / "xfm.txt",
            output=out,
        )
        np.testing.assert_array_equal(np.asarray(nib.load(out).dataobj), expected)


def test_an_image_that_keeps_its_shading_is_written_as_it_is(scene):
    folder = scene[0]
    correct_bias(image=folder / "moving.nii.gz", output=folder / "kept.nii.gz", shrink=0)
    before, after = (images.read(folder / f"{name}.nii.gz") for name in ("moving", "kept"))
    np.testing.assert_array_equal(after.get_fdata(), before.get_fdata())
    assert json.loads((folder / "kept.json").read_text())["Shrink"] == 0
