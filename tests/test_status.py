"""What `recontrast status` says of a run that did not come to its end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from recontrast import lock
from recontrast.preview import print_status

COLLECT = "logs/evaluation/collect.log"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder with a plan of four results, two of which are there."""
    results = [
        "sub-01/ses-1/anat/sub-01_ses-1_space-T1w_desc-brain_mask.nii.gz",
        "sub-01/ses-1/anat/sub-01_ses-1_space-T1w_label-GM_probseg.nii.gz",
        "models/Patch/fold-1/model.safetensors",
        "tables/summary.tsv",
    ]
    plan = {
        "results": results,
        "problems": ["bids/sub-09: contains no NIfTI images [of sub-09]"],
        "excluded": [],
        "sessions": [],
    }
    (tmp_path / "cohort").mkdir()
    (tmp_path / "cohort/plan.json").write_text(json.dumps(plan))
    for name in (results[0], results[2]):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    return tmp_path


def write(out: Path, log: str, *lines: str) -> None:
    """The log of a job."""
    path = out / log
    path.parent.mkdir(parents=True, exist_ok=True)
    stage, step = path.relative_to(out / "logs").with_suffix("").parts[:2]
    path.write_text("\n".join([f"$ recontrast step {stage} {step} --output x", *lines]) + "\n")


def test_every_kind_of_result_is_looked_for(out: Path, capsys: pytest.CaptureFixture) -> None:
    assert print_status(out) == 0
    said = capsys.readouterr().out.splitlines()
    assert "done: 2 results" in said
    assert "not done: sub-01_ses-1: space-T1w_label-GM_probseg" in said
    assert "not done: tables: summary" in said
    assert "note: bids/sub-09: contains no NIfTI images [of sub-09]" in said
    assert said[-1] == "report: not made yet"


def test_a_failure_that_no_plan_goes_around_is_told(out: Path, capsys: pytest.CaptureFixture) -> None:
    write(out, "logs/anatomy/resample/sub-01/sub-01_T2w.log", "recontrast: anatomy resample: done")
    write(out, COLLECT, "reading", "recontrast: evaluation collect: boom [0]; mend it")
    assert print_status(out) == 1
    said = capsys.readouterr().out.splitlines()
    assert "failed: evaluation collect: boom [0]; mend it" in said
    assert f"    {out / COLLECT}" in said
    assert "    reading" in said
    assert "resample" not in "".join(said)


@pytest.mark.parametrize("lines", [["reading"], None])
def test_a_job_that_was_killed_or_could_not_write_is_told(
    out: Path, capsys: pytest.CaptureFixture, lines: list[str] | None
) -> None:
    write(out, COLLECT, *(lines or []))
    if lines is None:
        (out / COLLECT).write_bytes(b"")
    assert print_status(out) == 1
    assert "failed: evaluation collect: was stopped before it finished" in capsys.readouterr().out


def test_a_job_that_is_at_work_has_not_failed(out: Path, capsys: pytest.CaptureFixture) -> None:
    write(out, COLLECT, "reading")
    lock.acquire(out)
    assert print_status(out) == 0
    assert f"a run is in progress: process {os.getpid()}" in capsys.readouterr().out


def test_what_is_on_record_is_told_once_and_what_an_older_run_said_no_more(
    out: Path, capsys: pytest.CaptureFixture
) -> None:
    write(out, "logs/anatomy/resample/sub-01/sub-01_T2w.log", "recontrast: anatomy resample: no signal")
    record = "session\titem\tstep\treason\tstate\nsub-01\tT2w\tanatomy resample\tno signal\tx\n"
    (out / "cohort/quarantine.tsv").write_text(record)
    write(out, COLLECT, "recontrast: evaluation collect: boom")
    os.utime(out / COLLECT, (1, 1))
    assert print_status(out) == 1
    said = capsys.readouterr().out
    assert said.count("failed:") == 1
    assert "failed: sub-01 T2w (anatomy resample): no signal" in said
    assert "    recontrast: anatomy resample: no signal" in said


def test_the_log_of_a_step_is_found_whatever_its_rule_is_called(
    out: Path, capsys: pytest.CaptureFixture
) -> None:
    write(out, "logs/anatomy/register/sub-01/sub-01_from-dwi_to-T1w.log", "apart")
    log = out / "logs/anatomy/register/sub-01/sub-01_from-dwi_to-T1w.log"
    log.rename(out / "logs/sub-01_from-dwi_to-T1w.log")
    record = "session\titem\tstep\treason\tstate\nsub-01\tfrom-dwi\tanatomy register\tapart\tx\n"
    (out / "cohort/quarantine.tsv").write_text(record)
    assert print_status(out) == 1
    assert "    apart" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            "PermissionError(errno.EACCES, 'Permission denied', 'out')",
            "out: Permission denied; get the right",
        ),
        ("OSError(errno.EROFS, 'Read-only file system', 'out')", "out: Read-only file system; that disk"),
        ("OSError(errno.ENOSPC, 'No space left on device')", "a file: No space left on device; make room"),
        (
            "NotADirectoryError(errno.ENOTDIR, 'Not a directory', 'x/y')",
            "x/y: Not a directory; a file stands",
        ),
    ],
)
def test_what_the_system_refuses_takes_one_line_with_a_remedy(error: str, words: str) -> None:
    code = (
        "import errno, sys; sys.argv = ['recontrast', 'status', 'out']\n"
        "from recontrast import cli, preview\n"
        f"def refuse(folder): raise {error}\n"
        "preview.print_status = refuse\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"recontrast: {words}")
    assert len(done.stderr.splitlines()) == 1
