"""The tiny study on a real SLURM on this machine: every job through the queue, one training cancelled midway."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cluster
import pytest
import yaml
from world import World, make

pytestmark = pytest.mark.skipif(bool(cluster.lacking()), reason=cluster.lacking())

EXPERIMENT = {
    "method": "fcn3d",
    "inputs": ["T1w"],
    "target": "FLAIR",
    "recipe": "quick",
    "overrides": {"epochs": 12, "crops_per_epoch": 2},
}
# What a user writes who knows the cluster: this one has no accounting database and no network file system, and
# its people are so small that all steps of their preparation go into one job.
PREPARATION = ("correct_bias", "extract_brain", "carry_mask", "register", "resample")
PROFILE = {
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": 1,
    "seconds-between-status-checks": 1,
    "latency-wait": 5,
    "groups": dict.fromkeys(PREPARATION, "preparation") | {"synthesize": "image", "score": "image"},
}
PATIENCE = 900  # seconds; a busy machine is no failure


@pytest.fixture
def slurm() -> Iterator[dict[str, str]]:
    """The environment of a running cluster."""
    with cluster.start() as environment:
        yield environment


def results(world: World) -> dict[str, bytes]:
    """Everything that a study makes, but logs, the record of what was resolved, and intermediate images."""
    kept = [path for path in world.out.rglob("*") if path.is_file()]
    named = {str(path.relative_to(world.out)): path for path in kept}
    own = ("logs/", "cohort/", ".snakemake/", "work/")
    return {name: path.read_bytes() for name, path in named.items() if not name.startswith(own)}


def wait_for(found: Callable[[], object], run: subprocess.Popen) -> object:
    """What appears while a run lasts."""
    end = time.monotonic() + PATIENCE
    while not (there := found()):
        assert run.poll() is None, "the run has ended already"
        assert time.monotonic() < end
        time.sleep(0.05)
    return there


def end(run: subprocess.Popen) -> None:
    """End a run that a failed test leaves behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def variables(step: str, world: World) -> dict[str, str] | None:
    """The environment of a running job of a step of this world, in which SLURM names the GPU."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"\0step\0--log\0logs/{step}/".encode() in (process / "cmdline").read_bytes():
                pairs = (process / "environ").read_bytes().decode().split("\0")
                found = dict(pair.partition("=")[::2] for pair in pairs if pair)
                if found.get("PYTHONPATH") == str(world.package.parent):
                    return found
        except OSError:  # it has ended
            continue
    return None


@pytest.mark.parametrize("until", ["summarize", pytest.param("", marks=pytest.mark.full)])
def test_a_study_on_a_cluster_ends_in_the_same_bytes(
    until: str, tmp_path: Path, slurm: dict[str, str], request: pytest.FixtureRequest
) -> None:
    asked = ["--", "--until", until] if until else []
    contrasts = {name: {"suffix": name} for name in ("T1w", "FLAIR")}
    study = {"contrasts": contrasts, "experiments": {"Fcn": EXPERIMENT}}
    world = make(tmp_path / "world", 2, ("T1w", "FLAIR"), 0, **study)
    loop = world.package / "trainer/loop.py"
    text = loop.read_text()
    assert "CHECKPOINT_SECONDS = 20.0" in text
    loop.write_text(text.replace("CHECKPOINT_SECONDS = 20.0", "CHECKPOINT_SECONDS = 0.0"))
    (world.root / "mine").mkdir()
    (world.root / "mine/config.yaml").write_text(yaml.safe_dump(PROFILE))
    world.run(*asked)
    expected = results(world)
    shutil.rmtree(world.out)

    environment = slurm | {"PYTHONPATH": str(world.package.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", "from recontrast.cli import main; main()"]
    command += ["run", "--study", "study.yaml", "--profile", "slurm", "./mine", *asked]

    def queue(form: str) -> list[list[str]]:
        command = ["squeue", "--noheader", "--states=all", f"--format={form}"]
        return [line.split() for line in subprocess.check_output(command, env=slurm, text=True).splitlines()]

    said = tmp_path / "said.txt"
    with open(said, "w") as file:
        run = subprocess.Popen(command, cwd=world.root, env=environment, stdout=file, stderr=file,
                               start_new_session=True)  # fmt: skip
    request.addfinalizer(lambda: end(run))
    checkpoint = wait_for(lambda: next((world.out / "work/training").glob("*/*.safetensors"), None), run)
    seen = wait_for(lambda: variables("training/train", world), run)
    assert seen["CUDA_VISIBLE_DEVICES"] == "0"
    trainings = [(job, state) for job, state, name in queue("%i %T %k") if name.startswith("rule_train_")]
    running = [job for job, state in trainings if state == "RUNNING"]
    assert len(running) == 1, trainings  # there is one GPU, and each training asks for one
    subprocess.check_call(["scancel", *running], env=slurm)
    assert run.wait(PATIENCE) == 0, said.read_text()[-4000:]

    model = checkpoint.parent.name
    assert "resuming after epoch" in (world.out / f"logs/training/train/{model}.log").read_text()
    assert results(world) == expected
    tries = [
        job[1:]
        for job in queue("%k %T %m %l")
        if job[0] == f"rule_train_wildcards_{model}".replace("fold-", "")
    ]
    assert sorted(tries) == [["CANCELLED", "16000M", "12:00:00"], ["COMPLETED", "32000M", "1-00:00:00"]]
