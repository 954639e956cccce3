import errno
import gzip
import hashlib
import os
import struct
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from recontrast import images
from recontrast.cohort import bids, content
from tiny_images import tiny


def look(folder: Path, cache: Path | None = None, jobs: int = 2) -> tuple[dict[str, content.Content], int]:
    """Contents by file name, and how many files were read for it."""
    read = []
    found = content.inspect(bids.scan(folder)[0], cache, jobs, lambda done, total: read.append((done, total)))
    assert read == [(n + 1, len(read)) for n in range(len(read))]
    return {path.name.split(".")[0]: result for path, result in found.items()}, len(read)


def nifti(data: np.ndarray) -> bytes:
    return gzip.compress(nib.Nifti1Image(data, np.eye(4)).to_bytes())


def with_bytes(position: int, value: bytes) -> bytes:
    plain = gzip.decompress(tiny())
    return gzip.compress(plain[:position] + value + plain[position + len(value) :])


NAN = np.full((5, 5, 5), np.nan, np.float32)
FLAT = np.ones((5, 5, 5), np.float32)
BAD = {
    "no NIfTI": (b"this is no image", "is not a readable NIfTI image"),
    "empty file": (b"", "is not a readable NIfTI image"),
    "truncated gzip": (tiny(shape=(40, 40, 40))[:-5000], "cannot be read"),
    "truncated at the checksum": (tiny()[:-8], "is damaged"),
    "wrong checksum": (tiny()[:-8] + b"\1\2\3\4" + tiny()[-4:], "is damaged"),
    "4-D": (tiny(shape=(5, 5, 5, 3)), "has 4 dimensions"),
    "2-D": (tiny(shape=(5, 5)), "has 2 dimensions"),
    "NaN": (nifti(NAN), "NaN or infinite"),
    "constant": (nifti(FLAT), "is constant"),
    "zero affine": (tiny(affine=np.diag([0, 0, 0, 1])), "affine"),
    "wild affine": (tiny(affine=np.diag([1e6, 1, 1, 1])), "affine"),
    "skewed affine": (
        tiny(affine=np.array([[1, 1, 0, 0], [0, 1e-3, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])),
        "affine",
    ),
    "one slice": (tiny(shape=(40, 40, 1)), "fewer than 4 voxels"),
    "complex values": (nifti(np.arange(125, dtype=np.complex64).reshape(5, 5, 5)), "complex64"),
    "colours": (nifti(np.zeros((5, 5, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")])), "of type"),
    "unknown data type": (with_bytes(70, struct.pack("<h", 4321)), "is not a readable NIfTI image"),
    "impossible size": (with_bytes(42, struct.pack("<hhh", 30000, 30000, 30000)), "read"),
}


@pytest.mark.parametrize("fault", BAD)
def test_each_fault_is_one_line_and_leaves_the_rest(put, tmp_path, fault):
    damaged, said = BAD[fault]
    put("sub-01_T1w")
    put("sub-02_T1w", damaged)
    found, _ = look(tmp_path / "bids")
    assert said in found["sub-02_T1w"].problem
    assert "\n" not in found["sub-02_T1w"].problem
    assert found["sub-02_T1w"].sha256 == hashlib.sha256(damaged).hexdigest()
    assert found["sub-01_T1w"] == content.Content(
        hashlib.sha256(tiny(sum(map(ord, "sub-01_T1w")))).hexdigest()
    )


def test_only_what_changed_is_read_again(put, tmp_path):
    cache, folder = tmp_path / "out/cache.json", tmp_path / "bids"
    plain = {n: gzip.decompress(tiny(n)) for n in (0, 1, 2, 3, 11)}  # all of one size
    paths = [put(f"sub-0{n}_T1w.nii", plain[n]) for n in range(4)]
    first, read = look(folder, cache)
    assert read == 4
    assert look(folder, cache) == (first, 0)

    paths[0].touch()
    before = os.stat(paths[1])
    paths[1].write_bytes(plain[11])
    os.utime(paths[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    paths[2].write_bytes(b"broken")

    second, read = look(folder, cache)
    assert read == 3
    assert second["sub-00_T1w"] == first["sub-00_T1w"]
    after = os.stat(paths[1])
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert second["sub-01_T1w"].sha256 == hashlib.sha256(plain[11]).hexdigest()
    assert second["sub-02_T1w"].problem
    assert look(folder, cache) == (second, 0)

    paths[2].write_bytes(plain[2])
    assert look(folder, cache)[0]["sub-02_T1w"] == first["sub-02_T1w"]


def test_part_of_a_cohort_does_not_forget_the_rest(put, tmp_path):
    cache = tmp_path / "cache.json"
    put("sub-01_T1w")
    put("sub-02_T1w")
    images, _ = bids.scan(tmp_path / "bids")
    content.inspect(images, cache, 1)
    put("sub-02_T1w", tiny(3))
    content.inspect(bids.scan(tmp_path / "bids")[0][1:], cache, 1)
    assert look(tmp_path / "bids", cache)[1] == 0


@pytest.mark.parametrize("garbage", ["", "[]", "{}", '{"checks": 1, "files": 3}', "\ud800", "older checks"])
def test_a_useless_cache_is_made_anew(put, tmp_path, garbage):
    cache = tmp_path / "cache.json"
    put("sub-01_T1w")
    found, _ = look(tmp_path / "bids", cache)
    text = (
        cache.read_text().replace('{"checks": "', '{"checks": "0') if garbage == "older checks" else garbage
    )
    cache.write_bytes(text.encode(errors="surrogatepass"))
    assert look(tmp_path / "bids", cache) == (found, 1)
    assert look(tmp_path / "bids", cache) == (found, 0)


def test_an_interrupted_look_is_continued(put, tmp_path, monkeypatch):
    for n in range(4):
        put(f"sub-0{n}_T1w")

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    images, _ = bids.scan(tmp_path / "bids")
    with pytest.raises(KeyboardInterrupt):
        content.inspect(images, tmp_path / "cache.json", 1, interrupt)
    assert look(tmp_path / "bids", tmp_path / "cache.json")[1] == 2


def test_a_file_that_vanishes_is_tried_again(put, tmp_path):
    path = put("sub-01_T1w")
    images, _ = bids.scan(tmp_path / "bids")
    path.rename(tmp_path / "away")
    assert "cannot be opened" in content.inspect(images, tmp_path / "cache.json", 1)[path].problem
    (tmp_path / "away").rename(path)
    assert not content.inspect(images, tmp_path / "cache.json", 1)[path].problem


def test_four_thousand_known_files_take_under_a_second(put, tmp_path, monkeypatch):
    image = bids.scan(put("sub-01_T1w").parents[2])[0][0]
    images = [replace(image, path=tmp_path / f"sub-{n}_T1w.nii.gz") for n in range(4000)]
    known = content.Content("0" * 64)
    monkeypatch.setattr(content, "_inspect", lambda path, read_as: known)
    content.inspect(images, tmp_path / "cache.json", 1)
    monkeypatch.setattr(content, "_inspect", None)
    started = os.times().user
    assert set(content.inspect(images, tmp_path / "cache.json", 1).values()) == {known}
    assert os.times().user - started < 1


def test_a_disk_that_is_gone_for_a_while_is_not_held_against_a_file(put, tmp_path, monkeypatch):
    path, cache = put("sub-01_T1w"), tmp_path / "scan.json"

    def gone(path):
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(nib, "load", gone)
        found, _ = look(tmp_path / "bids", cache)
        assert "Stale file handle" in found["sub-01_T1w"].problem
        with pytest.raises(OSError, match="Stale"):
            images.read(path)
    with monkeypatch.context() as patch:  # gone between the header and the data
        patch.setattr(nib.arrayproxy.ArrayProxy, "__array__", lambda *_, **__: gone(path))
        with pytest.raises(OSError, match="Stale"):
            images.read(path)
    found, read = look(tmp_path / "bids", cache)
    assert (found["sub-01_T1w"].problem, read) == ("", 1)
