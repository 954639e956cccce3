"""One participant's head: the template brain, deformed and aged, in skull, muscle, fat and skin."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from .fields import smooth_field, stream
from .space import Grid, isotropic
from .template import Template, load
from .tissues import Tissue, individual


@dataclass
class Compartment:
    """Where a tissue is, and what it is made of there.

    Attributes:
        index: flat indices of the voxels of the fine grid that hold some of it, shape (n,).
        fraction: the share of each of those voxels, 0 to 1, shape (n,).
        t1, t2, t2_star, pd, diffusivity: as in `Tissue`; one number, or shape (n,).
    """

    index: np.ndarray
    fraction: np.ndarray
    t1: np.ndarray | float
    t2: np.ndarray | float
    t2_star: np.ndarray | float
    pd: np.ndarray | float
    diffusivity: np.ndarray | float


@dataclass
class Head:
    """A digital head on its fine grid.

    Attributes:
        grid: the fine grid.
        fractions: tissue name → share of each voxel, float32, shape of `grid`; less than 1 in all where air
            is.
        brain: the brain mask, bool.
        where: where in the template each voxel comes from, mm, float32, shape (3, x, y, z).
        tissues: this participant's means.
        variation: factors on T1, T2 and proton density over the brain, float32, shape (3, x, y, z).
        compartments: tissue name → what signals are computed from; lesions come in once they are placed.
    """

    grid: Grid
    fractions: dict[str, np.ndarray]
    brain: np.ndarray
    where: np.ndarray
    tissues: dict[str, Tissue]
    variation: np.ndarray
    compartments: dict[str, Compartment] = field(default_factory=dict)

    def full(self, tissue: str) -> np.ndarray:
        """The share of a tissue on the whole fine grid, float32."""
        volume = np.zeros(self.grid.shape, np.float32)
        part = self.compartments[tissue]
        volume.flat[part.index] = part.fraction
        return volume


def make(seed: int, participant: int, age: float, voxel: float) -> Head:
    """Grow the head of one participant, without lesions.

    Args:
        seed, participant: what the head follows from.
        age: in years; atrophy and ventricles grow with it.
        voxel: the voxel size in mm that images are to have; the head is finer by a third, down to 1 mm.
    """
    rng = stream(seed, participant, "anatomy")
    grid = isotropic(max(1.0, voxel / 1.5))
    where = deformation(rng, grid, age)
    fractions, brain = compose(rng, load(float(grid.zooms[0])), where, age)
    axes = grid.axes()
    variation = np.stack([1 + sd * smooth_field(rng, axes, 24.0) for sd in (0.03, 0.03, 0.015)])
    return Head(
        grid=grid,
        fractions=fractions,
        brain=brain,
        where=where,
        tissues=individual(rng),
        variation=variation,
    )


def deformation(rng: np.random.Generator, grid: Grid, age: float) -> np.ndarray:
    """Where in the template each voxel of a new head comes from.

    A different size along each axis, wider ventricles with age, and smooth random displacements of three
    scales, weak enough against their length to keep the map one to one.

    Returns:
        Template coordinates in mm, float32, shape (3, x, y, z).
    """
    points = grid.points()
    centre = np.array([0.0, -18.0, 18.0], np.float32)[:, None, None, None]  # between the lateral ventricles
    size = (1 + rng.uniform(-0.05, 0.05, 3)).astype(np.float32)[:, None, None, None]
    widening = np.clip(0.12 + 0.004 * (age - 50) + 0.06 * rng.standard_normal(), -0.05, 0.35)
    away = points - centre
    near = np.exp(-np.sum(away**2, axis=0) / (2 * 26.0**2))
    where = centre + away / size * (1 - np.float32(widening) * near)
    axes = grid.axes()
    for spacing, amplitude in ((45.0, 2.5), (22.0, 1.2), (12.0, 0.6)):
        for row in range(3):
            where[row] += amplitude * smooth_field(rng, axes, spacing)
    return where


def compose(
    rng: np.random.Generator, template: Template, where: np.ndarray, age: float
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Fill a deformed head with tissues.

    Returns:
        The share of each tissue in each voxel, and the brain mask.
    """
    atrophy = np.clip(0.5 + 0.02 * (age - 50) + 0.3 * rng.standard_normal(), 0, 1.5)
    gap = 1.5 + 1.5 * atrophy  # mm between brain and skull
    skull, scalp, fat = rng.uniform(5, 7.5), rng.uniform(5, 8), rng.uniform(3, 4.5)

    hull = sample(template.hull, template.coarse_affine, where)
    head = np.minimum(hull - (gap + skull + scalp), face_and_neck(where))
    cranium = below(hull - gap)
    bone = below(hull - (gap + skull)) - cranium
    skin = below(head) - below(head + fat)
    fractions = {"fat": skin * (1 - cranium - bone)}
    fractions["muscle"] = below(head) * (1 - cranium - bone) - fractions["fat"]
    # The nasal cavity and sinuses.
    nose = np.sqrt(sum(((where[i] - c) / r) ** 2 for i, (c, r) in enumerate([(0, 14), (62, 22), (-50, 20)])))
    fractions["muscle"] *= 1 - below(12 * (nose - 1))
    fractions["bone"] = bone

    # The template's maps are averages of many people: a power sharpens them, and water gains with atrophy.
    inner = np.flatnonzero(cranium > 0)
    spots = where.reshape(3, -1)[:, inner]
    grey, white = (sample(volume, template.affine, spots) for volume in (template.grey, template.white))
    water = np.clip(1 - grey - white, 0, 1)
    shares = np.stack([white, grey, water]) ** 1.7
    shares[2] *= 1 + atrophy
    shares /= shares.sum(axis=0)
    for name, share in zip(("WM", "GM", "CSF"), shares, strict=True):
        fractions[name] = np.zeros_like(hull)
        fractions[name].flat[inner] = share * cranium.flat[inner]
    brain = np.zeros(hull.shape, bool)
    brain.flat[inner] = (sample(template.brain, template.affine, spots) > 0.5) & (cranium.flat[inner] > 0.5)
    return fractions, brain


def face_and_neck(where: np.ndarray) -> np.ndarray:
    """Approximate signed distance in mm to an ellipsoid for the face and a cylinder for the neck."""
    x, y, z = where
    face = 55 * (np.sqrt((x / 60) ** 2 + ((y - 30) / 62) ** 2 + ((z + 62) / 66) ** 2) - 1)
    neck = np.maximum(np.hypot(x, y + 26) - 58, z + 55)
    return np.minimum(face, neck)


def below(distance: np.ndarray) -> np.ndarray:
    """Share of a voxel on the negative side of a surface, with an edge of 1.5 mm."""
    return np.clip(0.5 - distance / 1.5, 0, 1)


def sample(volume: np.ndarray, affine: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Linear interpolation of a template map at points in mm, (3, ...); beyond its edge the edge goes on."""
    inverse = np.linalg.inv(affine)
    scaled = [where[row] * np.float32(inverse[row, row]) + np.float32(inverse[row, 3]) for row in range(3)]
    return ndimage.map_coordinates(volume, scaled, order=1, mode="nearest", output=np.float32)
