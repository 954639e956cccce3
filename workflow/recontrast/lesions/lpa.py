"""Lesion prediction: a logistic regression on FLAIR (Schmidt 2017, PhD thesis, LMU Munich, chapter 6.1).

Three things are added to the description: a richer set of features (`features`); that the share of lesion in
the brain is estimated anew in every session (Saerens 2002, Neural Computation 14:21), without which one threshold
finds a tenth of what is there in people with many lesions, and ten times too much in people with few; and that a
lesion ends where it has lost a part of its height above normal tissue, since people and tools that draw lesions
ask for more brightness where lesions are brighter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage, special

from .. import masks
from .coefficients import Coefficients
from .features import Head, excess, outer_fluid, table
from .neighbourhood import FACES, around
from .template_space import grid, neighbours, to_session

EFFECT_BLUR = 1.5  # cubes of template space; the smoothing of the spatial effect
PSEUDO = 0.02  # lesions and non-lesions added to those counted, so that no odds are zero
TRUST = 0.5  # of 1: how far a session's own share of lesion counts against that of the fit
SHARES = (2e-4, 0.2)  # the least and the most that is believed
REGULARISATION = 0.001  # scikit-learn's C: small, since a few people give millions of voxels
OTHERS = 0.1  # part of the voxels without lesion that are fitted on
LESIONS = 0.5  # part of those with lesion
CUTS = np.arange(-6, 4.01, 0.5)  # log-odds
CONTOURS = (0.0, 0.25, 0.4, 0.5)  # of the height of the brightest
HEIGHT = 0.9  # quantile of a session's likely lesion: how high the brightest are
FAINT = 0.1  # probabilities below are noise
SMOOTHING = 1.0  # mm


def spatial_effect(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Log-odds of lesion by place, float32, smoothed.

    Args:
        maps: one for each participant, their lesions in template space, shape of `template_space.SHAPE`.
    """
    found = ndimage.gaussian_filter(np.sum(maps, axis=0), EFFECT_BLUR)
    return np.log((found + PSEUDO) / (np.maximum(len(maps) - found, 0) + PSEUDO)).astype(np.float32)


@dataclass(frozen=True)
class Cleaning:
    """What `clean` needs of a head, on its box; little, since a fit keeps it for every session.

    Attributes:
        candidates: bool (x, y, z).
        beside: bool (x, y, z), outer fluid and what touches it.
        brightness: of the candidates (voxels,), above the normal tissue of their region.
        affine: of the box.
    """

    candidates: np.ndarray
    beside: np.ndarray
    brightness: np.ndarray
    affine: np.ndarray


def cleaning(head: Head) -> Cleaning:
    """What `clean` needs of this head."""
    beside = ndimage.binary_dilation(outer_fluid(head), FACES)
    return Cleaning(head.candidates, beside, excess(head)[head.candidates], head.image.affine)


@dataclass(frozen=True)
class Example:
    """A session to fit on: the features of its candidates, which of them are lesion, and how much there is.

    Attributes:
        columns: float32 (voxels, features).
        manual: bool (x, y, z), the lesions on the box of the head, those that are no candidates with them.
        cleaning: of the head.
        brain: voxels of the brain.
        volume: of a voxel, in mm³.
    """

    columns: np.ndarray
    manual: np.ndarray
    cleaning: Cleaning
    brain: int
    volume: float

    @property
    def lesion(self) -> np.ndarray:
        """Which candidates are lesion, bool (voxels,)."""
        return self.manual[self.cleaning.candidates]

    @property
    def total(self) -> int:
        """Lesion voxels in all."""
        return int(self.manual.sum())


def example(head: Head, lesions: np.ndarray, effect: np.ndarray, features: str) -> Example:
    """A session with a manual mask (x, y, z), as the fit sees it; `effect` in template space."""
    on_head = to_session(effect, grid(), head.image, head.way)
    return Example(
        table(head, on_head, features),
        lesions[head.part],
        cleaning(head),
        int(head.brain.sum()),
        float(abs(np.linalg.det(head.image.affine[:3, :3]))),
    )


def fit(
    examples: Sequence[Example],
    effect: np.ndarray,
    features: str,
    seed: int,
    provenance: dict,
    contour: float | None = None,
) -> Coefficients:
    """Fit the regression, voxels by their volume, and find the cut and contour whose masks have the best mean Dice.

    Args:
        examples: sessions; each with the spatial effect of the other participants, as a new one has it.
        effect: spatial effect of them all, which the model keeps.
        features: which set.
        seed: of the drawing of voxels.
        provenance: what the model shall say of its origin.
        contour: instead of the best.
    """
    from sklearn.linear_model import LogisticRegression  # a second to load

    rng = np.random.default_rng(seed)
    columns, lesion, weights = [], [], []
    for one in examples:
        part = np.where(one.lesion, LESIONS, OTHERS)
        drawn = np.flatnonzero(rng.random(part.size) < part)
        if one.lesion.any() and not one.lesion[drawn].any():  # one or two voxels, and all of them missed
            drawn = np.append(drawn, np.flatnonzero(one.lesion))
        columns.append(one.columns[drawn])
        lesion.append(one.lesion[drawn])
        weights.append(one.volume / part[drawn] / 8)
    matrix, outcome = np.concatenate(columns), np.concatenate(lesion)
    centre, scale = matrix.mean(axis=0, dtype=float), matrix.std(axis=0, dtype=float) + 1e-6
    found = LogisticRegression(C=REGULARISATION, max_iter=300, tol=1e-3).fit(
        (matrix - centre) / scale, outcome, sample_weight=np.concatenate(weights)
    )
    share = float(np.mean([one.total / one.brain for one in examples]))
    model = Coefficients(
        features,
        centre.tolist(),
        scale.tolist(),
        found.coef_[0].tolist(),
        float(found.intercept_[0]),
        float(np.clip(share, *SHARES)),
        cut=0.0,
        contour=0.0,
        provenance=provenance,
        effect=effect,
    )
    contours = CONTOURS if contour is None else (contour,)
    dice = np.mean([_dice(model, one, contours) for one in examples], axis=0)
    best, cut = np.unravel_index(dice.argmax(), dice.shape)
    return replace(model, cut=float(CUTS[cut]), contour=contours[best])


def _dice(model: Coefficients, one: Example, contours: Sequence[float]) -> np.ndarray:
    """Dice of a session's mask by contour and `CUTS`, after cleaning, which takes from lesions at their edge."""
    odds = adjusted(model.log_odds(one.columns), one.brain, model.share)
    likely = [special.expit(odds - cut) for cut in CUTS]

    def dice(probability: np.ndarray, contour: float) -> float:
        return masks.dice(clean(one.cleaning, probability, contour) >= 0.5, one.manual)

    return np.array([[dice(probability, contour) for probability in likely] for contour in contours])


def adjusted(log_odds: np.ndarray, brain: int, share: float) -> np.ndarray:
    """Log-odds with the session's own share of lesion in place of that of the fit (Saerens 2002, section 2.2).

    Args:
        log_odds: of the candidates; all other voxels are taken to be no lesion.
        brain: voxels of the brain.
        share: part of the brain that was lesion in fitting.
    """
    expected, shift = special.logit(share), 0.0
    for _ in range(30):
        found = np.clip(special.expit(log_odds + shift).sum() / brain, *SHARES)
        shift = TRUST * (special.logit(found) - expected)
    return log_odds + np.float32(shift)


def predict(head: Head, model: Coefficients, shape: tuple[int, ...]) -> np.ndarray:
    """Lesion probability, float32, on the grid of the whole image of `shape`."""
    on_head = to_session(model.effect, grid(), head.image, head.way)
    odds = model.log_odds(table(head, on_head, model.features))
    found = special.expit(adjusted(odds, int(head.brain.sum()), model.share) - model.cut)
    whole = np.zeros(shape, np.float32)
    whole[head.part] = clean(cleaning(head), found, model.contour)
    return whole


def clean(how: Cleaning, probability: np.ndarray, contour: float) -> np.ndarray:
    """Drop faint voxels and the dim ones around lesions, smooth, drop lone voxels and those beside outer fluid.

    Args:
        how: of the head.
        probability: of the candidates (voxels,).
        contour: part of the height of the brightest likely lesions below which a voxel is dim; half of it is where
            the edge of a blurred object lies.

    Returns:
        Probability on the box of the head, float32.
    """
    data = np.zeros(how.candidates.shape, np.float32)
    likely = how.brightness[probability >= 0.5]
    least = contour * np.quantile(likely, HEIGHT) if likely.size else 0
    data[how.candidates] = np.where((probability < FAINT) | (how.brightness < least), 0, probability)
    data = np.where(how.candidates, neighbours(how.affine, data, SMOOTHING), 0)
    lone = around(data >= FAINT, FACES) == 0
    return np.where(lone | how.beside, 0, data)
