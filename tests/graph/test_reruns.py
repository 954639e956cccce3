"""Only what has changed runs again: the exact jobs for every kind of change."""

import os
import shutil
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from recontrast.phantom import cohort
from world import CONTRASTS, World

OWNERS = ("sub-01", "sub-02", "sub-03")  # those who have the target
EVERYONE = (*OWNERS, "sub-04")
TABLES = {"collect", "summarize", "compare"}


@pytest.fixture
def newcomer(world: World, tmp_path: Path) -> Path:
    """A fifth person, with all contrasts, who is not in the cohort yet."""
    cohort.make(tmp_path / "more", participants=5, voxel=6.0, contrasts=CONTRASTS, without_flair=0)
    return tmp_path / "more/sub-05"


def pages(*labels: str) -> set[str]:
    return {f"session_page {label}" for label in labels} | {"index"}


def scores(*labels: str, experiment: str = "Patch") -> set[str]:
    return {f"score {label}_desc-{experiment}" for label in labels}


def syntheses(*labels: str, experiment: str = "Patch") -> set[str]:
    return {f"synthesize {label}_space-T1w_desc-{experiment}_FLAIR" for label in labels}


def preparation(label: str, *contrasts: str) -> set[str]:
    """The jobs that prepare contrasts of one person, those that find the brain among them with the T1w."""
    jobs = {f"correct_bias {label}_{c}" for c in contrasts} | {
        f"resample {label}_space-T1w_{c}" for c in contrasts
    }
    jobs |= {f"register {label}_from-{c}_to-T1w" for c in contrasts if c != "T1w"}
    return jobs | (
        {f"extract_brain {label}_T1w", f"carry_mask {label}_space-T1w"} if "T1w" in contrasts else set()
    )


def folds(world: World) -> dict[str, str]:
    """Who is predicted in which fold."""
    table = pd.read_csv(world.out / "cohort/splits.tsv", sep="\t", dtype=str)
    return dict(zip(table["participant_id"], table["fold"], strict=True))


def models_with(world: World, label: str) -> set[str]:
    """The training jobs of the models that one person trains."""
    own = folds(world)[label]
    return {f"train Patch_fold-{fold}" for fold in ("1", "2", "all") if fold != own}


def predicted_by(world: World, models: set[str]) -> list[str]:
    """Whose images models make."""
    fold = folds(world)
    return [label for label in EVERYONE if f"train Patch_fold-{fold.get(label, 'all')}" in models]


def change_image(path: Path) -> None:
    """Give an image another content of the same size on disk or not."""
    image = nib.load(path)
    data = np.asarray(image.dataobj).copy()
    middle = tuple(slice(n // 2 - 1, n // 2 + 1) for n in data.shape)
    data[middle] = data[middle] * 1.5
    nib.save(nib.Nifti1Image(data, image.affine, image.header), path)


def edit(file: Path, old: str, new: str) -> None:
    """Replace a piece of source, which must be there."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_nothing_changed(world: World) -> None:
    done = world.recontrast("run", "--study", "study.yaml")
    assert done.returncode == 0
    assert "nothing to do" in done.stderr
    assert world.run() == set()


def test_cohort_moved_to_another_folder(world: World) -> None:
    world.bids.rename(world.root / "moved")
    world.study(datasets=[{"path": "moved"}])
    # Other paths with the same images: they are corrected again, to the same bytes; the front page names the folder.
    shading = {f"correct_bias {label}_{c}" for label in OWNERS for c in CONTRASTS}
    assert world.run() == shading | {"correct_bias sub-04_T1w", "correct_bias sub-04_T2w", "index"}


def test_file_touched(world: World) -> None:
    for image in world.bids.rglob("*.nii.gz"):
        os.utime(image, (time.time() + 60, time.time() + 60))
    assert world.run() == set()


@pytest.mark.parametrize("old_mtime", [pytest.param(False, marks=pytest.mark.full), True])
def test_image_replaced(world: World, old_mtime: bool) -> None:
    image = world.bids / "sub-01/anat/sub-01_T2w.nii.gz"
    before = image.stat()
    change_image(image)
    if old_mtime:
        os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    trained = models_with(world, "sub-01")
    shown = {"sub-01", *predicted_by(world, trained)}
    scored = scores(*(shown & set(OWNERS)))
    assert world.run() == (
        preparation("sub-01", "T2w") | trained | syntheses(*shown) | scored | TABLES | pages(*shown)
    )


def test_participant_added_without_target(world: World, newcomer: Path) -> None:
    (newcomer / "anat/sub-05_FLAIR.nii.gz").unlink()
    shutil.copytree(newcomer, world.bids / "sub-05")
    pinned = (world.out / "cohort/splits.tsv").read_text()
    assert world.run() == preparation("sub-05", "T1w", "T2w") | syntheses("sub-05") | pages("sub-05")
    assert (world.out / "cohort/splits.tsv").read_text() == pinned


def test_participant_level_takes_models_as_they_are(world: World, newcomer: Path) -> None:
    (newcomer / "anat/sub-05_FLAIR.nii.gz").unlink()
    shutil.copytree(newcomer, world.bids / "sub-05")
    gone = world.out / "models/Patch/fold-1/model.safetensors"
    gone.unlink()
    ran = world.run(str(world.bids), str(world.out), "participant")
    assert ran == preparation("sub-05", "T1w", "T2w") | syntheses("sub-05")
    assert not gone.exists()


def test_participant_added_with_target_who_does_not_join_training(world: World, newcomer: Path) -> None:
    shutil.copytree(newcomer, world.bids / "sub-05")
    expected = (
        preparation("sub-05", *CONTRASTS) | syntheses("sub-05") | scores("sub-05") | TABLES | pages("sub-05")
    )
    assert world.run() == expected
    assert folds(world)["sub-05"] == "new"


def test_participant_added_with_target_who_joins_training(world: World, newcomer: Path) -> None:
    shutil.copytree(newcomer, world.bids / "sub-05")
    world.study(splits={"include_new": True})
    before = folds(world)
    ran = world.run()
    after = folds(world)
    assert {label: after[label] for label in before} == before
    trained = models_with(world, "sub-05")
    shown = {"sub-05", *predicted_by(world, trained)}
    assert ran == (
        preparation("sub-05", *CONTRASTS)
        | trained
        | syntheses(*shown)
        | scores(*(shown - {"sub-04"}))
        | TABLES
        | pages(*shown)
    )


def test_participant_removed(world: World) -> None:
    trained = models_with(world, "sub-03")
    shown = set(predicted_by(world, trained)) - {"sub-03"}
    if folds(world)["sub-03"] not in {folds(world)[label] for label in ("sub-01", "sub-02")}:
        trained.discard(f"train Patch_fold-{folds(world)['sub-03']}")
    shutil.rmtree(world.bids / "sub-03")
    expected = trained | syntheses(*shown) | scores(*(shown & set(OWNERS))) | TABLES | pages(*shown)
    assert world.run() == expected
    assert "sub-03" not in (world.out / "evaluation/metrics.tsv").read_text()


def test_preprocessing_parameter(world: World) -> None:
    world.study(anatomy={"interpolation": "linear"})
    resampled = {f"resample {label}_space-T1w_{c}" for label in OWNERS for c in CONTRASTS}
    resampled |= {f"resample sub-04_space-T1w_{c}" for c in ("T1w", "T2w")}
    trained = {f"train Patch_fold-{fold}" for fold in ("1", "2", "all")}
    assert world.run() == resampled | trained | syntheses(*EVERYONE) | scores(*OWNERS) | TABLES | pages(
        *EVERYONE
    )


def test_metric_parameter(world: World) -> None:
    world.study(evaluation={"metrics": ["psnr", "ssim"]})
    assert world.run() == scores(*OWNERS) | TABLES | pages(*OWNERS)


def test_experiment_added(world: World) -> None:
    second = {"method": "patch_to_voxel", "inputs": ["T1w"], "target": "FLAIR", "recipe": "quick"}
    world.study(experiments={"Second": second})
    trained = {f"train Second_fold-{fold}" for fold in ("1", "2", "all")}
    made = syntheses(*EVERYONE, experiment="Second") | scores(*OWNERS, experiment="Second")
    assert world.run() == trained | made | TABLES | pages(*EVERYONE)


def test_report_template_edited(world: World) -> None:
    edit(world.package / "report/templates/session.html", "was made</summary>", "was made here</summary>")
    assert world.run() == pages(*EVERYONE)


def test_function_edited(world: World) -> None:
    metrics = world.package / "evaluation/metrics.py"
    edit(metrics, "DATA_RANGE = 1.0", "DATA_RANGE = 0.5 + 0.5")
    # Another tree with the same results: its own jobs run, nothing after them does.
    assert world.run() == scores(*OWNERS)
    edit(metrics, "DATA_RANGE = 0.5 + 0.5", "DATA_RANGE = 2.0")
    assert world.run() == scores(*OWNERS) | TABLES | pages(*OWNERS)


def test_comments_and_docstrings_edited(world: World) -> None:
    for module in world.package.rglob("*.py"):
        module.write_text(module.read_text().replace('"""', '"""Once more: ', 1) + "\n# The end.\n")
    assert world.run() == set()


def test_tool_version_changed(world: World) -> None:
    versions = world.package / "backends/embedded/versions.py"
    text = versions.read_text()
    assert "brainextractor" in text
    versions.write_text(
        text + "\n\n_found = versions\n\n\ndef versions(operation):\n"
        "    return {k: '99' if k == 'brainextractor' else v for k, v in _found(operation).items()}\n"
    )
    # The front page lists versions.
    assert world.run() == {f"extract_brain {label}_T1w" for label in EVERYONE} | {"index"}
