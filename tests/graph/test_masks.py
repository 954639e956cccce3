"""Masks that the user has: carried to the reference grid, used as region, made again as they change."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from test_reruns import pages
from world import World, build


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of preparation alone, whose region is the lesions, after its first run."""
    return build(
        tmp_path_factory.mktemp("masks") / "world",
        2,
        ("T1w", "FLAIR"),
        0,
        contrasts={name: {"suffix": name} for name in ("T1w", "FLAIR")},
        masks={"drawn": {"of": "FLAIR", "label": "lesion", "space": "anatomy"}},
        region="drawn",
        experiments={},
    )


def drawn(world: World) -> Path:
    return world.bids / "derivatives/truth/sub-01/anat/sub-01_space-anatomy_label-lesion_mask.nii.gz"


def test_the_mask_is_the_region_and_the_brain_still_aligns(world: World) -> None:
    assert world.run() == set()
    mask = nib.load(world.out / "sub-01/anat/sub-01_space-T1w_desc-drawn_mask.nii.gz")
    inside = np.asarray(mask.dataobj) > 0
    assert 0 < inside.mean() < 0.02
    prepared = nib.load(world.out / "sub-01/anat/sub-01_space-T1w_desc-preproc_FLAIR.nii.gz")
    assert np.median(prepared.get_fdata()[inside]) == pytest.approx(1000, rel=1e-3)
    assert (world.out / "sub-01/anat/sub-01_space-T1w_desc-brain_mask.nii.gz").is_file()


@pytest.mark.full
def test_a_changed_mask_reruns_what_it_is_the_region_of(world: World) -> None:
    image = nib.load(drawn(world))
    data = np.asarray(image.dataobj).copy()
    data[tuple(np.argwhere(data)[0])] = 0
    nib.save(nib.Nifti1Image(data, image.affine, image.header), drawn(world))
    again = {"resample_mask sub-01_space-T1w_mask-drawn"}
    again |= {f"resample sub-01_space-T1w_{contrast}" for contrast in ("T1w", "FLAIR")}
    assert world.run() - pages("sub-01") - {"index", "collect", "summarize", "compare"} == again


def test_labels_are_no_mask(world: World) -> None:
    image = nib.load(drawn(world))
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj) * 2, image.affine, image.header), drawn(world))
    world.run(status=1)
    failed = pd.read_csv(world.out / "cohort/quarantine.tsv", sep="\t", dtype=str)
    assert failed[["session", "item", "step"]].values.tolist() == [["sub-01", "mask-drawn", "cohort check"]]
    assert "is not a mask: it contains the values 0, 2" in failed["reason"][0]
    assert "sub-01" in world.recontrast("status", "out").stdout
    assert (world.out / "report/sessions/sub-02.html").is_file()
