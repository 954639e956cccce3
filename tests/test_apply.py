"""A frozen model on new images, with no study around it."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import small_volumes
from recontrast.apply import apply
from recontrast.errors import RecontrastError
from recontrast.methods import recipes
from recontrast.synthesis.synthesize import synthesize
from recontrast.training.train import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model of two contrasts, and the images of one more person, brighter than those it learned from."""
    folder = tmp_path_factory.mktemp("apply")

    train(
        method="patch_to_voxel",
        recipe=json.dumps(recipes.resolve("patch_to_voxel", "quick", {"epochs": 2, "patch": 3})),
        sessions=small_volumes.write(folder, ["training", "training", "test"]),
        inputs=list(small_volumes.CONTRASTS),
        target="FLAIR",
        model=folder / "fold-all/model.safetensors",
        card=folder / "fold-all/model.json",
        losses=folder / "fold-all/training.tsv",
        checkpoint=folder / "state",
        preparation='{"prepare": "none", "region": "foreground", "intensity": "keep"}',
        device="cpu",
    )
    return folder


def inputs(folder: Path) -> list[str]:
    return [str(folder / f"sub-03_{contrast}.nii.gz") for contrast in small_volumes.CONTRASTS]


def test_it_makes_what_the_study_would(folder, tmp_path):
    mask = folder / "sub-03_mask.nii.gz"
    apply(folder / "fold-all", inputs(folder), tmp_path / "made.nii.gz", mask=mask)
    synthesize(
        model=folder / "fold-all/model.safetensors",
        card=folder / "fold-all/model.json",
        images=[Path(file) for file in inputs(folder)],
        mask=mask,
        output=tmp_path / "study.nii.gz",
    )
    made, study = (nib.load(tmp_path / f"{name}.nii.gz").get_fdata() for name in ("made", "study"))
    np.testing.assert_array_equal(made, study)
    assert json.loads((tmp_path / "made.json").read_text())["Contrast"] == "FLAIR"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "made.json",
        "made.nii.gz",
        "study.json",
        "study.nii.gz",
    ]


def test_names_beat_the_order(folder, tmp_path):
    first, second = inputs(folder)
    apply(folder / "fold-all", [first, second], tmp_path / "plain.nii.gz")
    apply(folder / "fold-all", [f"T2w={second}", f"T1w={first}"], tmp_path / "named.nii.gz")
    whole = nib.load(tmp_path / "plain.nii.gz").get_fdata()
    assert whole.all()  # without a mask, everything that is not zero
    assert (tmp_path / "plain.nii.gz").read_bytes() == (tmp_path / "named.nii.gz").read_bytes()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["{T1w}"], "takes 2 images and was given"),
        (["T1w={T1w}", "PDw={T2w}"], "takes 2 images and was given"),
        (["{T1w}", "/nowhere/T2w.nii.gz"], "does not exist"),
    ],
)
def test_what_does_not_fit_is_named(folder, tmp_path, given, problem):
    files = dict(zip(small_volumes.CONTRASTS, inputs(folder), strict=True))
    with pytest.raises(RecontrastError, match=problem):
        apply(folder / "fold-all", [item.format(**files) for item in given], tmp_path / "made.nii.gz")
    assert not list(tmp_path.iterdir())
