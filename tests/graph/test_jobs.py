"""A job that is a Snakemake of its own, as every job on a cluster, takes up the frozen plan."""

import os
import subprocess
import sys

from world import World


def alone(world: World, job: str, mode: str) -> subprocess.CompletedProcess:
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
    command += ["--ignore-incomplete", "--configfiles", "study.yaml"]
    environment = os.environ | {"PYTHONPATH": str(world.package.parent)}
    return subprocess.run(command, cwd=world.root, env=environment, capture_output=True, text=True)


def test_a_job_reads_the_frozen_plan_and_not_the_cohort(world: World) -> None:
    table = world.out / "evaluation/sessions/sub-01_desc-Patch_metrics.tsv"
    before = table.read_bytes()
    frozen = {path: path.stat().st_mtime_ns for path in (world.out / "cohort").rglob("*")}
    table.unlink()
    world.bids.rename(world.root / "elsewhere")
    (world.out / "cohort/splits.tsv").write_text("spoilt")
    frozen |= {path: path.stat().st_mtime_ns for path in (world.out / "cohort").rglob("*.tsv")}
    job = "score:session=sub-01,experiment=Patch"
    assert alone(world, job, "default").returncode != 0  # the main process looks
    for mode in ("remote", "subprocess"):
        table.unlink(missing_ok=True)
        done = alone(world, job, mode)
        assert done.returncode == 0, done.stderr
        assert table.read_bytes() == before
    assert {path: path.stat().st_mtime_ns for path in (world.out / "cohort").rglob("*")} == frozen
