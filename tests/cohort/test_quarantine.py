"""The record of failures: units, replacement, expiry, many writers."""

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from recontrast.cohort import quarantine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    states = {"anatomy": {"sub-01": "a", "sub-02_ses-1": "b"}, "training": {"Fcn_fold-1": "c"}}
    (tmp_path / "cohort").mkdir()
    (tmp_path / "cohort/plan.json").write_text(json.dumps({"states": states}))
    return tmp_path


@pytest.mark.parametrize(
    ("unit", "parts"),
    [
        ("sub-01_T2w", ("sub-01", "T2w")),
        ("sub-01_ses-2_acq-se_space-FLAIR_T1w", ("sub-01_ses-2", "acq-se_T1w")),
        ("sub-01_from-T2w_to-T1w", ("sub-01", "from-T2w")),
        ("sub-01_ses-2_space-T1w", ("sub-01_ses-2", "")),
        ("sub-01_space-T1w_desc-Fcn_FLAIR", ("sub-01", "desc-Fcn")),
        ("sub-01_space-T1w_map-Proto-ssim", ("sub-01", "map-Proto-ssim")),
        ("sub-01_space-T1w_influence-Kspace-p3s", ("sub-01", "influence-Kspace-p3s")),
        ("Fcn_fold-1", ("", "Fcn_fold-1")),
    ],
)
def test_units(unit: str, parts: tuple[str, str]) -> None:
    assert quarantine.split(unit) == parts


def test_a_failure_holds_until_its_state_changes(folder: Path) -> None:
    quarantine.record(folder, "sub-01_T2w", "anatomy register", "no\tbrain\nin it")
    assert quarantine.holds(folder, "sub-01_T2w", "anatomy register").reason == "no brain in it"
    assert quarantine.holds(folder, "sub-01_T1w", "anatomy register") is None
    assert quarantine.holds(folder, "sub-01_T2w", "anatomy resample") is None
    plan = json.loads((folder / "cohort/plan.json").read_text())
    plan["states"]["anatomy"]["sub-01"] = "mended"
    (folder / "cohort/plan.json").write_text(json.dumps(plan))
    assert quarantine.holds(folder, "sub-01_T2w", "anatomy register") is None


def test_a_newer_failure_replaces_an_older_one(folder: Path) -> None:
    quarantine.record(folder, "sub-01_T2w", "anatomy register", "first")
    quarantine.record(folder, "sub-01_T2w", "anatomy register", "second")
    quarantine.record(folder, "Fcn_fold-1", "training train", "no end")
    assert [(f.session, f.item, f.reason, f.state) for f in quarantine.read(folder)] == [
        ("", "Fcn_fold-1", "no end", "c"),
        ("sub-01", "T2w", "second", "a"),
    ]


def test_what_the_plan_cannot_do_without_is_not_recorded(folder: Path) -> None:
    quarantine.record(folder, "index", "report index", "broken")
    assert quarantine.read(folder) == []
    assert quarantine.holds(folder, "index", "report index") is None


def test_many_steps_may_fail_at_once(folder: Path) -> None:
    units = [f"sub-01_run-{n}_T1w" for n in range(20)]
    with ProcessPoolExecutor(4) as pool:
        for future in [pool.submit(quarantine.record, folder, u, "anatomy resample", "why") for u in units]:
            future.result()
    assert len(quarantine.read(folder)) == len(units)
