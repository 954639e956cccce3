"""Modality propagation: the target of the most similar patches of other people's heads (Ye 2013, in Wei 2019).

Every voxel looks in a window of every atlas (a training session brought onto its grid) for the patches that
are most like its own, first by the inputs, then also by the target as estimated so far; it takes the target
in their middle. The "model" is the training images themselves.
"""

import numpy as np

from ..trainer.patch_search import nearest
from .alignment import from_images
from .interface import Cohort, Model, Run, Volumes
from .moments import from_moments, onto
from .normalisation import percentile_scale
from .recipes import Recipe


def margin(recipe: Recipe) -> int:
    """The reach of the window and of the patches in it."""
    return recipe["window"] // 2 + recipe["patch"] // 2


def fit(cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """Keep the training sessions; nothing is learned but the scales of the images."""
    scales = [_scales(session, recipe) for session in cohort.training]
    common = np.median(scales, axis=0)
    weights = {}
    for number, (session, own) in enumerate(zip(cohort.training, scales, strict=True), start=1):
        used = own if recipe["scale"] == "session" else common
        images = np.stack([*session.inputs, session.target]) / used.astype(np.float32)[:, None, None, None]
        weights |= {f"atlas{number}/images": images, f"atlas{number}/mask": session.mask}
    constants = {
        "contains_images": True,
        "scales": common.tolist(),
        "spacings": [list(session.spacing) for session in cohort.training],
    }
    return Model(weights, constants)


def predict(model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """The target of every mask voxel, float32 (x, y, z), in the units of the training targets; 0 elsewhere."""
    source = _source(model, volumes, recipe)
    return _propagate(model, volumes, source, _atlases(model, volumes, source, recipe), recipe, run)


def without(model: Model, volumes: Volumes, number: int, recipe: Recipe, run: Run) -> np.ndarray:
    """The target where the mean of one contrast, as it is scaled and aligned, stands in its place."""
    source = _source(model, volumes, recipe)
    atlases = _atlases(model, volumes, source, recipe)
    source[number] = source[number][volumes.mask].mean()
    return _propagate(model, volumes, source, atlases, recipe, run)


def _source(model: Model, volumes: Volumes, recipe: Recipe) -> np.ndarray:
    """The contrasts, scaled; float32 (contrasts, x, y, z)."""
    common = np.array(model.constants["scales"], dtype=np.float32)
    scales = common[:-1] if recipe["scale"] == "cohort" else _scales(volumes, recipe)[: len(common) - 1]
    return volumes.inputs / scales.astype(np.float32)[:, None, None, None]


def _atlases(model: Model, volumes: Volumes, source: np.ndarray, recipe: Recipe) -> list[np.ndarray]:
    """The training sessions on the grid of one that is aligned with them; each float32 (contrasts + 1, x, y, z)."""
    atlases = []
    for number, spacing in enumerate(model.constants["spacings"], start=1):
        images, mask = model.weights[f"atlas{number}/images"], model.weights[f"atlas{number}/mask"]
        if recipe["alignment"] == "moments":
            affine = from_moments(volumes.mask, volumes.spacing, mask, spacing)
        else:
            affine = from_images(source[0], volumes.mask, volumes.spacing, images[0], mask, spacing)
        atlases.append(onto(images, *affine, volumes.mask.shape))
    return atlases


def _propagate(
    model: Model, volumes: Volumes, source: np.ndarray, atlases: list[np.ndarray], recipe: Recipe, run: Run
) -> np.ndarray:
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
    return estimate * np.float32(model.constants["scales"][-1])


def reach(window: int, spacing: tuple[float, float, float]) -> tuple[int, int, int]:
    """Voxels that the window reaches along each axis: as far in mm as along the finest, but one at least."""
    return tuple(max(1, round(window // 2 * min(spacing) / size)) for size in spacing)


def _scales(volumes: Volumes, recipe: Recipe) -> np.ndarray:
    """The percentile inside the mask of every contrast and, at the end, of the target if there is one."""
    images = [*volumes.inputs, *([] if volumes.target is None else [volumes.target])]
    return np.array(
        [percentile_scale(one, volumes.mask, recipe["percentile"], volumes.label) for one in images]
    )
