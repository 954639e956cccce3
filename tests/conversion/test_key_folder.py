"""The folder of the key is its owner's alone; where it cannot be, that is said; a proposal writes none."""

import os
from pathlib import Path

import pytest
from recontrast.choice import Choice
from recontrast.conversion import scan as scanning
from recontrast.conversion.plan import key_folder
from recontrast.conversion.settings import Conversion
from recontrast.errors import RecontrastError
from recontrast.proposal import propose
from recontrast.run import open_graph, open_study
from recontrast.studies import assemble
from scanner import T2W, scan, sort

FLAIR = {**T2W, "InversionTime": 2.5, "RepetitionTime": 9.0, "ScanningSequence": "IR"}


@pytest.fixture
def source(tmp_path):
    scan(tmp_path / "in/a")
    return tmp_path / "in"


@pytest.fixture
def place(out):
    """A folder of the key as a user makes it, with a key that all may read."""
    folder = key_folder(out, Conversion())
    folder.mkdir()
    (folder / "key.tsv").write_text("participant_id\tpatient_id\nsub-p1\tRC-1\n")
    for path, rights in ((folder, 0o755), (folder / "key.tsv", 0o644)):
        path.chmod(rights)
    return folder


def rights(path: Path) -> str:
    return oct(path.stat().st_mode)[-3:]


def inside(folder: Path) -> set[str]:
    return {rights(path) for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_a_user_made_is_shut(source, out, place):
    planned = sort(source, out)
    assert planned.problems == []
    assert {path.name for path in place.iterdir()} == {
        *("key.tsv", "series.tsv", "not-images.tsv", "scan.json", "series")
    }
    assert (rights(place), rights(place / "series"), inside(place)) == ("700", "700", {"600"})


def test_rights_that_were_given_since_are_taken_back(source, out):
    sort(source, out)
    place = key_folder(out, Conversion())
    place.chmod(0o755)
    for path in place.iterdir():
        path.chmod(0o755)
    sort(source, out)
    assert (rights(place), rights(place / "series"), inside(place)) == (
        "700",
        "700",
        {"700", "600"},
    )


def test_a_folder_with_files_of_the_user_is_left_and_said(source, out, place):
    (place / "letters.txt").write_text("mine")
    (place / "letters.txt").chmod(0o644)
    (problem,) = sort(source, out).problems
    assert str(problem) == (
        f"{place}: identifies participants, but others can access it, as it contains other files; "
        "chmod 700 it, or name a dedicated folder under conversion.key"
    )
    assert (rights(place), rights(place / "letters.txt")) == ("755", "644")
    (place / "letters.txt").unlink()
    assert inside(place) == {"600"}
    place.chmod(0o700)
    assert sort(source, out).problems == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(1, "Operation not permitted"), "cannot be changed (Operation not permitted)"),
        (None, "as its disk does not store permissions"),
    ],
)
def test_a_folder_that_cannot_be_shut_is_said(source, out, place, monkeypatch, error, said):
    def chmod(path, mode):
        if error:
            raise error

    monkeypatch.setattr(Path, "chmod", chmod)
    (problem,) = sort(source, out).problems
    assert said in str(problem)


def test_a_cache_that_is_no_text_is_made_anew(source, out, place):
    (place / "scan.json").write_bytes(b"\xff\xfe\0")
    assert len(sort(source, out).jobs) == 1
    assert b"RC-1" in (place / "scan.json").read_bytes()


def everything(folder: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_a_proposal_only_reads_and_the_run_after_it_reads_nothing_twice(source, out, tmp_path, monkeypatch):
    scan(tmp_path / "in/b", "FLAIR", FLAIR, number=2)
    before = everything(tmp_path)
    config = assemble(source, out, Choice(target="FLAIR"))
    assert everything(tmp_path) == before
    read = []
    monkeypatch.setattr(scanning, "read", read.append)
    open_graph(open_study(config))
    assert read == []
    assert "RC-1" in (key_folder(out, Conversion()) / "scan.json").read_text()
    assert scanning._AHEAD == {}


def test_a_proposal_takes_what_a_user_said_in_the_table(source, out, place):
    scan(source / "b", "mystery", {**T2W, "ScanningSequence": "RM"}, number=2)
    sort(source, out)
    table = place / "series.tsv"
    lines = [line.split("\t") for line in table.read_text().splitlines()]
    for line in lines:
        if "no rule knows it" in line:
            start = lines[0].index("use")
            line[start : start + 3] = ["yes", "anat", "FLAIR"]
    table.write_text("\n".join(map("\t".join, lines)) + "\n")
    before = everything(place)
    assert list(propose(source, "FLAIR", out)["experiments"]) == ["FLAIRfcn3d"]
    assert everything(place) == before


def test_a_proposal_that_fails_says_what_the_conversion_knows(source, out):
    scan(source / "b", "mystery", {**T2W, "ScanningSequence": "RM"}, number=2)
    scan(source / "c", "FLAIR", FLAIR, number=3)
    (source / "c/IM00003").unlink()
    with pytest.raises(RecontrastError) as raised:
        propose(source, "FLAIR", out)
    first, *others = raised.value.problem.splitlines()
    table = key_folder(out, Conversion()) / "series.tsv"
    assert "no session has a FLAIR" in first
    assert others == [
        f"{table}: 1 series are not recognised (sub-001 series 201); "
        "enter there what they are, or add a rule under conversion.rules",
        "sub-001 ses-1 series 301: slices are missing: 1 of 7; transfer it again, or clear its suffix in series.tsv "
        "to leave it out",
        f"{table}: lists what each series becomes; fix it there; its folder identifies participants",
    ]
    assert os.path.isfile(table)


def test_contrasts_that_are_not_shared_are_explained_too(source, out):
    scan(source / "b", "FLAIR", FLAIR, number=2, participant="2")
    with pytest.raises(RecontrastError) as raised:
        propose(source, "FLAIR", out)
    assert "share no other contrast" in raised.value.problem
    assert "lists what each series becomes" in raised.value.problem
