"""Synthetic MRI: the equations, the units of the target, and its limit where tissues share a voxel."""

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from recontrast.errors import RecontrastError
from recontrast.methods import bloch
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run, Volumes
from recontrast.synthesis.synthesize import synthesize
from recontrast.training.train import train

RUN = Run()
T1, T2, PD = (np.array(values) for values in ((832.0, 1331, 4235), (80.0, 99, 2000), (0.7, 0.82, 1.0)))


def session(gain: float, level: float = 1.0) -> Volumes:
    """White matter, grey matter and water in slabs; its target is the conventional FLAIR."""
    maps = [
        np.repeat(values, [50, 40, 10]).reshape(1, 10, 10) for values in (1000 / T1, 1000 / T2, gain * PD)
    ]
    flair = PD * (1 - 2 * np.exp(-2472 / T1) + np.exp(-9000 / T1)) * np.exp(-124 / T2)
    target = 5000 * level * np.abs(np.repeat(flair, [50, 40, 10])).reshape(1, 10, 10)
    inputs = np.stack(maps).astype(np.float32)
    return Volumes("sub-01", inputs, target.astype(np.float32), np.ones((1, 10, 10), bool))


@pytest.mark.parametrize(("scale", "level"), [("session", 1.0), ("cohort", 2.0)])
def test_finds_the_scanned_contrast_in_its_units(scale, level):
    recipe = recipes.resolve("bloch", "conventional", {"scale": scale})
    # A gain of the scanner raises proton density and target alike, unless the targets are standardised.
    training = [session(gain, gain if scale == "cohort" else 1.0) for gain in (1.0, 3.0)]
    test = session(2.0, level)
    model = bloch.fit(Cohort(training), recipe, RUN)
    made = bloch.predict(model, replace(test, target=None), recipe, RUN)
    assert made.dtype == np.float32
    assert made == pytest.approx(test.target, rel=1e-4, abs=0.1)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("paper", np.abs(PD * (1 - 2 * np.exp(-3000 / T1) + np.exp(-15000 / T1)) * np.exp(-100 / T2))),
        ("t1w", PD * (1 - np.exp(-500 / T1)) * np.exp(-10 / T2)),
    ],
)
def test_equations_of_the_paper(recipe, expected):
    made = bloch.image(session(1.0), recipes.resolve("bloch", recipe))
    assert made[0, [0, 6, 9], 0] == pytest.approx(expected, rel=1e-5)


def test_wrong_inputs_are_named():
    one = session(1.0)
    with pytest.raises(RecontrastError, match="R1, R2, PD"):
        bloch.fit(Cohort([replace(one, inputs=one.inputs[:2])]), recipes.resolve("bloch"), RUN)


def test_what_was_found_is_frozen_and_applied_like_any_model(tmp_path):
    arrays = session(1.0)
    files = {name: tmp_path / f"{name}.nii.gz" for name in ("R1", "R2", "PD", "FLAIR", "mask")}
    volumes = [*arrays.inputs, arrays.target, arrays.mask.astype(np.uint8)]
    for path, volume in zip(files.values(), volumes, strict=True):
        nib.save(nib.Nifti1Image(np.repeat(volume, 4, axis=0), np.eye(4)), path)
    rows = [
        ["participant_id", "session_id", "role", *files],
        ["sub-01", "n/a", "training", *map(str, files.values())],
    ]
    table = tmp_path / "sessions.tsv"
    table.write_text("\n".join("\t".join(row) for row in rows) + "\n")
    recipe = json.dumps(recipes.resolve("bloch", "conventional"))
    frozen = {name: tmp_path / file for name, file in (("model", "m.safetensors"), ("card", "m.json"))}
    learned = dict(method="bloch", recipe=recipe, sessions=table, inputs=["R1", "R2", "PD"], target="FLAIR")
    train(**learned, **frozen, losses=tmp_path / "training.tsv", checkpoint=tmp_path / "state")
    made = tmp_path / "made.nii.gz"
    synthesize(**frozen, images=[files[name] for name in ("R1", "R2", "PD")], mask=files["mask"], output=made)
    assert nib.load(made).get_fdata()[0] == pytest.approx(arrays.target[0], rel=1e-4, abs=0.1)
