"""Running one step as a job does: its log, its exit status, and what goes on record."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
from recontrast.errors import RecontrastError
from recontrast.steps import command

STEP = '''
"""A step that fails in the way that it is told to."""
import os, resource, signal


def fail(*, how: str, values: list[str] = []) -> None:
    """Fail.

    Args:
        how: in which way.
        values: several words.
    """
    from ..errors import RecontrastError
    print("at work", values, flush=True)
    if how == "files":
        few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        print("may open", "all files" if few == most else f"{few} files of {most}")
    if how == "data":
        raise RecontrastError("is empty", file="x.nii.gz", remedy="export it again")
    if how == "bug":
        raise ZeroDivisionError("division by zero")
    if how == "disk":
        raise OSError(ENOSPC, "No space left on device")
    if how == "memory":
        raise MemoryError
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
'''


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder with a frozen plan, and a stage with one step on the path of the package."""
    stage = tmp_path / "package/anatomy"
    stage.mkdir(parents=True)
    (stage / "fail.py").write_text(STEP.replace("ENOSPC", str(errno.ENOSPC)))
    (tmp_path / "out/cohort").mkdir(parents=True)
    (tmp_path / "out/cohort/plan.json").write_text(json.dumps({"states": {"anatomy": {"sub-01": "state"}}}))
    return tmp_path / "out"


def step(out: Path, *tokens: str, log: str = "logs/anatomy/fail/sub-01_T1w.log") -> tuple[int, str, str]:
    """Run the step; its exit status, log and record."""
    code = (
        f"import recontrast.anatomy as a; a.__path__.append({str(out.parent / 'package/anatomy')!r});"
        "import resource; files = resource.RLIMIT_NOFILE;"
        "resource.setrlimit(files, (256, resource.getrlimit(files)[1]));"  # as systems do by default
        "from recontrast.cli import main; main()"
    )
    arguments = ["step", "--log", log, "anatomy", "fail", *tokens]
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=out, capture_output=True, text=True)
    record = out / "cohort/quarantine.tsv"
    text = (out / log).read_text() if (out / log).exists() else ""
    return done.returncode, text, record.read_text() if record.exists() else ""


def test_success_leaves_a_log_with_the_command_that_repeats_it(out: Path) -> None:
    status, log, record = step(out, "--how", "not", "--values", "a b", "c")
    assert (status, record) == (0, "")
    assert log.splitlines()[0] == "$ recontrast step anatomy fail --how not --values 'a b' c"
    assert "at work ['a b', 'c']" in log
    assert log.splitlines()[-1] == "recontrast: anatomy fail: done"


def test_a_step_may_keep_as_many_files_open_as_the_system_lets_it(out: Path) -> None:
    assert "may open all files" in step(out, "--how", "files")[1]


@pytest.mark.parametrize(
    ("how", "reason"),
    [("data", "x.nii.gz: is empty; export it again"), ("bug", "ZeroDivisionError: division by zero")],
)
def test_a_failure_that_lies_in_the_data_goes_on_record_and_fails_at_once_next_time(
    out: Path, how: str, reason: str
) -> None:
    status, log, record = step(out, "--how", how)
    assert status == 1
    assert log.splitlines()[-1].endswith(reason)
    assert record.splitlines()[1].split("\t") == ["sub-01", "T1w", "anatomy fail", reason, "state"]
    status, log, _ = step(out, "--how", how)
    assert status == 1
    assert "at work" not in log
    assert "on record as failing" in log


@pytest.mark.parametrize(
    ("how", "last"),
    [
        ("disk", "No space left on device; make room there and run again: what is done is kept"),
        ("memory", "memory ran out; free some memory, or run fewer jobs at a time (--cores)"),
        ("kill", "at work []"),
    ],
)
def test_the_machines_trouble_never_goes_on_record_but_is_named(out: Path, how: str, last: str) -> None:
    status, log, record = step(out, "--how", how)
    assert status != 0
    assert record == ""
    assert log.splitlines()[-1].endswith(last)


@pytest.mark.parametrize(("stage", "name"), [("lesions", "lga"), ("anatomy", "nothing"), ("nowhere", "lga")])
def test_what_is_no_step_takes_one_line(stage: str, name: str) -> None:
    with pytest.raises(RecontrastError, match=f"there is no step {stage} {name}; (.* has|stages are) "):
        command(stage, name)
