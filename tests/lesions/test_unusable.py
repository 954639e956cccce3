"""What no step can work with, step by step: images that are no FLAIR, other grids, empty and misplaced masks."""

import json

import nibabel as nib
import numpy as np
import pytest
from recontrast.errors import RecontrastError
from recontrast.lesions import network
from recontrast.lesions.choose_kappa import choose_kappa
from recontrast.lesions.compare_lesions import compare_lesions
from recontrast.lesions.fill_lesions import fill_lesions
from recontrast.lesions.fit_lesions import fit_lesions
from recontrast.lesions.grow_lesions import grow_lesions
from recontrast.lesions.predict_lesions import predict_lesions
from recontrast.lesions.segment_lesions import segment_lesions
from recontrast.lesions.train_network import train_network
from small_heads import array, changed, head, listed

TINY = {"filters": 1, "edge": 32, "epochs": 1, "cubes": 1, "batch": 1, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return head(tmp_path_factory.mktemp("head"), 1)


@pytest.fixture(scope="module")
def trained(one, tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    train(one, folder)
    return folder


def fit(who, folder):
    """Also of a list of heads; so do the others that learn."""
    fit_lesions(
        sessions=listed(folder / "list.tsv", who if isinstance(who, list) else [who]),
        coefficients=folder / "c.json",
        spatial=folder / "s.nii.gz",
    )


def sweep(who, folder):
    choose_kappa(
        sessions=listed(folder / "list.tsv", who if isinstance(who, list) else [who]),
        output=folder / "kappa.json",
    )


def train(who, folder, images=("flair",)):
    train_network(
        sessions=listed(folder / "list.tsv", who if isinstance(who, list) else [who]),
        images=list(images),
        settings=json.dumps(TINY),
        model=folder / "network.safetensors",
        card=folder / "network.json",
        losses=folder / "losses.tsv",
        checkpoint=folder / "state",
        device="cpu",
    )


def outputs(folder):
    return {"probability": folder / "p.nii.gz", "lesions": folder / "l.nii.gz"}


def predict(who, folder):
    predict_lesions(flair=who["flair"], mask=who["mask"], **outputs(folder))


def grow(who, folder):
    maps = {name: who[name] for name in ("t1w", "csf", "gm", "wm")}
    grow_lesions(flair=who["flair"], mask=who["mask"], **maps, **outputs(folder))


STEPS = {"fit": fit, "sweep": sweep, "train": train, "predict": predict, "grow": grow}
LEARNING = {name: STEPS[name] for name in ("fit", "sweep", "train")}


def refused(call, match):
    with pytest.raises(RecontrastError, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def noise(data):
    return 1000 + 30 * np.random.default_rng(0).standard_normal(data.shape)


def shifted(path, to):
    image = nib.load(path)
    moved = image.affine.copy()
    moved[0, 3] += 5
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), moved), to)
    return to


@pytest.mark.parametrize("step", [*STEPS, "segment"])
def test_an_image_with_one_peak_is_no_flair(one, trained, tmp_path, step):
    who = one | {"flair": changed(one["flair"], tmp_path / "flair.nii.gz", noise)}
    if step == "segment":
        refused(lambda: segment(trained, tmp_path, who), r"flair.nii.gz.*one peak")
    else:
        refused(lambda: STEPS[step](who, tmp_path), r"flair.nii.gz.*one peak")


@pytest.mark.parametrize("step", STEPS)
def test_a_flair_that_is_mostly_empty_is_refused(one, tmp_path, step):
    def few(data):
        return data * (np.indices(data.shape)[0] < 20)

    who = one | {"flair": changed(one["flair"], tmp_path / "flair.nii.gz", few)}
    refused(lambda: STEPS[step](who, tmp_path), "is 0 or less in half of the brain mask")


@pytest.mark.parametrize("step", STEPS)
def test_a_mask_on_another_grid_is_refused(one, tmp_path, step):
    who = one | {"mask": shifted(one["mask"], tmp_path / "mask.nii.gz")}
    refused(lambda: STEPS[step](who, tmp_path), "another grid")


@pytest.mark.parametrize("step", LEARNING)
def test_masks_without_any_lesion_teach_nothing(one, tmp_path, step):
    who = one | {"manual": changed(one["manual"], tmp_path / "empty.nii.gz", np.zeros_like)}
    refused(lambda: STEPS[step](who, tmp_path), "lists no mask with lesions")
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".json", ".gz")] == ["empty.nii.gz"]


@pytest.mark.parametrize("step", LEARNING)
def test_an_empty_list_teaches_nothing(tmp_path, step):
    refused(lambda: STEPS[step]([], tmp_path), "lists no session")


def test_places_alone_teach_no_brightness(one, tmp_path):
    """Lesions in the masks of people without FLAIR, and none in those of the others."""
    nothing = changed(one["manual"], tmp_path / "empty.nii.gz", np.zeros_like)
    path = listed(tmp_path / "list.tsv", [one | {"flair": "n/a", "mask": "n/a"}, one | {"manual": nothing}])
    model = {"coefficients": tmp_path / "c.json", "spatial": tmp_path / "s.nii.gz"}
    refused(lambda: fit_lesions(sessions=path, **model), "lists no mask with lesions")


def test_lesions_darker_than_white_matter_teach_no_brightness(one, tmp_path):
    dark = changed(
        one["manual"], tmp_path / "dark.nii.gz", lambda _: (array(one["csf"]) > 0.9).astype(np.uint8)
    )
    refused(lambda: fit(one | {"manual": dark}, tmp_path), "no lesion that is brighter than white matter")
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize("seed", range(3))
def test_a_single_lesion_voxel_is_enough_to_fit_on(one, tmp_path, seed):
    """It is not lost where half of the lesion voxels are drawn."""
    first = tuple(np.argwhere(array(one["manual"]))[40])

    def only(data):
        data[:] = 0
        data[first] = 1
        return data

    single = changed(one["manual"], tmp_path / "one.nii.gz", only)
    path = listed(tmp_path / "list.tsv", [one | {"manual": single}])
    model = {"coefficients": tmp_path / "c.json", "spatial": tmp_path / "s.nii.gz"}
    fit_lesions(sessions=path, **model, seed=seed)
    assert json.loads((tmp_path / "c.json").read_text())["cut"] <= 4


@pytest.mark.parametrize("step", LEARNING)
def test_lesions_of_another_session_are_refused_and_a_few_voxels_outside_cut_off(one, tmp_path, step, capsys):
    outside = changed(one["mask"], tmp_path / "outside.nii.gz", lambda data: 1 - data)
    refused(lambda: STEPS[step](one | {"manual": outside}, tmp_path), "lies outside the brain mask")
    corner = changed(one["manual"], tmp_path / "corner.nii.gz", corner_too)
    STEPS[step](one | {"manual": corner}, tmp_path)
    assert "8 of" in capsys.readouterr().out


def corner_too(data):
    data[:2, :2, :2] = 1
    return data


def test_filling_cuts_off_what_is_outside_and_an_empty_mask_changes_nothing(one, tmp_path):
    before = array(one["t1w"])
    for change, touched in ((np.zeros_like, False), (corner_too, True)):
        lesions = changed(one["manual"], tmp_path / "lesions.nii.gz", change)
        filled = tmp_path / "filled.nii.gz"
        fill_lesions(t1w=one["t1w"], lesions=lesions, mask=one["mask"], output=filled)
        after = array(filled)
        assert np.array_equal(after[:2, :2, :2], before[:2, :2, :2])
        assert bool((after != before).any()) is touched
    elsewhere = shifted(one["manual"], tmp_path / "elsewhere.nii.gz")
    refused(
        lambda: fill_lesions(t1w=one["t1w"], lesions=elsewhere, mask=one["mask"], output=filled),
        "another grid",
    )


def test_lesions_partly_outside_do_not_count_there(one, tmp_path):
    corner = changed(one["manual"], tmp_path / "corner.nii.gz", corner_too)
    judge = {"mask": one["mask"], "participant": "1"}
    compare_lesions(found=corner, truth=one["manual"], output=tmp_path / "c.tsv", **judge)
    assert "lesion_dice\t1\n" in (tmp_path / "c.tsv").read_text()


def segment(trained, folder, who, **more):
    model = {"model": trained / "network.safetensors", "card": trained / "network.json"}
    segment_lesions(
        flair=who["flair"], mask=who["mask"], **model, **outputs(folder), device="cpu", threads=1, **more
    )


def test_a_network_divides_by_no_median_of_zero(one, tmp_path):
    nowhere = changed(one["t1w"], tmp_path / "t1w.nii.gz", lambda data: data * (data > 990))
    who = one | {"t1w": nowhere}
    refused(
        lambda: train(who, tmp_path, ("flair", "t1w")), r"t1w.nii.gz: is 0 or less in half of the brain mask"
    )
    with np.errstate(all="raise"):
        _, scaled = network.prepare(np.zeros((1, 8, 8, 8), np.float32), np.ones((8, 8, 8), bool))
    assert np.array_equal(scaled, np.full_like(scaled, -1))


@pytest.mark.parametrize("step", LEARNING)
def test_one_bad_mask_does_not_cost_what_is_learned_from_others(one, tmp_path, step, capsys):
    other = head(tmp_path, 2)
    elsewhere = other | {"manual": shifted(other["manual"], tmp_path / "elsewhere.nii.gz")}
    LEARNING[step]([one, elsewhere], tmp_path)
    assert "is left out: " in capsys.readouterr().out
    refused(lambda: LEARNING[step]([elsewhere], tmp_path), "another grid")
