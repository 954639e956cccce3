"""Gradient tables as they come: put right where that can be done, named where it cannot."""

import numpy as np
import pytest
from recontrast.diffusion import gradients
from recontrast.errors import RecontrastError

DIRECTIONS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], float)
VECTORS = np.vstack([np.zeros(3), DIRECTIONS / np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)])
BVALS = np.array([0.0] + [1000.0] * 6)


def read(folder, bvals=BVALS, vectors=VECTORS.T, volumes=7):
    np.savetxt(folder / "x.bval", np.atleast_2d(bvals), fmt="%g")
    np.savetxt(folder / "x.bvec", vectors, fmt="%.8f")
    return gradients.read(folder / "x.bval", folder / "x.bvec", volumes, 50.0)


def test_a_sound_table_is_read_without_a_note(tmp_path):
    table = read(tmp_path)
    assert np.allclose(table.vectors, VECTORS, atol=1e-7)
    assert np.array_equal(table.bvals, BVALS)
    assert table.usable.all()
    assert table.notes == ()
    assert gradients.shell(table, 1200, 50, tmp_path).sum() == 7


def test_transposed_files_and_unnormalised_vectors_are_put_right_and_noted(tmp_path):
    table = read(tmp_path, bvals=BVALS[:, None], vectors=VECTORS * [[1], [1], [2], [0.5], [1], [1], [1]])
    assert np.allclose(table.vectors, VECTORS, atol=1e-7)
    assert "columns" in table.notes[0]
    assert "2 directions" in table.notes[1]


def test_vectors_of_unweighted_volumes_do_not_matter(tmp_path):
    vectors = VECTORS.copy()
    vectors[0] = np.nan
    assert not read(tmp_path, vectors=vectors.T).vectors[0].any()


@pytest.mark.parametrize("direction", [(0, 0, 0), (np.nan, 1, 0), (np.inf, 0, 0)])
def test_a_weighted_volume_without_direction_is_left_out(tmp_path, direction):
    bvals, vectors = np.append(BVALS, 1000.0), np.vstack([VECTORS, direction])
    table = read(tmp_path, bvals, vectors.T, 8)
    assert table.usable.tolist() == [True] * 7 + [False]
    assert "7" in table.notes[0]
    assert gradients.shell(table, 1200, 50, tmp_path).tolist() == [True] * 7 + [False]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(bvals=BVALS[:-1]), "6 b-values for a series of 7"),
        (dict(vectors=VECTORS[:-1].T), "3 by 6"),
        (dict(bvals=-BVALS), "negative"),
        (dict(bvals=np.tile(BVALS, (2, 1))), "a table of 2 by 7, not one row of b-values"),
    ],
)
def test_tables_that_cannot_be_right_are_named(tmp_path, change, words):
    with pytest.raises(RecontrastError, match=words):
        read(tmp_path, **change)


@pytest.mark.parametrize(
    ("name", "words"), [(None, "does not exist"), ("", "is empty"), ("b vec", "numbers")]
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_missing_empty_and_foreign_files_are_named(tmp_path, name, words):
    read(tmp_path)
    (tmp_path / "x.bvec").unlink()
    if name is not None:
        (tmp_path / "x.bvec").write_text(name)
    with pytest.raises(RecontrastError, match=words) as caught:
        gradients.read(tmp_path / "x.bval", tmp_path / "x.bvec", 7, 50.0)
    assert caught.value.file.endswith("x.bvec")


@pytest.mark.parametrize(
    ("bvals", "vectors", "words"),
    [
        (BVALS * 0, VECTORS, "no diffusion-weighted volume"),
        (BVALS * 2, VECTORS, "b-values: 0, 2000"),
        (BVALS, VECTORS * np.nan, "no direction for any of its 6 weighted volumes"),
        (BVALS + 1000, VECTORS, "no volume without diffusion weighting"),
        (BVALS, np.vstack([VECTORS[:-1], -VECTORS[1]]), "5 different directions"),
        # Six directions in one plane: as many as a tensor has elements, but blind to three of them.
        (
            BVALS,
            np.array([[0, 0, 0], *[[np.cos(a), np.sin(a), 0] for a in np.arange(6) / 2]]),
            "tensor needs 6",
        ),
    ],
)
def test_schemes_that_hold_no_tensor_are_named(tmp_path, bvals, vectors, words):
    with pytest.raises(RecontrastError, match=words):
        gradients.shell(read(tmp_path, bvals, vectors.T), 1200, 50, tmp_path)


def test_both_files_are_named_at_once(tmp_path):
    read(tmp_path)
    (tmp_path / "x.bvec").write_text("0 foo 1\n")
    with pytest.raises(RecontrastError) as caught:
        gradients.read(tmp_path / "x.bval", tmp_path / "x.bvec", 9, 50.0)
    assert "x.bval: contains 7 b-values for a series of 9 volumes" in str(caught.value)
    assert "x.bvec: is not a table of numbers" in str(caught.value)
