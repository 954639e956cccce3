"""Every torch method goes on after a kill, in any of its epochs, to the same weights and losses."""

import numpy as np
import pytest
import small_volumes
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run, method_module
from recontrast.trainer import loop

#: changes of the quick recipe that make an epoch take a moment; random draws, dropout and schedules stay
TINY: dict[str, recipes.Recipe] = {
    "cc_dnn": {"maps": 2, "epochs": 2, "then_epochs": 2, "patch": 16, "patches_per_epoch": 8},
    "fcn3d": {"epochs": 4, "filters": 8, "crop": 12, "crops_per_epoch": 8},
    "multimodal": {"epochs": 4, "maps": 2, "batches_per_epoch": 2},
    "patch_to_voxel": {"epochs": 4, "patch": 3, "voxels_per_epoch": 400, "dropout": 0.3},
    "pix2pix": {"epochs": 2, "epochs_falling": 2, "filters": 4, "batches_per_epoch": 2, "keep": "last"},
    "unet2d": {"epochs": 4, "filters": 4, "dropout": 0.2, "batches_per_epoch": 2},
    "unet3d": {"epochs": 4, "filters": 4, "crop": 12, "rim": 2, "crops_per_epoch": 4},
    "voxel_mlp": {"epochs": 4, "neurons": 8, "crops_per_epoch": 16},
}
EXEMPT = {"pixel_gan"}  # which asks for other images: tests/methods/test_pixel_gan.py does the same with it
UNTRAINED = {"bloch", "modality_propagation", "random_forest", "replica"}  # these know no epochs


def test_no_method_is_left_out():
    assert set(TINY) | EXEMPT | UNTRAINED == set(recipes.available())


@pytest.mark.parametrize("killed_in", [2, 4])
@pytest.mark.parametrize("method", TINY)
def test_goes_on_after_a_kill_with_the_same_bits(tmp_path, monkeypatch, method, killed_in):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    recipe, module = recipes.resolve(method, "quick", TINY[method]), method_module(method)
    shapes = [(18, 20, 6), (16, 18, 8), (18, 16, 6)]
    one, two, judge = (small_volumes.volumes(seed, shape) for seed, shape in enumerate(shapes, start=1))
    cohort = Cohort([one, two], [judge])
    whole = module.fit(cohort, recipe, Run(device="cpu"))
    assert len(whole.losses) == 4
    run = Run(device="cpu", checkpoint=tmp_path, key="k")
    epoch, updates, begun = loop._Stepper.epoch, loop._Stepper._update, []

    def counted(self, number, seed):
        begun.append(number)
        return epoch(self, number, seed)

    def killed(self, batch, turn):
        made = updates(self, batch, turn)
        if begun[-1] == killed_in:  # after a first step of this epoch, which is lost
            raise KeyboardInterrupt
        return made

    with monkeypatch.context() as patch:
        patch.setattr(loop._Stepper, "epoch", counted)
        patch.setattr(loop._Stepper, "_update", killed)
        with pytest.raises(KeyboardInterrupt):
            module.fit(cohort, recipe, run)
    begun.clear()
    monkeypatch.setattr(loop._Stepper, "epoch", counted)
    resumed = module.fit(cohort, recipe, run)
    assert begun == list(range(killed_in, 5))
    assert resumed.losses == whole.losses
    assert resumed.best_epoch == whole.best_epoch
    assert resumed.weights.keys() == whole.weights.keys()
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], array)
