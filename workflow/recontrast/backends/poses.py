"""How two heads may lie to each other before they are registered, and how to tell which pose is right."""

import nibabel as nib
import numpy as np

from .embedded.correct_bias import above, head
from .transforms import FLIP

CROWN = 100.0  # mm below the top of the head that two scans share, however much neck each has


def crowns_meet(moving: nib.Nifti1Image, reference: nib.Nifti1Image) -> np.ndarray:
    """The shift, (4, 4) from reference to moving in ITK's world, that lays the tops of two heads on each other.

    Scans reach differently far down the neck, which draws their centres of gravity apart.
    """

    def middle(image: nib.Nifti1Image) -> np.ndarray:
        mask = head(np.maximum(image.get_fdata(dtype=np.float32), 0))
        upper = mask & above(mask, image.affine, CROWN)
        return image.affine @ [*np.argwhere(upper).mean(axis=0), 1]

    shift = np.eye(4)
    shift[:3, 3] = (FLIP @ (middle(moving) - middle(reference)))[:3]
    return shift


def mutual_information(one: np.ndarray, other: np.ndarray) -> float:
    """Mutual information of two arrays of one shape, in nats, from a histogram of 32 x 32."""
    joint = np.histogram2d(one.ravel(), other.ravel(), 32)[0]
    joint /= joint.sum()
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log(joint[seen] / apart[seen])))
