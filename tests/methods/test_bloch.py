"""Synthetic MRI: the equations, the units of the target, and its limit where tissues share a voxel."""

from dataclasses import replace

import numpy as np
import pytest
from recontrast.errors import RecontrastError
from recontrast.methods import bloch, recipes
from recontrast.methods.interface import Cohort, Run, Volumes

RUN = Run()
T1, T2, PD = (np.array(values) for values in ((832.0, 1331, 4235), (80.0, 99, 2000), (0.7, 0.82, 1.0)))


def session(gain: float, level: float = 1.0) -> Volumes:
    """White matter, grey matter and water in slabs; its target is the conventional FLAIR."""
    maps = [
        np.repeat(values, [50, 40, 10]).reshape(1, 10, 10) for values in (1000 / T1, 1000 / T2, gain * PD)
    ]
    flair = PD * (1 - 2 * np.exp(-2472 / T1) + np.exp(-9000 / T1)) * np.exp(-124 / T2)
    target = 5000 * level * np.abs(np.repeat(flair, [50, 40, 10])).reshape(1, 10, 10)
    inputs = np.stack(maps).astype(np.float32)
    return Volumes("sub-01", inputs, target.astype(np.float32), np.ones((1, 10, 10), bool))


@pytest.mark.parametrize(("scale", "level"), [("session", 1.0), ("cohort", 2.0)])
def test_finds_the_scanned_contrast_in_its_units(scale, level):
    recipe = recipes.resolve("bloch", "conventional", {"scale": scale})
    # A gain of the scanner raises proton density and target alike, unless the targets are standardised.
    training = [session(gain, gain if scale == "cohort" else 1.0) for gain in (1.0, 3.0)]
    test = session(2.0, level)
    model = bloch.fit(Cohort(training), recipe, RUN)
    made = bloch.predict(model, replace(test, target=None), recipe, RUN)
    assert made.dtype == np.float32
    assert made == pytest.approx(test.target, rel=1e-4, abs=0.1)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("paper", np.abs(PD * (1 - 2 * np.exp(-3000 / T1) + np.exp(-15000 / T1)) * np.exp(-100 / T2))),
        ("t1w", PD * (1 - np.exp(-500 / T1)) * np.exp(-10 / T2)),
    ],
)
def test_equations_of_the_paper(recipe, expected):
    made = bloch.image(session(1.0), recipes.resolve("bloch", recipe))
    assert made[0, [0, 6, 9], 0] == pytest.approx(expected, rel=1e-5)


def test_wrong_inputs_are_named():
    one = session(1.0)
    with pytest.raises(RecontrastError, match="R1, R2, PD"):
        bloch.fit(Cohort([replace(one, inputs=one.inputs[:2])]), recipes.resolve("bloch"), RUN)
