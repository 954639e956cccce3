"""Links in a folder of DICOM: what they lead to is read once, and what they do not lead to is told."""

import csv
import os

import pytest
from recontrast.conversion.folders import holds_dicom, walk
from recontrast.conversion.plan import key_folder
from recontrast.conversion.settings import Conversion
from scanner import T2W, scan, sort


@pytest.fixture
def source(tmp_path):
    (tmp_path / "home/in").mkdir(parents=True)
    return tmp_path / "home/in"


def contrasts(planned):
    return sorted(path.rpartition("ses-1_")[2].removesuffix(".nii.gz") for path in planned.jobs)


def told(source, out):
    with open(key_folder(out, Conversion()) / "not-images.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {os.path.relpath(row["file"], source): row["what"] for row in rows}


def test_a_folder_of_links_alone_is_read(source, tmp_path):
    scan(tmp_path / "store/one")
    (source / "link").symlink_to(tmp_path / "store")
    assert holds_dicom(source)
    planned = sort(source, tmp_path / "out")
    assert contrasts(planned) == ["T1w"]
    assert planned.problems == []


def test_a_folder_counts_once_whatever_leads_to_it(source, tmp_path):
    scan(source / "own/deep")
    scan(tmp_path / "store/p1", "T2w", number=2)
    scan(tmp_path / "store/p2", "T2w", number=3, SeriesInstanceUID="1.2.3")
    (source / "a").symlink_to(source / "own")
    (source / "b").symlink_to(tmp_path / "store/p1")
    (source / "c").symlink_to(tmp_path / "store")  # which holds that of b
    (source / "d").symlink_to(tmp_path / "store/p2")
    planned = sort(source, tmp_path / "out")
    assert contrasts(planned) == ["T1w", "run-1_T2w", "run-2_T2w"]
    folders = [os.path.relpath(os.path.dirname(found.path), source) for found in walk(source) if found.stat]
    assert sorted(folders) == sorted(7 * ["own/deep", "b", "c/p2"])
    anyway = "a link to a folder that is looked at anyway"
    assert told(source, tmp_path / "out") == {"a": anyway, "d": anyway}


def test_links_that_lead_nowhere_or_back_are_told(source, tmp_path):
    scan(source / "own")
    scan(tmp_path / "store/p1", "T2w", number=2)
    scan(tmp_path / "store/p2", "T2w", number=3, SeriesInstanceUID="1.2.3")
    links = {
        "own/here": source / "own",
        "own/top": source,
        "up": tmp_path,
        "far": tmp_path / "store/p1",
        "gone": tmp_path / "gone",
        "own/gone.dcm": tmp_path / "gone/IM00001",
        "self": source / "self",
    }
    for name, target in links.items():
        (source / name).symlink_to(target)
    (tmp_path / "store/p1/up").symlink_to(tmp_path / "store")  # nobody has linked p2
    (tmp_path / "store/p1/home").symlink_to(source.parent)
    scan(source.parent / "other", "PDw", T2W | {"EchoTime": 0.015}, number=4)
    planned = sort(source, tmp_path / "out")
    assert contrasts(planned) == ["T1w", "T2w"]
    back, nowhere = "a link that leads back", "a link that leads nowhere"
    assert told(source, tmp_path / "out") == {
        **dict.fromkeys(("own/here", "own/top", "up", "far/up", "far/home"), back),
        **dict.fromkeys(("gone", "own/gone.dcm", "self"), nowhere),
    }
    assert "8 files are not MR images" in str(planned.problems)


def test_no_link_leads_into_own_results(source, tmp_path):
    scan(source / "own")
    scan(tmp_path / "out/sourcedata/x", "T2w", number=2)
    scan(source / "derivatives/y", "T2w", number=3)
    (source / "link").symlink_to(tmp_path / "out/sourcedata")
    (source / "old").symlink_to(source / "derivatives/y")
    assert contrasts(sort(source, tmp_path / "out")) == ["T1w"]


def test_a_folder_that_cannot_be_opened_is_told(source, tmp_path, monkeypatch):
    scan(source / "own")
    scan(source / "shut", "T2w", number=2)
    scandir = os.scandir

    def refuse(place):
        if str(place).endswith("shut"):
            raise PermissionError(13, "Permission denied", place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    assert contrasts(sort(source, tmp_path / "out")) == ["T1w"]
    assert told(source, tmp_path / "out") == {"shut": "a folder that cannot be opened (Permission denied)"}
