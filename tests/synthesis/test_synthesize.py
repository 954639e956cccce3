"""The synthesis step: a frozen model on a new session, and what it refuses."""

import hashlib
import json
import time

import nibabel as nib
import numpy as np
import pytest
import small_volumes
from recontrast.errors import RecontrastError
from recontrast.models.model_file import read_model
from recontrast.synthesis.synthesize import synthesize
from recontrast.synthesis.time_prediction import time_prediction
from safetensors.numpy import load_file

SETTINGS = {"rim": 0, "epochs": 3, "crops_per_epoch": 40, "crop": 12, "filters": 8}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a session that the model has not seen, `sub-03`, and the model."""
    folder = tmp_path_factory.mktemp("trained")
    sessions = small_volumes.write(folder, ["training", "training", "test"])
    return small_volumes.train(folder, "fcn3d", SETTINGS, sessions)


def run(folder, output, **changes):
    arguments = {
        "model": folder / "model.safetensors",
        "card": folder / "model.json",
        "images": [folder / "sub-03_T1w.nii.gz", folder / "sub-03_T2w.nii.gz"],
        "mask": folder / "sub-03_mask.nii.gz",
        "output": output,
        "device": "cpu",
    }
    synthesize(**arguments | changes)


def test_image_and_sidecar(trained, tmp_path):
    run(trained, tmp_path / "a.nii.gz")
    run(trained, tmp_path / "b.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    made, mask = nib.load(tmp_path / "a.nii.gz"), nib.load(trained / "sub-03_mask.nii.gz")
    true = nib.load(trained / "sub-03_FLAIR.nii.gz").get_fdata()
    inside = mask.get_fdata() > 0
    np.testing.assert_array_equal(made.affine, mask.affine)
    assert not made.get_fdata()[~inside].any()
    assert np.corrcoef(made.get_fdata()[inside], true[inside])[0, 1] > 0.8
    facts = json.loads((tmp_path / "a.json").read_text())
    assert facts["Synthetic"] is True
    assert facts["Sources"] == [str(trained / f"sub-03_{name}.nii.gz") for name in ("T1w", "T2w", "mask")]
    assert facts["ModelHash"] == hashlib.sha256((trained / "model.safetensors").read_bytes()).hexdigest()
    assert facts["Recipe"]["filters"] == 8


def test_refusals(trained, tmp_path):
    def refused(message, **changes):
        with pytest.raises(RecontrastError, match=message):
            run(trained, tmp_path / "out.nii.gz", **changes)
        assert not (tmp_path / "out.nii.gz").exists()

    images = [trained / "sub-03_T1w.nii.gz", trained / "sub-03_T2w.nii.gz"]
    refused("takes 2 images, but was given 1; give T1w, T2w, in this order", images=images[:1])
    moved = nib.load(images[1])
    nib.save(
        nib.Nifti1Image(moved.get_fdata(), moved.affine + np.eye(4)[:, [3, 3, 3, 0]] * 3),
        tmp_path / "m.nii.gz",
    )
    refused("lies on another grid", images=[images[0], tmp_path / "m.nii.gz"])
    nib.save(nib.Nifti1Image(moved.get_fdata()[1:], moved.affine), tmp_path / "s.nii.gz")
    refused("has shape", images=[images[0], tmp_path / "s.nii.gz"])
    empty = nib.load(trained / "sub-03_mask.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros(empty.shape, np.uint8), empty.affine), tmp_path / "e.nii.gz")
    refused("mask is empty", mask=tmp_path / "e.nii.gz")
    refused("model.safetensors: does not exist", model=tmp_path / "model.safetensors")
    content = (trained / "model.safetensors").read_bytes()
    (tmp_path / "torn.safetensors").write_bytes(content[:-9])
    refused("is damaged", model=tmp_path / "torn.safetensors")
    (tmp_path / "other.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused("is not the model that its card describes", model=tmp_path / "other.safetensors")
    (tmp_path / "card.json").write_text("{")
    refused("is not a model card", card=tmp_path / "card.json")
    (tmp_path / "card.json").write_text("[]")
    refused("is not a model card .it holds no keys.; train the model again", card=tmp_path / "card.json")
    facts = json.loads((trained / "model.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps(facts | {"inputs": "T1w"}))
    refused("is not a model card .inputs is not a list", card=tmp_path / "card.json")
    facts.pop("recipe")
    (tmp_path / "card.json").write_text(json.dumps(facts))
    refused("is not a model card .recipe is missing", card=tmp_path / "card.json")


def test_a_model_that_is_older_than_a_key_predicts_as_it_did(trained, tmp_path):
    facts = json.loads((trained / "model.json").read_text())
    for key in ("keep", "rim", "initialisation"):
        facts["recipe"].pop(key)
    (tmp_path / "card.json").write_text(json.dumps(facts))
    run(trained, tmp_path / "now.nii.gz")
    run(trained, tmp_path / "then.nii.gz", card=tmp_path / "card.json")
    assert (tmp_path / "then.nii.gz").read_bytes() == (tmp_path / "now.nii.gz").read_bytes()


def test_a_model_of_a_form_that_is_gone_is_named(trained, tmp_path):
    facts = json.loads((trained / "model.json").read_text()) | {"method": "modality_propagation"}
    (tmp_path / "card.json").write_text(json.dumps(facts))
    with pytest.raises(RecontrastError) as caught:
        run(trained, tmp_path / "out.nii.gz", card=tmp_path / "card.json")
    assert str(caught.value) == (
        f"{tmp_path / 'card.json'}: was written by recontrast {facts['versions']['recontrast']}: "
        "modality_propagation had no alignment, intensity in the version of this model, and a different model format; "
        "train the model again, or use it with the code that trained it"
    )


def test_weights_are_mapped_from_their_file(trained):
    frozen, _ = read_model(trained / "model.safetensors", trained / "model.json")
    expected = load_file(trained / "model.safetensors")
    assert frozen.weights.keys() == expected.keys()
    for name, array in frozen.weights.items():
        np.testing.assert_array_equal(array, expected[name])
        assert array.dtype == expected[name].dtype
        while array.base is not None and not isinstance(array, np.memmap):
            array = array.base
        assert isinstance(array, np.memmap)


def test_a_time_of_other_images_is_refused(trained, tmp_path):
    files = {"model": trained / "model.safetensors", "card": trained / "model.json"}
    files |= {"images": [trained / "sub-03_T1w.nii.gz"], "mask": trained / "sub-03_mask.nii.gz"}
    with pytest.raises(RecontrastError, match="takes 2 images, but was given 1"):
        time_prediction(**files, output=tmp_path / "time.json", experiment="Fcn", device="cpu")


def test_the_time_of_a_prediction_is_a_file_of_its_own(trained, tmp_path):
    images = [trained / f"sub-03_{name}.nii.gz" for name in ("T1w", "T2w")]
    files = {"model": trained / "model.safetensors", "card": trained / "model.json", "images": images}
    files |= {"mask": trained / "sub-03_mask.nii.gz", "output": tmp_path / "time.json"}
    begun = time.perf_counter()
    time_prediction(**files, experiment="Fcn", repeats=2, device="cpu")
    found = json.loads((tmp_path / "time.json").read_text())
    assert 0 < found["seconds"] < (time.perf_counter() - begun) / 2
    assert (found["experiment"], found["device"], found["threads"]) == ("Fcn", "CPU", 1)
