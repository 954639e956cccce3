"""ITK affine text: written and read alike by this package and by ITK."""

import numpy as np
import pytest
from recontrast.backends import transforms
from recontrast.backends.embedded.antspy import library, matrix_of
from recontrast.errors import RecontrastError

MATRIX = np.array([[0.98, 0.17, 0, 3.5], [-0.17, 0.97, 0.1, -20], [0.02, -0.1, 1.01, 0.25], [0, 0, 0, 1]])


def test_what_is_written_is_read(tmp_path):
    transforms.write(tmp_path / "a.txt", MATRIX)
    np.testing.assert_allclose(transforms.read(tmp_path / "a.txt"), MATRIX, rtol=1e-10)


def test_itk_reads_the_same_map(tmp_path):
    transforms.write(tmp_path / "a.txt", MATRIX)
    with library() as ants:
        np.testing.assert_allclose(matrix_of(ants, str(tmp_path / "a.txt")), MATRIX, rtol=1e-6)
        moved = ants.read_transform(str(tmp_path / "a.txt")).apply_to_point((10.0, -4.0, 7.0))
    np.testing.assert_allclose(moved, (MATRIX @ [10, -4, 7, 1])[:3], rtol=1e-5)


def test_a_centre_of_rotation_counts(tmp_path):
    text = "#Insight Transform File V1.0\nTransform: MatrixOffsetTransformBase_double_3_3\n"
    text += "Parameters: 0 -1 0 1 0 0 0 0 1 5 6 7\nFixedParameters: 10 0 0\n"
    (tmp_path / "a.txt").write_text(text)
    # The centre itself is only shifted.
    np.testing.assert_allclose(transforms.read(tmp_path / "a.txt") @ [10, 0, 0, 1], [15, 6, 7, 1])


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"Parameters: 1 2 3\nFixedParameters: 0 0 0\n"])
def test_other_files_are_refused_by_name(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(RecontrastError, match=r"a\.txt"):
        transforms.read(tmp_path / "a.txt")
