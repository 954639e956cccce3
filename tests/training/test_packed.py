"""Sessions that are packed once and mapped: the same model, shared files, any margin."""

import numpy as np
import pytest
import small_volumes
from recontrast.models.packed import map_session
from recontrast.training.train import read_list, read_role
from test_train import run


@pytest.mark.parametrize("method", ["fcn3d", "patch_to_voxel"])
def test_the_same_model_from_packed_sessions(tmp_path, method):
    sessions = small_volumes.write(tmp_path, ["training", "training", "validation"])
    plain = run(tmp_path / "a", sessions, method)
    folder = tmp_path / "packed"
    assert run(tmp_path / "b", sessions, method, packed=folder) == plain
    written = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")}
    assert len(list(folder.iterdir())) == 3
    assert run(tmp_path / "c", sessions, method, packed=folder) == plain
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")} == written


def test_margins_share_one_file_and_whole_images_have_their_own(tmp_path):
    entries = read_list(small_volumes.write(tmp_path, ["training"]), ["T1w", "T2w"], "FLAIR")
    for margin in (0, 1, 2, None):
        (mapped,) = read_role(entries, "training", margin, packed=tmp_path / "packed")
        (read,) = read_role(entries, "training", margin)
        for name in ("inputs", "target", "mask"):
            np.testing.assert_array_equal(getattr(mapped, name), getattr(read, name))
        assert (mapped.label, mapped.spacing, mapped.emphasis) == (read.label, read.spacing, None)
    assert len(list((tmp_path / "packed").iterdir())) == 2


def test_what_is_written_to_a_mapped_session_stays_with_the_writer(tmp_path):
    one = small_volumes.volumes(1)
    first = map_session(tmp_path, "key", 0, lambda margin: one)
    first.inputs[:] = 0
    again = map_session(tmp_path, "key", 0, lambda margin: pytest.fail("read a second time"))
    assert again.inputs.any()


def test_a_failed_reading_leaves_nothing_behind(tmp_path):
    def broken(margin):
        raise OSError("no such image")

    with pytest.raises(OSError, match="no such image"):
        map_session(tmp_path / "packed", "key", 0, broken)
    assert not list(tmp_path.rglob("*"))
