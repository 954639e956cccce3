"""Signal equations against cases that can be done by hand."""

import numpy as np
import pytest
from recontrast import signals
from recontrast.phantom.protocols import PROTOCOLS
from recontrast.phantom.tissues import TISSUES


def test_spin_echo_decays_to_one_e_at_te_of_t2_and_recovers_by_half_at_ln2_t1():
    assert signals.spin_echo(0.8, 800, 80, tr=1e6, te=80) == pytest.approx(0.8 / np.e)
    assert signals.spin_echo(1.0, 1000, 80, tr=1000 * np.log(2), te=0) == pytest.approx(0.5)


def test_gradient_echo_at_90_degrees_is_a_spin_echo_and_peaks_at_the_ernst_angle():
    assert signals.gradient_echo(1.0, 900, 50, tr=300, te=7, flip=90) == pytest.approx(
        signals.spin_echo(1.0, 900, 50, tr=300, te=7)
    )
    angles = np.linspace(1, 90, 8901)
    brightest = angles[np.argmax([signals.gradient_echo(1, 900, 50, tr=20, te=4, flip=a) for a in angles])]
    assert brightest == pytest.approx(np.rad2deg(np.arccos(np.exp(-20 / 900))), abs=0.02)


def test_inversion_recovery_is_null_at_its_null_point_and_negative_before():
    null = 4235 * np.log(2 / (1 + np.exp(-9000 / 4235)))
    sequence = dict(tr=9000, te=124)
    assert signals.inversion_recovery(1, 4235, 2000, ti=null, **sequence) == pytest.approx(0, abs=1e-12)
    assert signals.inversion_recovery(1, 4235, 2000, ti=null - 100, **sequence) < 0
    assert signals.inversion_recovery(1, 800, 80, ti=1e6, tr=1e9, te=0) == pytest.approx(1)


def test_double_inversion_without_a_pause_between_its_pulses_undoes_itself():
    assert signals.double_inversion_recovery(
        0.7, 900, 90, tr=5000, te=20, ti_first=0, ti_second=600
    ) == pytest.approx(signals.spin_echo(0.7, 900, 90, tr=5000, te=20))


@pytest.mark.parametrize(("contrast", "nulled"), [("FLAIR", ["CSF"]), ("DIR", ["CSF", "WM"])])
def test_the_protocols_null_what_they_are_named_for(contrast, nulled):
    protocol = PROTOCOLS[contrast]
    of = {
        name: protocol.equation(kind.pd, kind.t1, kind.t2, **protocol.images[0].settings)
        for name, kind in TISSUES.items()
    }
    for name in nulled:
        undecayed = TISSUES[name].pd * np.exp(-protocol.images[0].settings["te"] / TISSUES[name].t2)
        assert abs(of[name]) < 0.01 * undecayed
    assert abs(of["GM"]) > 0.05


def test_saturation_recovery_with_90_degree_saturation_knows_no_history():
    assert signals.saturation_recovery(
        1.0, 900, 90, tr=4000, te=17, delay=546, saturation=90
    ) == pytest.approx((1 - np.exp(-546 / 900)) * np.exp(-17 / 90))


def test_saturation_recovery_is_the_steady_state_of_its_pulses():
    # A spoiled magnetisation run through saturation, delay, excitation and the rest of TR until it repeats.
    t1, tr, delay, theta, alpha = 1300.0, 4000.0, 1879.0, np.deg2rad(120), np.deg2rad(70)
    before, seen = 1.0, 0.0
    for _ in range(50):
        seen = 1 + (before * np.cos(theta) - 1) * np.exp(-delay / t1)
        before = 1 + (seen * np.cos(alpha) - 1) * np.exp(-(tr - delay) / t1)
    assert signals.saturation_recovery(
        1.0, t1, 90, tr=tr, te=0, delay=delay, saturation=120, flip=70
    ) == pytest.approx(seen)


def test_diffusion_follows_the_tensor_in_its_direction():
    tensor = np.array([1.7e-3, 0.2e-3, 0.1e-3, 0.4e-3, 0.05e-3, 0.3e-3])
    matrix = tensor[[0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(3, 3)
    g = np.array([1.0, 2.0, 2.0]) / 3
    assert signals.diffusion(2.0, tensor, b=1000, direction=g) == pytest.approx(
        2 * np.exp(-1000 * g @ matrix @ g)
    )


def test_rician_noise_has_the_moments_of_its_distribution():
    rng = np.random.default_rng(0)
    noise = signals.rician(np.zeros(200_000), 2.0, rng)
    assert noise.mean() == pytest.approx(2 * np.sqrt(np.pi / 2), rel=0.01)
    bright = signals.rician(np.full(200_000, 60.0), 2.0, rng)
    assert (bright**2).mean() == pytest.approx(60**2 + 2 * 2**2, rel=1e-3)
    assert bright.std() == pytest.approx(2.0, rel=0.01)
