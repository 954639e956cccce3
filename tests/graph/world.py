"""A tiny study in a folder of its own, run by a copy of the product that a test may change."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).parents[2]
CONTRASTS = ("T1w", "T2w", "FLAIR")
PRODUCT = ("Snakefile", "config.yaml", "rules", "envs", "profiles", "studies", "workflow")


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
        command = [sys.executable, "-c", "from recontrast.cli import main; main()", *arguments]
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
