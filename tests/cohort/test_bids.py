import os
import time

import pytest
from recontrast.cohort import bids
from recontrast.errors import RecontrastError


def names(images):
    return [image.path.name.removesuffix(".nii.gz") for image in images]


def test_finds_raw_images_alone(put, tmp_path):
    for name in ("sub-02_FLAIR", "sub-01_ses-1_acq-se_run-2_T1w", "sub-01_T2w", "sub-01_ses-1_T2w.nii"):
        put(name)
    for folder in (
        "derivatives/x/sub-01/anat",
        "sourcedata/sub-01/anat",
        "sub-01/derivatives",
        ".git/sub-09/anat",
    ):
        put("sub-01_T1w", folder=folder)
    put("._sub-01_PDw", folder="sub-01/anat")
    (tmp_path / "bids/sub-01/anat/sub-01_T2w.json").write_text("{}")

    images, problems = bids.scan(tmp_path / "bids")

    assert not problems
    found = {(i.participant, i.session, i.suffix): i.entities for i in images}
    assert found == {
        ("01", "", "T2w"): {},
        ("01", "1", "T1w"): {"acq": "se", "run": "2"},
        ("01", "1", "T2w"): {},
        ("02", "", "FLAIR"): {},
    }
    image = images[-1]
    stat = image.path.stat()
    assert (image.size, image.mtime_ns, image.ctime_ns) == (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    assert image.path.is_absolute()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: None, "does not exist"),
        (lambda folder: folder.write_text(""), "is a file, not a BIDS folder"),
        (lambda folder: folder.mkdir(), "is an empty folder"),
        (lambda folder: (folder / "scans").mkdir(parents=True), "it has no sub-* folders"),
        (lambda folder: (folder / "sub-01/anat").mkdir(parents=True), "contains no usable image"),
    ],
)
def test_what_is_no_bids_folder_is_said_in_one_line(tmp_path, make, said):
    make(tmp_path / "bids")
    with pytest.raises(RecontrastError, match=said.replace("*", r"\*")) as error:
        bids.scan(tmp_path / "bids")
    assert str(tmp_path / "bids") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("sub-03_T1w", "sub-02/anat"),
        ("sub-02_T1w", "sub-02/ses-1/anat"),
        ("sub-02_ses-1_T1w", "sub-02/anat"),
        ("T1w", "sub-02/anat"),
        ("sub-02_acq-a-b_T1w", "sub-02/anat"),
        ("sub-02_acq-a_acq-b_T1w", "sub-02/anat"),
        ("sub-02_T1w-old copy", "sub-02/anat"),
        ("sub-0_2_T1w", "sub-0_2/anat"),
        ("sub-02_ses-a.b_T1w", "sub-02/ses-a.b/anat"),
    ],
)
def test_an_illegal_name_is_a_problem_of_that_file_alone(put, tmp_path, name, folder):
    put("sub-01_T1w")
    put(name, folder=folder)
    images, (problem,) = bids.scan(tmp_path / "bids")
    assert names(images) == ["sub-01_T1w"]
    assert folder.split("/")[0] in problem.file


def test_a_participant_without_images_is_a_problem(put, tmp_path):
    put("sub-01_T1w")
    (tmp_path / "bids/sub-02/anat").mkdir(parents=True)
    _, (problem,) = bids.scan(tmp_path / "bids")
    assert str(problem) == f"{tmp_path}/bids/sub-02: contains no NIfTI images"


def test_links_are_followed_and_broken_ones_explained(put, tmp_path):
    there = put("sub-01_T1w", root="annex")
    put("sub-01_T2w")
    link = tmp_path / "bids/sub-01/anat/sub-01_T1w.nii.gz"
    link.symlink_to(there)
    (tmp_path / "bids/sub-02").symlink_to(tmp_path / "annex/sub-02")
    put("sub-02_T1w", root="annex")
    link.with_name("sub-01_FLAIR.nii.gz").symlink_to(tmp_path / ".git/annex/objects/gone")

    images, problems = bids.scan(tmp_path / "bids")

    assert not problems
    assert names(images) == ["sub-01_FLAIR", "sub-01_T1w", "sub-01_T2w", "sub-02_T1w"]
    assert images[0].problem.startswith("its content is not here; run datalad get")
    assert (images[1].path, images[1].size) == (link, there.stat().st_size)


def test_a_scan_lists_each_folder_once(tmp_path, monkeypatch):
    for person in range(200):
        folder = tmp_path / f"bids/sub-{person}/anat"
        folder.mkdir(parents=True)
        for suffix in ("T1w", "T2w", "PDw", "FLAIR"):
            (folder / f"sub-{person}_{suffix}.nii.gz").touch()
    listed, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(folder) or scandir(folder))
    started = time.process_time()
    images, problems = bids.scan(tmp_path / "bids")
    assert time.process_time() - started < 0.4  # seconds; measured: 0.02
    assert (len(images), problems) == (800, [])
    assert len(listed) == len(set(listed)) == 1 + 2 * 200


def test_participants_table(put, tmp_path):
    put("sub-01_T1w")
    table = tmp_path / "bids/participants.tsv"
    assert bids.read_participants(tmp_path / "bids") == {}
    table.write_text("\ufeffparticipant_id\tsite\nsub-01\tA\n02\n", encoding="utf-8")
    rows = bids.read_participants(tmp_path / "bids")
    assert {label: row["site"] for label, row in rows.items()} == {"01": "A", "02": "n/a"}
    for content in (b"id,site\nsub-01,A\n", b"participant_id\tsite\nsub-01\t\xe9\n"):
        table.write_bytes(content)
        with pytest.raises(RecontrastError, match=r"participants\.tsv"):
            bids.read_participants(tmp_path / "bids")
