"""BET's surface moved by our loop, against the package's own."""

import contextlib
import io

import nibabel as nib
import numpy as np
import pytest
from brainextractor import BrainExtractor
from recontrast.backends.embedded import bet_surface


@pytest.fixture
def extractors():
    """Two extractors of one lopsided head of bright brain, dark skull and skin, with noise."""
    axes = np.meshgrid(*(np.arange(64) - 31.5 for _ in range(3)), indexing="ij")
    distance = np.sqrt(sum((axis / radius) ** 2 for axis, radius in zip(axes, (24, 28, 25), strict=True)))
    head = np.select([distance < 0.8, distance < 0.9, distance < 1], [900.0, 60.0, 700.0], 10.0)
    head += np.random.default_rng(1).normal(scale=20, size=head.shape)
    image = nib.Nifti1Image(head.astype(np.float32), np.diag([3.0, 3.0, 3.0, 1.0]))
    with contextlib.redirect_stdout(io.StringIO()):
        return BrainExtractor(image, bt=0.5), BrainExtractor(image, bt=0.5)


def test_the_surface_moves_as_the_package_moves_it(extractors):
    theirs, ours = extractors
    before = ours.vertices.copy()
    with contextlib.redirect_stdout(io.StringIO()):
        theirs.run(30)
    bet_surface.deform(ours, 10)
    bet_surface.deform(ours, 20)
    assert np.abs(ours.vertices - before).max() > 1
    assert np.allclose(ours.vertices, theirs.vertices, atol=1e-6)
    assert np.isclose(ours.surface.volume, theirs.surface.volume)


def test_lines_that_leave_the_image_see_its_rim():
    data = np.arange(27.0).reshape(3, 3, 3)
    assert bet_surface.along_line(data, np.array([0.0, 0, 0]), np.array([-5.0, 0, 0])) == (0, 0)
    assert bet_surface.along_line(data, np.array([0.0, 0, 0]), np.array([2.0, 2, 2])) == (0, 26)
    assert bet_surface.along_line(data, np.array([1.0, 1, 1]), np.array([1.0, 1, 9])) == (13, 14)
