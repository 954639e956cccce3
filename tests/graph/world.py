"""A tiny study in a folder of its own, run by a copy of the product that a test may change."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import warm
import yaml
from recontrast.phantom import cohort

CHECKOUT = Path(__file__).parents[2]
CONTRASTS = ("T1w", "T2w", "FLAIR")
PRODUCT = ("Snakefile", "config.yaml", "rules", "envs", "profiles", "studies", "workflow")

# Which jobs run does not depend on how well tools and methods work: these take no time, and a line needs no torch.
QUICK = {
    "backends/embedded/correct_bias": """
def correct_bias(image, shrink):
    return image.get_fdata(dtype="float32") / shrink
""",
    "backends/embedded/extract_brain": """
from scipy import ndimage

def extract_brain(image, contrast, threshold):
    data = image.get_fdata()
    head = ndimage.binary_fill_holes(data > 0.2 * data.max())
    return ndimage.binary_erosion(head, iterations=3)
""",
    "backends/embedded/register": """
import numpy as np

def register(moving, reference, moving_mask, reference_mask, dof):
    return np.eye(4)
""",
    "backends/embedded/warp_template": """
import numpy as np
from ..warps import Warp
from .template import template

def warp_template(image, mask, matrix):
    grid = template()
    up = np.broadcast_to([0, 0, 25.0], (*grid.shape, 3))
    return Warp(up, grid.affine), Warp(-up, grid.affine)
""",
    "methods/patch_to_voxel": """
import numpy as np
from ..models.interface import Model

def margin(recipe):
    return 0

def _columns(volumes):
    return np.stack([*volumes.inputs, np.ones(volumes.mask.shape)], axis=-1)

def fit(cohort, recipe, run):
    columns = np.concatenate([_columns(one)[one.mask] for one in cohort.training])
    target = np.concatenate([one.target[one.mask] for one in cohort.training])
    slopes = np.linalg.lstsq(columns, target, rcond=None)[0]
    losses = [{"epoch": 1, "training": float(np.mean((columns @ slopes - target) ** 2)), "validation": None}]
    return Model({"slopes": slopes.astype(np.float32)}, {}, losses, 1)

def predict(model, volumes, recipe, run):
    return (_columns(volumes) @ model.weights["slopes"]).astype(np.float32)

def applied(model, volumes, recipe, run):
    from ..trainer import device  # what imports it asks for a GPU, as networks do
""",
}


@dataclass
class World:
    """A copy of the product, a cohort of four tiny heads (the last without FLAIR), a study and its output.

    The folders are the same for every test, as raw paths are part of what a job depends on.
    """

    root: Path

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def bids(self) -> Path:
        return self.root / "bids"

    @property
    def package(self) -> Path:
        return self.root / "product/workflow/recontrast"

    def study(self, **changes: object) -> None:
        """Change keys of the study file."""
        file = self.root / "study.yaml"
        content = yaml.safe_load(file.read_text())
        for key, value in changes.items():
            content[key] = content.get(key, {}) | value if isinstance(value, dict) else value
        file.write_text(yaml.safe_dump(content, sort_keys=False))

    def recontrast(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run a command of the copy of the product."""
        environment = os.environ | {"PYTHONPATH": str(self.package.parent), "OMP_NUM_THREADS": "1"}
        command = [warm.folder() / "recontrast", *arguments]
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True)

    def run(self, *arguments: str, status: int = 0) -> set[str]:
        """Run the study and return the jobs that ran, such as `register sub-01_from-T2w_to-T1w`."""
        logs = {path: path.stat().st_mtime_ns for path in (self.out / "logs").rglob("*.log")}
        done = self.recontrast("run", "--study", "study.yaml", *arguments)
        assert done.returncode == status, done.stdout + done.stderr
        ran = [p for p in (self.out / "logs").rglob("*.log") if p.stat().st_mtime_ns != logs.get(p)]
        return {job(path.relative_to(self.out / "logs")) for path in ran}


def job(log: Path) -> str:
    """`step unit` from a log's path."""
    step = log.parts[1]
    return step.removesuffix(".log") if len(log.parts) == 2 else f"{step} {log.stem}"


def build(root: Path, people: int, scanned: tuple[str, ...], without_flair: int, **changes: object) -> Path:
    """Make a world and run its study."""
    make(root, people, scanned, without_flair, **changes).run()
    kept = root.with_name("kept")
    shutil.move(root, kept)
    return kept


def make(root: Path, people: int, scanned: tuple[str, ...], without_flair: int, **changes: object) -> World:
    """A copy of the product, a cohort and a study from T1w and T2w to FLAIR, with changes."""
    world = World(root)
    for name in PRODUCT:
        source, target = CHECKOUT / name, root / "product" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        target.parent.mkdir(parents=True, exist_ok=True)
        copy(source, target)
    for name, source in QUICK.items():
        (world.package / f"{name}.py").write_text(source)
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
        "report": {"viewer": False},  # no job of its own
    } | changes
    (root / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    return world
