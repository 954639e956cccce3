"""The tiny study after its first run, copied for every test that changes something about it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from recontrast.phantom import cohort
from world import CHECKOUT, CONTRASTS, PRODUCT, World

# Which jobs run does not depend on how well the tools work: these take no time.
QUICK = {
    "correct_bias": """
def correct_bias(image, shrink):
    return image.get_fdata(dtype="float32") / shrink
""",
    "extract_brain": """
from scipy import ndimage

def extract_brain(image, contrast, threshold):
    data = image.get_fdata()
    head = ndimage.binary_fill_holes(data > 0.2 * data.max())
    return ndimage.binary_erosion(head, iterations=3)
""",
    "register": """
import numpy as np

def register(moving, reference, moving_mask, reference_mask, dof):
    return np.eye(4)
""",
}


def build(root: Path, people: int, scanned: tuple[str, ...], without_flair: int, **changes: object) -> Path:
    """Make a copy of the product, a cohort and a study from T1w and T2w to FLAIR, with changes; run it."""
    world = World(root)
    for name in PRODUCT:
        source, target = CHECKOUT / name, root / "product" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        target.parent.mkdir(parents=True, exist_ok=True)
        copy(source, target)
    for name, source in QUICK.items():
        (world.package / f"backends/embedded/{name}.py").write_text(source)
    cohort.make(world.bids, participants=people, voxel=6.0, contrasts=scanned, without_flair=without_flair)
    experiment = {
        "method": "patch_to_voxel",
        "inputs": ["T1w", "T2w"],
        "target": "FLAIR",
        "recipe": "quick",
        "overrides": {"epochs": 1},
    }
    study = {
        "output": "out",
        "datasets": [{"path": "bids"}],
        "contrasts": {name: {"suffix": name} for name in CONTRASTS},
        "reference": "T1w",
        "experiments": {"Patch": experiment},
        "splits": {"folds": 2, "validation": 0},
        "anatomy": {"template": False, "tissues": False},
        "training": {"threads": 1},
    } | changes
    (root / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    world.run()
    kept = root.with_name("kept")
    shutil.move(root, kept)
    return kept


@pytest.fixture(scope="session")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny study after its first run, kept as it is."""
    return build(tmp_path_factory.mktemp("graph") / "world", 4, CONTRASTS, 1)


@pytest.fixture
def world(baseline: Path) -> Iterator[World]:
    """A fresh copy of the tiny study after its first run."""
    root = baseline.with_name("world")
    shutil.copytree(baseline, root, symlinks=True)
    yield World(root)
    shutil.rmtree(root)
