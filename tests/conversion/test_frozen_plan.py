"""What a run on DICOM writes before its first job: no name of a person, no folder that bears one."""

import json

import pytest
from recontrast import frozen, launch
from recontrast.conversion.plan import key_folder
from recontrast.freeze import content, freeze
from recontrast.run import open_graph, open_study
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
    freeze(graph)
    with launch._study_file(study, keep=True) as file:
        assert file == key_folder(study.output, study.conversion) / "study.yaml"
        assert "Doe_Jane" in file.read_text()
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
