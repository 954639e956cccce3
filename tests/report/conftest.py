"""A finished output folder to report on."""

import pytest
from finished_output import make_output


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """Make an output folder with some participants and work in it; returns its plan."""
    monkeypatch.chdir(tmp_path)

    def make(participants: int = 3, *, volumes: bool = True) -> dict:
        return make_output(participants, volumes=volumes)

    return make
