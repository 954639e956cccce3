"""The first target of DL-FLAIR: a FLAIR computed from relaxation rates, with its water put out.

Not a method of its own: `bloch` is.
"""

import numpy as np

from .. import relaxation, signals
from ..errors import RecontrastError
from ..models.contradictions import RAW, refuse
from ..models.interface import Volumes
from ..models.recipes import Recipe
from ..relaxation import Acquisition

ALIKE = 1e-3  # of their mean, between medians that were made equal; echoes and delays differ more


def channels(recipe: Recipe) -> int:
    """How many inputs are raw images: magnitudes, or real and imaginary parts."""
    return 2 * RAW if recipe["complex"] else RAW


def split(volumes: Volumes, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """The raw images (8 or 16, x, y, z) and the maps (3, x, y, z) among the inputs; no maps: shape (0, x, y, z).

    Raises:
        RecontrastError: they are neither the raw images alone nor these and three maps; or the raw images are not in
            proportion to each other.
    """
    count = channels(recipe)
    refuse("pixel_gan", recipe, len(volumes.inputs))
    raw = volumes.inputs[:count]
    medians = np.median(magnitudes(raw)[:, volumes.mask], axis=1)
    if np.ptp(medians) < ALIKE * medians.mean():
        raise RecontrastError(
            f"{volumes.label}: the raw images were scaled individually, which hides relaxation",
            remedy="name their suffix in anatomy.raw, so that they keep their intensities",
        )
    return raw, volumes.inputs[count:]


def magnitudes(raw: np.ndarray) -> np.ndarray:
    """The eight magnitudes of raw images (8 or 16, ...)."""
    return raw if len(raw) == RAW else np.hypot(raw[:RAW], raw[RAW:])


def coarse_flair(volumes: Volumes, recipe: Recipe) -> np.ndarray:
    """The computed FLAIR inside the mask, its median that of the acquired one, 0 in water; float32 (x, y, z).

    R1, R2 and PD are those among the inputs. Where there are none they are fitted to the raw images. Water is found
    on the raw images.
    """
    inside = volumes.mask
    raw, maps = (images[:, inside].astype(np.float64) for images in split(volumes, recipe))
    raw = magnitudes(raw)
    if len(maps):
        r1, r2, pd = maps
    else:
        pd, t1, t2 = relaxation.fit(raw.T, acquisition(recipe))[0].T
        r1, r2 = _inverse(t1), _inverse(t2)
    timing = {name: recipe[f"synthetic_{name}"] for name in ("tr", "te")}
    flair = signals.from_rates(pd, r1, r2, **timing, ti=[recipe["synthetic_ti"]])
    flair *= np.median(volumes.target[inside]) / np.median(flair)
    flair[water(raw, recipe)] = 0
    image = np.zeros(inside.shape, np.float32)
    image[inside] = flair
    return image


def water(raw: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Which voxels hold water, slow to decay (S8/S7) and slow to recover (1 - S5/S7); (8, n) to boolean (n,).

    Source: Hagiwara 2019, DL Framework, where the ratio of the echoes is printed the wrong way round.
    """
    fifth, seventh, eighth = raw[4], np.maximum(raw[6], np.finfo(float).tiny), raw[7]
    return (eighth / seventh > recipe["water_echo"]) & (1 - fifth / seventh > recipe["water_recovery"])


def acquisition(recipe: Recipe) -> Acquisition:
    """The times and angles of the eight images."""
    delays = [recipe[f"delay_{number}"] for number in range(1, RAW // 2 + 1)]
    echoes = [recipe["echo_1"], recipe["echo_2"]]
    return Acquisition(
        np.tile(echoes, len(delays)),
        np.repeat(delays, len(echoes)),
        recipe["repetition_time"],
        recipe["saturation_angle"],
        recipe["excitation_angle"],
    )


def _inverse(values: np.ndarray) -> np.ndarray:
    """From ms to 1/s, 0 for nothing."""
    return np.divide(1000, values, out=np.zeros_like(values), where=values > 0)
