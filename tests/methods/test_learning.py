"""Every method learns: on digital heads, out of fold, its FLAIR beats a linear regression of the same inputs."""

from dataclasses import replace

import phantom_heads
import pytest
from recontrast.methods import recipes
from recontrast.methods.interface import Cohort, Run, method_module

CONVENTIONAL = ("T1w", "T2w", "PDw")
#: inputs where they are not the conventional contrasts
INPUTS: dict[str, tuple[str, ...]] = {
    "pixel_gan": phantom_heads.RAW,
}
#: changes of the quick recipe that fit heads of 4 mm, where three voxels are half an inch, and a minute
SMALLER: dict[str, recipes.Recipe] = {
    "fcn3d": {"layers": 2, "filters": 32, "crop": 16, "rim": 3, "epochs": 10, "crops_per_epoch": 80},
    "modality_propagation": {"patch": 1, "neighbours": 30},
    "patch_to_voxel": {"patch": 3, "epochs": 15},
    "pixel_gan": {"start_iterations": 400, "adversarial_iterations": 50},
    "random_forest": {"trees": 15, "samples": 8000},
    "replica": {"trees": 15, "samples": 8000},
    "unet3d": {"crop": 20, "epochs": 8},
    "voxel_mlp": {"epochs": 8, "crops_per_epoch": 160},
    "unet2d": {"epochs": 6},
}
#: it learns one factor alone, and is below the regression where tissues share voxels (docs/methods/bloch.md)
UNLEARNED = {"bloch"}
#: they see one voxel, which cannot tell a bias field, or slices, of which four heads have too few to learn it:
#: so the fields are divided out as after preparation
UNBIASED = {"pix2pix", "pixel_gan", "unet2d"}
DECIBELS, SSIM = 1.0, 0.02


@pytest.mark.parametrize("method", [name for name in recipes.available() if name not in UNLEARNED])
def test_beats_linear_regression_out_of_fold(method):
    inputs = INPUTS.get(method, CONVENTIONAL)
    *training, validation, test = phantom_heads.heads(inputs, unbiased=method in UNBIASED)
    recipe = recipes.resolve(method, "quick", SMALLER.get(method))
    module = method_module(method)
    run = Run(device="cpu")
    model = module.fit(Cohort(training, [validation]), recipe, run)
    made = module.predict(model, replace(test, target=None), recipe, run)
    decibels, ssim = phantom_heads.gains([made], [*training, validation], [test])
    print(f"{method}: {decibels:+.2f} dB, {ssim:+.3f} SSIM")
    assert decibels >= DECIBELS
    assert ssim >= SSIM
