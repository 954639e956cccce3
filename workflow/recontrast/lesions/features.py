"""What the logistic regression of lesion prediction sees of a voxel.

`lst`: the belief of Schmidt 2017 and a spatial effect. `extended`: FLAIR against the session's normal tissue, at
several scales and bent at several heights, its surroundings, the template's tissues and the spatial effect.
`tissue`: these and the session's own tissue maps from T1w, which tell lesions from bright grey matter.
Intensities enter as ratios, so the units of an image do not matter.
"""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from scipy import ndimage, special

from ..errors import RecontrastError
from ..masks import bounding_box
from .lga import mode
from .regions import over_tentorium
from .template_space import Way, neighbours, tissue_maps, to_session

SETS = ("lst", "extended", "tissue")
SMOOTH = {"fine": 0.0, "near": 1.0, "wide": 2.0}  # mm, standard deviations
SURROUNDINGS = {"around": 4.0, "region": 8.0}  # mm
BENDS = (-0.05, 0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6)  # of the ratio to normal tissue
LEAST_WHITE = 0.05  # of the template; where there is less white matter, there is no belief
ROUGH = 1.5  # mm, smoothing before the rough tissue classes
ROUNDS = 5  # of these
CEREBELLUM = 5.0  # ml below the tentorium; less says little about the level there
BLEND = 3.0  # mm above and below the tentorium, where one level passes into the other
OUTER = 8.0  # mm below the edge of the brain mask; deeper fluid is that of the ventricles


@dataclass(frozen=True)
class Head:
    """One session, cut to the box of its brain.

    Attributes:
        image: FLAIR as it is, with the affine of the box.
        part: the box, in voxels of the whole image.
        brain: mask.
        way: between the template and the session.
        priors: (3, x, y, z), CSF, GM and WM of the template here.
        tissues: the same by the session's own T1w, or None.
        ratio: FLAIR over the brighter of grey and white matter, less 1; 0 outside the brain.
        candidates: the voxels that may be lesion: those brighter than white matter.
    """

    image: nib.Nifti1Image
    part: tuple[slice, ...]
    brain: np.ndarray
    way: Way
    priors: np.ndarray
    tissues: np.ndarray | None
    ratio: np.ndarray
    candidates: np.ndarray


def prepare(image: nib.Nifti1Image, brain: np.ndarray, way: Way, tissues: np.ndarray | None = None) -> Head:
    """Cut a session to its brain and bring FLAIR to the scale of its white matter.

    Args:
        image: FLAIR in any units, shape (x, y, z).
        brain: mask, same shape.
        way: between the template and the session.
        tissues: (3, x, y, z), CSF, GM and WM by T1w, if known.
    """
    part = bounding_box(brain, 2)
    affine = image.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [side.start for side in part]
    cut = nib.Nifti1Image(np.asarray(image.dataobj, np.float32)[part], affine)
    inside = brain[part]
    maps, template = tissue_maps()
    priors = np.stack([to_session(one, template, cut, way) for one in maps])
    data = np.asarray(cut.dataobj)
    near = neighbours(cut.affine, data, SMOOTH["near"])
    white = white_level(near, inside, priors[2])
    # Grey matter is brighter than white in the young and darker in the old; lesions are brighter than both.
    level = max(white, grey_level(near, inside, priors[1], white))
    ratio = np.where(inside, data / level - 1, 0).astype(np.float32)
    own = None if tissues is None else tissues[(slice(None), *part)]
    return Head(cut, part, inside, way, priors, own, ratio, inside & (near > white))


def white_level(smoothed: np.ndarray, brain: np.ndarray, white_prior: np.ndarray) -> float:
    """The most frequent FLAIR value where the template has white matter."""
    middle = np.median(smoothed[brain])
    ordinary = brain & (smoothed > 0.7 * middle) & (smoothed < 1.5 * middle)
    white = ordinary & (white_prior > 0.8)
    values = smoothed[white if white.sum() > 100 else ordinary]
    return mode(values) if values.size and values.min() < values.max() else max(float(middle), 1e-6)


def grey_level(smoothed: np.ndarray, brain: np.ndarray, grey_prior: np.ndarray, white: float) -> float:
    """The middle FLAIR value where the template has grey matter and FLAIR no fluid."""
    tissue = brain & (smoothed > 0.85 * white)
    grey = tissue & (grey_prior > 0.7)
    return float(np.median(smoothed[grey if grey.sum() > 100 else tissue]))


def brightness(head: Head) -> np.ndarray:
    """How far FLAIR is above normal tissue, as a part of it, float32 (x, y, z), over about a voxel's surroundings."""
    return neighbours(head.image.affine, head.ratio, SMOOTH["near"])


def excess(head: Head) -> np.ndarray:
    """How far FLAIR is above the normal tissue of its region, float32 (x, y, z): `brightness`, or less.

    In old age, brain stem and cerebellum are often brighter than the normal tissue of the cerebrum. A lesion there has
    to stand out from them.
    """
    near = brightness(head)
    height = over_tentorium(head.image, head.way)
    below = head.brain & (height < 0)
    if below.sum() * abs(np.linalg.det(head.image.affine[:3, :3])) < 1000 * CEREBELLUM:
        return near
    white = white_level(near + 1, below, head.priors[2])
    level = max(1, white, grey_level(near + 1, below, head.priors[1], white))
    return (near + 1) / (1 + (level - 1) * special.expit(-height / BLEND)) - 1


def table(head: Head, effect: np.ndarray, features: str) -> np.ndarray:
    """The features of all candidates, float32 (voxels, features), in the order of `candidates`.

    Args:
        head: a session.
        effect: spatial effect on its box, log-odds.
        features: one of `SETS`.
    """
    maps = _lst(head, effect) if features == "lst" else _extended(head, effect)
    if features == "tissue":
        maps |= _own(head, maps["near"])
    return np.stack([one[head.candidates] for one in maps.values()], axis=1).astype(np.float32)


def names(features: str) -> list[str]:
    """What the columns of `table` are, in their order."""
    if features == "lst":
        return ["belief", "effect"]
    bent = [name for scale in SMOOTH for name in (scale, *(f"{scale} over {height}" for height in BENDS))]
    return [*bent, *SURROUNDINGS, *_FURTHER, *(_OWN if features == "tissue" else ())]


_FURTHER = (
    "around over 0.1",
    "near less region",
    "near less around",
    "effect",
    "effect by near",
    "effect by wide",
    "white",
    "grey",
    "fluid",
    "white by near",
    "depth",
    "depth by near",
    "unrest",
)


def _extended(head: Head, effect: np.ndarray) -> dict[str, np.ndarray]:
    brain = head.brain.astype(np.float32)

    def within(data: np.ndarray, width: float) -> np.ndarray:
        """Mean over the brain alone."""
        return neighbours(head.image.affine, data, width) / np.maximum(share[width], 0.05)

    share = {width: neighbours(head.image.affine, brain, width) for width in (2.0, *SURROUNDINGS.values())}
    near = brightness(head)
    scales = {"fine": head.ratio, "near": near, "wide": within(head.ratio, SMOOTH["wide"])}
    around, region = (within(head.ratio, width) for width in SURROUNDINGS.values())
    columns = {}
    for name, data in scales.items():
        columns[name] = np.clip(data, -0.5, 1.2)
        columns |= {f"{name} over {height}": np.maximum(data - height, 0) for height in BENDS}
    bright, wide = np.clip(near, 0, 0.6), np.clip(scales["wide"], 0, 0.6)
    depth = share[SURROUNDINGS["around"]]
    square = within(head.ratio**2, SURROUNDINGS["around"])
    fluid, grey, white = head.priors
    further = (
        np.maximum(around - 0.1, 0),
        near - region,
        near - around,
        effect,
        effect * bright,
        effect * wide,
        white,
        grey,
        fluid,
        white * bright,
        depth,
        depth * bright,
        np.sqrt(np.maximum(square - around**2, 0)),
    )
    return columns | {"around": around, "region": region} | dict(zip(_FURTHER, further, strict=True))


_OWN = ("own fluid", "own grey", "own white", "own grey by near", "own fluid around", "own white around")


def _own(head: Head, near: np.ndarray) -> dict[str, np.ndarray]:
    if head.tissues is None:
        raise RecontrastError(
            "coefficients with tissue features need tissue maps", remedy="give csf, gm and wm from T1w"
        )
    fluid, grey, white = head.tissues
    wide = [neighbours(head.image.affine, one, SURROUNDINGS["around"]) for one in (fluid, white)]
    return dict(zip(_OWN, (fluid, grey, white, grey * np.clip(near, 0, 0.6), *wide), strict=True))


def _lst(head: Head, effect: np.ndarray) -> dict[str, np.ndarray]:
    """Belief: how far FLAIR is above grey and above white matter, where neither fluid nor grey matter is."""
    _, means = rough_tissue(head)
    scaled = (head.ratio + 1) / means[1]
    # Grey matter is the template's: T1w calls lesions grey.
    fluid = head.priors[0] if head.tissues is None else head.tissues[0]
    brighter = np.maximum(0, scaled - 1) + np.maximum(0, scaled - means[2] / means[1])
    belief = brighter * np.clip(1 - fluid - head.priors[1], 0, 1)
    return {"belief": np.where(head.priors[2] < LEAST_WHITE, 0, belief), "effect": effect}


def rough_tissue(head: Head) -> tuple[np.ndarray, np.ndarray]:
    """Rough tissue classes of FLAIR: one Gaussian each, with the template's maps as priors.

    Returns:
        Posterior probabilities (3, x, y, z) of CSF, GM and WM, and the mean FLAIR of each as `ratio` + 1. What
        is fluid by its place but brighter than grey matter counts as grey matter.
    """
    from scipy import stats  # half a second, which steps that compare and describe need not wait

    data = neighbours(head.image.affine, head.ratio, ROUGH)[head.brain] + 1
    prior = np.maximum(head.priors[:, head.brain], 1e-3)
    prior /= prior.sum(axis=0)
    posterior = prior
    for _ in range(ROUNDS):
        weight = posterior.sum(axis=1)
        means = (posterior * data).sum(axis=1) / weight
        widths = np.sqrt((posterior * (data - means[:, None]) ** 2).sum(axis=1) / weight)
        density = stats.norm.pdf(data, means[:, None], np.maximum(widths, 1e-3)[:, None])
        posterior = prior * density + 1e-12
        posterior /= posterior.sum(axis=0)
        bright = data > means[1]
        posterior[1, bright] += posterior[0, bright]
        posterior[0, bright] = 0
    maps = np.zeros((3, *head.brain.shape), np.float32)
    maps[:, head.brain] = posterior
    return maps, means


def outer_fluid(head: Head) -> np.ndarray:
    """Fluid between the brain and the edge of its mask, on the box of the head; the ventricles are none."""
    own = head.priors if head.tissues is None else head.tissues
    sizes = np.linalg.norm(head.image.affine[:3, :3], axis=0)
    shallow = ndimage.distance_transform_edt(head.brain, sampling=sizes) < OUTER
    fluid = head.brain & shallow & (own[0] > 0.5) & (head.ratio < -0.2)
    return ndimage.binary_propagation(~head.brain, mask=~head.brain | fluid) & head.brain
