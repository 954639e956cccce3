"""The training step: reproducible files, a complete card, and clear refusals."""

import hashlib
import json

import nibabel as nib
import numpy as np
import pytest
import small_volumes
from recontrast.errors import RecontrastError
from recontrast.fingerprint import fingerprint
from recontrast.models import pseudonyms, recipes
from recontrast.trainer import loop
from recontrast.training.train import train
from safetensors.numpy import load_file

QUICK = {
    "fcn3d": {"epochs": 2, "crops_per_epoch": 4, "crop": 10, "filters": 8},
    "patch_to_voxel": {"epochs": 2, "voxels_per_epoch": 400, "patch": 3},
    "cc_dnn": {"epochs": 1, "then_epochs": 1, "patches_per_epoch": 4, "patch": 8, "maps": 4},
}


def run(folder, sessions, method="fcn3d", **changes):
    folder.mkdir(exist_ok=True)
    settings = recipes.resolve(method, "quick", QUICK[method] | changes.pop("overrides", {}))
    arguments = {
        "method": method,
        "recipe": json.dumps(settings),
        "sessions": sessions,
        "inputs": ["T1w", "T2w"],
        "target": "FLAIR",
        "model": folder / "model.safetensors",
        "card": folder / "model.json",
        "losses": folder / "training.tsv",
        "checkpoint": folder / "state",
        "device": "cpu",
    }
    train(**arguments | changes)
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("method", sorted(QUICK))
def test_same_bytes_twice_and_a_card_that_says_all(tmp_path, method, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    sessions = small_volumes.write(tmp_path, ["training", "training", "validation"])
    first, second = (run(tmp_path / name, sessions, method) for name in "ab")
    assert first == second
    assert set(first) == {"model.safetensors", "model.json", "training.tsv", "training.json"}
    assert not (tmp_path / "a/state").exists()
    card = json.loads(first["model.json"])
    assert card["inputs"] == ["T1w", "T2w"]
    assert card["recipe"]["epochs"] == QUICK[method]["epochs"]
    assert card["voxel_sizes"] == [[2.0, 2.0, 2.0]]
    assert card["fingerprint"] == fingerprint("recontrast.training.train", f"recontrast.methods.{method}")
    assert card["model_sha256"] == hashlib.sha256(first["model.safetensors"]).hexdigest()
    weights = load_file(tmp_path / "a/model.safetensors")
    trained = {
        name: array for name, array in weights.items() if not name.endswith(("_mean", "_var", "_tracked"))
    }
    assert card["parameters"] == sum(array.size for array in trained.values())
    assert (len(trained) < len(weights)) == (method == "cc_dnn")  # which alone has batch norms
    image = (tmp_path / "sub-01_T1w.nii.gz").read_bytes()
    assert card["sessions"][0]["sha256"]["T1w"] == hashlib.sha256(image).hexdigest()
    assert [one["role"] for one in card["sessions"]] == ["training", "training", "validation"]
    table = first["training.tsv"].decode().splitlines()
    assert list(json.loads(first["training.json"])) == table[0].split("\t")
    assert table[0].split("\t") == ["epoch", "training", "validation"]
    assert len(table) == 3
    assert run(tmp_path / "c", sessions, method, seed=2)["model.safetensors"] != first["model.safetensors"]


def test_a_card_names_people_by_a_key_that_stays_behind(tmp_path):
    sessions = small_volumes.write(tmp_path, ["training", "training"])
    pseudonyms.ensure(tmp_path / "key.txt", ["abc"])
    key = pseudonyms.read(tmp_path / "key.txt")
    pseudonyms.ensure(tmp_path / "key.txt", ["abc", "later"])  # a cohort that grows keeps its key
    assert pseudonyms.read(tmp_path / "key.txt") == key
    text = run(tmp_path / "a", sessions, pseudonyms=tmp_path / "key.txt")["model.json"].decode()
    assert "sub-0" not in text
    assert key not in text
    listed = json.loads(text)["sessions"]
    known = ["sub-02", "sub-03", "sub-01"]
    assert pseudonyms.labels(listed, key, known) == ["sub-01", "sub-02"]
    assert not set(pseudonyms.labels(listed, "another", known)) & set(known)
    assert "sub-0" not in run(tmp_path / "b", sessions)["model.json"].decode()


def test_test_sessions_count_only_where_the_recipe_leaks(tmp_path):
    roles = ["training", "validation", "test"]
    sessions = small_volumes.write(tmp_path, roles)
    honest = json.loads(run(tmp_path / "a", sessions)["model.json"])
    leaky = json.loads(run(tmp_path / "b", sessions, overrides={"leaks": True})["model.json"])
    assert [one["role"] for one in honest["sessions"]] == roles[:2]
    assert [one["role"] for one in leaky["sessions"]] == roles
    assert honest["constants"] != leaky["constants"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text.replace("\ttraining\t", "\ttrain\t"), "has the role 'train'"),
        (lambda text: text.replace("\ttraining\t", "\tvalidation\t"), "lists no training session"),
        (lambda text: text.replace("T2w\t", "T2\t", 1), "lacks the columns T2w"),
        (lambda text: text.replace("_FLAIR.nii.gz", "_none.nii.gz"), "does not exist"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, edit, message):
    sessions = small_volumes.write(tmp_path, ["training", "training"])
    sessions.write_text(edit(sessions.read_text()))
    with pytest.raises(RecontrastError, match=message):
        run(tmp_path / "a", sessions)


def test_axes_that_point_different_ways_are_told(tmp_path, capsys):
    sessions = small_volumes.write(tmp_path, ["training", "training"])
    run(tmp_path / "a", sessions)
    assert "differ in axis orientation" not in capsys.readouterr().out
    for path in tmp_path.glob("sub-02_*.nii.gz"):
        image = nib.load(path)
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj), np.diag([-2.0, 2, 2, 1])), path)
    run(tmp_path / "b", sessions)
    assert "training images differ in axis orientation: RAS (1), LAS (1)" in capsys.readouterr().out


def test_training_needs_the_target(tmp_path):
    sessions = small_volumes.write(tmp_path, ["training"])
    sessions.write_text(sessions.read_text().replace(str(tmp_path / "sub-01_FLAIR.nii.gz"), "n/a"))
    with pytest.raises(RecontrastError, match=r"sub-01 \(training\) lacks FLAIR"):
        run(tmp_path / "a", sessions)
