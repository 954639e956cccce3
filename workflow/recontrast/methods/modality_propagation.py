"""Modality propagation: the target of the most similar patches of other people's heads (Ye 2013, in Wei 2019).

Every voxel looks in a window of every atlas (a training session brought onto its grid) for the patches that
are most like its own, first by the inputs, then also by the target as estimated so far; it takes the target
in their middle. The "model" is the training images themselves.
"""

import tempfile
from pathlib import Path

import numpy as np

from ..models.interface import Cohort, Model, Run, Volumes
from ..models.normalisation import Scales, scaled, session_scales, z_scores
from ..models.recipes import Recipe
from ..models.volumes import cropped
from ..trainer import unnamed
from ..trainer.alignment import from_images
from ..trainer.moments import from_moments, onto
from ..trainer.patch_search import nearest

ROOM = 2 * 2**30  # bytes of aligned atlases that memory is taken for; more of them lie in a file


def margin(recipe: Recipe) -> int | None:
    """The reach of the window and of the patches in it; whole images where the background's z-scores count."""
    whole = recipe["intensity"] == "z-score" and recipe["region"] == "image"
    return None if whole else _margin(recipe)


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Keep the training sessions around their masks; nothing is learned but the scales of the images."""
    common = intensities(cohort, recipe)
    weights = {}
    for number, whole in enumerate(cohort.training, start=1):
        session, _ = cropped(whole, _margin(recipe))
        images = scaled(np.stack([*session.inputs, session.target]), _pairs(session, common, recipe))
        weights |= {f"atlas{number}/images": images, f"atlas{number}/mask": session.mask}
    spacings = [list(session.spacing) for session in cohort.training]
    return Model(weights, {"contains_images": True, "spacings": spacings} | common)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target of every mask voxel, float32 (x, y, z), in the units of the training targets; 0 elsewhere."""
    return _propagate(model, volumes, recipe, run)


def without(model: Model, volumes: Volumes, number: int, recipe: Recipe, run: Run) -> np.ndarray:
    """The target where the mean of one contrast, as it is scaled and aligned, stands in its place."""
    return _propagate(model, volumes, recipe, run, left_out=number)


def intensities(cohort: Cohort, recipe: Recipe) -> Scales:
    """What is subtracted from images and what they are then divided by, [offset, scale] by contrast and target."""
    if recipe["intensity"] == "z-score":
        return z_scores(cohort.seen(recipe["leaks"]), recipe["region"])
    medians = np.median([session_scales(one, recipe) for one in cohort.training], axis=0)
    *inputs, target = ([0.0, float(scale)] for scale in medians)
    return {"inputs": inputs, "target": target}


def _pairs(volumes: Volumes, common: Scales, recipe: Recipe) -> list[list[float]]:
    """Offset and scale of every contrast and of the target: the training's, or the session's own percentiles."""
    if recipe["intensity"] == "percentile" and recipe["scale"] == "session":
        return [[0.0, scale] for scale in session_scales(volumes, recipe)]
    return [*common["inputs"], common["target"]]


def _margin(recipe: Recipe) -> int:
    """As far as a voxel's patches reach."""
    return recipe["window"] // 2 + recipe["patch"] // 2


def _atlases(model: Model, volumes: Volumes, source: np.ndarray, recipe: Recipe) -> list[np.ndarray]:
    """The training sessions on the grid of one that is aligned with them; each float32 (contrasts + 1, x, y, z).

    One is read and aligned at a time. Where all together are large they lie in a file of the folder for temporary files
    (TMPDIR), from which the search, that goes from place to place, reads a block of each.
    """
    spacings = model.constants["spacings"]
    shape = (len(spacings), len(source) + 1, *volumes.mask.shape)
    large = np.dtype(np.float32).itemsize * int(np.prod(shape)) > ROOM
    kept = (
        unnamed.array(shape, np.float32, Path(tempfile.gettempdir()))
        if large
        else np.empty(shape, np.float32)
    )
    for number, spacing in enumerate(spacings, start=1):
        images, mask = model.weights[f"atlas{number}/images"], model.weights[f"atlas{number}/mask"]
        if recipe["alignment"] == "moments":
            affine = from_moments(volumes.mask, volumes.spacing, mask, spacing)
        else:
            affine = from_images(source[0], volumes.mask, volumes.spacing, images[0], mask, spacing)
        onto(images, *affine, volumes.mask.shape, kept[number - 1])
    return list(kept)


def _propagate(
    model: Model, whole: Volumes, recipe: Recipe, run: Run, left_out: int | None = None
) -> np.ndarray:
    """The target; a contrast that is left out is its own mean, once atlases are aligned."""
    volumes, box = cropped(whole, _margin(recipe))
    pairs = _pairs(volumes, model.constants, recipe)
    source = scaled(volumes.inputs, pairs[: len(volumes.inputs)])
    atlases = _atlases(model, volumes, source, recipe)
    if left_out is not None:
        source[left_out] = source[left_out][volumes.mask].mean()
    estimate = None
    for _ in range(recipe["iterations"]):
        estimate = nearest(
            source,
            atlases,
            volumes.mask,
            estimate=estimate,
            weight=recipe["target_weight"],
            patch=recipe["patch"],
            reach=reach(recipe["window"], volumes.spacing),
            neighbours=recipe["neighbours"],
            threads=run.threads,
        )
    offset, scale = np.array(model.constants["target"], np.float32)
    made = np.zeros(whole.mask.shape, np.float32)
    made[box] = np.where(volumes.mask, estimate * scale + offset, 0)
    return made


def reach(window: int, spacing: tuple[float, float, float]) -> tuple[int, int, int]:
    """Voxels that the window reaches along each axis: as far in mm as along the finest, but one at least.

    A window of one voxel reaches nowhere.
    """
    far = window // 2
    return tuple(min(far, max(1, round(far * min(spacing) / size))) for size in spacing)
