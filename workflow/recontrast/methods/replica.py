"""Replica (Jog 2017), as Kim 2020 compares with it: forests on three resolutions, from the coarsest to the finest.

A forest sees a small patch of every contrast, what the coarser forest made of the place, and means of the first
contrast around it. Grown in one go: an interrupted training starts anew.
"""

from dataclasses import replace

import numpy as np
from scipy.ndimage import center_of_mass, gaussian_filter, map_coordinates, maximum_filter

from ..models.interface import Cohort, Model, Run, Volumes
from ..models.recipes import Recipe
from ..trainer.forests import Forest, grow, out_of_bag
from ..trainer.neighbourhoods import Patches, Surroundings
from ..trainer.sampling import stratified

# From the finest to the coarsest level, in voxels of the level (public code of the authors).
RADII = ((4, 8, 16, 32), (2, 4, 8, 16), (2, 4, 8, 16))
WIDTHS = ((3, 5, 7, 9), (3, 5, 7, 9), (1, 3, 5, 7))
LEVELS = len(RADII)


def margin(recipe: Recipe) -> None:
    """Whole images: at the coarsest level the features reach 76 voxels far."""
    return None


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Grow one forest per level on voxels of the training sessions; validation sessions are not needed."""
    draw = np.random.default_rng(run.seed)
    pyramids = [pyramid(session, recipe) for session in cohort.training]
    coarser: list[np.ndarray | None] = [None] * len(pyramids)
    weights = {}
    for level in reversed(range(LEVELS)):
        sessions = [levels[level] for levels in pyramids]
        # Coarse masks reach beyond the session's own, where the target need not mean anything.
        inside = [one.mask[(slice(None, None, 2**level),) * 3] for one in cohort.training]
        images = [one.inputs[0] for one in sessions]
        drawn = stratified(images, inside, recipe["samples"], recipe["quantiles"], draw)
        seen = list(zip(sessions, coarser, drawn, strict=True))
        # One session at a time: the means around its voxels are several images.
        features = np.concatenate([_View(one, level, below, recipe)(some) for one, below, some in seen])
        targets = np.concatenate([one.target[tuple(some.T)] for one, _, some in seen])
        print(f"level {level}: {recipe['trees']} trees on {len(targets)} voxels", flush=True)
        grown = grow(features, targets, recipe, run)
        forest = Forest.of(grown)
        weights |= forest.weights(_prefix(level))
        if level == 0 or recipe["scales"] == "average":
            continue
        if recipe["coarser"] == "acquired":
            coarser = [one.target for one in sessions]
            continue
        coarser = [_View(one, level, below, recipe).predict(forest, run) for one, below, _ in seen]
        unseen = np.split(out_of_bag(grown, features), np.cumsum([len(some) for some in drawn])[:-1])
        for estimate, some, values in zip(coarser, drawn, unseen, strict=True):
            estimate[tuple(some.T)] = values
    return Model(weights, constants={})


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target of every mask voxel, float32 (x, y, z), in the units of the training targets; 0 elsewhere."""
    levels = pyramid(replace(volumes, target=None), recipe)
    estimates: list[np.ndarray] = []
    for level in reversed(range(LEVELS)):
        coarser = estimates[-1] if estimates and recipe["scales"] == "cascade" else None
        forest = Forest.read(model.weights, _prefix(level))
        estimates.append(_View(levels[level], level, coarser, recipe).predict(forest, run))
    if recipe["scales"] == "cascade":
        return estimates[-1]
    voxels = np.argwhere(volumes.mask)
    scales = [_at(image, voxels / 2**level) for level, image in enumerate(reversed(estimates))]
    output = np.zeros(volumes.mask.shape, np.float32)
    output[volumes.mask] = np.mean(scales, axis=0)
    return output


def pyramid(session: Volumes, recipe: Recipe) -> list[Volumes]:
    """A session at full, half and quarter resolution: smoothed, then every second voxel.

    A coarse mask holds all voxels that those of the finer mask are interpolated from.
    """
    levels = [session]
    every_second = (slice(None, None, 2),) * 3

    def coarse(image: np.ndarray) -> np.ndarray:
        # A kernel of five voxels, as in the public code.
        smooth = gaussian_filter(image, recipe["smoothing"], mode="nearest", radius=2)
        return np.ascontiguousarray(smooth[every_second])

    while len(levels) < LEVELS:
        finer = levels[-1]
        levels.append(
            replace(
                finer,
                inputs=np.stack([coarse(image) for image in finer.inputs]),
                target=None if finer.target is None else coarse(finer.target),
                mask=maximum_filter(finer.mask, 3)[every_second],
            )
        )
    return levels


class _View:
    """What a forest sees of a session at one level.

    Args:
        session: at this level.
        level: 0 is the finest.
        coarser: the estimate (x, y, z) one level up; None: there is none.
        recipe: the resolved recipe.
    """

    def __init__(self, session: Volumes, level: int, coarser: np.ndarray | None, recipe: Recipe) -> None:
        self.mask = session.mask
        self.coarser = coarser
        self.patches = Patches(session.inputs, recipe["patch"])
        centre = center_of_mass(session.mask)[:2]
        self.around = Surroundings(session.inputs[0], RADII[level], WIDTHS[level], centre)

    def __call__(self, voxels: np.ndarray) -> np.ndarray:
        """Features of voxels (n, 3): patches, means of the surroundings, and the coarser estimate at the end."""
        near, far = self.patches.columns, self.around.columns
        features = np.empty((len(voxels), near + far + (self.coarser is not None)), np.float32)
        self.patches.fill(voxels, features)
        self.around.fill(voxels, features, first=near)
        if self.coarser is not None:
            features[:, -1] = _at(self.coarser, voxels / 2)
        return features

    def predict(self, forest: Forest, run: Run) -> np.ndarray:
        """The forest's estimate for every mask voxel, 0 elsewhere."""
        output = np.zeros(self.mask.shape, np.float32)
        output[self.mask] = forest.predict_voxels(np.argwhere(self.mask), self, run.threads)
        return output


def _at(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """An image between its voxels, at places (n, 3), linearly."""
    return map_coordinates(image, places.T, order=1, mode="nearest")


def _prefix(level: int) -> str:
    return f"level{level}/"
