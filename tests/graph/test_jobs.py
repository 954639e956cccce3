"""A job that is a Snakemake of its own takes up the frozen plan; trainings of one machine share no GPU."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from world import World


def alone(world: World, job: str, mode: str, folder: Path) -> subprocess.CompletedProcess:
    """Run one job as an executor does: by a Snakemake that reads the Snakefile again."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(world.root / "product/Snakefile")]
    command += [
        "--target-jobs",
        job,
        "--allowed-rules",
        job.partition(":")[0],
        "--mode",
        mode,
        "--cores",
        "1",
    ]
    command += ["--force", "--target-files-omit-workdir-adjustment", "--no-hooks", "--nolock"]
    command += ["--ignore-incomplete", "--configfiles", str(world.root / "study.yaml")]
    environment = os.environ | {"PYTHONPATH": str(world.package.parent)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_job_reads_the_frozen_plan_and_not_the_cohort(world: World) -> None:
    table = world.out / "evaluation/sessions/sub-01_desc-Patch_metrics.tsv"
    before = table.read_bytes()
    frozen = {path: path.stat().st_mtime_ns for path in (world.out / "cohort").rglob("*")}
    table.unlink()
    world.bids.rename(world.root / "elsewhere")
    (world.out / "cohort/splits.tsv").write_text("spoilt")
    frozen |= {path: path.stat().st_mtime_ns for path in (world.out / "cohort").rglob("*.tsv")}
    job = "score:session=sub-01,experiment=Patch"
    assert alone(world, job, "default", world.root).returncode != 0  # the main process looks
    for mode, folder in (("remote", world.root), ("subprocess", world.out)):
        table.unlink(missing_ok=True)
        done = alone(world, job, mode, folder)
        assert done.returncode == 0, done.stderr
        assert table.read_bytes() == before
    assert {path: path.stat().st_mtime_ns for path in (world.out / "cohort").rglob("*")} == frozen


@pytest.mark.parametrize("per_gpu", [1, 2])
def test_two_trainings_share_the_gpu_of_this_machine_only_if_the_study_says_so(
    world: World, per_gpu: int
) -> None:
    resources = world.package / "resources.py"
    text = resources.read_text()
    assert 'DEVICES = ("nvidia[0-9]*",' in text
    resources.write_text(
        text.replace('DEVICES = ("nvidia[0-9]*",', 'DEVICES = ("null",')
    )  # it counts as a GPU
    world.study(training={"per_gpu": per_gpu, "seed": 2})
    done = world.recontrast("run", "--study", "study.yaml", "--cores", "3", "--", "--until", "train")
    events = re.findall(r"^(?:local)?rule train:|^Finished job.*Rule: train", done.stderr, re.MULTILINE)
    running = [0]
    for event in events:
        running.append(running[-1] + (1 if event.endswith("rule train:") else -1))
    assert len(events) == 6, done.stderr
    assert max(running) == per_gpu
