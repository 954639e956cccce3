"""What the tests of several stages share."""

import os
from pathlib import Path

import hypothesis
import pytest

# A busy machine is no failure, and two runs of the tests try the same cases.
hypothesis.settings.register_profile("recontrast", deadline=None, derandomize=True)
hypothesis.settings.load_profile("recontrast")


@pytest.fixture(scope="session")
def real_images() -> Path:
    """The folder of real data sets, or a skip that says which folder is not there."""
    folder = os.environ.get("RECONTRAST_REAL_IMAGES", Path(__file__).parents[2] / "shared/data")
    if not Path(folder).is_dir():
        pytest.skip(f"no real images in {folder}; name their folder in RECONTRAST_REAL_IMAGES")
    return Path(folder)
