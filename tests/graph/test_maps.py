"""Maps of diffusion in the graph: made where there is a series, used as inputs, and made again as it changes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_reruns import TABLES, change_image, pages
from world import World, build

EVERYONE = ("sub-01", "sub-02", "sub-03")
EXPERIMENT = {
    "method": "patch_to_voxel",
    "inputs": ["T1w", "MD", "FA", "S0"],
    "target": "FLAIR",
    "recipe": "quick",
    "overrides": {"epochs": 1},
}


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of maps after its first run."""
    return build(
        tmp_path_factory.mktemp("maps") / "world",
        3,
        ("T1w", "FLAIR", "DWI"),
        0,
        contrasts={name: {"suffix": name} for name in ("T1w", "FLAIR")},
        experiments={"Patch": EXPERIMENT},
        diffusion={"dwi": {"suffix": "dwi"}, "motion": "keep"},
    )


def after_training(world: World, label: str) -> set[str]:
    """What follows from other inputs of one person: the other fold's model, and whom it or the person shows."""
    table = pd.read_csv(world.out / "cohort/splits.tsv", sep="\t", dtype=str)
    fold = dict(zip(table["participant_id"], table["fold"], strict=True))
    trained = {other for other in fold.values() if other != fold[label]}
    shown = {label} | {who for who in EVERYONE if fold[who] in trained}
    jobs = {f"train Patch_fold-{other}" for other in trained} | TABLES | pages(*shown)
    return jobs | {
        job
        for who in shown
        for job in (f"synthesize {who}_space-T1w_desc-Patch_FLAIR", f"score {who}_desc-Patch")
    }


def test_nothing_changed(world: World) -> None:
    assert world.run() == set()
    # The upper of two shells, which enters no tensor, is not worked on.
    corrected = np.loadtxt(world.out / "work/sub-01/dwi/sub-01_desc-corrected_dwi.bval")
    acquired = np.loadtxt(world.bids / "sub-01/dwi/sub-01_dwi.bval")
    assert corrected.tolist() == acquired[acquired <= 1200].tolist()
    assert len(corrected) < len(acquired)


@pytest.mark.parametrize("changed", ["series", pytest.param("directions", marks=pytest.mark.full)])
def test_the_series_or_its_directions_changed(world: World, changed: str) -> None:
    series = world.bids / "sub-01/dwi/sub-01_dwi.nii.gz"
    rerun = {"correct_motion sub-01_dwi", "fit_tensor sub-01_dwi"}
    rerun |= {"register sub-01_from-dwi_to-T1w", "resample_maps sub-01_space-T1w_dwi"}
    if changed == "series":
        change_image(series)
        rerun.add("extract_brain sub-01_dwi")  # on the mean of the unweighted volumes
    else:
        table = series.with_name("sub-01_dwi.bvec")
        rows = table.read_text().splitlines()
        table.write_text("\n".join([rows[1], rows[0], rows[2]]) + "\n")
    assert world.run() == rerun | after_training(world, "sub-01")


def test_a_truncated_series_costs_its_maps_alone(world: World) -> None:
    series = world.bids / "sub-01/dwi/sub-01_dwi.nii.gz"
    before = {p: p.read_bytes() for p in world.out.glob("sub-01/anat/*preproc*.nii.gz")}
    series.write_bytes(series.read_bytes()[: series.stat().st_size // 2])
    world.run(status=1)
    failed = pd.read_csv(world.out / "cohort/quarantine.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert failed[["session", "item", "step"]].values.tolist() == [["sub-01", "dwi", "cohort check"]]
    assert {p: p.read_bytes() for p in before} == before
    scored = pd.read_csv(world.out / "evaluation/metrics.tsv", sep="\t")["participant_id"]
    assert set(scored) == {"sub-02", "sub-03"}
    assert "Patch: not possible without MD, FA, S0" in world.recontrast("status", "out").stdout


@pytest.mark.full
def test_a_table_that_does_not_fit_costs_its_maps_alone(world: World) -> None:
    table = world.bids / "sub-03/dwi/sub-03_dwi.bval"
    table.write_text(" ".join(table.read_text().split()[1:]) + "\n")
    world.run(status=1)
    failed = pd.read_csv(world.out / "cohort/quarantine.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert failed[["session", "item", "step"]].values.tolist() == [["sub-03", "dwi", "cohort check"]]
    assert "b-values for a series of 66 volumes" in failed["reason"][0]
    assert (world.out / "report/sessions/sub-03.html").is_file()
