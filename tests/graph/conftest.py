"""The tiny study after its first run, copied for every test that changes something about it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import CONTRASTS, World, build


@pytest.fixture(scope="session")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny study after its first run, kept as it is."""
    return build(tmp_path_factory.mktemp("graph") / "world", 4, CONTRASTS, 1)


@pytest.fixture
def world(baseline: Path) -> Iterator[World]:
    """A fresh copy of it; a module with a study of its own has its own `baseline`."""
    root = baseline.with_name("world")
    shutil.copytree(baseline, root, symlinks=True)
    yield World(root)
    shutil.rmtree(root)
