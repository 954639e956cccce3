"""The network for lesions: learns, forgets nothing when it is killed, and says what it cannot use."""

import json

import numpy as np
import pytest
import torch
from recontrast import tables
from recontrast.errors import RecontrastError
from recontrast.lesions import network
from recontrast.lesions.segment_lesions import segment_lesions
from recontrast.lesions.train_network import train_network
from recontrast.masks import dice
from recontrast.models.interface import Run
from recontrast.trainer import loop
from small_heads import array, changed, head, listed

TINY = {"filters": 2, "edge": 32, "epochs": 3, "cubes": 4, "batch": 2, "learning_rate": 0.01}
FILES = {
    "model": "network.safetensors",
    "card": "network.json",
    "losses": "training.tsv",
    "checkpoint": "state",
}


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    return [head(folder, seed) for seed in (1, 2, 3)]


def train(folder, heads, **changes):
    folder.mkdir(exist_ok=True)
    paths = {key: folder / name for key, name in FILES.items()}
    settings = json.dumps(TINY | changes.pop("settings", {}))
    sessions = listed(folder / "list.tsv", heads)
    train_network(
        **{"sessions": sessions, "images": ["flair"], "settings": settings, "device": "cpu"} | paths | changes
    )
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def segment(folder, one, **changes):
    out = {"probability": folder / "p.nii.gz", "lesions": folder / "l.nii.gz"}
    model = {key: folder / FILES[key] for key in ("model", "card")}
    segment_lesions(**{"flair": one["flair"], "mask": one["mask"], "device": "cpu"} | model | out | changes)
    return array(out["lesions"]) > 0


def test_the_same_bytes_whether_killed_or_not(heads, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    whole = train(tmp_path / "a", heads[:2])
    begin = network._Cubes.begin_epoch

    def killed(self, epoch):
        if epoch == 3:
            raise KeyboardInterrupt
        begin(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(network._Cubes, "begin_epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "b", heads[:2])
    assert (tmp_path / "b/state").exists()
    assert train(tmp_path / "b", heads[:2]) == whole | {"list.tsv": (tmp_path / "b/list.tsv").read_bytes()}
    assert not (tmp_path / "b/state").exists()
    assert [row["epoch"] for row in tables.read(tmp_path / "b/training.tsv", ["epoch"])] == ["1", "2", "3"]
    card = json.loads(whole["network.json"])
    assert [one["participant"] for one in card["sessions"]] == ["sub-0", "sub-1"]


def test_probability_is_zero_outside_the_brain_and_units_do_not_matter(heads, tmp_path):
    train(tmp_path, heads[:1])
    one = heads[1]
    segment(tmp_path, one)
    first = array(tmp_path / "p.nii.gz")
    assert first[array(one["mask"]) == 0].max() == 0
    assert 0 < first.max() <= 1
    scaled = changed(one["flair"], tmp_path / "scaled.nii.gz", lambda data: data * 0.013)
    segment(tmp_path, one, flair=scaled)
    np.testing.assert_allclose(array(tmp_path / "p.nii.gz"), first, atol=1e-4)
    with pytest.raises(RecontrastError, match="trained on flair but was given flair and t1w"):
        segment(tmp_path, one, t1w=one["t1w"])


def test_a_thin_image_is_continued_by_what_is_outside_the_brain(monkeypatch):
    seen = []

    class Watching(torch.nn.Module):
        def forward(self, cubes):
            seen.append(cubes.clone())
            return cubes[:, :1]

    monkeypatch.setattr(network, "build", lambda contrasts, settings: Watching())
    brain = np.zeros((40, 40, 20), bool)
    brain[10:30, 10:30, 5:15] = True
    image = np.where(brain, 100.0, 0).astype(np.float32)[None]
    found = network.probability({}, image, brain, network.Settings(**TINY), Run(seed=1))
    assert found.shape == brain.shape
    assert all(cubes.shape[-1] == TINY["edge"] for cubes in seen)
    assert {float(value) for cubes in seen for value in cubes.unique()} == {0.0, network.OUTSIDE}
    assert all(
        (cubes[..., 0] == network.OUTSIDE).all() and (cubes[..., -1] == network.OUTSIDE).all()
        for cubes in seen
    )


def test_masks_without_any_lesion_teach_nothing(heads, tmp_path):
    empty = heads[0] | {"manual": changed(heads[0]["manual"], tmp_path / "empty.nii.gz", np.zeros_like)}
    with pytest.raises(RecontrastError, match="lists no mask with lesions"):
        train(tmp_path, [empty])


@pytest.mark.full
def test_it_finds_the_lesions_of_a_person_it_never_saw(heads, tmp_path):
    train(tmp_path, heads[:2], settings={"filters": 4, "epochs": 12, "cubes": 24, "batch": 4})
    assert dice(segment(tmp_path, heads[2]), array(heads[2]["manual"]) > 0) > 0.7
    healthy = head(tmp_path, 4, lesions=1, bright=1.0)
    assert segment(tmp_path, healthy).sum() * 0.027 < 1
