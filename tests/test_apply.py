"""A frozen model on new images, with no study around it."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import small_volumes
from recontrast.anatomy.resample import resample
from recontrast.apply import _by_contrast, apply
from recontrast.backends import transforms
from recontrast.errors import RecontrastError
from recontrast.images import sidecar
from recontrast.models import recipes
from recontrast.synthesis.synthesize import synthesize
from recontrast.training.train import train


def stated(folder: Path, **preparation: object) -> Path:
    """What a study says of its preparation, as a file."""
    path = folder / "preparation.json"
    path.write_text(json.dumps(preparation))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model of two contrasts, and the images of one more person, brighter than those it learned from."""
    folder = tmp_path_factory.mktemp("apply")
    sessions = small_volumes.write(folder, ["training", "training", "test"])
    preparation = stated(folder, prepare="none", region="foreground", intensity="keep")
    settings = {"epochs": 2, "patch": 3}
    small_volumes.train(folder / "fold-all", "patch_to_voxel", settings, sessions, preparation=preparation)
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
    facts = json.loads((tmp_path / "made.json").read_text())
    assert facts["Contrast"] == "FLAIR"
    assert facts["Sources"] == [*inputs(folder), str(mask)]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "made.json",
        "made.nii.gz",
        "study.json",
        "study.nii.gz",
    ]


def test_a_method_that_needs_no_more_takes_one_of_its_inputs(folder, tmp_path):
    settings, sessions = {"epochs": 1, "batches_per_epoch": 2}, folder / "sessions.tsv"
    preparation = stated(tmp_path, prepare="none", region="foreground", intensity="keep")
    small_volumes.train(tmp_path / "model", "multimodal", settings, sessions, preparation=preparation)
    mask, made = folder / "sub-03_mask.nii.gz", tmp_path / "made.nii.gz"
    apply(tmp_path / "model", [f"T2w={inputs(folder)[1]}"], made, mask=mask)
    facts = json.loads((tmp_path / "made.json").read_text())
    assert (facts["Inputs"], facts["Sources"]) == (["T2w"], [inputs(folder)[1], str(mask)])
    assert nib.load(made).get_fdata().any()
    named = ["T1w=" + inputs(folder)[0], "T2w=" + inputs(folder)[1]]
    for whole in (inputs(folder), named):
        apply(tmp_path / "model", whole, made, mask=mask)
        assert json.loads((tmp_path / "made.json").read_text())["Inputs"] == ["T1w", "T2w"]
    with pytest.raises(RecontrastError, match="takes 2 images"):
        apply(folder / "fold-all", [f"T2w={inputs(folder)[1]}"], made, mask=mask)


def test_names_beat_the_order(folder, tmp_path):
    first, second = inputs(folder)
    apply(folder / "fold-all", [first, second], tmp_path / "plain.nii.gz")
    apply(folder / "fold-all", [f"T2w={second}", f"T1w={first}"], tmp_path / "named.nii.gz")
    whole = nib.load(tmp_path / "plain.nii.gz").get_fdata()
    assert whole.all()  # without a mask, everything that is not zero
    assert (tmp_path / "plain.nii.gz").read_bytes() == (tmp_path / "named.nii.gz").read_bytes()


def test_inputs_that_only_training_looks_at_need_not_be_given():
    raw = [f"S{number}" for number in range(1, 9)]
    by_name = [f"{name}={name}.nii.gz" for name in raw]
    asked = {"inputs": [*raw, "R1", "R2", "PD"], "references": ["T1w"], "card": Path("model.json")}
    asked["method"] = recipes.load("pixel_gan")
    for given in (by_name, [item.partition("=")[2] for item in by_name]):
        assert _by_contrast(given, **asked) == {name: Path(f"{name}.nii.gz") for name in raw}
    with pytest.raises(RecontrastError, match=r"takes 8 images, .* give S1=FILE .* S8=FILE$"):
        _by_contrast(by_name[1:], **asked)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["{T1w}"], "takes 2 images, but was given"),
        (["T1w={T1w}", "PDw={T2w}"], "has no input PDw; name images T1w, T2w"),
        (["{T1w}", "/nowhere/T2w.nii.gz"], "does not exist"),
    ],
)
def test_what_does_not_fit_is_named(folder, tmp_path, given, problem):
    files = dict(zip(small_volumes.CONTRASTS, inputs(folder), strict=True))
    with pytest.raises(RecontrastError, match=problem):
        apply(folder / "fold-all", [item.format(**files) for item in given], tmp_path / "made.nii.gz")
    assert not list(tmp_path.iterdir())


MAPS = ("R1", "R2", "PD")


@pytest.fixture(scope="module")
def maps(tmp_path_factory) -> Path:
    """A model of three maps, as from a study of whole heads, and one head: its maps and its T1w."""
    folder = tmp_path_factory.mktemp("maps")
    path = small_volumes.write(folder, ["training", "test"])
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    for row in rows[1:]:
        grid = nib.load(row[3])
        draw = np.random.default_rng(1)
        for name, mean in zip(MAPS, (0.8, 11.0, 900.0), strict=True):
            values = (mean * draw.uniform(0.8, 1.2, grid.shape)).astype(np.float32)
            nib.save(nib.Nifti1Image(values, grid.affine), folder / f"{row[0]}_{name}.nii.gz")
            row.append(str(folder / f"{row[0]}_{name}.nii.gz"))
    path.write_text("\n".join("\t".join(row) for row in [[*rows[0], *MAPS], *rows[1:]]) + "\n")
    kinds = {"T1w": "image", "FLAIR": "image"} | dict.fromkeys(MAPS, "map")
    train(
        method="bloch",
        recipe=json.dumps(recipes.resolve("bloch", "quick", {})),
        sessions=path,
        inputs=list(MAPS),
        target="FLAIR",
        model=folder / "model.safetensors",
        card=folder / "model.json",
        losses=folder / "training.tsv",
        checkpoint=folder / "state",
        preparation=stated(folder, prepare="full", reference="T1w", intensity="median", kinds=kinds),
        device="cpu",
    )
    return folder


def test_the_card_says_how_images_were_prepared(maps):
    card = json.loads((maps / "model.json").read_text())
    assert card["preparation"]["kinds"] == dict.fromkeys(MAPS, "map")
    assert card["preparation"]["reference"] == "T1w"
    assert card["grid"] == {"shape": [16, 18, 14], "orientation": "RAS"}
    assert {"recontrast", "numpy", "scikit-learn", "torch"} <= set(card["versions"])


def test_maps_are_taken_as_they_are(maps, tmp_path, monkeypatch):
    """A whole head around them is prepared; they keep their numbers, without which there are no seconds."""
    monkeypatch.setattr(
        "recontrast.apply.extract_brain", lambda image, contrast, mask, threshold: find(image, mask)
    )
    mask, files = maps / "sub-02_mask.nii.gz", [str(maps / f"sub-02_{name}.nii.gz") for name in MAPS]

    def find(image: Path, brain: Path) -> None:
        assert image.name == "T1w_corrected.nii.gz"
        brain.write_bytes(mask.read_bytes())

    model = {"model": maps / "model.safetensors", "card": maps / "model.json"}
    synthesize(**model, images=[Path(file) for file in files], mask=mask, output=tmp_path / "study.nii.gz")
    apply(maps, files, tmp_path / "masked.nii.gz", mask=mask)
    apply(maps, [*files, f"T1w={maps / 'sub-02_T1w.nii.gz'}"], tmp_path / "head.nii.gz")
    study, masked, head = (
        nib.load(tmp_path / f"{n}.nii.gz").get_fdata() for n in ("study", "masked", "head")
    )
    np.testing.assert_array_equal(masked, study)
    np.testing.assert_array_equal(head, study)
    assert study.any()


def test_maps_that_cannot_be_used_are_named(maps, tmp_path):
    files = [str(maps / f"sub-02_{name}.nii.gz") for name in MAPS]
    with pytest.raises(
        RecontrastError, match=r"R1\.nii\.gz: is a map, from which the brain cannot be extracted"
    ):
        apply(maps, files, tmp_path / "made.nii.gz")
    image = nib.load(files[1])
    nib.save(nib.Nifti1Image(image.get_fdata(), image.affine + 0.1), tmp_path / "R2.nii.gz")
    mask = maps / "sub-02_mask.nii.gz"
    with pytest.raises(RecontrastError, match=r"R2\.nii\.gz: is a map and does not lie on the grid of R1"):
        apply(maps, [files[0], str(tmp_path / "R2.nii.gz"), files[2]], tmp_path / "made.nii.gz", mask=mask)


def test_raw_images_are_registered_and_nothing_else(folder, tmp_path, monkeypatch):
    corrected = []
    monkeypatch.setattr("recontrast.apply.extract_brain", lambda image, contrast, mask, threshold: take(mask))
    monkeypatch.setattr("recontrast.apply.correct_bias", lambda image, output, shrink: note(image, output))
    monkeypatch.setattr(
        "recontrast.apply.register", lambda *, transform, **_: transforms.write(transform, np.eye(4))
    )
    seen = []
    monkeypatch.setattr("recontrast.apply.synthesize", lambda *, images, output, **_: keep(images, output))

    def take(mask: Path) -> None:
        mask.write_bytes((folder / "sub-03_mask.nii.gz").read_bytes())

    def note(image: Path, output: Path) -> None:
        corrected.append(image.name)
        output.write_bytes(image.read_bytes())

    def keep(images: list[Path], output: Path) -> None:
        seen.extend(nib.load(image).get_fdata() for image in images)
        sidecar(output).write_text("{}")

    card = json.loads((folder / "fold-all/model.json").read_text())
    card["preparation"] |= {"prepare": "full", "reference": "T1w", "intensity": "median"}
    card["preparation"] |= {"kinds": {"T1w": "image", "T2w": "raw"}}
    (tmp_path / "model.json").write_text(json.dumps(card))
    (tmp_path / "model.safetensors").write_bytes((folder / "fold-all/model.safetensors").read_bytes())
    apply(tmp_path, inputs(folder), tmp_path / "made.nii.gz")
    assert corrected == ["sub-03_T1w.nii.gz"]
    inside = nib.load(folder / "sub-03_mask.nii.gz").get_fdata() > 0
    raw = nib.load(folder / "sub-03_T2w.nii.gz").get_fdata()
    np.testing.assert_allclose(seen[1][inside], raw[inside], rtol=1e-3)
    assert np.median(seen[0][inside]) == pytest.approx(1000, rel=0.02)


@pytest.mark.parametrize("reference", ["T1w", "T2w"])
def test_registration_is_that_of_the_card(folder, tmp_path, monkeypatch, reference):
    asked = []

    def register(*, moving, reference, transform, dof, **masks):
        asked.append((moving.name, reference.name, dof))
        transforms.write(transform, np.eye(4))

    monkeypatch.setattr("recontrast.apply.register", register)
    card = json.loads((folder / "fold-all/model.json").read_text())
    for name in ("model.safetensors", "model.json"):
        (tmp_path / name).write_bytes((folder / f"fold-all/{name}").read_bytes())
    card["preparation"] |= {"prepare": "register", "reference": reference, "dof": 12}
    (tmp_path / "model.json").write_text(json.dumps(card))
    apply(tmp_path, inputs(folder), tmp_path / "made.nii.gz")
    other = {"T1w": "T2w", "T2w": "T1w"}[reference]
    assert asked == [(f"sub-03_{other}.nii.gz", f"sub-03_{reference}.nii.gz", 12)]


@pytest.mark.parametrize(
    ("kinds", "registered"),
    [
        ({}, ["sub-03_T2w.nii.gz"]),
        ({"T2w": "raw"}, ["sub-03_T2w.nii.gz"]),
        ({"T1w": "raw", "T2w": "raw"}, []),  # of one scan, in one place
    ],
)
def test_raw_images_of_one_scan_share_its_transform(folder, tmp_path, monkeypatch, kinds, registered):
    asked = []

    def register(*, moving, transform, **_):
        asked.append(moving.name)
        transforms.write(transform, np.eye(4))

    monkeypatch.setattr("recontrast.apply.register", register)
    card = json.loads((folder / "fold-all/model.json").read_text())
    card["preparation"] |= {"prepare": "register", "reference": "T1w", "kinds": kinds}
    (tmp_path / "model.json").write_text(json.dumps(card))
    (tmp_path / "model.safetensors").write_bytes((folder / "fold-all/model.safetensors").read_bytes())
    apply(tmp_path, inputs(folder), tmp_path / "made.nii.gz")
    assert asked == registered


def test_the_brain_is_sought_on_t1w_whatever_it_is_called(folder, tmp_path, monkeypatch):
    seen = []

    def extract(*, image, contrast, mask, threshold):
        seen.append((image.name, contrast, threshold))
        mask.write_bytes((folder / "sub-03_mask.nii.gz").read_bytes())

    monkeypatch.setattr("recontrast.apply.extract_brain", extract)
    monkeypatch.setattr(
        "recontrast.apply.correct_bias",
        lambda *, image, output, shrink: output.write_bytes(image.read_bytes()),
    )
    monkeypatch.setattr(
        "recontrast.apply.register", lambda *, transform, **_: transforms.write(transform, np.eye(4))
    )
    card = json.loads((folder / "fold-all/model.json").read_text())
    card["preparation"] |= {"prepare": "full", "reference": "T2w"}
    # What is called T2w here was stored as a T1w.
    card["preparation"] |= {"suffixes": {"T1w": "T2w", "T2w": "T1w"}, "brain_threshold": {"T1w": 0.3}}
    (tmp_path / "model.json").write_text(json.dumps(card))
    (tmp_path / "model.safetensors").write_bytes((folder / "fold-all/model.safetensors").read_bytes())
    apply(tmp_path, inputs(folder), tmp_path / "made.nii.gz")
    assert seen == [("T2w_corrected.nii.gz", "T1w", 0.3)]


@pytest.mark.parametrize("name", ["{}", "{}.gz"])
def test_no_input_is_overwritten(folder, tmp_path, name):
    image = nib.load(inputs(folder)[0])
    for given in ("one.nii.gz", "two.nii.gz"):
        nib.save(image, tmp_path / given)
    output = tmp_path / name.format("one.nii")  # one.nii would take the sidecar of one.nii.gz
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(RecontrastError, match="would be overwritten"):
        apply(folder / "fold-all", [str(tmp_path / "one.nii.gz"), str(tmp_path / "two.nii.gz")], output)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def changed(folder: Path, place: Path, **preparation: object) -> Path:
    """A copy of the model whose card says something else of preparation."""
    card = json.loads((folder / "fold-all/model.json").read_text())
    card["preparation"] |= preparation
    (place / "model.json").write_text(json.dumps(card))
    (place / "model.safetensors").write_bytes((folder / "fold-all/model.safetensors").read_bytes())
    return place


def test_whole_heads_are_worked_on_in_the_region_of_the_study(folder, tmp_path, monkeypatch):
    """With `region: foreground` a study scales and predicts there, and aligns by the brain."""
    by = []
    brain = (folder / "sub-03_mask.nii.gz").read_bytes()

    def register(*, transform, reference_mask, **_):
        by.append(nib.load(reference_mask).get_fdata().mean())
        transforms.write(transform, np.eye(4))

    monkeypatch.setattr(
        "recontrast.apply.extract_brain", lambda image, contrast, mask, threshold: mask.write_bytes(brain)
    )
    monkeypatch.setattr(
        "recontrast.apply.correct_bias",
        lambda *, image, output, shrink: output.write_bytes(image.read_bytes()),
    )
    scaled_in = []
    monkeypatch.setattr("recontrast.apply.register", register)
    monkeypatch.setattr(
        "recontrast.apply.resample",
        lambda *, mask, **asked: scaled_in.append(nib.load(mask).get_fdata()) or resample(mask=mask, **asked),
    )
    model = changed(folder, tmp_path, prepare="full", region="foreground")
    apply(model, inputs(folder), tmp_path / "made.nii.gz")
    assert [mask.all() for mask in scaled_in] == [True, True]
    assert nib.load(tmp_path / "made.nii.gz").get_fdata().all()
    assert by == [nib.load(folder / "sub-03_mask.nii.gz").get_fdata().mean()]
    model = changed(folder, tmp_path, prepare="full", region="brain")
    apply(model, inputs(folder), tmp_path / "made.nii.gz")
    assert not nib.load(tmp_path / "made.nii.gz").get_fdata().all()


def test_a_mask_that_only_the_study_had_is_asked_for(folder, tmp_path):
    model, made = changed(folder, tmp_path, region="cartilage"), tmp_path / "made.nii.gz"
    with pytest.raises(RecontrastError, match=r"inside the mask cartilage .* give the mask with --mask"):
        apply(model, inputs(folder), made)
    apply(model, inputs(folder), made, mask=folder / "sub-03_mask.nii.gz")
    assert made.is_file()


def test_references_that_the_study_falls_back_to_give_the_grid(folder, tmp_path, capsys):
    """A session without T1w was registered to PDw, though the model does not see it."""
    image = nib.load(inputs(folder)[0])
    nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32)[:-2], image.affine), tmp_path / "PDw.nii.gz")
    stated = {"prepare": "none", "reference": "FLAIR", "reference_fallback": ["PDw", "T1w"]}
    model = changed(folder, tmp_path, **stated)
    images = [f"T1w={inputs(folder)[0]}", f"T2w={inputs(folder)[1]}"]
    apply(model, images, tmp_path / "made.nii.gz")
    assert "trained on the grid" not in capsys.readouterr().out
    with pytest.raises(RecontrastError, match="has shape"):  # nothing is moved here; the grid is PDw's
        apply(model, [*images, f"PDw={tmp_path / 'PDw.nii.gz'}"], tmp_path / "made.nii.gz")


def test_an_empty_mask_is_named_not_the_image_in_it(folder, tmp_path):
    image = nib.load(folder / "sub-03_mask.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros(image.shape, np.uint8), image.affine), tmp_path / "mask.nii.gz")
    with pytest.raises(RecontrastError, match=r"mask\.nii\.gz: is empty: there is no region to synthesise"):
        apply(folder / "fold-all", inputs(folder), tmp_path / "made.nii.gz", mask=tmp_path / "mask.nii.gz")
