"""What a run on DICOM writes before its first job: no name of a person, no folder that bears one."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from recontrast import frozen, launch
from recontrast.conversion.plan import key_folder
from recontrast.freeze import content, freeze
from recontrast.images import sidecar
from recontrast.run import begin, end, open_graph, open_study
from scanner import T2W, scan

FLAIR = {**T2W, "InversionTime": 2.5, "RepetitionTime": 9.0, "ScanningSequence": "IR"}


@pytest.fixture
def study(tmp_path):
    """A study on three people in folders named after them, the third in a data set with a prefix."""
    for number, folder in enumerate(("Doe_Jane/a", "Doe_Jane/b", "Roe_Richard"), 1):
        for place, (contrast, facts) in enumerate({"T1w": None, "FLAIR": FLAIR}.items(), 1):
            scan(tmp_path / folder / contrast, contrast, facts, participant=str(number), number=place)
    return open_study(
        {
            "datasets": [
                {"path": tmp_path / "Doe_Jane"},
                {"path": tmp_path / "Roe_Richard", "prefix": "old"},
            ],
            "output": tmp_path / "out",
            "contrasts": {"T1w": {"suffix": "T1w"}, "FLAIR": {"suffix": "FLAIR"}},
            "reference": "T1w",
            "experiments": {"Patch": {"method": "patch_to_voxel", "inputs": ["T1w"], "target": "FLAIR"}},
            "splits": {"folds": 2, "validation": 0, "stratify": "group"},
            "conversion": {"participants": ["age"]},
        }
    )


def test_no_source_folder_is_named_in_the_output(study, tmp_path):
    graph = open_graph(study)
    begin(graph, SimpleNamespace(local_exec=False))
    with launch._study_file(study, dry_run=False) as file:
        assert study.output not in file.parents
    end(graph)
    kept = key_folder(study.output, study.conversion) / "study.yaml"
    assert "Doe_Jane" in kept.read_text()
    written = {p: p.read_bytes() for p in study.output.rglob("*") if p.is_file()}
    assert len(written) > 8
    for secret in ("Doe_Jane", "Roe_Richard", "Doe", "RC-1"):
        assert [p for p, text in written.items() if secret.encode() in text or secret in str(p.name)] == []
    about = json.loads((study.output / "dataset_description.json").read_text())
    assert about["SourceDatasets"] == [{"URL": "sourcedata/raw"}]
    assert {image.dataset for image in graph.plan.manifest.images} == {"DICOM 1", "old"}
    assert content(frozen.read(study.output)) == content(graph)


def test_participants_come_from_the_key_and_the_headers(study, tmp_path):
    place = key_folder(study.output, study.conversion)
    place.mkdir()
    rows = [f"sub-p{number}\tRC-{number}\t{'AB'[number % 2]}" for number in (1, 2, 3)]
    (place / "key.tsv").write_text("\n".join(["participant_id\tpatient_id\tgroup", *rows]) + "\n")
    graph = open_graph(study)
    freeze(graph)
    table = (study.output / "sourcedata/raw/participants.tsv").read_text().splitlines()
    assert table == [
        "participant_id\tage\tgroup",
        "sub-oldp3\t40\tB",
        "sub-p1\t40\tB",
        "sub-p2\t40\tA",
    ]
    assert {row.stratum for row in graph.plan.splits.rows} == {"A", "B"}
    assert not [problem for problem in graph.plan.problems if "stratify" in problem]


def test_what_a_series_no_longer_becomes_is_deleted_and_who_has_gone_is_named(study, tmp_path):
    raw, place = study.output / "sourcedata/raw", key_folder(study.output, study.conversion)
    place.mkdir()
    rows = [f"sub-00{number}\tRC-{number}" for number in (1, 2, 3)]
    (place / "key.tsv").write_text("\n".join(["participant_id\tpatient_id", *rows]) + "\n")
    freeze(open_graph(study))
    before = sorted(open_graph(study).jobs)
    for path in before:
        for file in (study.output / path, sidecar(study.output / path)):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    own = raw / "sub-001/ses-1/anat/notes.txt"
    own.touch()
    (study.output / "sub-001/ses-1/anat").mkdir(parents=True)
    (study.output / "sub-009/ses-1").mkdir(parents=True)
    # One series is edited, another is broken, and a person gets another label.
    edited, broken, relabelled = "sub-001_ses-1_T1w", "sub-001_ses-1_FLAIR", "sub-old003_ses-1"
    table = place / "series.tsv"
    rows = [line.split("\t") for line in table.read_text().splitlines()]
    for row in rows:
        if row[1] == "sub-001" and "T1w" in row:
            row[rows[0].index("entities")] = "acq-fast"
    table.write_text("\n".join(map("\t".join, rows)) + "\n")
    flair = json.loads((place / f"series/{broken}.json").read_text())["files"]
    Path(flair[3]).unlink()
    key = (place / "key.tsv").read_text()
    (place / "key.tsv").write_text(key.replace("sub-003", "sub-010"))
    freeze(open_graph(study))
    left = {file.name.split(".")[0] for file in raw.rglob("*_*.*")} - {"dataset_description"}
    assert left == {Path(path).name.split(".")[0] for path in before} - {
        edited,
        f"{relabelled}_T1w",
        f"{relabelled}_FLAIR",
    }
    assert broken in left
    assert own.is_file()
    assert not (raw / "sub-old003").exists()
    lists = {file.stem for file in (place / "series").iterdir()}
    assert {"sub-001_ses-1_acq-fast_T1w", "sub-old010_ses-1_T1w"} <= lists
    assert not lists & {edited, broken, f"{relabelled}_T1w"}
    problems = json.loads((study.output / "cohort/plan.json").read_text())["problems"]
    gone = [line for line in problems if "not in the cohort any more" in line]
    assert gone == ["sub-009: not in the cohort any more; delete its results if they have served"]
