"""Which folders are DICOM, which are BIDS, and where results and key may not lie."""

from pathlib import Path

import pytest
from recontrast.choice import Choice
from recontrast.conversion.folders import holds_dicom, walk
from recontrast.conversion.plan import key_folder
from recontrast.conversion.settings import Conversion
from recontrast.errors import RecontrastError
from recontrast.run import open_study
from recontrast.studies import assemble
from scanner import scan, sort


def put(path: Path, content: bytes = b"\x5c\x01") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["sub-01/anat/sub-01_T1w.nii.gz", "sub-01/ses-1/anat/sub-01_ses-1_T1w.nii"])
def test_images_in_their_places_make_a_bids_folder_whatever_lies_beside(tmp_path, name):
    scan(tmp_path / "sourcedata/sub-01")
    put(tmp_path / "bids" / name)
    assert holds_dicom(tmp_path)
    put(tmp_path / name)
    assert not holds_dicom(tmp_path)


def test_images_elsewhere_and_many_other_files_leave_it_a_dicom_folder(tmp_path):
    put(tmp_path / "a/localiser.nii.gz")
    put(tmp_path / "sub-01/anat/notes.txt", b"text")
    for number in range(600):
        put(tmp_path / f"b/{number}.txt", b"text")
    assert not holds_dicom(tmp_path)
    scan(tmp_path / "c")
    assert holds_dicom(tmp_path)


def test_files_without_a_preamble_count(tmp_path):
    scan(tmp_path)
    put(tmp_path / "sub-01/readme", b"text")
    for file in tmp_path.glob("IM*"):
        file.write_bytes(file.read_bytes()[132:])
    assert holds_dicom(tmp_path)


def test_a_folder_of_other_things_is_told_what_it_holds(tmp_path):
    put(tmp_path / "in/a.txt", b"text")
    put(tmp_path / "in/b.pdf", b"%PDF-1.7")
    with pytest.raises(RecontrastError, match="contains no DICOM MR images, only 1 × a text file, 1 × a PDF"):
        assemble(tmp_path / "in", tmp_path / "out", Choice(target="FLAIR"))


def test_derivatives_and_own_folders_are_not_looked_at(tmp_path):
    scan(tmp_path / "derivatives/old")
    own, kept = put(tmp_path / "x/out/a"), put(tmp_path / "x/a")
    assert [found.path for found in walk(tmp_path, (own.parent,))] == [str(kept)]


@pytest.mark.parametrize("place", ["in/out", "link/out", "in/a/out"])
def test_an_output_among_raw_data_is_refused_before_anything_is_written(tmp_path, place):
    scan(tmp_path / "in/a")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    before = sorted(tmp_path.rglob("*"))
    for source in ("in", "link"):
        with pytest.raises(RecontrastError, match="lies inside the input"):
            assemble(tmp_path / source, tmp_path / place, Choice(target="FLAIR"))
        with pytest.raises(RecontrastError, match="lies inside the input"):
            open_study({"datasets": [{"path": tmp_path / source}], "output": tmp_path / place} | STUDY)
    assert sorted(tmp_path.rglob("*")) == before


STUDY = {
    "contrasts": {"T1w": {"suffix": "T1w"}, "FLAIR": {"suffix": "FLAIR"}},
    "reference": "T1w",
    "experiments": {"Patch": {"method": "patch_to_voxel", "inputs": ["T1w"], "target": "FLAIR"}},
}


def test_a_key_among_raw_data_is_refused(tmp_path):
    scan(tmp_path / "in/a")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RecontrastError, match="the key must not lie in the data set"):
        sort(tmp_path / "in", tmp_path / "in/derivatives/out")
    assert sorted(tmp_path.rglob("*")) == before
    elsewhere = Conversion(key=tmp_path / "key")
    assert len(sort(tmp_path / "in", tmp_path / "in/derivatives/out", elsewhere).jobs) == 1
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with pytest.raises(RecontrastError, match="must not lie in the output folder"):
        key_folder(tmp_path / "out", Conversion(key=tmp_path / "link/key"))
