"""Where a lesion lies: by the template, since lesions spoil a session's own maps of tissue.

Ventricles alone are the session's own: in old age they are five to ten times those of the template, so that what lies
at their edge would count as juxtacortical.

In this order, the first that holds (the regions are those of McDonald's criteria; Thompson 2018, Lancet Neurology
17:162):
infratentorial: brain stem or cerebellum: on average, its voxels lie below a plane along the tentorium;
periventricular: any of its voxels lies within 3 mm of the lateral ventricles;
juxtacortical: any lies within 3 mm of the cortex;
deep: anything else.
"""

import functools

import nibabel as nib
import numpy as np
from scipy import ndimage

from .neighbourhood import CORNERS
from .template_space import Way, tissue_maps, to_session

REGIONS = ("periventricular", "juxtacortical", "deep", "infratentorial")
NEAR = 3.0  # mm
FLUID, CORTEX = 0.5, 0.5  # least probability
# mm in the template: a box around the lateral ventricles, and the tentorium as a plane that falls to the front.
VENTRICLES = ((-40, 40), (-75, 45), (-5, 45))
DEPTH = 22.0  # mm below the surface of the template's brain; nearer lie sulci
REACH = 12.0  # mm from the template's ventricles that those of a session may extend
DARK = 0.5  # of the median of FLAIR in the brain; fluid is darker
TENTORIUM = (-14.0, -0.25, -35.0)  # height there, slope along y, y


def over_tentorium(image: nib.Nifti1Image, way: Way) -> np.ndarray:
    """Height over the tentorium in mm of template space, float32 (x, y, z); brain stem and cerebellum are below 0.

    Args:
        image: what gives the grid.
        way: between the template and the session.
    """
    _, y, z = _places()
    height, slope, origin = TENTORIUM
    return to_session(z - (height + slope * (y - origin)), tissue_maps()[1], image, way)


def _places() -> np.ndarray:
    """Where the voxels of the template's tissue maps are, (3, x, y, z), mm."""
    maps, affine = tissue_maps()
    return np.tensordot(affine[:3, :3], np.indices(maps.shape[1:]), axes=1) + affine[:3, 3, None, None, None]


@functools.lru_cache(maxsize=1)
def _distances() -> tuple[np.ndarray, np.ndarray]:
    """Distance in mm to the lateral ventricles and to the cortex of the template, (2, x, y, z); affine. 2 mm."""
    (fluid, grey, white), affine = tissue_maps()
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    brain = ndimage.binary_closing(fluid + grey + white > 0.5, iterations=4)
    depth = ndimage.distance_transform_edt(brain, sampling=sizes)
    inside = np.logical_and.reduce(
        [(axis > low) & (axis < high) for axis, (low, high) in zip(_places(), VENTRICLES, strict=True)]
    )
    ventricles = (fluid > FLUID) & inside & (depth > DEPTH)
    cortex = (grey > CORTEX) & (depth < DEPTH)
    away = [ndimage.distance_transform_edt(~one, sampling=sizes) for one in (ventricles, cortex)]
    return np.stack(away).astype(np.float32), affine


def label(
    lesions: np.ndarray, image: nib.Nifti1Image, way: Way, fluid: np.ndarray | None = None
) -> list[tuple[str, int]]:
    """Region and size in voxels of every lesion, those that share corners being one, the largest first.

    Args:
        lesions: mask, (x, y, z).
        image: what gives its grid.
        way: between the template and the session.
        fluid: mask of the session's own fluid, (x, y, z); without it the ventricles are those of the template.
    """
    labels, count = ndimage.label(lesions, CORNERS)
    maps, affine = _distances()
    to_ventricle, to_cortex = (to_session(one, affine, image, way) for one in maps)
    if fluid is not None:
        to_ventricle = np.minimum(to_ventricle, _to_own_ventricles(fluid, to_ventricle, image))
    numbers = np.arange(1, count + 1)
    sizes = ndimage.sum_labels(lesions, labels, numbers).astype(int)
    nearest = [ndimage.minimum(one, labels, numbers) for one in (to_ventricle, to_cortex)]
    middle = ndimage.mean(over_tentorium(image, way), labels, numbers)
    found = []
    for size, ventricle, cortex, over in zip(sizes, *nearest, middle, strict=True):
        if over < 0:
            region = "infratentorial"
        elif ventricle <= NEAR:
            region = "periventricular"
        else:
            region = "juxtacortical" if cortex <= NEAR else "deep"
        found.append((region, int(size)))
    return sorted(found, key=lambda one: -one[1])


def dark(flair: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """The fluid of a FLAIR, any units, shape (x, y, z), inside the mask of the brain."""
    return brain & (flair < DARK * np.median(flair[brain]))


def _to_own_ventricles(fluid: np.ndarray, to_ventricle: np.ndarray, image: nib.Nifti1Image) -> np.ndarray:
    """Distance in mm to the fluid that hangs together with the template's ventricles; infinite if none does."""
    own = ndimage.binary_propagation(fluid & (to_ventricle <= NEAR), mask=fluid & (to_ventricle <= REACH))
    if not own.any():
        return np.full(own.shape, np.inf)
    return ndimage.distance_transform_edt(~own, sampling=np.linalg.norm(image.affine[:3, :3], axis=0))
