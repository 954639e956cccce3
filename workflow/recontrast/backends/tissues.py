"""Which class of a segmentation is which tissue."""

import numpy as np

# Position of CSF, GM and WM among the classes from dark to bright. In PDw and FLAIR, grey matter is the
# brightest; in T2w and its like, such as diffusion images without weighting, fluid is.
FROM_DARK = {
    "T1w": (0, 1, 2), "FLAIR": (0, 2, 1), "T2w": (2, 1, 0), "PDw": (2, 1, 0), "T2starw": (2, 1, 0), "dwi": (2, 1, 0),
}  # fmt: skip


def name_classes(classes: np.ndarray, data: np.ndarray, mask: np.ndarray, contrast: str) -> np.ndarray:
    """Probabilities of CSF, GM and WM from those of three unnamed classes.

    Args:
        classes: probabilities, shape (3, x, y, z), in any order.
        data: the image that was segmented, shape (x, y, z).
        mask: the brain, boolean.
        contrast: BIDS suffix of the image; as T1w if it is not known.

    Returns:
        float32, shape (3, x, y, z), summing to 1 inside the mask and zero outside. Voxels of the mask that
        belong to no class, as those without signal, are put to the darkest.
    """
    order = np.argsort([(data * one).sum() / max(one.sum(), 1e-6) for one in classes])
    ordered = np.where(mask, classes[order], 0).astype(np.float32)
    ordered[0][mask & (ordered.sum(axis=0) == 0)] = 1
    total = np.where(mask, ordered.sum(axis=0), 1)
    return (ordered / total)[list(FROM_DARK.get(contrast, FROM_DARK["T1w"]))]
