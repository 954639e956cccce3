"""Brain extraction: BET's surface (Smith 2002, Hum Brain Mapp 17:143), averaged with the template's brain.

The surface follows the person, the template knows the shape; the mean of their signed distances (Rohlfing
2007, IEEE Trans Image Process 16:153) keeps each from running off where the other is sure. Where the two
disagree too much, the template's brain alone is taken.
"""

import contextlib
import io
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ...masks import bounding_box, dice
from ..poses import mutual_information
from ..transforms import FLIP, write
from .antspy import library, to_ants
from .correct_bias import above, head
from .grids import back, cubes
from .template import template, template_mask

WORKING = 2.0  # mm
HEIGHT = 160.0  # mm from the crown down; the neck below would draw the surface to it
MARGIN = 10  # voxels of air around the head, since the surface looks inwards and may step outside the image
# Ventricles that are as dark as air and near the middle, where the surface starts, hold it: in two of 15 old heads it
# never left them on FLAIR. On T1w it does: filled, 15 masks agreed with those of FLAIR no better (-.032 to +.025).
VENTRICLES = 100.0  # mm below the crown that they reach; further down, dark places are bone and air
DEEP = 30.0  # mm below the skin
FLUID = 0.75  # of the median of what is deep
STRIDE, ITERATIONS = 200, 1000  # steps of the surface between two looks at it, and at most
AT_REST = 0.005  # relative change of the enclosed volume over a stride
# Dice of surface and template's brain that says that they agree. Where no threshold reaches it, the
# surface ran off: on real heads the template's affine brain was good (.94) even from surfaces at .75.
GOOD_FIT = 0.93
ENOUGH = 0.90  # of 19 real T1w that both thresholds were tried on, none beyond it gained by the second
# How dark grey matter is beside white differs most between kinds of T1w. The lower threshold comes first: in
# old heads the higher one ran off or cut into the brain, also where it fitted the template a little better.
THRESHOLDS = {"T1w": (0.4, 0.6)}
USUAL_THRESHOLDS = (0.5, 0.4)
BETTER = 0.03  # Dice by which a further threshold has to fit better; real heads: .026 misled, .033 did not
PITCHES = (0, 25, -25)  # degrees of nodding from which the template starts; chins are up or down by as much


def extract_brain(image: nib.Nifti1Image, contrast: str, threshold: float | None) -> np.ndarray:
    """The brain in a bias-corrected head.

    Arguments and result as `protocol.ExtractBrain` says.
    """
    tried = THRESHOLDS.get(contrast, USUAL_THRESHOLDS) if threshold is None else (threshold,)
    upper = upper_head(cubes(image, WORKING))
    seen = upper if contrast == "T1w" else without_ventricles(upper)
    surface, shape, agreement = None, None, -np.inf
    for level in tried:
        enclosed = inside_surface(seen, level)
        if not enclosed.any():
            continue
        brain = template_brain(upper, enclosed)
        overlap = dice(enclosed, brain)
        print(f"threshold {level}: the surface and the template's brain overlap by {overlap:.3f} (Dice)")
        if overlap > agreement + BETTER:
            surface, shape, agreement = enclosed, brain, overlap
        if agreement >= ENOUGH:
            break
    if surface is None:
        return np.zeros(image.shape[:3], dtype=bool)
    # Without agreement the template is brought once more, the surface's mistakes stripped away.
    agreed = agreement >= GOOD_FIT
    depths = (depth(surface) + depth(shape)) / 2 if agreed else depth(template_brain(upper, shape))
    return back(*walled(depths, upper), image, mode="nearest") >= 0


def walled(depths: np.ndarray, cube: nib.Nifti1Image) -> tuple[np.ndarray, nib.Nifti1Image]:
    """Depths with one more layer of voxels, which are no brain, and their grid.

    Where the brain comes near a face of the box, its depth there would go on to the edge of the image.
    """
    step = np.eye(4)
    step[:3, 3] = -1
    around = np.pad(depths, 1, constant_values=-1)
    return around, nib.Nifti1Image(around, cube.affine @ step)


def upper_head(cube: nib.Nifti1Image) -> nib.Nifti1Image:
    """The box that holds the head from the crown down to `HEIGHT` below it."""
    data = cube.get_fdata(dtype=np.float32)
    inside = head(data)
    return cube.slicer[bounding_box(inside & above(inside, cube.affine, HEIGHT))]


def without_ventricles(cube: nib.Nifti1Image) -> nib.Nifti1Image:
    """The cube with deep dark fluid as bright as the brain around it."""
    data = cube.get_fdata(dtype=np.float32)
    # Layer by layer from the crown down, since dark sulci and sinuses open the head from below.
    upright = int(np.abs(cube.affine[2, :3]).argmax())
    layers = [ndimage.binary_fill_holes(layer) for layer in np.moveaxis(head(data), upright, 0)]
    inside = np.stack(layers, axis=upright)
    deep = ndimage.distance_transform_edt(inside) * WORKING > DEEP
    deep &= above(inside, cube.affine, VENTRICLES)
    if not deep.any():
        return cube
    usual = np.median(data[deep])
    return nib.Nifti1Image(np.where(deep & (data < FLUID * usual), usual, data), cube.affine)


def inside_surface(cube: nib.Nifti1Image, threshold: float) -> np.ndarray:
    """What BET's surface encloses, boolean array of the shape of the cube."""
    from brainextractor import BrainExtractor

    from .bet_surface import deform

    # The package speaks on the terminal.
    with contextlib.redirect_stdout(io.StringIO()):
        extractor = BrainExtractor(cube, bt=threshold)
        # Air is added only now, so that brightness and size are estimated from the head alone.
        extractor.data = np.pad(extractor.data, MARGIN)
        extractor.shape = extractor.data.shape
        extractor.vertices = extractor.vertices + MARGIN
        extractor.update_surface_attributes()
        volume = 0.0
        for _ in range(ITERATIONS // STRIDE):
            deform(extractor, STRIDE)
            before, volume = volume, float(extractor.surface.volume)
            if abs(volume - before) < AT_REST * abs(volume):
                break
        mask = extractor.compute_mask() > 0
    inner = slice(MARGIN, -MARGIN)
    return ndimage.binary_fill_holes(mask[inner, inner, inner])


def template_brain(cube: nib.Nifti1Image, brain: np.ndarray) -> np.ndarray:
    """The template's brain, brought by an affine transform to where `brain` is, boolean.

    Starts from the head upright, then, if the two disagree, nodding either way; the end that shares most
    information with the image is kept.
    """
    data = cube.get_fdata(dtype=np.float32)
    stripped = np.where(brain, np.clip(data, 0, np.percentile(data[brain], 99.5)), 0)
    around = ndimage.binary_dilation(brain, iterations=5)
    picture, mask = template(), template_mask()
    best, most = np.zeros_like(brain), -1.0
    with library() as ants:
        fixed = to_ants(ants, stripped, cube.affine)
        floating = to_ants(ants, picture.dataobj, picture.affine)
        start = Path(tempfile.gettempdir()) / "start.txt"
        for pitch in PITCHES:
            write(start, nodding(pitch, centre(brain, cube), centre(np.asarray(mask.dataobj) > 0.5, mask)))
            found = ants.registration(
                fixed,
                floating,
                "Affine",
                initial_transform=str(start),
                mask=to_ants(ants, around, cube.affine),
                aff_iterations=(200, 100),
                aff_shrink_factors=(3, 2),
                aff_smoothing_sigmas=(1.5, 1),
            )
            shared = mutual_information(stripped[around], found["warpedmovout"].numpy()[around])
            if shared > most:
                moved = ants.apply_transforms(
                    fixed, to_ants(ants, mask.dataobj, mask.affine), found["fwdtransforms"], "linear"
                )
                best, most = moved.numpy() >= 0.5, shared
            if dice(best, brain) >= GOOD_FIT:
                break
    return best


def centre(mask: np.ndarray, image: nib.Nifti1Image) -> np.ndarray:
    """Centre of gravity of a mask on the grid of the image, in ITK's world, (3,) in mm."""
    return (FLIP @ image.affine @ [*np.argwhere(mask).mean(axis=0), 1])[:3]


def nodding(degrees: float, reference: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """The (4, 4) turn about the axis from ear to ear that takes one centre, (3,) in mm, to the other."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("x", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = moving - matrix[:3, :3] @ reference
    return matrix


def depth(mask: np.ndarray) -> np.ndarray:
    """Signed distance from the edge of a mask, in voxels, positive inside."""
    return ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
