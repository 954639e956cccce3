"""The brain ends at the box around the head, also where the head comes near a face of it."""

import nibabel as nib
import numpy as np
from recontrast.backends.embedded.extract_brain import depth, walled
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
