"""The brain ends at the box around the head; dark ventricles are filled; which thresholds of the surface are tried."""

import nibabel as nib
import numpy as np
import pytest
from recontrast.backends.embedded import extract_brain as module
from recontrast.backends.embedded.extract_brain import depth, walled, without_ventricles
from recontrast.backends.embedded.grids import back


def test_a_brain_at_the_face_of_the_box_does_not_go_on_to_the_edge_of_the_image():
    image = nib.Nifti1Image(np.zeros((40, 30, 30), np.float32), np.diag([2.0, 2, 2, 1]))
    box = image.slicer[10:30, 5:25, 5:25]
    brain = np.zeros(box.shape, bool)
    brain[0:12, 4:16, 4:16] = True  # touches the first face
    found = back(*walled(depth(brain), box), image, mode="nearest") >= 0
    expected = np.zeros(image.shape, bool)
    expected[10:22, 9:21, 9:21] = True
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("upright", [0, 1, 2])
def test_deep_fluid_is_as_bright_as_the_brain_around_it_and_nothing_else_changes(upright):
    """A tube of brain under a bright skin: fluid in its middle, near its skin, and far below the crown."""
    across = np.linalg.norm(np.indices((80, 80)) - 39.5, axis=0)
    layer = np.where(across < 39, 100, 0) + np.where((across > 36) & (across < 39), 200, 0)
    data = np.repeat(layer[:, :, None], 75, axis=2).astype(np.float32)
    middle, outside, below = (slice(36, 44),) * 2, (slice(36, 44), slice(6, 10)), slice(5, 15)
    data[(*middle, slice(40, 60))] = data[(*outside, slice(40, 60))] = data[(*middle, below)] = 20
    expected = data.copy()
    expected[(*middle, slice(40, 60))] = 100
    axes = np.roll([0, 1, 2], upright + 1)  # the third axis comes to lie at `upright`
    affine = np.eye(4)
    affine[:3, :3] = 2 * np.eye(3)[:, axes]
    found = without_ventricles(nib.Nifti1Image(data.transpose(axes), affine))
    np.testing.assert_array_equal(found.get_fdata(), expected.transpose(axes))


@pytest.mark.parametrize(
    ("overlaps", "tried", "taken"),
    [
        ((0.94, 0.99), 1, 0),
        ((0.91, 0.99), 1, 0),
        ((0.85, 0.87), 2, 0),
        ((0.85, 0.95), 2, 1),
        ((None, 0.80), 2, 1),
        ((None, None), 2, None),
    ],
)
def test_a_second_threshold_has_to_be_needed_and_clearly_better(monkeypatch, overlaps, tried, taken):
    image = nib.Nifti1Image(np.zeros((30, 30, 30), np.float32), np.diag([2.0, 2, 2, 1]))
    brains = np.zeros((2, *image.shape), bool)
    brains[0, 5:15, 5:25, 5:25] = brains[1, 5:25, 5:25, 5:25] = True
    calls = []

    def surface(box, level):
        number = len(calls)
        calls.append(level)
        return brains[number] if overlaps[number] else np.zeros(image.shape, bool)

    monkeypatch.setattr(module, "upper_head", lambda cube: cube)
    monkeypatch.setattr(module, "inside_surface", surface)
    monkeypatch.setattr(module, "template_brain", lambda box, brain: brain)
    monkeypatch.setattr(module, "dice", lambda one, other: overlaps[len(calls) - 1])
    found = module.extract_brain(image, "T1w", None)
    assert calls == [0.4, 0.6][:tried]
    np.testing.assert_array_equal(found, np.zeros(image.shape) if taken is None else brains[taken])
