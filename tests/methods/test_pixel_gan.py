"""DL-FLAIR: its size, its coarse FLAIR, its critic and losses, both steps and a stop between them."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from recontrast import relaxation, signals
from recontrast.errors import RecontrastError
from recontrast.methods import pixel_gan
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Run, Volumes
from recontrast.synthesis.synthesize import synthesize
from recontrast.trainer import coarse_flair, critics, loop
from recontrast.training.train import train

T1, T2, PD = (np.array(values) for values in ((832.0, 1331, 4235), (80.0, 99, 2000), (0.7, 0.82, 1.0)))
SMALL = {
    "start_iterations": 4,
    "adversarial_iterations": 4,
    "iterations_per_epoch": 2,
    "batch": 3,
    "patch": 16,
}
PAPER = recipes.resolve("pixel_gan", "paper", SMALL | {"filters": 4})


def session(seed: int = 0, gain: float = 900.0) -> Volumes:
    """Slabs of white matter, grey matter and water, each voxel a little different; raw images and FLAIR."""
    draw = np.random.default_rng(seed)
    shape = (18, 14, 3)
    kind = np.repeat([0, 1, 2], [8, 6, 4])[:, None, None] + np.zeros(shape, int)
    t1, t2, pd = (values[kind] * draw.uniform(0.95, 1.05, shape) for values in (T1, T2, PD))
    logarithms = np.log(np.stack([gain * pd, t1, t2], -1).reshape(-1, 3))
    raw = np.abs(relaxation.model(logarithms, coarse_flair.acquisition(PAPER))[0]).T.reshape(8, *shape)
    flair = np.abs(signals.inversion_recovery(gain * pd, t1, t2, tr=9000, te=124, ti=2472))
    mask = np.ones(shape, bool)
    mask[:, 0] = False
    return Volumes(f"sub-{seed}", raw.astype(np.float32), flair.astype(np.float32), mask)


def test_parameter_count_and_order_of_the_paper():
    generator = pixel_gan.Generator(128, 8)
    assert sum(parameter.numel() for parameter in generator.parameters()) == 2562
    made = generator(torch.randn(500, 8) * 10)
    assert (made >= 0).all()  # a square times a share
    # The first raw images have the short delay, the even ones the long echo.
    raw = session().inputs[:, 2, 3, 0]
    assert (raw[1::2] < raw[::2]).all()
    assert raw[6] > raw[4] > raw[2]


@pytest.mark.parametrize("source", ["fitted", "maps"])
def test_coarse_flair_is_the_computed_one_without_water(source):
    one = session()
    if source == "maps":
        pd, t1, t2 = relaxation.fit(one.inputs.reshape(8, -1).T, coarse_flair.acquisition(PAPER))[0].T
        maps = np.stack([1000 / t1, 1000 / t2, pd]).reshape(3, *one.mask.shape)
        one = replace(one, inputs=np.concatenate([one.inputs, maps]).astype(np.float32))
    made = coarse_flair.coarse_flair(one, PAPER)
    assert not made[14:].any()
    tissue = made[:14][one.mask[:14]]
    assert (tissue > 0).all()
    expected = np.abs(signals.inversion_recovery(PD, T1, T2, tr=15000, te=100, ti=3000))
    assert np.median(made[8:14, 1:]) / np.median(made[:8, 1:]) == pytest.approx(
        expected[1] / expected[0], rel=0.02
    )
    assert np.median(made[one.mask]) == pytest.approx(np.median(one.target[one.mask]), rel=0.05)
    eager = PAPER | {"start_generator_rate": 0.02, "start_iterations": 60, "adversarial_iterations": 0}
    losses = pixel_gan.fit(Cohort([one]), eager, Run(device="cpu")).losses
    assert losses[-1]["generator"] < 0.6 * losses[0]["generator"]


def test_the_printed_rule_finds_no_water():
    raw = session().inputs[:, :, 3, 0].astype(float)
    assert coarse_flair.water(raw, PAPER)[14:].all()
    assert not coarse_flair.water(raw, PAPER)[:14].any()
    assert not (1 - raw[7] / raw[6] > 0.7)[14:].any()


@pytest.mark.parametrize("start", ["synthetic", "acquired"])
@pytest.mark.parametrize("maps", [0, 3])
def test_raw_images_out_of_proportion_are_refused(start, maps):
    one, run = session(), Run(device="cpu")
    alone = one.inputs / np.median(one.inputs[:, one.mask], axis=1)[:, None, None, None]
    given, recipe = replace(one, inputs=np.concatenate([alone, one.inputs[:maps]])), PAPER | {"start": start}
    with pytest.raises(RecontrastError, match=r"anatomy\.raw"):
        pixel_gan.fit(Cohort([given]), recipe, run)
    model = pixel_gan.fit(Cohort([one]), recipe | {"start_iterations": 2, "adversarial_iterations": 0}, run)
    with pytest.raises(RecontrastError, match=r"anatomy\.raw"):
        pixel_gan.predict(model, replace(given, target=None), recipe, run)


def test_angles_of_the_pulses_are_those_of_the_recipe():
    logarithms = np.log(np.column_stack([PD, T1, T2]))
    scheme = coarse_flair.acquisition(PAPER | {"saturation_angle": 90.0, "excitation_angle": 60.0})
    raw = np.abs(relaxation.model(logarithms, scheme)[0])
    expected = signals.saturation_recovery(
        PD[:, None],
        T1[:, None],
        T2[:, None],
        tr=4000,
        te=scheme.echoes,
        delay=scheme.delays,
        saturation=90,
        flip=60,
    )
    np.testing.assert_allclose(raw, np.abs(expected), rtol=1e-6)
    usual = coarse_flair.acquisition(PAPER)
    assert (usual.saturation, usual.excitation) == (120, 90)
    assert np.abs(np.abs(relaxation.model(logarithms, usual)[0]) / raw - 1).max() > 0.1


def test_inputs_are_counted():
    one = session()
    with pytest.raises(RecontrastError, match="7 inputs"):
        pixel_gan.normalise_inputs(replace(one, inputs=one.inputs[:7]), PAPER)


def test_complex_images_are_their_magnitudes_where_water_and_scale_are_found():
    one, recipe = session(), PAPER | {"complex": True}
    phases = np.exp(1j * np.random.default_rng(3).uniform(0, 2 * np.pi, one.inputs.shape))
    parts = one.inputs * phases
    both = replace(one, inputs=np.concatenate([parts.real, parts.imag]).astype(np.float32))
    expected = coarse_flair.coarse_flair(one, PAPER)
    np.testing.assert_allclose(coarse_flair.coarse_flair(both, recipe), expected, rtol=1e-2)
    scaled = pixel_gan.normalise_inputs(both, recipe)
    magnitude = np.hypot(scaled[:8], scaled[8:])
    np.testing.assert_allclose(magnitude, pixel_gan.normalise_inputs(one, PAPER), rtol=1e-5)
    model = pixel_gan.fit(Cohort([both]), recipe | {"conditional": True}, Run(device="cpu"))
    assert model.weights["signal.0.weight"].shape == (128, 16)
    made = pixel_gan.predict(model, replace(both, target=None), recipe, Run(device="cpu"))
    assert np.isfinite(made).all()
    with pytest.raises(RecontrastError, match="imaginary"):
        pixel_gan.fit(Cohort([one]), recipe, Run(device="cpu"))


def test_the_critic_judges_every_pixel_at_three_resolutions():
    critic = critics.PixelCritic(1, 4)
    assert [tuple(one.shape) for one in critic(torch.randn(2, 1, 16, 24))] == [
        (2, 1, 4, 6),
        (2, 1, 8, 12),
        (2, 1, 16, 24),
    ]
    widths = [block[0].out_channels for block in critics.PixelCritic(1, 32).down]
    assert widths == [32, 64, 128, 256]


def test_resolutions_weigh_the_same_and_loss_forms_differ_where_the_critic_is_right():
    logits = [torch.full((1, 1, 2, 2), -3.0), torch.full((1, 1, 8, 8), 1.0)]
    fake = [np.log1p(np.exp(value)) for value in (-3.0, 1.0)]
    assert float(critics.judge(logits, real=False)) == pytest.approx(np.mean(fake), rel=1e-5)
    assert float(critics.deceive(logits, "minimax")) == pytest.approx(-np.mean(fake), rel=1e-5)
    slopes = []
    for form in ("minimax", "non_saturating"):
        sure = torch.full((1, 1, 2, 2), -6.0, requires_grad=True)
        critics.deceive([sure], form).backward()
        slopes.append(-float(sure.grad.sum()))
    assert slopes[1] > 100 * slopes[0] > 0


@pytest.mark.parametrize("options", [{}, {"adversarial_loss": "non_saturating", "conditional": True}])
def test_each_step_has_its_own_loss_and_rate(options):
    cohort = Cohort([session(1), session(2)])

    def fitted(**changes):
        return pixel_gan.fit(cohort, PAPER | options | changes, Run(device="cpu"))

    whole, still = fitted(), fitted(adversarial_generator_rate=0.0)
    first = fitted(adversarial_iterations=0)
    assert [row["generator"] > 0 for row in whole.losses] == [True, True] + [bool(options)] * 2
    assert len(first.losses) == 2
    assert first.losses == whole.losses[:2]
    for name, array in first.weights.items():
        np.testing.assert_array_equal(still.weights[name], array)
        assert 0 < np.abs(whole.weights[name] - array).max() <= 4 * 1.1 * PAPER["adversarial_generator_rate"]


def test_as_many_iterations_as_asked_for_also_where_the_last_epoch_is_shorter(monkeypatch):
    drawn = []
    draw = pixel_gan.SlicePool.draw_patches
    monkeypatch.setattr(pixel_gan.SlicePool, "draw_patches", lambda *given: drawn.append(1) or draw(*given))
    recipe = PAPER | {"iterations_per_epoch": 3, "start_iterations": 4, "adversarial_iterations": 5}
    model = pixel_gan.fit(Cohort([session(1)]), recipe, Run(device="cpu"))
    assert len(drawn) == 9
    assert len(model.losses) == 4


@pytest.mark.parametrize("conditional", [False, True])
def test_the_critic_sees_nothing_outside_the_mask(conditional):
    one, recipe = session(1), PAPER | {"conditional": conditional}
    noisy = replace(one, inputs=np.where(one.mask, one.inputs, 9999).astype(np.float32))
    plain, other = (pixel_gan.fit(Cohort([given]), recipe, Run(device="cpu")) for given in (one, noisy))
    assert plain.losses == other.losses


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_goes_on_in_either_step_with_the_same_bits(tmp_path, monkeypatch, killed_after):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    cohort = Cohort([session(1), session(2)])
    whole = pixel_gan.fit(cohort, PAPER, Run(device="cpu"))
    run = Run(device="cpu", checkpoint=tmp_path, key="k")
    epoch = loop._Stepper.epoch

    def killed(self, number, seed):
        if number > killed_after:
            raise KeyboardInterrupt
        return epoch(self, number, seed)

    with monkeypatch.context() as patch:
        patch.setattr(loop._Stepper, "epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            pixel_gan.fit(cohort, PAPER, run)
    resumed = pixel_gan.fit(cohort, PAPER, run)
    assert resumed.losses == whole.losses
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], array)


def test_prediction_is_the_generator_of_each_mask_voxel():
    recipe = recipes.resolve("pixel_gan", "quick", SMALL)
    model = pixel_gan.fit(Cohort([session(1)], [session(2)]), recipe, Run(device="cpu"))
    one = session(3)
    made = pixel_gan.predict(model, replace(one, target=None), recipe, Run(device="cpu"))
    generator = pixel_gan.Generator(128, 8)
    generator.load_state_dict({name: torch.from_numpy(array) for name, array in model.weights.items()})
    raw = torch.from_numpy(pixel_gan.normalise_inputs(one, recipe)[:, 4, 5, 1])
    assert made[4, 5, 1] == pytest.approx(
        float(generator(raw).detach()) * model.constants["target"], rel=1e-4
    )
    # A louder scanner changes nothing.
    louder = pixel_gan.predict(
        model, replace(one, inputs=3 * one.inputs, target=None), recipe, Run(device="cpu")
    )
    assert louder == pytest.approx(made, rel=1e-3)


def test_maps_that_step_one_learns_from_are_not_needed_later(tmp_path):
    names = [*(f"S{number}" for number in range(1, 9)), "R1", "R2", "PD"]
    one = session()
    pd, t1, t2 = relaxation.fit(one.inputs.reshape(8, -1).T, coarse_flair.acquisition(PAPER))[0].T
    maps = np.stack([1000 / t1, 1000 / t2, pd]).reshape(3, *one.mask.shape)
    arrays = dict(zip(names, [*one.inputs, *maps], strict=True))
    arrays |= {"FLAIR": one.target, "mask": one.mask.astype(np.uint8)}
    files = {name: tmp_path / f"{name}.nii.gz" for name in arrays}
    for name, array in arrays.items():
        nib.save(nib.Nifti1Image(np.repeat(array, 2, -1).astype(np.float32), np.eye(4)), files[name])
    listed = tmp_path / "sessions.tsv"
    row = {"participant_id": "sub-0", "session_id": "n/a", "role": "training"} | files
    listed.write_text("\t".join(row) + "\n" + "\t".join(map(str, row.values())) + "\n")
    model = {"model": tmp_path / "model.safetensors", "card": tmp_path / "model.json"}
    train(
        method="pixel_gan",
        recipe=json.dumps(PAPER),
        sessions=listed,
        inputs=names,
        target="FLAIR",
        losses=tmp_path / "losses.tsv",
        checkpoint=tmp_path / "state",
        device="cpu",
        **model,
    )
    for made, images in {
        "all": [files[name] for name in names],
        "raw": [files[name] if name[0] == "S" else Path("n/a") for name in names],
    }.items():
        synthesize(
            **model, images=images, mask=files["mask"], output=tmp_path / f"{made}.nii.gz", device="cpu"
        )
    assert (tmp_path / "all.nii.gz").read_bytes() == (tmp_path / "raw.nii.gz").read_bytes()
    without = [Path("n/a") if name == "S3" else files[name] for name in names]
    with pytest.raises(RecontrastError, match="requires S3"):
        synthesize(**model, images=without, mask=files["mask"], output=tmp_path / "none.nii.gz", device="cpu")
