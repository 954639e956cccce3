"""CC-DNN: its equations to the letter, its phases and options, the named leak."""

from dataclasses import replace

import caught
import numpy as np
import pytest
import small_volumes
import torch
from recontrast.errors import RecontrastError
from recontrast.methods import cc_dnn
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run
from torch.nn import functional

CPU = Run(device="cpu")
TINY = {"maps": 2, "patches_per_epoch": 16, "epochs": 1, "then_epochs": 1, "patch": 16}


def cohort() -> Cohort:
    return Cohort(
        [small_volumes.volumes(1), small_volumes.volumes(2, (18, 26, 8))], [small_volumes.volumes(3)]
    )


def test_equations_4_to_6_to_the_letter():
    """Every convolution, batch norm and skip written out; parameters counted by hand."""
    network = cc_dnn.build(3, recipes.resolve("cc_dnn")).eval()
    hypothesis, later = (before * 64 * 9 + 128 + 6 * (64 * 64 * 9 + 128) for before in (1, 192))
    assert sum(one.numel() for one in network.parameters()) == 3 * hypothesis + later + 65 == 1_000_705
    generator = torch.Generator().manual_seed(0)
    weights = {name: torch.rand(one.shape, generator=generator) for name, one in network.state_dict().items()}
    weights = {
        name: (one - 0.5) / one[0].numel() ** 0.5 if one.ndim == 4 else one for name, one in weights.items()
    }
    network.load_state_dict(weights)
    rest = iter(weights.values())

    def convolution(maps: torch.Tensor) -> torch.Tensor:
        kernel, scale, shift, mean, variance, _ = (next(rest) for _ in range(6))
        return functional.batch_norm(
            functional.conv2d(maps, kernel, padding=1), mean, variance, scale, shift, eps=1e-3
        )

    def activation(maps: torch.Tensor) -> torch.Tensor:
        return torch.where(maps > 0, maps, 0.1 * maps)

    def hypothesis_of(image: torch.Tensor) -> torch.Tensor:
        maps = start = activation(convolution(image))
        for _ in range(3):
            maps = activation(maps + convolution(activation(convolution(maps))))
        return start + maps

    images = torch.rand(2, 3, 20, 17, generator=generator)
    together = hypothesis_of(torch.cat([hypothesis_of(one) for one in images.split(1, 1)], 1))
    expected = functional.conv2d(together, next(rest), next(rest))
    with torch.no_grad():
        torch.testing.assert_close(network(images), expected)


def test_first_weights_are_those_of_keras():
    network = cc_dnn.build(3, recipes.resolve("cc_dnn"))
    for kernel, before in ((network.each[0].first[0], 1), (network.together.first[0], 192)):
        largest = (6 / (9 * (before + 64))) ** 0.5
        assert 0.97 * largest < kernel.weight.abs().max() <= largest


@pytest.mark.parametrize("network", ["cc_dnn", "unet"])
def test_output_begins_at_random_or_at_the_mean_of_the_target(network):
    one = small_volumes.volumes(1)
    for name, recipe in (("paper", {"maps": 2}), ("quick", TINY)):
        recipe = recipes.resolve("cc_dnn", name, recipe | {"network": network})
        task = caught.task(cc_dnn, Cohort([one]), recipe)
        pool = task.training
        made = task.network.eval()(pool.inputs[5:7]).detach()
        if name == "paper":
            assert made.std() > 1e-3
            *_, last = task.network.parameters()
            assert last.ndim == 1
            assert not last.any()
        else:
            torch.testing.assert_close(made, pool.target[pool.mask].mean().expand_as(made))


def test_sees_as_far_as_its_margin_and_no_further():
    recipe = recipes.resolve("cc_dnn", "quick")
    network = cc_dnn.build(1, recipe).eval()
    image = torch.rand(1, 1, 1, 60, requires_grad=True)
    network(image)[0, 0, 0, 30].backward()
    seen = torch.nonzero(image.grad[0, 0, 0])[:, 0]
    assert (int(seen.min()), int(seen.max())) == (30 - cc_dnn.REACH, 30 + cc_dnn.REACH)
    assert cc_dnn.margin(recipe) == cc_dnn.REACH
    assert cc_dnn.margin(recipes.resolve("cc_dnn")) is None


def test_phases_have_their_own_losses_and_only_the_last_is_judged():
    base = TINY | {"epochs": 2, "then_epochs": 2, "region": "image", "c3_weight": 0.5}
    fits = {
        (first, second): cc_dnn.fit(
            cohort(), recipes.resolve("cc_dnn", "quick", base | {"loss": first, "then_loss": second}), CPU
        )
        for first, second in (("c1", "c1"), ("c1+c2", "c1"), ("c1", "c1+c3"), ("c1+c2+c3", "c1"))
    }
    for model in fits.values():
        assert [row["validation"] is None for row in model.losses] == [True, True, False, False]
        assert model.best_epoch in (3, 4)
    starts = {names: model.losses[0]["training"] for names, model in fits.items()}
    assert starts["c1", "c1"] == starts["c1", "c1+c3"] < starts["c1+c2", "c1"] < starts["c1+c2+c3", "c1"]
    ends = {names: model.losses[2]["training"] for names, model in fits.items()}
    assert ends["c1", "c1+c3"] > ends["c1", "c1"]
    joint = recipes.resolve("cc_dnn", "quick", base | {"loss": "c1+c2+c3", "then_epochs": 0})
    assert [row["validation"] is None for row in cc_dnn.fit(cohort(), joint, CPU).losses] == [False, False]


def test_one_range_for_all_contrasts_and_the_leak_by_name():
    one = small_volumes.volumes(1)
    bright = small_volumes.volumes(2)
    bright = replace(bright, inputs=bright.inputs * 3, target=None)
    recipe = recipes.resolve("cc_dnn", "paper", TINY | {"patch": 0, "then_epochs": 0})
    honest = cc_dnn.fit(Cohort([one], test=[bright]), recipe, CPU).constants
    everything = np.stack([*one.inputs, one.target])
    assert honest == {"minimum": float(everything.min()), "maximum": float(everything.max())}
    leaky = cc_dnn.fit(Cohort([one], test=[bright]), recipe | {"leaks": True}, CPU).constants
    assert leaky["maximum"] == float(bright.inputs.max())
    flat = replace(one, inputs=one.inputs * 0, target=one.target * 0)
    with pytest.raises(RecontrastError, match="constant value 0"):
        cc_dnn.fit(Cohort([flat]), recipe, CPU)


@pytest.mark.parametrize("network", ["cc_dnn", "unet"])
def test_of_whole_slices_only_the_images_count(network):
    """Not what fills them up to the largest session, or to a size that a U-Net can halve."""
    recipe = recipes.resolve("cc_dnn", "paper", {"maps": 2, "network": network, "loss": "c1"})
    sessions = [small_volumes.volumes(1, (20, 17, 3)), small_volumes.volumes(2, (14, 21, 2))]
    task = caught.task(cc_dnn, Cohort(sessions), recipe)
    task.begin_epoch(1)
    task.network.eval()
    batch = task.training.gather(np.arange(5))
    made = task.network(batch[0])[:, 0].detach()
    (h, w), squares = made.shape[1:], []
    for (rows, columns), slices in (((20, 17), slice(0, 3)), ((14, 21), slice(3, 5))):
        top, left = (h - rows) // 2, (w - columns) // 2
        inside = slices, slice(top, top + rows), slice(left, left + columns)
        squares.append((made - batch[1])[inside].flatten() ** 2)
    assert float(task.weight(batch)) == 3 * 20 * 17 + 2 * 14 * 21
    torch.testing.assert_close(task.loss(batch, "training").detach(), torch.cat(squares).mean())


def test_decay_divides_by_the_updates_so_far():
    recipe = recipes.resolve(
        "cc_dnn", "paper", {"decay": 0.5, "patch": 16, "patches_per_epoch": 10, "maps": 1}
    )
    pool = cc_dnn.SlicePool([small_volumes.volumes(1)], torch.device("cpu"))
    task = cc_dnn._Slices(pool, None, recipe)
    rates = []
    for epoch in (1, 2, 3):
        task.begin_epoch(epoch)
        rates.append(task.optimizers["training"].param_groups[0]["lr"])
        assert sum(1 for _ in task.batches(np.random.default_rng(0))) == 3
    assert rates == pytest.approx([1e-4, 1e-4 / 2.5, 1e-4 / 4])


@pytest.mark.parametrize("network", ["cc_dnn", "unet"])
def test_learns_and_predicts_in_the_units_of_the_target(network):
    recipe = recipes.resolve(
        "cc_dnn",
        "quick",
        {"network": network, "maps": 8, "epochs": 1, "then_epochs": 3, "patch": 24, "patches_per_epoch": 80}
        | {"batch": 4, "c2_window": 3, "c3_window": 3, "learning_rate": 5e-3},
    )
    training = Cohort([small_volumes.volumes(seed) for seed in (1, 2, 3)], [small_volumes.volumes(4)])
    test = small_volumes.volumes(5, (22, 27, 19))
    model = cc_dnn.fit(training, recipe, CPU)
    made = cc_dnn.predict(model, replace(test, target=None), recipe, CPU)
    found = small_volumes.error(made[test.mask], test.target[test.mask])
    assert found < small_volumes.linear_error(training.training, test)
