"""Chartsias' network: its shape, its loss written out, and that it works with any subset of its inputs."""

from dataclasses import replace

import caught
import numpy as np
import pytest
import small_volumes
import torch
from recontrast.errors import RecontrastError
from recontrast.methods import multimodal
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Model, Run

CPU = Run(device="cpu")


def untrained(recipe: recipes.Recipe, session) -> Model:
    torch.manual_seed(0)
    weights = multimodal.build(2, recipe).state_dict()
    return Model({name: one.numpy() for name, one in weights.items()}, multimodal.typical_means([session]))


def test_shape_of_the_authors_code():
    """13 convolutions in an encoder, 5 in the decoder; parameters counted by hand."""
    network = multimodal.build(3, recipes.resolve("multimodal"))
    kernels = [one.shape[:2] for one in network.encoders[0].parameters() if one.ndim == 4]
    expected = [(32, 1), (32, 32), (64, 32), (64, 64), (128, 64), (128, 128), (64, 128), (64, 128), (64, 64)]
    assert kernels == [*expected, (32, 64), (32, 64), (32, 32), (16, 32)]
    kernels = [one.shape[:2] for one in network.decoder.parameters() if one.ndim == 4]
    assert kernels == [(32, 16), (32, 32), (32, 48), (32, 32), (1, 80)]
    assert sum(one.numel() for one in network.parameters()) == 3 * 521_744 + 37_073


@pytest.mark.parametrize("region", ["image", "mask"])
def test_loss_is_that_of_every_decoding_and_of_the_spread_of_latents(region):
    recipe = recipes.resolve(
        "multimodal", "paper", {"maps": 4, "latent": 3, "variance_weight": 0.7, "region": region}
    )
    one = small_volumes.volumes(1)
    pool = multimodal.SlicePool([one], torch.device("cpu"), multiple=16, empty=True, region=region)
    task = multimodal._Slices(multimodal.build(2, recipe), pool, None, recipe)
    inputs, target, weights = pool.gather(np.arange(3, 7))
    inputs = inputs / 1000
    counted = torch.zeros(4, 32, 32, dtype=torch.bool)
    counted[:, 5:27, 4:28] = torch.from_numpy(one.mask[..., 3:7]).movedim(2, 0) if region == "mask" else True
    network = task.network
    with torch.no_grad():
        first, second = (encoder(inputs[:, [n]]) for n, encoder in enumerate(network.encoders))
        errors = [
            (network.decoder(latent)[:, 0] - target).abs()[counted].mean()
            for latent in (first, second, torch.maximum(first, second))
        ]
        middle = (first + second) / 2
        spread = (((first - middle) ** 2 + (second - middle) ** 2) / 2).mean(1)[counted].mean()
        found = task.loss((inputs, target, weights), "training")
    torch.testing.assert_close(found, sum(errors) + 0.7 * spread)


@pytest.mark.parametrize(("region", "kept"), [("image", 20), ("mask", 14)])
def test_the_background_counts_as_whole_images(region, kept):
    recipe = recipes.resolve("multimodal", "paper", {"maps": 2, "latent": 2, "region": region})
    assert multimodal.margin(recipe) == (None if region == "image" else 0)
    one = small_volumes.volumes(1)
    one.mask[..., :4] = one.mask[..., -2:] = False
    pool = caught.task(multimodal, Cohort([one]), recipe).training
    assert len(pool) == kept
    assert not pool.target[~pool.mask].any()
    assert int(pool.weights.sum()) == (20 * 22 * 24 if region == "image" else one.mask.sum())


@pytest.mark.parametrize("scale", ["session", "cohort"])
def test_an_absent_contrast_changes_nothing(scale):
    """With zeros for the second contrast, the prediction is that of the first contrast's latent alone."""
    session = small_volumes.volumes(1)
    recipe = recipes.resolve("multimodal", "quick", {"scale": scale, "intensity": "mean"})
    model = untrained(recipe, session)
    present = session.inputs * np.array([1, 0], np.float32)[:, None, None, None]
    made = multimodal.predict(model, replace(session, inputs=present, target=None), recipe, CPU)
    network = multimodal.build(2, recipe)
    network.load_state_dict({name: torch.from_numpy(one) for name, one in model.weights.items()})
    mean = session.inputs[0][session.mask].mean()
    slices = torch.from_numpy(session.inputs[0] * session.mask / mean).movedim(2, 0)[:, None]
    slices = torch.nn.functional.pad(slices, [0, 0, 1, 1])
    with torch.no_grad():
        alone = network.decoder(network.encoders[0](slices))[:, 0, 1:-1].movedim(0, 2)
    assert alone.std() > 0.01
    np.testing.assert_allclose(made / model.constants["target"], alone, atol=1e-4)
    both = multimodal.predict(model, replace(session, target=None), recipe, CPU)
    assert np.abs(both - made)[session.mask].max() > 0.01
    with pytest.raises(RecontrastError, match="every contrast is 0"):
        multimodal.predict(model, replace(session, inputs=present * 0), recipe, CPU)


def test_scales_are_each_session_s_own_or_the_training_medians():
    one = small_volumes.volumes(1)
    double = replace(one, inputs=one.inputs * 2, target=one.target * 4)
    constants = multimodal.typical_means([one])
    for scale, ratio in (("session", 1), ("cohort", 2)):
        recipe = recipes.resolve("multimodal", "paper", {"scale": scale})
        first, second = (multimodal.normalise(session, constants, recipe) for session in (one, double))
        np.testing.assert_allclose(second.inputs, ratio * first.inputs, rtol=1e-5)
        np.testing.assert_allclose(second.target, ratio**2 * first.target, rtol=1e-5)
        assert first.inputs[1][one.mask].mean() == pytest.approx(1, rel=1e-4)
        assert not first.inputs[:, ~one.mask].any()
        scored = multimodal.normalise(double, constants, recipe | {"intensity": "z-score"})
        values = scored.inputs[:, one.mask]
        np.testing.assert_allclose(values.std(axis=1), ratio, rtol=1e-4)
        np.testing.assert_allclose(
            values.mean(axis=1), (ratio - 1) / np.array(constants["spreads"]), atol=1e-3
        )
    with pytest.raises(RecontrastError, match="mean"):
        multimodal.means(replace(one, inputs=-one.inputs))


def test_one_contrast_and_both_together_learn():
    recipe = recipes.resolve(
        "multimodal",
        "quick",
        {"maps": 6, "latent": 6, "epochs": 14, "batches_per_epoch": 15, "learning_rate": 2e-3},
    )
    cohort = Cohort([small_volumes.volumes(seed) for seed in (1, 2, 3)], [small_volumes.volumes(4)])
    test = small_volumes.volumes(5, (21, 27, 19))
    model = multimodal.fit(cohort, recipe, CPU)

    def error(which: list[float]) -> float:
        inputs = test.inputs * np.array(which, np.float32)[:, None, None, None]
        made = multimodal.predict(model, replace(test, inputs=inputs, target=None), recipe, CPU)
        return small_volumes.error(made[test.mask], test.target[test.mask])

    spread = float(test.target[test.mask].std())
    both, second = error([1, 1]), error([0, 1])
    print(both / spread, second / spread)
    assert both < 0.65 * spread
    assert second < 0.8 * spread
