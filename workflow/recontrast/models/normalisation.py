"""Intensity scales of the published systems, as pure functions of arrays."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..errors import RecontrastError
from .interface import Region, Volumes
from .recipes import Recipe

Scales = dict[str, object]  # {"inputs": [one per contrast], "target": one}


def percentile_scale(image: np.ndarray, mask: np.ndarray, percentile: float, label: str = "") -> float:
    """A percentile of the intensities inside the mask, to divide by.

    Raises:
        RecontrastError: it is not above zero, so that it is no scale.
    """
    scale = float(np.percentile(image[mask], percentile))
    if not scale > 0:
        raise RecontrastError(
            f"{label}: the {percentile:g}th percentile inside the mask is {scale:g}",
            remedy="check image and mask of this session, or exclude it",
        )
    return scale


def mean_and_sd(arrays: Iterable[np.ndarray]) -> tuple[float, float]:
    """Mean and standard deviation over all values of several arrays, in double precision."""
    count = total = squares = 0.0
    for array in arrays:
        values = array.astype(np.float64)
        count += values.size
        total += values.sum()
        squares += np.square(values).sum()
    mean = total / count
    return float(mean), float(np.sqrt(max(squares / count - mean**2, 1e-12)))


def z_scores(sessions: list[Volumes], region: Region) -> Scales:
    """Mean and SD of every contrast and of the target over all voxels of all sessions, as [mean, sd]."""

    def values(session: Volumes, image: np.ndarray) -> np.ndarray:
        return image if region == "image" else image[session.mask]

    contrasts = range(len(sessions[0].inputs))
    inputs = [mean_and_sd(values(one, one.inputs[number]) for one in sessions) for number in contrasts]
    target = mean_and_sd(values(one, one.target) for one in sessions if one.target is not None)
    return {"inputs": [list(pair) for pair in inputs], "target": list(target)}


def scaled(images: np.ndarray, pairs: list[list[float]]) -> np.ndarray:
    """Images (n, x, y, z), from each an offset subtracted and then divided by a scale; float32."""
    offsets, scales = np.array(pairs, dtype=np.float32).T[:, :, None, None, None]
    return (images - offsets) / scales


def cohort_scales(sessions: list[Volumes], recipe: Recipe) -> Scales:
    """What contrasts and target are typically divided by: the medians of all sessions' own scales."""
    scales = np.median([session_scales(session, recipe) for session in sessions], axis=0)
    return {"inputs": scales[:-1].tolist(), "target": float(scales[-1])}


def normalise(session: Volumes, constants: Scales, recipe: Recipe) -> Volumes:
    """A session with inputs and target divided by its own or the training's percentiles."""
    inputs = normalise_inputs(session, constants, recipe)
    own = target_scale(session, constants, recipe)
    return replace(session, inputs=inputs, target=session.target / np.float32(own))


def target_scale(session: Volumes, constants: Scales, recipe: Recipe) -> float:
    """What training divides a session's target by: its own percentile, where it is known, or the training's."""
    if session.target is None or recipe["scale"] == "cohort":
        return constants["target"]
    return percentile_scale(session.target, session.mask, recipe["percentile"], session.label)


def session_scales(volumes: Volumes, recipe: Recipe) -> list[float]:
    """The percentile inside the mask of every contrast and, at the end, of the target if there is one."""
    images = [*volumes.inputs, *([] if volumes.target is None else [volumes.target])]
    return [percentile_scale(image, volumes.mask, recipe["percentile"], volumes.label) for image in images]


def normalise_inputs(volumes: Volumes, constants: Scales, recipe: Recipe) -> np.ndarray:
    """Every contrast divided by its own or the training's percentile, float32 (contrasts, x, y, z)."""
    count = len(volumes.inputs)
    scales = session_scales(volumes, recipe)[:count] if recipe["scale"] == "session" else constants["inputs"]
    return volumes.inputs / np.array(scales, dtype=np.float32)[:, None, None, None]
