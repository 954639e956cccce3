"""A metric voxel by voxel, as an image."""

from pathlib import Path
from typing import Literal

import numpy as np

from .. import images


def map_metric(
    *,
    metric: Literal["ssim", "nrmse", "hagiwara_nrmse"],
    acquired: Path,
    synthetic: Path,
    mask: Path,
    output: Path,
    by_slice: bool = False,
) -> None:
    """Map a metric voxel by voxel.

    Args:
        metric: ssim: local structural similarity, 1 if equal; nrmse: absolute error divided by the mean of the
            acquired image; hagiwara_nrmse: divided by the mean of the synthetic image itself.
        acquired: the acquired contrast, prepared.
        synthetic: the synthetic contrast on the same grid, in the same units.
        mask: where the two are compared, same grid.
        output: image to write, 0 outside the mask.
        by_slice: windows of ssim stay within a slice.
    """
    # scikit-image takes a while to load: not for --help
    from .metrics import MAPS
    from .pair import Pair, slice_axis

    image = images.read(acquired)
    for path in (synthetic, mask):
        images.check_same_grid(path, images.read_header(path), image)
    inside = np.asarray(images.read_header(mask).dataobj).reshape(image.shape) > 0
    made = images.read(synthetic).get_fdata()
    found = MAPS[metric](Pair(image.get_fdata(), made, inside, slice_axis(image.affine), by_slice))
    facts = {"Sources": [str(path) for path in (acquired, synthetic, mask)], "Metric": metric}
    images.write(output, np.where(inside, found, 0), image, facts=facts)
    print(f"{metric}: mean {found[inside].mean():.4g} inside the mask")
