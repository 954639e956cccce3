"""Deformations: read as written, and moving points as ITK moves them."""

import nibabel as nib
import numpy as np
import pytest
from recontrast.backends import warps
from recontrast.backends.embedded.antspy import library
from recontrast.errors import RecontrastError

AFFINE = np.array([[-2.0, 0.2, 0, 20], [0.1, 2.5, 0, -30], [0, 0, 3, -15], [0, 0, 0, 1]])
SHAPE = (20, 24, 12)


@pytest.fixture
def warp() -> warps.Warp:
    """A deformation that differs along every axis."""
    x, y, z = (np.indices(SHAPE).T / SHAPE).T
    return warps.Warp(np.stack([3 * x - y, 2 * y * z, 4 * z - x], axis=-1).astype(np.float32), AFFINE)


def test_what_is_written_is_read(warp, tmp_path):
    warps.write(tmp_path / "a.nii.gz", warp)
    found = warps.read(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(found.shifts, warp.shifts)
    np.testing.assert_allclose(found.affine, AFFINE, atol=1e-5)


def test_itk_moves_points_alike(warp, tmp_path):
    orthogonal = warps.Warp(warp.shifts, np.diag([-2.0, 2.5, 3.0, 1.0]) + np.eye(4, k=3) * 20)
    warps.write(tmp_path / "a.nii.gz", orthogonal)
    with library() as ants:
        field = ants.transform_from_displacement_field(ants.image_read(str(tmp_path / "a.nii.gz")))
        points = orthogonal.affine @ [[8.0, 3.4, 11.2], [9.0, 12.7, 5.5], [4.0, 7.25, 6.8], [1, 1, 1]]
        points = points[:3] * [[-1], [-1], [1]]
        expected = np.transpose([field.apply_to_point(tuple(point)) for point in points.T])
    assert np.linalg.norm(expected - points, axis=0).min() > 0.5
    np.testing.assert_allclose(orthogonal.moved(points), expected, atol=1e-4)


def test_beyond_the_grid_the_nearest_shift_holds(warp):
    far = np.array([[1000.0], [0.0], [0.0]])
    farther = np.array([[2000.0], [0.0], [0.0]])
    np.testing.assert_allclose(warp.moved(far) - far, warp.moved(farther) - farther, atol=1e-5)


def test_other_files_are_refused_by_name(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), AFFINE), tmp_path / "image.nii.gz")
    (tmp_path / "text.nii.gz").write_text("no image")
    for name in ("image.nii.gz", "text.nii.gz", "none.nii.gz"):
        with pytest.raises(RecontrastError, match=name):
            warps.read(tmp_path / name)
