"""The first target of DL-FLAIR: a FLAIR computed from relaxation rates, with its water put out.

Not a method of its own: `bloch` is.
"""

import numpy as np

from .. import relaxation, signals
from ..errors import RecontrastError
from ..relaxation import Acquisition
from .interface import Volumes
from .recipes import Recipe

IMAGES = 8  # S1 to S8: delay by delay, the shorter echo first
REMEDY = (
    "give the eight raw images, delay by delay with the shorter echo first (with `complex: true` their real parts, "
    "then in the same order their imaginary parts), and after them R1, R2 and PD where the study has relaxometry"
)


def channels(recipe: Recipe) -> int:
    """How many inputs are raw images: magnitudes, or real and imaginary parts."""
    return 2 * IMAGES if recipe["complex"] else IMAGES


def split(volumes: Volumes, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """The raw images (8 or 16, x, y, z) and the maps (3, x, y, z) among the inputs; no maps: shape (0, x, y, z).

    Raises:
        RecontrastError: they are neither the raw images alone nor these and three maps.
    """
    count = channels(recipe)
    if len(volumes.inputs) not in (count, count + 3):
        raise RecontrastError(f"pixel_gan was given {len(volumes.inputs)} inputs", remedy=REMEDY)
    return volumes.inputs[:count], volumes.inputs[count:]


def magnitudes(raw: np.ndarray) -> np.ndarray:
    """The eight magnitudes of raw images (8 or 16, ...)."""
    return raw if len(raw) == IMAGES else np.hypot(raw[:IMAGES], raw[IMAGES:])


def coarse_flair(volumes: Volumes, recipe: Recipe) -> np.ndarray:
    """The computed FLAIR inside the mask, its median that of the acquired one, 0 in water; float32 (x, y, z).

    R1, R2 and PD are those among the inputs. Where there are none they are fitted to the raw images. Water is found
    on the raw images, or on those that the maps predict where each has been scaled by itself.

    Raises:
        RecontrastError: there are no maps, and the raw images are not in proportion to each other.
    """
    inside = volumes.mask
    raw, maps = (images[:, inside].astype(np.float64) for images in split(volumes, recipe))
    raw = magnitudes(raw)
    scheme = acquisition(recipe)
    apart = np.ptp(np.median(raw, axis=1)) < 1e-3 * raw.mean()
    if len(maps):
        r1, r2, pd = maps
        t1, t2 = _inverse(r1), _inverse(r2)
    else:
        if apart:
            raise RecontrastError(
                f"{volumes.label}: the raw images have been scaled each by itself, which hides relaxation",
                remedy="add R1, R2 and PD to the inputs, or name their suffix in anatomy.raw",
            )
        pd, t1, t2 = relaxation.fit(raw.T, scheme)[0].T
        r1, r2 = _inverse(t1), _inverse(t2)
    timing = {name: recipe[f"synthetic_{name}"] for name in ("tr", "te")}
    flair = signals.from_rates(pd, r1, r2, **timing, ti=[recipe["synthetic_ti"]])
    flair *= np.median(volumes.target[inside]) / np.median(flair)
    flair[water(simulated(t1, t2, scheme) if apart else raw, recipe)] = 0
    image = np.zeros(inside.shape, np.float32)
    image[inside] = flair
    return image


def water(raw: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Which voxels hold water, slow to decay (S8/S7) and slow to recover (1 - S5/S7); (8, n) to boolean (n,).

    Source: Hagiwara 2019, DL Framework, where the ratio of the echoes is printed the wrong way round.
    """
    fifth, seventh, eighth = raw[4], np.maximum(raw[6], np.finfo(float).tiny), raw[7]
    return (eighth / seventh > recipe["water_echo"]) & (1 - fifth / seventh > recipe["water_recovery"])


def simulated(t1: np.ndarray, t2: np.ndarray, scheme: Acquisition) -> np.ndarray:
    """The eight magnitudes of voxels (n,) of proton density 1, shape (8, n); 0 where a time is."""
    there = (t1 > 0) & (t2 > 0)
    logarithms = np.log(np.column_stack([np.ones(there.sum()), t1[there], t2[there]]))
    raw = np.zeros((IMAGES, len(t1)))
    raw[:, there] = np.abs(relaxation.model(logarithms, scheme)[0]).T
    return raw


def acquisition(recipe: Recipe) -> Acquisition:
    """The times of the eight images."""
    delays = [recipe[f"delay_{number}"] for number in range(1, IMAGES // 2 + 1)]
    echoes = [recipe["echo_1"], recipe["echo_2"]]
    return Acquisition(
        np.tile(echoes, len(delays)), np.repeat(delays, len(echoes)), recipe["repetition_time"]
    )


def _inverse(values: np.ndarray) -> np.ndarray:
    """From 1/s to ms or back, 0 for nothing."""
    return np.divide(1000, values, out=np.zeros_like(values), where=values > 0)
