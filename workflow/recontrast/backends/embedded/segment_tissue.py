"""Tissue maps: Atropos (Avants 2011, Neuroinformatics 9:381) from antspyx, k-means and a Markov field."""

import nibabel as nib
import numpy as np

from ...masks import bounding_box
from ..tissues import name_classes
from .antspy import library, to_ants


def segment_tissue(image: nib.Nifti1Image, mask: nib.Nifti1Image, contrast: str) -> np.ndarray:
    """Probabilities of CSF, GM and WM.

    Arguments and result as `protocol.SegmentTissue` says.
    """
    inside = np.asarray(mask.dataobj) > 0
    data = image.get_fdata(dtype=np.float32)
    # A few extreme voxels can take a whole class for themselves.
    low, high = np.percentile(data[inside], (0.5, 99.5))
    crop = bounding_box(inside, 2)
    with library() as ants:
        found = ants.atropos(
            to_ants(ants, np.clip(data, low, high)[crop], image.affine),
            to_ants(ants, inside[crop], image.affine),
            i="KMeans[3]",
            m="[0.1,1x1x1]",
            c="[5,0]",
            r=0,
        )
        classes = np.stack([one.numpy() for one in found["probabilityimages"]])
    whole = np.zeros((3, *image.shape[:3]), dtype=np.float32)
    whole[(slice(None), *crop)] = classes
    return name_classes(whole, np.clip(data, low, high), inside, contrast)
