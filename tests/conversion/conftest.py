"""Where DICOM files lie and results go, the same for every test of conversion."""

from pathlib import Path

import pytest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The folder as it comes off a scanner."""
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder."""
    return tmp_path / "out"
