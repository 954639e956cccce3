"""The product as its user meets it: a real cohort from BIDS to a report, and the wheel without a checkout."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from recontrast import layout

CHECKOUT = Path(__file__).parents[2]


class Links(HTMLParser):
    """The places that a page refers to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attributes if name in ("href", "src") and value}


def run(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from recontrast.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def outcome(real_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real people: from raw heads to a report."""
    folder = tmp_path_factory.mktemp("real")
    for label in ("sub-03", "sub-05"):
        shutil.copytree(real_images / "aging" / label, folder / "bids" / label)
    shutil.copy(real_images / "aging/dataset_description.json", folder / "bids")
    done = run("run", folder / "bids", folder / "out", "group", "--target", "FLAIR")
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"report: {folder / 'out/report/index.html'}" in done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def grown(outcome: Path, real_images: Path) -> Path:
    """The same after a third one came, without the FLAIR."""
    bids = outcome.parent / "bids"
    shutil.copytree(real_images / "aging/sub-07", bids / "sub-07")
    (bids / "sub-07/anat/sub-07_FLAIR.nii.gz").unlink()
    done = run("run", bids, outcome, "group", "--target", "FLAIR")
    assert done.returncode == 0, done.stderr[-3000:]
    return outcome


def check_images(outcome: Path, *labels: str) -> None:
    """Assert that the synthetic FLAIR of some people is one."""
    for label in labels:
        (image,) = outcome.glob(f"{label}/anat/{label}_space-T1w_desc-FLAIRfcn3d_FLAIR.nii.gz")
        facts = json.loads(image.with_name(image.name.replace(".nii.gz", ".json")).read_text())
        assert facts["Synthetic"] is True
        mask = nib.load(image.with_name(f"{label}_space-T1w_desc-brain_mask.nii.gz")).get_fdata() > 0
        made = nib.load(image).get_fdata()
        assert np.all(made[~mask] == 0)
        assert 700 < np.median(made[mask]) < 1300


@pytest.mark.real
def test_everyone_gets_the_target(outcome: Path) -> None:
    check_images(outcome, "sub-03", "sub-05")


@pytest.mark.real
def test_scores_are_out_of_fold_and_sensible(outcome: Path) -> None:
    metrics = pd.read_csv(outcome / "evaluation/metrics.tsv", sep="\t", dtype={"fold": str})
    assert list(metrics) == [
        "participant_id",
        "session_id",
        "experiment",
        "fold",
        "region",
        "metric",
        "value",
    ]
    assert set(metrics["participant_id"]) == {"sub-03", "sub-05"}
    for person, fold in metrics.groupby("participant_id")["fold"].first().items():
        card = json.loads((outcome / f"models/FLAIRfcn3d/fold-{fold}/model.json").read_text())
        assert person not in json.dumps(card["sessions"])
    assert metrics.query("metric == 'psnr'")["value"].between(10, 40).all()


@pytest.mark.real
def test_every_link_of_the_report_leads_somewhere(outcome: Path) -> None:
    pages = list((outcome / "report").rglob("*.html"))
    assert len(pages) >= 5
    for page in pages:
        for link in Links(page).found:
            target = link.partition("#")[0]
            if target and not re.match(r"[a-z]+:", target):
                assert (page.parent / target).exists(), f"{page}: {link}"


@pytest.mark.real
def test_what_only_trainings_shared_is_gone(outcome: Path) -> None:
    assert list((outcome / "work").iterdir())
    assert not (outcome / layout.PACKED).exists()


@pytest.mark.real
def test_run_again_does_nothing(outcome: Path) -> None:
    bids = outcome.parent / "bids"
    done = run("run", bids, outcome, "group", "--target", "FLAIR")
    assert done.returncode == 0
    assert "nothing to do" in done.stderr


@pytest.mark.full
@pytest.mark.real
def test_who_comes_without_the_target_gets_it_and_changes_nobody(outcome: Path, request) -> None:
    before = {path: path.read_bytes() for path in outcome.glob("models/*/fold-[12]/model.safetensors")}
    assert len(before) == 2
    request.getfixturevalue("grown")
    check_images(outcome, "sub-07")
    assert (outcome / "models/FLAIRfcn3d/fold-all/model.safetensors").is_file()
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.full
@pytest.mark.real
def test_participant_level_applies_models_that_are_there(
    grown: Path, real_images: Path, tmp_path: Path
) -> None:
    shutil.copytree(real_images / "aging/sub-09", tmp_path / "bids/sub-09")
    (tmp_path / "bids/sub-09/anat/sub-09_FLAIR.nii.gz").unlink()
    models = tmp_path / "out/models/FLAIRfcn3d"
    shutil.copytree(grown / "models/FLAIRfcn3d/fold-all", models / "fold-all")
    before = (models / "fold-all/model.safetensors").read_bytes()
    study = grown / "cohort/study.yaml"
    done = run("run", tmp_path / "bids", tmp_path / "out", "participant", "--study", study)
    assert done.returncode == 0, done.stderr[-3000:]
    assert list((tmp_path / "out").glob("sub-09/anat/*desc-FLAIRfcn3d_FLAIR.nii.gz"))
    assert (models / "fold-all/model.safetensors").read_bytes() == before
    assert not (tmp_path / "out/report").exists()


def test_the_wheel_runs_without_a_checkout(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path / "wheel", CHECKOUT], check=True)
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    captions = {f"recontrast/workflow/rules/captions/{c.name}" for c in CHECKOUT.glob("rules/captions/*.rst")}
    assert captions
    assert captions <= set(zipfile.ZipFile(wheel).namelist())
    subprocess.run([*pip, "install", "--no-deps", "--target", tmp_path / "site", wheel], check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); from recontrast.cli import main;"
        "from recontrast.places import ROOT; assert 'site' in str(ROOT); main()"
    )
    make = [
        sys.executable,
        "-c",
        code,
        "phantom",
        "bids",
        "--participants",
        "3",
        "--voxel",
        "8",
        "--without-flair",
        "1",
    ]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    command = [sys.executable, "-c", code, "run", "bids", "out", "group", "--target", "FLAIR", "--dry-run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for rule in ("correct_bias", "train", "session_page", "index"):
        assert rule in done.stdout + done.stderr
