"""One check for each operation of the anatomy stage, beside a known answer, for any backend."""

import nibabel as nib
import numpy as np
from recontrast.backends.embedded.template import template, template_mask
from recontrast.backends.protocol import load
from recontrast.backends.transforms import FLIP
from scipy import ndimage

AFFINE = np.array([[-4.0, 0, 0, 84], [0, -4, 0, 92], [0, 0, 4, -76], [0, 0, 0, 1]])
SHAPE = (42, 46, 38)
INTENSITIES = (5, 150, 400, 600)  # of air, fluid, grey matter, white matter


def egg() -> np.ndarray:
    """Labels of an egg, 0 air, 1 fluid, 2 grey, 3 white; a ventricle off the middle makes poses differ."""
    x, y, z = (AFFINE @ [*np.indices(SHAPE).reshape(3, -1), np.ones(np.prod(SHAPE))])[:3].reshape(3, *SHAPE)
    radius = np.sqrt((x / 55) ** 2 + ((y + 0.1 * x) / 68) ** 2 + ((z - 0.05 * y) / 58) ** 2)
    labels = np.select([radius < 0.6, radius < 0.85, radius < 1], [3, 2, 1], 0)
    labels[(x - 14) ** 2 + (y - 18) ** 2 + (z - 8) ** 2 < 15**2] = 1
    return labels


LABELS = egg()
MASK = nib.Nifti1Image((LABELS > 0).astype(np.float32), AFFINE)


def image(intensities=INTENSITIES, affine=AFFINE) -> nib.Nifti1Image:
    """The egg in some contrast with noise, at some place in the world."""
    noise = np.random.default_rng(0).normal(0, 8, SHAPE)
    data = np.abs(np.array(intensities, float)[LABELS] + noise).astype(np.float32)
    return nib.Nifti1Image(data, affine)


def farthest(one, other, region, affine) -> float:
    """The largest distance in mm between where two transforms take the voxels of a region."""
    voxels = np.argwhere(region)[::50]
    points = FLIP @ affine @ np.column_stack([voxels, np.ones(len(voxels))]).T
    return np.linalg.norm(((one - other) @ points)[:3], axis=0).max()


def correct_bias(backend):
    fade = np.exp(0.5 * np.linspace(-1, 1, SHAPE[0])).astype(np.float32)[:, None, None]
    raw = image()
    shaded = nib.Nifti1Image(raw.get_fdata(dtype=np.float32) * fade, AFFINE)
    found = load(backend, "correct_bias")(shaded, 2)
    assert found.dtype == np.float32
    assert found.shape == SHAPE
    assert found.min() >= 0
    white = LABELS == 3
    spread = [data[white].std() / data[white].mean() for data in (found, shaded.get_fdata())]
    assert spread[0] < 0.7 * spread[1]


def register(backend):
    """The moving image is the same egg in another contrast whose header lies 8 to 12 mm away."""
    shift = np.array([10.0, -8, 12])
    elsewhere = AFFINE.copy()
    elsewhere[:3, 3] += shift
    moving = image((5, 700, 400, 300), elsewhere)
    mask = nib.Nifti1Image(MASK.get_fdata(dtype=np.float32), elsewhere)
    truth = np.eye(4)
    truth[:3, 3] = FLIP[:3, :3] @ shift
    for masks in ((None, MASK), (mask, None)):
        found = load(backend, "register")(moving, image(), *masks, 6)
        assert farthest(found, truth, LABELS > 0, AFFINE) < 1.0


def apply_transform(backend):
    """A shift by two voxels puts values where they are expected, and nothing beyond the field of view."""
    grid = nib.Nifti1Image(np.zeros((SHAPE[0] + 6, *SHAPE[1:]), np.float32), AFFINE)
    matrix = np.eye(4)
    # The image's first axis runs to the left, as ITK's does.
    matrix[0, 3] = 8.0
    moving = image()
    for interpolation in ("nearest", "linear", "bspline"):
        found = load(backend, "apply_transform")(moving, grid, matrix, interpolation)
        assert found.dtype == np.float32
        assert found.shape == grid.shape
        np.testing.assert_allclose(found[2:34], moving.get_fdata()[4:36], atol=0.5)
        assert not found[41:].any()


def segment_tissue(backend):
    # Fluid is darkest in T1w and FLAIR; grey matter is brightest in FLAIR.
    for contrast, intensities in (("T1w", INTENSITIES), ("FLAIR", (5, 100, 600, 400))):
        found = load(backend, "segment_tissue")(image(intensities), MASK, contrast)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.sum(axis=0), LABELS > 0, atol=1e-4)
        for probability, tissue in zip(found, (LABELS == 1, LABELS == 2, LABELS == 3), strict=True):
            assert probability[tissue].mean() > 0.9


def register_template(backend):
    """The template itself, on another grid and 6 mm away."""
    picture, inside = template(), template_mask()
    affine = picture.affine.copy()
    affine[:3, 3] += [6, -4, 5]
    data = picture.get_fdata(dtype=np.float32)
    moved = nib.Nifti1Image(data, affine)
    found = load(backend, "register_template")(
        moved, nib.Nifti1Image(inside.get_fdata(dtype=np.float32), affine)
    )
    truth = np.eye(4)
    truth[:3, 3] = FLIP[:3, :3] @ [6, -4, 5]
    assert farthest(found, truth, data > 0, picture.affine) < 2.0


def warp_template(backend):
    """The template itself, bent smoothly by up to 6 mm: most of it is found, and the way back undoes the way there."""
    picture, inside = template(), template_mask()
    data, brain = picture.get_fdata(dtype=np.float32), inside.get_fdata() >= 0.5
    where = np.indices(data.shape)
    across = 3.0 * np.sin(2 * np.pi * where[1] / 60)  # voxels of 2 mm
    bent, mask = (
        nib.Nifti1Image(
            ndimage.map_coordinates(one, [where[0] + across, where[1], where[2]], order=1), picture.affine
        )
        for one in (data, brain.astype(np.float32))
    )
    region = nib.Nifti1Image((mask.get_fdata() >= 0.5).astype(np.float32), picture.affine)
    there, back = load(backend, "warp_template")(bent, region, np.eye(4))
    deep = ndimage.binary_erosion(brain, iterations=3)
    points = (FLIP @ picture.affine)[:3] @ np.vstack([np.argwhere(deep).T, np.ones(deep.sum())])
    there_and_back = back.moved(there.moved(points))
    assert np.median(np.linalg.norm(there_and_back - points, axis=0)) < 0.5
    # A point of the template lies, in the bent image, `across` lower in x; ITK's x runs the other way.
    found = (there.moved(points) - points)[0]
    truth = (FLIP @ picture.affine)[0, 0] * -across[deep]
    assert np.abs(truth).mean() > 3
    assert np.abs(found - truth).mean() < 0.5 * np.abs(truth).mean()


def extract_brain(backend):
    """The template's brain in fluid, within a dark skull and a bright scalp."""
    picture, inside = template(), template_mask()
    brain, data = inside.get_fdata() >= 0.5, picture.get_fdata(dtype=np.float32)
    away = ndimage.distance_transform_edt(~brain) * 2.0
    around = np.select([away < 3, away < 8, away < 15], [150, 20, 500], 0)
    noise = np.random.default_rng(0).normal(0, 8, data.shape)
    head = np.where(brain, 150 + 500 * data / data.max(), around) + noise
    found = load(backend, "extract_brain")(
        nib.Nifti1Image(np.abs(head).astype(np.float32), picture.affine), "T1w", None
    )
    assert found.dtype == bool
    assert 2 * (found & brain).sum() / (found.sum() + brain.sum()) > 0.9


CHECKS = {
    check.__name__: check
    for check in (
        correct_bias,
        extract_brain,
        register,
        apply_transform,
        segment_tissue,
        register_template,
        warp_template,
    )
}
