"""Lesions as in multiple sclerosis: beside the ventricles, under the cortex and deep in the white matter."""

from dataclasses import replace

import numpy as np

from .anatomy import Compartment, Head, sample
from .fields import stream
from .template import load
from .tissues import Tissue, lesion

PLACES = {"periventricular": 0.5, "juxtacortical": 0.25, "deep": 0.25}  # share of lesions in each
FLAIR_RATIO = (1.50, 1.60)  # lesion over white matter: the mean of a participant is drawn from here
FLAIR_SPREAD = 0.04  # SD of single lesions around it


def place(head: Head, seed: int, participant: int, volume: float, voxel: float) -> None:
    """Grow lesions in a head until they fill `volume`, and settle what every tissue is made of.

    Args:
        head: changed in place: lesions take the place of white matter and of what grey matter is mixed with
            it.
        seed, participant: what the lesions follow from. A larger volume keeps the lesions of a smaller one.
        volume: total in ml.
        voxel: voxel size of the images in mm; no lesion is smaller than three voxels.
    """
    rng = stream(seed, participant, "lesions")
    white, grey = head.fractions["WM"], head.fractions["GM"]
    allowed = white + grey * np.clip(3 * white, 0, 1)
    seeds = places(head, white)
    ml = float(np.prod(head.grid.zooms)) / 1000
    smallest = max(0.05, 3 * voxel**3 / 1000)
    middle = rng.uniform(*FLAIR_RATIO)

    shape = np.zeros(head.grid.shape, np.float32)
    owner = np.zeros(head.grid.shape, np.int32)
    kinds = []
    filled = 0.0
    while filled < volume:
        place_name = rng.choice(list(PLACES), p=list(PLACES.values()))
        centre = np.unravel_index(rng.choice(seeds[place_name]), head.grid.shape)
        size = np.clip(0.25 * np.exp(0.9 * rng.standard_normal()), 0, 6.0)
        window, blob = ellipsoid(rng, head, centre, max(smallest, min(size, volume - filled)))
        kinds.append(
            lesion(rng, head.tissues["WM"], middle + FLAIR_SPREAD * np.clip(rng.standard_normal(), -2, 2))
        )
        stronger = blob > shape[window]
        filled += float(((blob - shape[window]) * allowed[window])[stronger].sum()) * ml
        shape[window] = np.where(stronger, blob, shape[window])
        owner[window] = np.where(stronger, len(kinds) - 1, owner[window])

    settle(head, shape, owner, kinds)


def places(head: Head, white: np.ndarray) -> dict[str, np.ndarray]:
    """Where the centres of each kind of lesion may lie: flat indices of white matter above the brain stem."""
    template = load(float(head.grid.zooms[0]))
    eligible = np.flatnonzero((white > 0.6) & head.brain & (head.where[2] > -10))
    spots = head.where.reshape(3, -1)[:, eligible]
    to_ventricle, to_cortex = (
        sample(distance, template.coarse_affine, spots)
        for distance in (template.to_ventricle, template.to_cortex)
    )
    beside, under = to_ventricle < 6, to_cortex < 4
    return {
        "periventricular": eligible[beside],
        "juxtacortical": eligible[under & (to_ventricle > 10)],
        "deep": eligible[~beside & ~under],
    }


def ellipsoid(
    rng: np.random.Generator, head: Head, centre: tuple[int, ...], size: float
) -> tuple[tuple[slice, ...], np.ndarray]:
    """A lumpy ellipsoid around a voxel, as large as a lesion of `size` ml.

    Returns:
        The window of the fine grid that it lies in, and its share of the voxels there, with an edge of 1 mm.
    """
    elongation = np.exp(0.25 * rng.standard_normal(3))
    radii = (3000 * size / (4 * np.pi)) ** (1 / 3) * elongation / np.prod(elongation) ** (1 / 3)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    waves, phase = rng.standard_normal((3, 3)), rng.uniform(0, 2 * np.pi, 3)
    zoom = float(head.grid.zooms[0])
    reach = int(np.ceil(1.4 * radii.max() / zoom)) + 1
    window = tuple(slice(max(c - reach, 0), c + reach + 1) for c in centre)
    offsets = np.meshgrid(
        *[
            zoom * (np.arange(s.start, min(s.stop, n)) - c)
            for s, n, c in zip(window, head.grid.shape, centre, strict=True)
        ],
        indexing="ij",
    )
    local = np.tensordot(turn, np.stack(offsets), axes=1) / radii[:, None, None, None]
    distance = np.sqrt((local**2).sum(axis=0))
    lumps = sum(np.sin(2 * np.tensordot(w, local, axes=1) + p) for w, p in zip(waves, phase, strict=True)) / 3
    edge = (1 + 0.2 * lumps - distance) * radii.mean()
    return window, np.clip(0.5 + edge, 0, 1).astype(np.float32)


def settle(head: Head, shape: np.ndarray, owner: np.ndarray, kinds: list[Tissue]) -> None:
    """Let lesions take their share of white and grey matter, and list what every tissue is made of."""
    white, grey = head.fractions["WM"], head.fractions["GM"]
    from_grey = shape * grey * np.clip(3 * white, 0, 1)
    head.fractions["lesion"] = shape * white + from_grey
    head.fractions["GM"] = grey - from_grey
    head.fractions["WM"] = white - shape * white
    for name, volume in head.fractions.items():
        index = np.flatnonzero(volume > 1e-3)
        share = volume.flat[index]
        if name == "lesion":
            which = owner.flat[index]
            means = {
                key: np.array([getattr(kind, key) for kind in kinds], np.float32)[which]
                for key in ("t1", "t2", "t2_star", "pd", "diffusivity")
            }
        else:
            means = vars(head.tissues[name])
        part = Compartment(index, share, **means)
        if name in ("WM", "GM", "lesion"):
            t1, t2, pd = (factor.flat[index] for factor in head.variation)
            part = replace(part, t1=part.t1 * t1, t2=part.t2 * t2, t2_star=part.t2_star * t2, pd=part.pd * pd)
        head.compartments[name] = part
