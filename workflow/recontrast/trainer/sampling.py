"""Training voxels for methods that see all their samples at once."""

import numpy as np


def stratified(
    images: list[np.ndarray], masks: list[np.ndarray], count: int, groups: int, draw: np.random.Generator
) -> list[np.ndarray]:
    """Voxels of every session, drawn evenly over the quantiles of an image's intensities in the mask.

    Args:
        images: (x, y, z), one per session.
        masks: bool, where to draw.
        count: voxels in all, shared evenly by the sessions; fewer where a session has fewer.
        groups: quantile groups, of equal numbers of voxels.
        draw: random numbers.

    Returns:
        Voxels (n, 3) of each session, none twice.
    """
    shares = np.diff(_bounds(count, len(images)))
    chosen = []
    for image, mask, share in zip(images, masks, shares, strict=True):
        voxels = np.argwhere(mask)
        ranked = np.split(np.argsort(image[mask], kind="stable"), _bounds(len(voxels), groups)[1:-1])
        wanted = np.diff(_bounds(min(share, len(voxels)), groups))
        numbers = [
            draw.choice(group, size=min(some, len(group)), replace=False)
            for group, some in zip(ranked, wanted, strict=True)
        ]
        chosen.append(np.ascontiguousarray(voxels[np.concatenate(numbers)]))
    return chosen


def _bounds(count: int, parts: int) -> np.ndarray:
    return np.linspace(0, count, parts + 1).astype(int)
