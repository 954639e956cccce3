"""The influence of inputs: maps on the grid, shares that add up, and what is not possible."""

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import small_volumes
from recontrast import tables
from recontrast.errors import RecontrastError
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Model, Run, method_module
from recontrast.models.normalisation import normalise_inputs
from recontrast.synthesis.explain import COLUMNS, differences, explain
from recontrast.synthesis.loaded import ABSENT
from recontrast.synthesis.summarize_influence import summarize_influence


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model of T1w and T2w, trained for a little, and the list of its sessions."""
    folder = tmp_path_factory.mktemp("explain")
    sessions = small_volumes.write(folder, ["training", "training", "validation", "test"])
    settings = {"epochs": 3, "crop": 12, "filters": 8, "layers": 2}
    return small_volumes.train(folder, "fcn3d", settings, sessions)


def ask(folder, out, kind, label="sub-04", target=True):
    explain(
        kind=kind,
        model=folder / "model.safetensors",
        card=folder / "model.json",
        images=[folder / f"{label}_{contrast}.nii.gz" for contrast in small_volumes.CONTRASTS],
        mask=folder / f"{label}_mask.nii.gz",
        output=out / f"{label}_{kind}map.nii.gz",
        table=out / f"{label}_{kind}map.tsv",
        participant=label,
        session="n/a",
        experiment="Fcn",
        fold="1",
        target=folder / f"{label}_FLAIR.nii.gz" if target else None,
    )
    return nib.load(out / f"{label}_{kind}map.nii.gz"), tables.read(out / f"{label}_{kind}map.tsv", COLUMNS)


@pytest.mark.parametrize("kind", ["p3s", "gradient", "without"])
def test_a_map_of_each_input_and_shares_of_one(trained, tmp_path, kind):
    image, rows = ask(trained, tmp_path, kind)
    mask = nib.load(trained / "sub-04_mask.nii.gz")
    assert image.shape == (*mask.shape, 2)
    assert json.loads((tmp_path / f"sub-04_{kind}map.json").read_text())["Volumes"] == ["T1w", "T2w"]
    inside = np.asarray(mask.dataobj) > 0
    for volume, row in zip(np.moveaxis(image.get_fdata(), -1, 0), rows, strict=True):
        assert volume[inside].mean() == pytest.approx(float(row["mean"]), rel=1e-5)
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)


def test_an_input_that_says_nothing_has_no_influence(trained, tmp_path):
    folder = tmp_path / "constant"
    folder.mkdir()
    for name in ("mask", "T1w", "FLAIR"):
        (folder / f"sub-04_{name}.nii.gz").write_bytes((trained / f"sub-04_{name}.nii.gz").read_bytes())
    t2w = nib.load(trained / "sub-04_T2w.nii.gz")
    flat = np.full(t2w.shape, 800.0, np.float32)
    flat[0, 0, 0] = 801  # a constant image is refused
    nib.save(nib.Nifti1Image(flat, t2w.affine), folder / "sub-04_T2w.nii.gz")
    for name in ("model.safetensors", "model.json"):
        (folder / name).write_bytes((trained / name).read_bytes())
    _, rows = ask(folder, tmp_path, "without")
    assert float(rows[1]["share"]) < 1e-3


@pytest.mark.parametrize("kind", ["gradient", "without"])
def test_of_a_session_with_one_input_the_other_has_no_influence_and_is_no_source(trained, tmp_path, kind):
    small_volumes.train(
        tmp_path, "multimodal", {"epochs": 1, "batches_per_epoch": 2}, trained / "sessions.tsv"
    )
    image, mask = trained / "sub-04_T2w.nii.gz", trained / "sub-04_mask.nii.gz"
    explain(
        kind=kind,
        model=tmp_path / "model.safetensors",
        card=tmp_path / "model.json",
        images=[ABSENT, image],
        mask=mask,
        output=tmp_path / "map.nii.gz",
        table=tmp_path / "map.tsv",
        participant="sub-04",
        session="n/a",
        experiment="Fused",
        fold="1",
    )
    shares = {row["input"]: float(row["share"]) for row in tables.read(tmp_path / "map.tsv", COLUMNS)}
    assert shares == {"T1w": 0, "T2w": 1}
    assert json.loads((tmp_path / "map.json").read_text())["Sources"] == [str(image), str(mask)]


def test_p3s_needs_the_acquired_target(trained, tmp_path):
    with pytest.raises(RecontrastError, match="p3s needs the acquired target"):
        ask(trained, tmp_path, "p3s", target=False)


def test_the_cohort_counts_people(trained, tmp_path):
    for label in ("sub-03", "sub-04"):
        ask(trained, tmp_path, "gradient", label)
    files = [str(path) for path in sorted(tmp_path.glob("*_gradientmap.tsv"))]
    (tmp_path / "list.tsv").write_text("\n".join(["file", *files]) + "\n")
    summarize_influence(listed=tmp_path / "list.tsv", table=tmp_path / "influence.tsv")
    rows = tables.read(tmp_path / "influence.tsv", ["experiment", "kind", "input", "n", "share_mean"])
    assert [(row["input"], row["n"]) for row in rows] == [("T1w", "2"), ("T2w", "2")]
    assert sum(float(row["share_mean"]) for row in rows) == pytest.approx(1)


RUN = Run(device="cpu")
SHORT = {
    "patch_to_voxel": {
        "epochs": 20,
        "patch": 3,
        "voxels_per_epoch": 4000,
        "batch": 100,
        "learning_rate": 1e-3,
    },
    "multimodal": {"epochs": 1, "batches_per_epoch": 2, "maps": 4, "latent": 4},
    "modality_propagation": {"iterations": 1, "intensity": "percentile"},
}


def fitted(method, **changes):
    """A method as its paper has it, each session on its own scale; short, and one more session."""
    recipe = recipes.resolve(method, "paper", SHORT[method] | changes)
    assert recipe["scale"] == "session"
    module = method_module(method)
    model = module.fit(Cohort([small_volumes.volumes(1), small_volumes.volumes(2)]), recipe, RUN)
    return module, model, small_volumes.volumes(3), recipe


def test_an_input_is_left_out_after_its_session_was_scaled():
    """The mean of T2w divided by the percentile of T2w: not by that of a constant, which would make it 1."""
    module, model, one, recipe = fitted("patch_to_voxel")
    found = differences(module, model, one, recipe, RUN)
    scaled = normalise_inputs(one, model.constants, recipe)
    average = scaled[1][one.mask].mean()
    assert average < 0.9
    ones = Model(model.weights, model.constants | {"inputs": [1.0, 1.0]})
    by_hand = [
        module.predict(ones, replace(one, inputs=inputs), recipe | {"scale": "cohort"}, RUN)
        for inputs in (scaled, np.stack([scaled[0], np.full_like(scaled[1], average)]))
    ]
    known = np.abs(by_hand[1] - by_hand[0])[one.mask]
    assert known.mean() > 1
    np.testing.assert_allclose(found[1][one.mask], known, atol=0.05)


def test_what_can_leave_a_contrast_out_does():
    module, model, one, recipe = fitted("multimodal")
    found = differences(module, model, one, recipe, RUN)
    emptied = np.stack([one.inputs[0], np.zeros_like(one.inputs[1])])
    alone = module.predict(model, replace(one, inputs=emptied), recipe, RUN)
    known = np.abs(alone - module.predict(model, one, recipe, RUN))[one.mask]
    np.testing.assert_allclose(found[1][one.mask], known, rtol=1e-5)


def test_a_search_keeps_scale_and_place_of_what_is_left_out():
    module, model, one, recipe = fitted("modality_propagation")
    brighter = replace(one, inputs=one.inputs * np.float32(3))
    found, other = (differences(module, model, volumes, recipe, RUN) for volumes in (one, brighter))
    np.testing.assert_allclose(found, other, rtol=1e-3, atol=1e-2)
    unscaled = replace(one, inputs=one.inputs.copy())
    unscaled.inputs[1] = one.inputs[1][one.mask].mean()
    wrong = np.abs(module.predict(model, unscaled, recipe, RUN) - module.predict(model, one, recipe, RUN))
    assert np.abs(found[1] - wrong)[one.mask].max() > 1


@pytest.mark.parametrize("method", ["modality_propagation", "multimodal"])
def test_the_only_input_is_left_out_too(method):
    """As a search leaves any out; where subsets are fused nothing would be left, and its mean takes its place."""
    module, recipe = method_module(method), recipes.resolve(method, "paper", SHORT[method])
    people = [
        replace(small_volumes.volumes(seed), inputs=small_volumes.volumes(seed).inputs[:1])
        for seed in (1, 2, 3)
    ]
    model = module.fit(Cohort(people[:2]), recipe, RUN)
    found = differences(module, model, people[2], recipe, RUN)[0][people[2].mask]
    assert found.mean() > 1
    if method == "modality_propagation":
        made = module.without(model, people[2], 0, recipe, RUN) - module.predict(
            model, people[2], recipe, RUN
        )
        np.testing.assert_allclose(found, np.abs(made)[people[2].mask])
