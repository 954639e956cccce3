"""Tables of lesions have data dictionaries beside them."""

import json

import nibabel as nib
import numpy as np
from recontrast import tables
from recontrast.columns import SCORES
from recontrast.lesions.compare_lesions import compare_lesions
from recontrast.lesions.describe_lesions import describe_lesions
from recontrast.lesions.summarize_lesions import summarize_lesions


def written(folder):
    """A brain and a mask of a litre without lesions, 10 mm voxels around the origin."""
    affine = np.diag([10.0, 10, 10, 1])
    affine[:3, 3] = -50
    for name, value in (("brain", 1), ("lesions", 0)):
        nib.save(nib.Nifti1Image(np.full((10, 10, 10), value, np.uint8), affine), folder / f"{name}.nii.gz")
    return {"mask": folder / "brain.nii.gz"}, folder / "lesions.nii.gz"


def described(path):
    """What a table is said to have, which is what it has."""
    about = json.loads(path.with_suffix(".json").read_text())
    assert list(about) == path.read_text().splitlines()[0].split("\t")
    return about


def test_the_lesions_of_a_session(tmp_path):
    brain, lesions = written(tmp_path)
    describe_lesions(lesions=lesions, output=tmp_path / "table.tsv", **brain)
    about = described(tmp_path / "table.tsv")
    assert {row["region"] for row in tables.read(tmp_path / "table.tsv", about)} == set(
        about["region"]["Levels"]
    )


def test_the_lesions_of_a_cohort(tmp_path):
    brain, lesions = written(tmp_path)
    compare_lesions(found=lesions, truth=lesions, output=tmp_path / "one.tsv", participant="1", **brain)
    tables.write(tmp_path / "list.tsv", ["file"], [{"file": tmp_path / "one.tsv"}])
    out = {"scores": tmp_path / "scores.tsv", "summary": tmp_path / "summary.tsv"}
    summarize_lesions(listed=tmp_path / "list.tsv", **out)
    about = described(out["scores"])
    assert list(about) == list(SCORES)
    rows = tables.read(out["scores"], SCORES)
    assert {row["metric"] for row in rows} <= set(about["metric"]["Levels"])
    assert [row["value"] for row in rows if row["metric"] == "lesion_load"] == ["none"]
    assert "none" in about["value"]["Levels"]
    loads = {row["load"] for row in tables.read(out["summary"], ["load"])}
    assert loads <= set(described(out["summary"])["load"]["Levels"])
