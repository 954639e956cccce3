"""What `recontrast plan` prints: what is there, what stops a run, and texts of others as they are."""

import json
from pathlib import Path

import pytest
from recontrast import doctor
from recontrast.cohort.manifest import Image, Manifest
from recontrast.config import Study, load
from recontrast.errors import RecontrastError
from recontrast.graph import Graph
from recontrast.plan import Plan
from recontrast.preview import print_plan, print_status

CONTRASTS = ("T1w", "T2w", "FLAIR")
ODD = "see [/data/qc] and :brain: [red]here"  # what rich would take for its own marks


def study(**changes: object) -> Study:
    """T1w and T2w to FLAIR."""
    config = {
        "output": "out",
        "datasets": [{"path": "bids"}],
        "contrasts": {name: {"suffix": name} for name in CONTRASTS},
        "reference": "T1w",
        "experiments": {"Fcn": {"method": "fcn3d", "inputs": ["T1w", "T2w"], "target": "FLAIR"}},
        "splits": {"folds": 2},
    }
    return load(config | changes)


def cohort(folder: str = "bids", **problems: str) -> Manifest:
    """Four sessions with all contrasts; images with a problem by participant and contrast: `p01_T1w="..."`."""
    images = []
    for label in ("01", "02", "03", "04"):
        for name in CONTRASTS:
            path = Path(f"/{folder}/{label}_{name}.nii.gz")
            images.append(Image(label, "", name, path, "hash", problems.get(f"p{label}_{name}", "")))
    return Manifest(images)


def said(capsys: pytest.CaptureFixture) -> str:
    """What was printed, with every run of white space as one space: a table folds its cells."""
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_texts_of_others_are_printed_as_they_are(capsys: pytest.CaptureFixture) -> None:
    manifest = cohort("bids [copy]", p03_T2w="is not readable")
    manifest.problems.append(RecontrastError(f"was moved, {ODD}", file="/bids [copy]/sub-09"))
    excluded = {("sub-01", ""): ODD, ("sub-02", "T2w"): f"blurred, {ODD}"}
    assert print_plan(Graph(Plan(study(), manifest, excluded=excluded))) == 1
    words = said(capsys)
    assert f"nothing: excluded: {ODD}" in words
    assert f"without T2w: blurred, {ODD}" in words
    assert f"note: /bids [copy]/sub-09: was moved, {ODD}" in words
    assert "cannot be used: sub-03 T2w: /bids [copy]/03_T2w.nii.gz: is not readable" in words


def test_status_prints_texts_of_others_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "out [copy]"
    (folder / "cohort").mkdir(parents=True)
    (folder / "report").mkdir()
    (folder / "report/index.html").touch()
    plan = {
        "results": ["models/Fcn [x]/fold-1/model.safetensors"],
        "problems": [ODD, ODD],
        "excluded": [{"session": "sub-01", "reason": ODD}],
        "sessions": [{"session": "sub-02", "notes": [f"without T2w: {ODD}"] * 2}],
    }
    (folder / "cohort/plan.json").write_text(json.dumps(plan))
    record = f"session\titem\tstep\treason\tstate\nsub-01\tT2w\tanatomy resample\t{ODD}\tx\n"
    (folder / "cohort/quarantine.tsv").write_text(record)
    assert print_status(folder) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "done: 0 results",
        "not done: models: Fcn [x] fold 1",
        f"failed: sub-01 T2w (anatomy resample): {ODD}",
        f"note: {ODD}",
        f"skipped: sub-01: {ODD}",
        f"note: sub-02: without T2w: {ODD}",
        f"report: {folder}/report/index.html",
    ]


def test_doctor_prints_versions_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(doctor, "tools_for", lambda *given: {"flirt": "6.0 [/opt/fsl]"})
    monkeypatch.setattr(doctor.protocol, "versions", lambda *given: {"flirt": "6.0 [/opt/fsl]"})
    monkeypatch.setattr(doctor, "_gpu", lambda: "Card [0]")
    doctor.examine(study())
    doctor.examine()
    lines = capsys.readouterr().out.splitlines()
    assert "anatomy register: embedded (flirt 6.0 [/opt/fsl])" in lines
    assert "  fsl: flirt 6.0 [/opt/fsl]" in lines
    assert "GPU: Card [0]" in lines


def test_a_session_that_is_left_out_shows_what_it_has(capsys: pytest.CaptureFixture) -> None:
    manifest = cohort(p02_T1w="is not readable")
    print_plan(Graph(Plan(study(), manifest, excluded={("sub-01", ""): "moved"})))
    words = said(capsys)
    assert "sub-01 T1w T2w FLAIR - - nothing: excluded: moved" in words
    assert "sub-02 T2w FLAIR - - nothing:" in words


def test_a_note_is_said_once(capsys: pytest.CaptureFixture) -> None:
    manifest = cohort()  # of a series with several echoes every image says the same
    manifest.problems += [RecontrastError("sub-01 series 4: 2 of 60 slices are missing") for _ in range(3)]
    assert print_plan(Graph(Plan(study(), manifest))) == 0
    assert said(capsys).count("2 of 60 slices are missing") == 1


def test_a_tool_that_is_missing_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FSLDIR", raising=False)
    assert print_plan(Graph(Plan(study(backend="fsl"), cohort()))) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cannot run:")]
    assert "of FSL is not on the PATH; install FSL and set it up in this shell" in line
    assert print_plan(Graph(Plan(study(backend="fsl", software="conda"), cohort()))) == 0
