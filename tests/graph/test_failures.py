"""One failure costs one: the others' results, the tables and the report are complete, and who is mended comes back."""

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pandas as pd
import psutil
import pytest
from world import World


def failures(world: World) -> pd.DataFrame:
    return pd.read_csv(world.out / "cohort/quarantine.tsv", sep="\t", dtype=str, keep_default_na=False)


def content(world: World, *patterns: str) -> dict[str, bytes]:
    """The bytes of results."""
    files = [path for pattern in patterns for path in world.out.glob(pattern)]
    return {str(path.relative_to(world.out)): path.read_bytes() for path in files}


RESULTS = ("models/*/*/*", "sub-*/anat/*", "evaluation/**/*.tsv", "tables/*")


def test_a_corrupt_file_costs_its_image_and_comes_back_when_mended(world: World) -> None:
    image = world.bids / "sub-02/anat/sub-02_T2w.nii.gz"
    whole, before = image.read_bytes(), content(world, *RESULTS)
    image.write_bytes(whole[: len(whole) // 2])
    world.run(status=1)
    (failure,) = failures(world).to_dict("records")
    assert (failure["session"], failure["item"], failure["step"]) == ("sub-02", "T2w", "cohort check")
    metrics = pd.read_csv(world.out / "evaluation/metrics.tsv", sep="\t")
    assert set(metrics["participant_id"]) == {"sub-01", "sub-03"}
    page = (world.out / "report/index.html").read_text()
    assert "sub-02" in page
    assert "cannot be read" in page or "not a readable" in page or "cut short" in page or "end" in page
    image.write_bytes(whole)
    world.run(status=0)
    assert failures(world).empty
    assert content(world, *RESULTS) == before


def test_a_step_that_fails_on_its_data_is_planned_around(world: World) -> None:
    image = world.bids / "sub-01/anat/sub-01_T2w.nii.gz"
    scan = nib.load(image)
    # Readable, but empty where the head is: nothing that a check of files could find.
    data = np.zeros(scan.shape, np.float32)
    data[0, 0, :] = np.arange(scan.shape[2])
    whole = image.read_bytes()
    nib.save(nib.Nifti1Image(data, scan.affine), image)
    world.run(status=1)
    (failure,) = failures(world).to_dict("records")
    assert (failure["session"], failure["item"], failure["step"]) == ("sub-01", "T2w", "anatomy resample")
    assert "no signal" in failure["reason"]
    assert (world.out / "sub-01/anat/sub-01_space-T1w_desc-preproc_T1w.nii.gz").exists()
    status = world.recontrast("status", "out")
    assert status.returncode == 1
    assert "no signal" in status.stdout
    assert "$ recontrast step anatomy resample" in status.stdout
    assert world.run(status=1) == set()
    image.write_bytes(whole)
    assert "resample sub-01_space-T1w_T2w" in world.run(status=0)
    assert failures(world).empty


def test_a_failure_that_stops_the_run_is_told_by_status(world: World) -> None:
    step = world.package / "evaluation/collect.py"
    whole = step.read_text()
    step.write_text(
        whole + "\n\ndef collect(*, scores: Path, output: Path) -> None:\n    raise OSError(28, 'full')\n"
    )
    world.run("--", "--retries", "0", status=1)
    assert failures(world).empty
    status = world.recontrast("status", "out")
    assert status.returncode == 1
    assert "failed: evaluation collect: a file: full; make room there" in status.stdout
    step.write_text(whole)
    world.run(status=0)
    status = world.recontrast("status", "out")
    assert status.returncode == 0, status.stdout
    assert "not done" not in status.stdout


def started(world: World, **options: object) -> psutil.Popen:
    """A run in a process of its own, and no fork of a warm one: it will be killed."""
    command = [
        sys.executable,
        "-c",
        "from recontrast.cli import main; main()",
        "run",
        "--study",
        "study.yaml",
    ]
    environment = os.environ | {"PYTHONPATH": str(world.package.parent)}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return psutil.Popen(command, cwd=world.root, env=environment, **silent, **options)


def test_a_killed_run_goes_on_where_it_was(world: World) -> None:
    before = content(world, *RESULTS)
    for path in ("models", "evaluation", "tables"):
        shutil.rmtree(world.out / path)
    run = started(world, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(world.out.glob("models/*/*/model.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert (world.out / "cohort/lock.json").exists()
    world.run(status=0)
    assert content(world, *RESULTS) == before
    assert not list(world.out.rglob(".partial-*"))


@pytest.mark.full
def test_a_run_that_is_told_to_end_ends_with_all_its_jobs(world: World) -> None:
    for folder in ("models", "logs/training"):
        shutil.rmtree(world.out / folder)
    slow = world.package / "methods/patch_to_voxel.py"
    slow.write_text(
        slow.read_text().replace(
            "def fit(cohort, recipe, run):", "def fit(cohort, recipe, run):\n    import time; time.sleep(600)"
        )
    )
    # As a script does with what it starts in the background.
    run = started(world, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    deadline = time.monotonic() + 120
    while not list(world.out.glob("logs/training/train/*.log")) and time.monotonic() < deadline:
        time.sleep(0.1)
    jobs = run.children(recursive=True)
    run.terminate()  # this process alone, as `kill` or a supervisor does
    assert run.wait(60) == 130
    assert not psutil.wait_procs(jobs, timeout=30)[1]
    assert not (world.out / "cohort/lock.json").exists()


@pytest.mark.full
def test_two_runs_do_not_write_to_one_folder(world: World) -> None:
    (world.bids / "sub-01/anat/sub-01_T2w.nii.gz").unlink()
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys; from pathlib import Path; from recontrast import lock;"
         "lock.acquire(Path(sys.argv[1])); print('held', flush=True); input()", world.out],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout.readline() == "held\n"
    world.study(evaluation={"metrics": ["mae"]})
    before = content(world, *RESULTS, "cohort/study*")
    done = world.recontrast("run", "--study", "study.yaml")
    assert done.returncode == 2
    assert f"another run is writing to this folder (process {holder.pid}" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert content(world, *RESULTS, "cohort/study*") == before
    holder.communicate("\n")
    assert world.run(status=0)


@pytest.mark.parametrize("made", ["evaluation", pytest.param("", marks=pytest.mark.full)])
def test_plain_snakemake_does_the_same(world: World, made: str) -> None:
    before = content(world, *RESULTS)
    shutil.rmtree(world.out / made)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(world.root / "product/Snakefile")]
    command += ["--cores", "2", "--configfile", "study.yaml"]
    environment = os.environ | {"PYTHONPATH": str(world.package.parent)}
    done = subprocess.run(command, cwd=world.root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert content(world, *RESULTS) == before
    assert world.run(status=0) == set()


@pytest.mark.parametrize("kind", ["text", "truncated", "4-D", "NaN", "constant", "affine", "slice"])
def test_images_that_cannot_be_used_take_one_clear_line(world: World, kind: str) -> None:
    image = world.bids / "sub-04/anat/sub-04_T2w.nii.gz"
    scan = nib.load(image)
    data, affine = np.asarray(scan.dataobj, np.float32), scan.affine
    spoilt = {
        "4-D": (np.stack([data, data], -1), affine),
        "NaN": (np.where(data > data.mean(), np.nan, data), affine),
        "constant": (np.ones_like(data), affine),
        "affine": (data, np.diag([0, 0, 0, 1.0])),
        "slice": (data[:, :, :1], affine),
    }
    if kind in spoilt:
        broken = nib.Nifti1Image(spoilt[kind][0], None)
        broken.header.set_sform(spoilt[kind][1], code=1)
        nib.save(broken, image)
    elif kind == "text":
        image.write_bytes(gzip.compress(b"this is no image"))
    else:
        image.write_bytes(image.read_bytes()[:2000])
    done = world.recontrast("plan", "--study", "study.yaml")
    assert done.returncode == 1
    lines = [line for line in done.stdout.splitlines() if line.startswith("cannot be used:")]
    assert len(lines) == 1
    assert str(image) in lines[0]
    assert "; " in lines[0]  # what to do about it
