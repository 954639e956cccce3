"""The lock of an output folder: a living run keeps it, a dead one does not."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from recontrast import lock
from recontrast.errors import RecontrastError
from recontrast.layout import LOCK


def test_taken_and_given_back(tmp_path: Path) -> None:
    lock.acquire(tmp_path)
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    lock.release(tmp_path)
    assert not (tmp_path / LOCK).exists()


def test_a_living_run_keeps_it(tmp_path: Path) -> None:
    lock.acquire(tmp_path)
    with pytest.raises(RecontrastError, match=f"process {os.getpid()}"):
        lock.acquire(tmp_path)


def test_a_dead_run_does_not(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from recontrast import lock; lock.acquire(Path({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / LOCK).exists()
    lock.acquire(tmp_path)
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_a_later_process_with_the_number_of_a_dead_run_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "started": 1.0}
    (tmp_path / LOCK).write_text(json.dumps(holder))
    lock.acquire(tmp_path)


def test_another_host_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    (tmp_path / LOCK).write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": 1.0}))
    with pytest.raises(RecontrastError, match="elsewhere"):
        lock.acquire(tmp_path)


def test_a_lock_that_was_cut_short_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    (tmp_path / LOCK).write_text('{"host": "el')
    lock.acquire(tmp_path)
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
