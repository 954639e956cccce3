"""Lesion growth on T1w and FLAIR (Schmidt 2012, NeuroImage 59:3774), from its description.

Voxels that are far brighter than grey matter start a lesion; it grows into its surroundings as long as
these look more like lesion than like tissue. Arrays are (x, y, z) unless said otherwise.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .neighbourhood import CORNERS, FACES, around

PHI = 1.0  # strength of the neighbours' say
ITERATIONS = 50
GAIN = 0.01  # a step that raises no voxel by more ends the growth
BORDERS = (1.5, 2.5)  # of the tissue label between CSF and GM, GM and WM
BRIGHT_FLUID = 2.4  # the label of what T1w calls fluid and FLAIR shows brighter than grey matter
MOST_NEIGHBOURS = 18  # of 26; with more of them in the lesion, a voxel is a hole in it


@dataclass(frozen=True)
class Tissue:
    """A brain as growth sees it.

    Attributes:
        label: 1 fluid, 2 grey matter, 3 white matter, and what lies between; 0 outside the brain.
        flair: in units of its mode.
        index: class of each voxel, 0 fluid, 1 grey, 2 white matter, -1 outside.
        means, widths: FLAIR of the three classes, mean and standard deviation.
    """

    label: np.ndarray
    flair: np.ndarray
    index: np.ndarray
    means: np.ndarray
    widths: np.ndarray


def tissue(flair: np.ndarray, mask: np.ndarray, maps: np.ndarray) -> Tissue:
    """Label the tissue of every voxel, from T1w; FLAIR corrects what is bright there.

    Args:
        flair: any units.
        mask: the brain.
        maps: (3, x, y, z), probabilities of CSF, GM and WM by T1w.
    """
    scaled = np.where(mask, flair / mode(flair[mask]), 0).astype(np.float32)
    total = np.maximum(maps.sum(axis=0), 1e-6)
    label = np.where(mask, (maps * np.array([1, 2, 3])[:, None, None, None]).sum(axis=0) / total, 0)
    grey = mask & (label >= BORDERS[0]) & (label < BORDERS[1])
    if grey.any():
        label[mask & (label < BORDERS[0]) & (scaled > scaled[grey].mean())] = BRIGHT_FLUID
    index = np.where(mask, np.digitize(label, BORDERS), -1)
    found = [scaled[index == one] for one in range(3)]
    return Tissue(
        label.astype(np.float32),
        scaled,
        index,
        np.array([one.mean() if one.size else 0.0 for one in found]),
        np.array([max(one.std(), 1e-3) if one.size else 1e-3 for one in found]),
    )


def mode(values: np.ndarray) -> float:
    """The most frequent value, of a smoothed histogram of 200 bins between the 1st and 99.5th percentile."""
    counts, edges = np.histogram(values, bins=200, range=np.percentile(values, (1, 99.5)))
    best = ndimage.gaussian_filter1d(counts.astype(float), 3).argmax()
    return float(edges[best] + edges[best + 1]) / 2


def beliefs(brain: Tissue, white_prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far every voxel is brighter than grey matter, and than the tissue that T1w takes it for, (x, y, z) each.

    The first starts lesions, the second lets them grow. T1w takes a fifth of lesion voxels for white matter, in
    some people half; so the first is no matter of what it says.

    Args:
        brain: labelled tissue.
        white_prior: probability of white matter where this voxel lies, of the template: lesions have made
            the session's own map useless for that.
    """
    inside = brain.index >= 0
    scaled = np.where(inside, brain.label * white_prior, 0)
    own = brain.means[np.maximum(brain.index, 0)]
    above = [np.maximum(brain.flair - level, 0) for level in (brain.means[1], own)]
    return tuple((scaled * one).astype(np.float32) for one in above)


def seeds(grey_belief: np.ndarray, kappa: float) -> np.ndarray:
    """Where lesions start: the belief against grey matter times the mean of its 6 neighbours above kappa.

    Seeds with fewer than two others among their neighbours are dropped.
    """
    first = grey_belief * around(grey_belief) / 6 > kappa
    return first & (around(first) >= 2)


def grow(brain: Tissue, belief: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Grow lesions from their seeds.

    Lesion FLAIR has a Gamma density, all other tissue a mixture of the three classes' Gaussians, weighted
    by their sizes; both follow the lesions as these grow. Voxels are updated in checkerboard order.

    Args:
        brain: labelled tissue.
        belief: against every voxel's own tissue.
        start: mask of seeds.

    Returns:
        Lesion probability, float32.
    """
    smooth = (around(belief) + belief) / 7
    # Worked on as flat lists of the voxels that can ever change: a small part of the image.
    able = np.pad((brain.index >= 0) & (smooth > 0) & ~start, 1)
    probability = np.pad(start.astype(np.float32), 1).ravel()
    places = np.flatnonzero(able)
    steps = np.cumprod((1, *able.shape[:0:-1]))
    beside = np.concatenate([steps, -steps])
    parity = np.indices(able.shape, np.int8).sum(axis=0, dtype=np.int8).ravel()[places] % 2
    flair, drawn = np.pad(brain.flair, 1).ravel(), np.pad(smooth, 1).ravel()
    for _ in range(ITERATIONS):
        before = probability[places]
        ratio = _lesion_ratio(brain, flair, probability, places)
        for colour in (0, 1):
            mine = parity == colour
            voxels = places[mine]
            near = probability[voxels[:, None] + beside].sum(axis=1)
            grown = drawn[voxels] * ratio[mine] * np.exp(PHI * (2 * near - 6))
            # A voxel never falls back: growth ends.
            raised = np.where(near > 1, np.minimum(grown, 1), 0)
            probability[voxels] = np.maximum(probability[voxels], raised)
        if (probability[places] - before).max(initial=0) <= GAIN:
            break
    inner = probability.reshape(able.shape)[1:-1, 1:-1, 1:-1]
    return np.ascontiguousarray(inner)


def _lesion_ratio(
    brain: Tissue, flair: np.ndarray, probability: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """Density of the FLAIR of some voxels as lesion, over that as other tissue."""
    from scipy import stats  # half a second, which steps that grow nothing need not wait

    inside = probability > 0
    weights, values = probability[inside], flair[inside]
    if not weights.size:
        return np.zeros(len(places), np.float32)
    mean = np.average(values, weights=weights)
    variance = max(np.average((values - mean) ** 2, weights=weights), 1e-4)
    lesion = stats.gamma.pdf(flair[places], mean**2 / variance, scale=variance / mean)
    shares = np.array([(brain.index == one).mean() for one in range(3)])
    shares /= shares.sum()
    other = sum(
        share * stats.norm.pdf(flair[places], centre, width)
        for share, centre, width in zip(shares, brain.means, brain.widths, strict=True)
    )
    return (lesion / np.maximum(other, 1e-9)).astype(np.float32)


def clean(probability: np.ndarray) -> np.ndarray:
    """Fill the holes of grown lesions and drop lone voxels."""
    lesions = probability > 0.5
    enclosed = ~lesions & (around(lesions, CORNERS) > MOST_NEIGHBOURS)
    filled = np.where(enclosed, np.maximum(probability, around(probability, CORNERS) / 26), probability)
    alone = (filled > 0) & (around(filled > 0, FACES) == 0)
    return np.where(alone, 0, filled).astype(np.float32)
