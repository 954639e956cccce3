"""Every way to lesions through the graph, on tiny heads without experiments: growth, a tool, a network, filling.

How well they are found does not show here, as the tools of this world take no care.
"""

import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from world import World, build

pytestmark = pytest.mark.full

PEOPLE = ("sub-01", "sub-02", "sub-03")
TOOL = """
import sys
import nibabel as nib
flair, output = sys.argv[1:]
image = nib.load(flair)
nib.save(nib.Nifti1Image((image.get_fdata() > 1300).astype("uint8"), image.affine), output)
"""


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three heads with lesions drawn by hand, found by growth."""
    return build(
        tmp_path_factory.mktemp("lesions") / "world",
        len(PEOPLE),
        ("T1w", "FLAIR"),
        0,
        contrasts={name: {"suffix": name} for name in ("T1w", "FLAIR")},
        masks={"drawn": {"of": "FLAIR", "label": "lesion", "space": "FLAIR"}},
        lesions={"method": "lga", "manual": "drawn"},
        anatomy={"template": True, "tissues": True},
        splits={"scheme": "leave-one-out", "validation": 0},
        experiments={},
    )


def found(world: World, label: str) -> np.ndarray:
    return array(world.out / f"{label}/anat/{label}_space-T1w_label-lesion_desc-acquired_mask.nii.gz") > 0


def array(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


def assert_judged(world: World) -> None:
    """The table has the Dice of the very masks that lie there."""
    scores = pd.read_csv(world.out / "evaluation/lesions.tsv", sep="\t")
    own = scores[scores["metric"] == "lesion_dice"].set_index("participant_id")["value"]
    assert set(own.index) == set(PEOPLE)
    for label in PEOPLE:
        brain = array(world.out / f"{label}/anat/{label}_space-T1w_desc-brain_mask.nii.gz") > 0
        drawn = array(world.out / f"{label}/anat/{label}_space-T1w_desc-drawn_mask.nii.gz") > 0
        mine, true = found(world, label), drawn & brain
        assert true.any()
        assert float(own[label]) == pytest.approx(
            2 * (mine & true).sum() / (mine.sum() + true.sum()), abs=1e-4
        )


def test_growth_with_the_kappa_that_suits_the_others(world: World) -> None:
    assert world.run() == set()
    for label in PEOPLE:
        fold = pd.read_csv(world.out / "cohort/splits.tsv", sep="\t", dtype=str).set_index("participant_id")
        group = f"fold{fold.loc[label, 'fold']}"
        kappa = json.loads((world.out / f"models/lesions/without-{group}/kappa.json").read_text())
        assert kappa["sessions"] == 2
        facts = world.out / f"{label}/anat/{label}_space-T1w_label-lesion_desc-acquired_mask.json"
        assert json.loads(facts.read_text())["Kappa"] == kappa["kappa"]
    assert_judged(world)


def test_along_a_way_to_the_template_that_bends(world: World) -> None:
    before = {label: found(world, label) for label in PEOPLE}
    world.study(anatomy={"warp": True})
    ran = world.run()
    assert {f"warp_template {one}_space-T1w" for one in PEOPLE} <= ran
    steps = {job.split()[0] for job in ran}
    assert steps >= {"choose_kappa", "grow_lesions", "describe_lesions"}
    assert not steps & {"correct_bias", "resample", "segment_tissue", "register_template"}
    # In this world the template is moved up: lesions are sought elsewhere, and lie in other regions.
    assert any(not np.array_equal(found(world, label), before[label]) for label in PEOPLE)
    assert world.run() == set()


def test_a_lesion_mask_as_region_is_no_brain(world: World) -> None:
    world.study(region="drawn")
    ran = world.run()
    assert {f"grow_lesions {one}_space-T1w_lesions-acquired" for one in PEOPLE} <= ran
    assert_judged(world)


def test_a_tool_of_the_users(world: World) -> None:
    script = world.root / "tool with spaces.py"
    script.write_text(TOOL)
    command = f"'{sys.executable}' '{script}' {{flair}} {{output}}"
    world.study(lesions={"method": "external", "command": command})
    assert {f"run_external {one}_space-T1w_lesions-acquired" for one in PEOPLE} <= world.run()
    for label in PEOPLE:
        flair = array(world.out / f"{label}/anat/{label}_space-T1w_desc-preproc_FLAIR.nii.gz")
        brain = array(world.out / f"{label}/anat/{label}_space-T1w_desc-brain_mask.nii.gz") > 0
        assert np.array_equal(found(world, label), (flair > 1300) & brain)


def test_a_tool_that_fails_costs_no_more_than_its_lesions(world: World) -> None:
    world.study(lesions={"method": "external", "command": "false {flair} {output}"})
    world.run(status=1)
    failed = pd.read_csv(world.out / "cohort/quarantine.tsv", sep="\t", dtype=str)
    assert set(failed["session"]) == set(PEOPLE)
    assert failed["reason"].str.contains("false failed with status 1").all()
    assert (world.out / "report/index.html").is_file()


def test_a_network_that_never_saw_who_it_segments(world: World) -> None:
    small = {"filters": 2, "epochs": 2, "cubes": 8}
    world.study(lesions={"method": "network", "network": small})
    ran = world.run()
    assert {f"segment_lesions {one}_space-T1w_lesions-acquired" for one in PEOPLE} <= ran
    assert not any(job.startswith("choose_kappa") for job in ran)
    cards = [json.loads(path.read_text()) for path in world.out.glob("models/lesions/*/network.json")]
    seen = [{one["participant"] for one in card["sessions"]} for card in cards]
    assert sorted(seen, key=sorted) == [set(PEOPLE) - {one} for one in reversed(PEOPLE)]
    assert_judged(world)
    assert not list((world.out / "work/training").glob("*"))
    assert world.run() == set()


def test_lesions_are_painted_over_before_tissue_is_told_apart(world: World) -> None:
    world.study(lesions={"fill": True})
    ran = world.run()
    assert {f"fill_lesions {one}_space-T1w_desc-filled_T1w" for one in PEOPLE} <= ran
    assert {f"segment_tissue {one}_space-T1w" for one in PEOPLE} <= ran
    for label in PEOPLE:
        filled = array(world.out / f"work/{label}/anat/{label}_space-T1w_desc-filled_T1w.nii.gz")
        before = array(world.out / f"{label}/anat/{label}_space-T1w_desc-preproc_T1w.nii.gz")
        drawn = array(world.out / f"{label}/anat/{label}_space-T1w_desc-drawn_mask.nii.gz") > 0
        brain = array(world.out / f"{label}/anat/{label}_space-T1w_desc-brain_mask.nii.gz") > 0
        assert np.array_equal(filled != before, drawn & brain)
