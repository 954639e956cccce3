"""DICOM through the graph: only changed series convert again, edits and labels move images, nobody is named."""

import shutil
from pathlib import Path

import pandas as pd
import pydicom
import pytest
from recontrast.phantom.dicom import make_dicom
from test_reruns import TABLES, pages, scores
from world import World, make

SOURCE = "Doe_Jane"
LABELS = {"RC-01": "sub-01", "RC-02": "sub-02", "RC-03": "sub-03"}
EXPERIMENT = {
    "method": "patch_to_voxel",
    "inputs": ["T1w"],
    "target": "FLAIR",
    "recipe": "quick",
    "overrides": {"epochs": 1},
}


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that starts from DICOM, in a folder that bears a name, after its first run; the last lacks the FLAIR."""
    root = tmp_path_factory.mktemp("dicom") / "world"
    contrasts = {name: {"suffix": name} for name in ("T1w", "FLAIR")}
    world = make(root, 3, ("T1w", "FLAIR"), 1, contrasts=contrasts, experiments={"Patch": EXPERIMENT})
    make_dicom(world.bids, root / SOURCE)
    world.study(datasets=[{"path": SOURCE}])
    (root / "out-key").mkdir()
    write_key(world, LABELS)
    world.run()
    kept = root.with_name("kept")
    shutil.move(root, kept)
    return kept


def write_key(world: World, labels: dict[str, str]) -> None:
    rows = [f"{label}\tses-1\t{person}" for person, label in labels.items()]
    text = "\n".join(["participant_id\tsession_id\tpatient_id", *rows])
    (world.root / "out-key/key.tsv").write_text(text + "\n")


def series(world: World, person: str, description: str) -> Path:
    """The folder of one series."""
    folders = (world.root / SOURCE / f"PA{person}").rglob("SE*")
    return next(f for f in folders if description in pydicom.dcmread(next(f.iterdir())).SeriesDescription)


def prepared(label: str, contrast: str) -> set[str]:
    """The jobs that prepare one contrast of one person."""
    jobs = {f"correct_bias {label}_{contrast}", f"resample {label}_space-T1w_{contrast}"}
    if contrast == "T1w":
        return jobs | {f"extract_brain {label}_T1w", f"carry_mask {label}_space-T1w"}
    return jobs | {f"register {label}_from-FLAIR_to-T1w"}


def after_target(world: World, label: str) -> set[str]:
    """What follows from another FLAIR of a person: models, whom they predict, and the person's own score."""
    table = pd.read_csv(world.out / "cohort/splits.tsv", sep="\t", dtype=str)
    fold = dict(zip(table["participant_id"], table["fold"], strict=True))
    models = {other for other in ("1", "2", "all") if other != fold[label]}
    predicted = {f"{who}_ses-1" for who in LABELS.values() if fold.get(who, "all") in models}
    shown = predicted | {f"{label}_ses-1"}
    return (
        prepared(f"{label}_ses-1", "FLAIR")
        | {f"train Patch_fold-{fold}" for fold in models}
        | {f"synthesize {who}_space-T1w_desc-Patch_FLAIR" for who in predicted}
        | scores(*(shown - {"sub-03_ses-1"}))
        | TABLES
        | pages(*shown)
    )


def test_nothing_changed_and_nobody_is_named(world: World) -> None:
    assert world.run() == set()
    files = [path for path in world.out.rglob("*") if path.is_file()]
    assert len(files) > 100
    named = [path for path in files if SOURCE in str(path) or SOURCE.encode() in path.read_bytes()]
    assert named == []


@pytest.mark.full
def test_files_elsewhere_under_other_names(world: World) -> None:
    for number, file in enumerate(sorted((world.root / SOURCE).rglob("IM*"))):
        target = world.root / SOURCE / f"x{number % 7}" / f"{number}.dcm"
        target.parent.mkdir(exist_ok=True)
        file.rename(target)
    assert world.run() == set()


def test_a_series_replaced(world: World) -> None:
    file = series(world, "01", "FLAIR") / "IM00004"
    data = pydicom.dcmread(file)
    data.PixelData = bytes(byte ^ 1 if n % 2 == 0 else byte for n, byte in enumerate(data.PixelData))
    data.save_as(file)
    assert world.run() == {"convert sub-01_ses-1_FLAIR"} | after_target(world, "sub-01")


def test_a_series_edited_in_the_table(world: World) -> None:
    raw = world.out / "sourcedata/raw/sub-01/ses-1/anat"
    before = (raw / "sub-01_ses-1_FLAIR.nii.gz").read_bytes()
    table = world.root / "out-key/series.tsv"
    lines = [line.split("\t") for line in table.read_text().splitlines()]
    place = {name: number for number, name in enumerate(lines[0])}
    for line in lines[1:]:
        if (line[place["participant_id"]], line[place["suffix"]]) == ("sub-01", "FLAIR"):
            line[place["entities"]] = "acq-fast"
    table.write_text("\n".join(map("\t".join, lines)) + "\n")
    # Another name for the same image: the first step on it ends in the same bytes, and nothing follows.
    assert world.run() == {"convert sub-01_ses-1_acq-fast_FLAIR", "correct_bias sub-01_ses-1_FLAIR"}
    assert sorted(p.name for p in raw.glob("*FLAIR.nii.gz")) == ["sub-01_ses-1_acq-fast_FLAIR.nii.gz"]
    assert (raw / "sub-01_ses-1_acq-fast_FLAIR.nii.gz").read_bytes() == before


@pytest.mark.full
def test_a_person_under_another_label(world: World) -> None:
    write_key(world, LABELS | {"RC-03": "sub-late"})
    before = {path: path.read_bytes() for path in world.out.glob("sub-0[12]/ses-1/anat/*.nii.gz")}
    late = "sub-late_ses-1"
    assert world.run() == (
        {f"convert {late}_T1w", f"synthesize {late}_space-T1w_desc-Patch_FLAIR"}
        | prepared(late, "T1w")
        | pages(late)
    )
    assert {path: path.read_bytes() for path in before} == before
    people = sorted(path.name for path in (world.out / "sourcedata/raw").glob("sub-*"))
    assert people == ["sub-01", "sub-02", "sub-late"]
    table = (world.out / "sourcedata/raw/participants.tsv").read_text().splitlines()
    assert table == ["participant_id", "sub-01", "sub-02", "sub-late"]
    assert "sub-03: not in the cohort any more" in world.recontrast("status", "out").stdout
