"""Voxels that count more: what a network makes where it cannot know better moves towards them."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import small_volumes
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run, method_module
from recontrast.models.volumes import read_volumes

SMALL = {
    "fcn3d": {"epochs": 3, "filters": 8, "crop": 12, "rim": 2, "crops_per_epoch": 40, "learning_rate": 0.01},
    "unet3d": {"epochs": 3, "filters": 4, "crop": 12, "rim": 2, "crops_per_epoch": 20, "learning_rate": 0.01},
    "voxel_mlp": {"epochs": 3, "crop": 8, "crops_per_epoch": 40, "learning_rate": 0.02},
    "patch_to_voxel": {"epochs": 3, "patch": 3, "voxels_per_epoch": 6000, "learning_rate": 0.005},
    "unet2d": {"epochs": 3},
}
FACTOR = 9.0


def session(emphasised: bool, seed: int = 1, **changes):
    """Half of the voxels, drawn at random, are 800, the others 1200; these may count more."""
    one = small_volumes.volumes(seed, (20, 20, 20))
    high = np.random.default_rng(seed).random(one.mask.shape) < 0.5
    emphasis = np.where(high, FACTOR, 1).astype(np.float32) if emphasised else None
    target = np.where(high, 1200, 800).astype(np.float32)
    return replace(one, target=target, emphasis=emphasis, **changes)


def made(method: str, emphasised: bool, overrides: dict) -> float:
    recipe = recipes.resolve(method, "quick", overrides)
    module, run = method_module(method), Run(device="cpu")
    cohort = Cohort([session(emphasised)], [session(emphasised, seed=2)])
    model = module.fit(cohort, recipe, run)
    return float(np.median(module.predict(model, session(False), recipe, run)[session(False).mask]))


def test_every_method_that_says_so_is_tested():
    assert {name for name in recipes.available() if recipes.load(name).weights} == set(SMALL)


@pytest.mark.parametrize("method", SMALL)
def test_what_counts_more_is_met_better(method):
    plain, weighted = (made(method, emphasised, SMALL[method]) for emphasised in (False, True))
    assert plain == pytest.approx(1000, abs=60)
    assert weighted == pytest.approx((800 + FACTOR * 1200) / (1 + FACTOR), abs=60)


def test_resized_slices_keep_it():
    from recontrast.methods import unet2d

    one = session(True, inputs=np.ones((2, 20, 20, 20), np.float32))
    recipe = recipes.resolve("unet2d", "quick", {"size": 40})
    scaled = unet2d.prepare(one, {"inputs": [(0, 1), (0, 1)], "target": (0, 1)}, recipe)
    inside = scaled.emphasis[scaled.mask]
    assert inside.min() >= 1
    assert inside.max() <= FACTOR
    assert inside.mean() == pytest.approx(one.emphasis[one.mask].mean(), rel=0.1)


def test_a_mask_that_is_read_counts_inside_only(tmp_path):
    small_volumes.write(tmp_path, ["training"])
    mask = tmp_path / "sub-01_mask.nii.gz"
    part = nib.load(mask)
    data = np.asarray(part.dataobj).copy()
    data[:8] = 0
    nib.save(nib.Nifti1Image(data, part.affine), tmp_path / "part.nii.gz")
    files = [[tmp_path / "sub-01_T1w.nii.gz"], tmp_path / "sub-01_FLAIR.nii.gz", mask, None]
    one = read_volumes("sub-01", *files, (tmp_path / "part.nii.gz", 4.0))[0]
    assert np.unique(one.weights[one.mask]).tolist() == [1, 4]
    assert np.array_equal(one.weights == 4, data > 0)
