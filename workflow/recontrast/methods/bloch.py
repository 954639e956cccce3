"""Synthetic MRI: the contrast that a signal equation gives for the relaxation rates of each voxel.

Nothing is learned but the factor that takes the image to the units of the target.
"""

from dataclasses import replace

import numpy as np

from .. import signals
from ..models.contradictions import refuse
from ..models.interface import Cohort, Model, Run, Volumes
from ..models.normalisation import percentile_scale
from ..models.recipes import Recipe


def margin(recipe: Recipe) -> int:
    """A voxel needs no others."""
    return 0


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Find the factor: over sessions the median of what the median inside the mask has to become."""
    levels = []
    for one in cohort.training:
        made = image(one, recipe)
        level = float(np.median(one.target[one.mask]))
        levels.append(level if recipe["scale"] == "session" else level / _level(made, one))
    return Model({}, {"factor": float(np.median(levels))})


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The contrast of every voxel, float32 (x, y, z), in the units of the training targets."""
    made = image(volumes, recipe)
    return made * _factor(model, made, volumes, recipe)


def without(model: Model, volumes: Volumes, number: int, recipe: Recipe, run: Run) -> np.ndarray:
    """The contrast with the mean of one map everywhere; brought to units as the whole one is."""
    inputs = volumes.inputs.copy()
    inputs[number] = inputs[number][volumes.mask].mean()
    changed = image(replace(volumes, inputs=inputs), recipe)
    return changed * _factor(model, image(volumes, recipe), volumes, recipe)


def image(volumes: Volumes, recipe: Recipe) -> np.ndarray:
    """The magnitude image in units of the proton density, float32 (x, y, z).

    Raises:
        RecontrastError: the inputs are not three maps, or no sequence has such times.
    """
    refuse("bloch", recipe, len(volumes.inputs))
    r1, r2, pd = volumes.inputs
    inversions = [recipe["inversion_time"]] if recipe["equation"] == "inversion_recovery" else []
    timing = dict(tr=recipe["repetition_time"], te=recipe["echo_time"], ti=inversions)
    return signals.from_rates(pd, r1, r2, **timing)


def _factor(model: Model, made: np.ndarray, volumes: Volumes, recipe: Recipe) -> np.float32:
    """What the image of a session is multiplied by."""
    factor = model.constants["factor"]
    return np.float32(factor / _level(made, volumes) if recipe["scale"] == "session" else factor)


def _level(made: np.ndarray, volumes: Volumes) -> float:
    return percentile_scale(made, volumes.mask, 50, volumes.label)
