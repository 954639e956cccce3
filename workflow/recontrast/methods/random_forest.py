"""Wei 2019's random forest of 60 trees: the target of a voxel from its neighbourhood in every contrast.

Trees ask only whether an intensity lies above a threshold. A scale that all images of a contrast share changes
nothing for them, so there is none here.
"""

import numpy as np

from ..models.interface import Cohort, Model, Run, Volumes
from ..models.recipes import Recipe
from ..trainer.forests import Forest, grow
from ..trainer.neighbourhoods import Patches
from ..trainer.sampling import stratified


def margin(recipe: Recipe) -> int:
    """The reach of a patch."""
    return recipe["patch"] // 2


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Grow the trees, in one go, on voxels of the training sessions; validation sessions are not needed."""
    sessions = cohort.training
    drawn = stratified(
        [session.inputs[0] for session in sessions],
        [session.mask for session in sessions],
        recipe["samples"],
        recipe["quantiles"],
        np.random.default_rng(run.seed),
    )
    pairs = list(zip(sessions, drawn, strict=True))
    features = np.concatenate([_features(_patches(one, recipe), voxels) for one, voxels in pairs])
    targets = np.concatenate([one.target[tuple(voxels.T)] for one, voxels in pairs])
    print(f"{recipe['trees']} trees on {len(targets)} voxels of {features.shape[1]} features", flush=True)
    return Model(Forest.of(grow(features, targets, recipe, run)).weights(), constants={})


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target of every mask voxel, float32 (x, y, z), in the units of the training targets; 0 elsewhere."""
    patches = _patches(volumes, recipe)
    forest = Forest.read(model.weights)
    output = np.zeros(volumes.mask.shape, np.float32)
    output[volumes.mask] = forest.predict_voxels(
        np.argwhere(volumes.mask), lambda voxels: _features(patches, voxels), run.threads
    )
    return output


def _patches(session: Volumes, recipe: Recipe) -> Patches:
    return Patches(session.inputs, recipe["patch"])


def _features(patches: Patches, voxels: np.ndarray) -> np.ndarray:
    features = np.empty((len(voxels), patches.columns), np.float32)
    patches.fill(voxels, features)
    return features
