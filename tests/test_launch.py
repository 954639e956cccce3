"""The file of a study that Snakemake reads, one for each run, and what is said at the end of a run."""

from pathlib import Path

import pytest
import yaml
from recontrast.cohort import quarantine
from recontrast.launch import _conclude, _study_file
from recontrast.run import kept_study, open_study

STUDY = {
    "datasets": [{"path": "bids"}],
    "contrasts": {"T1w": {"suffix": "T1w"}, "FLAIR": {"suffix": "FLAIR"}},
    "reference": "T1w",
    "experiments": {"Patch": {"method": "patch_to_voxel", "inputs": ["T1w"], "target": "FLAIR"}},
}


def test_what_waits_for_another_run_leaves_that_runs_study_alone(tmp_path: Path) -> None:
    study = open_study(STUDY | {"output": str(tmp_path / "out")})
    kept = kept_study(study)
    kept.parent.mkdir(parents=True)
    kept.write_text("of another run")
    with _study_file(study, dry_run=False) as file, _study_file(study, dry_run=False) as other:
        assert file != other
        assert tmp_path / "out" in file.parents
        assert yaml.safe_load(file.read_text())["reference"] == "T1w"
    assert [path.name for path in kept.parent.iterdir()] == ["study.yaml"]
    assert kept.read_text() == "of another run"


def test_a_dry_run_writes_nothing_to_the_output(tmp_path: Path) -> None:
    with _study_file(open_study(STUDY | {"output": str(tmp_path / "out")}), dry_run=True) as file:
        assert file.is_file()
    assert not (tmp_path / "out").exists()


def test_every_path_of_a_study_holds_in_the_folder_where_jobs_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    paths = {"datasets": [{"path": "bids", "derivatives": ["masks", "~/more"]}], "output": "out"}
    study = open_study(STUDY | paths | {"conversion": {"key": "key"}, "exclude": "qc.tsv"})
    (data,) = study.datasets
    assert data.path == tmp_path / "bids"
    assert data.derivatives == (tmp_path / "masks", tmp_path / "home/more")
    found = (study.output, study.conversion.key, study.exclude)
    assert found == (tmp_path / "out", tmp_path / "key", tmp_path / "qc.tsv")


def test_reasons_and_paths_are_printed_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    study = open_study(STUDY | {"output": str(tmp_path / "out [copy]")})
    reason = "/bids [copy]/sub-01_T2w.nii.gz: see [/data/qc] and :brain:"
    (study.output / "report").mkdir(parents=True)
    (study.output / "report/index.html").touch()
    quarantine.write(study.output, [quarantine.Failure("sub-01", "T2w", "cohort check", reason, "state")])
    assert _conclude(study) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"failed sub-01_T2w (cohort check): {reason}",
        f"report: {study.output}/report/index.html",
    ]
