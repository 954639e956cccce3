"""Choosing between models of one fold, beside errors worked out from the images."""

import json

import nibabel as nib
import numpy as np
import pytest
import small_volumes
from recontrast.errors import RecontrastError
from recontrast.models import recipes
from recontrast.synthesis.synthesize import synthesize
from recontrast.training.choose import choose
from recontrast.training.train import train

SETTINGS = {"1": {"trees": 1, "leaf": 1000}, "3": {"trees": 8}}  # the second candidate's training has failed


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two forests of which one is far too simple, and what `choose` is asked."""
    folder = tmp_path_factory.mktemp("candidates")
    sessions = small_volumes.write(folder, ["training", "training", "validation", "validation"])
    files = {name: [] for name in ("candidates", "candidate_cards", "candidate_losses")}
    for number, changed in SETTINGS.items():
        own = folder / number
        made = {
            "model": own / "model.safetensors",
            "card": own / "model.json",
            "losses": own / "training.tsv",
        }
        recipe = recipes.resolve("random_forest", "quick", changed)
        shared = {"inputs": ["T1w", "T2w"], "target": "FLAIR", "sessions": sessions}
        train(method="random_forest", recipe=json.dumps(recipe), checkpoint=own / "state", **made, **shared)
        for paths, path in zip(files.values(), made.values(), strict=True):
            paths.append(path)
    return {"sessions": sessions, "settings": json.dumps(SETTINGS)} | files


def into(folder):
    return {"model": folder / "m.safetensors", "card": folder / "m.json", "losses": folder / "losses.tsv"}


def test_the_candidate_with_the_smallest_validation_error_becomes_the_model(trained, tmp_path):
    choose(**trained, **into(tmp_path))
    folder, expected = trained["sessions"].parent, {}
    for number, model, card in zip(SETTINGS, trained["candidates"], trained["candidate_cards"], strict=True):
        errors = []
        for who in ("sub-03", "sub-04"):
            own = {name: folder / f"{who}_{name}.nii.gz" for name in ("T1w", "T2w", "FLAIR", "mask")}
            made = tmp_path / "made.nii.gz"
            synthesize(model=model, card=card, images=[own["T1w"], own["T2w"]], mask=own["mask"], output=made)
            image, true, mask = (nib.load(path).get_fdata() for path in (made, own["FLAIR"], own["mask"]))
            errors.append(((image - true)[mask > 0] ** 2).mean())
        expected[int(number)] = np.mean(errors)
    assert expected[3] < expected[1]
    card = json.loads((tmp_path / "m.json").read_text())
    assert card["chosen"]["number"] == 3
    found = {one["number"]: one["validation_mse"] for one in card["chosen"]["candidates"]}
    assert found == pytest.approx(expected, rel=1e-5)
    assert [one["settings"] for one in card["chosen"]["candidates"]] == list(SETTINGS.values())
    assert card["recipe"]["trees"] == 8
    assert (tmp_path / "m.safetensors").read_bytes() == trained["candidates"][1].read_bytes()
    for copied in ("tsv", "json"):  # the losses, and what their columns are
        losses = trained["candidate_losses"][1].with_suffix(f".{copied}")
        assert (tmp_path / f"losses.{copied}").read_bytes() == losses.read_bytes()


def test_sessions_are_read_once_for_all_candidates(trained, tmp_path, monkeypatch):
    from recontrast.training import train as training

    choose(**trained, **into(tmp_path))
    read, plain = [], training.read_volumes
    monkeypatch.setattr(training, "read_volumes", lambda *given: (read.append(given[0]), plain(*given))[1])
    (tmp_path / "again").mkdir()
    choose(**trained, **into(tmp_path / "again"), packed=tmp_path / "packed")
    assert read == ["sub-03", "sub-04"]
    for name, path in into(tmp_path).items():
        assert into(tmp_path / "again")[name].read_bytes() == path.read_bytes()


def test_without_validation_there_is_nothing_to_choose_by(trained, tmp_path):
    sessions = tmp_path / "sessions.tsv"
    sessions.write_text(trained["sessions"].read_text().replace("validation", "training"))
    with pytest.raises(RecontrastError, match="no validation session"):
        choose(**trained | {"sessions": sessions}, **into(tmp_path))
