"""Small BIDS folders made of tiny images."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_images import tiny

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """`put("sub-01_ses-1_T1w")` makes that image in its place under `tmp_path/bids`."""

    def place(name: str, content: bytes | None = None, *, root: str = "bids", folder: str = "") -> Path:
        labels = [part for part in name.split("_") if part.startswith(("sub-", "ses-"))]
        path = tmp_path / root / (folder or "/".join([*labels, "anat"])) / name
        path = path if name.endswith(".nii") else path.with_name(f"{name}.nii.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tiny(sum(map(ord, name))) if content is None else content)
        return path

    return place
