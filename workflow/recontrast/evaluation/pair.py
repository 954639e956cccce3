"""An acquired and a synthetic image on the scales on which they are compared.

One line always maps both images: the synthetic one is never scaled by its own values, which would hide an
intensity bias.
"""

from functools import cached_property

import numpy as np

from ..errors import RecontrastError
from .similarity import ssim_map

PERCENTILES = (0.5, 99.5)


class Pair:
    """Two images and the mask in which they are compared.

    Args:
        reference: acquired image, any shape; for metrics of slices (x, y, z).
        prediction: synthetic image of the same shape and units.
        mask: not zero where they are compared, same shape.
        axis: across which the slices of metrics of slices lie.
        by_slice: whether windows of the harmonised similarity stay in one slice.

    Raises:
        RecontrastError: other shapes, an empty mask, or a reference that has one value (between its 0.5th and
            99.5th percentile) inside it.
    """

    def __init__(
        self,
        reference: np.ndarray,
        prediction: np.ndarray,
        mask: np.ndarray,
        axis: int = -1,
        by_slice: bool = False,
    ) -> None:
        if reference.shape != prediction.shape or reference.shape != mask.shape:
            raise RecontrastError(
                f"shapes differ: reference {reference.shape}, prediction {prediction.shape}, mask {mask.shape}",
                remedy="bring them to one grid first",
            )
        self.mask = mask.astype(bool)
        if not self.mask.any():
            raise RecontrastError("the mask is empty", remedy="look at the mask of this session")
        self.reference, self.prediction = (image.astype(np.float64) for image in (reference, prediction))
        self.low, self.high = np.percentile(self.reference[self.mask], PERCENTILES)
        if self.high <= self.low:
            raise RecontrastError(
                "the acquired image is constant inside the mask", remedy="look at this session"
            )
        self.axis, self.by_slice = axis, by_slice

    @cached_property
    def harmonised(self) -> tuple[np.ndarray, np.ndarray]:
        """Both on the scale on which the acquired image spans 0 to 1 inside the mask; nothing is clipped."""
        return tuple(
            (image - self.low) / (self.high - self.low) for image in (self.reference, self.prediction)
        )

    @cached_property
    def filled(self) -> np.ndarray:
        """The harmonised synthetic image inside the mask, the acquired one outside.

        A synthetic image ends at the mask, where an acquired head goes on. With equal surroundings a window
        at the rim compares like with like, and neither image is cut.
        """
        reference, prediction = self.harmonised
        return np.where(self.mask, prediction, reference)

    @cached_property
    def ssim_map(self) -> np.ndarray:
        """Local similarity on the harmonised scale; NaN outside the mask."""
        return ssim_map(self.harmonised[0], self.filled, self.mask, slices=self._slices)

    @cached_property
    def ssim_map_in_units(self) -> np.ndarray:
        """Local similarity in the images' own units; its data range is that of the acquired one in the mask."""
        surrounded = np.where(self.mask, self.prediction, self.reference)
        inside = self.reference[self.mask]
        extent = float(inside.max() - inside.min())
        return ssim_map(self.reference, surrounded, self.mask, extent, slices=self._slices)

    @property
    def _slices(self) -> int | None:
        """The axis across the slices that windows stay within, if the study asks for that."""
        return self.axis % self.mask.ndim if self.by_slice else None

    @cached_property
    def whole(self) -> tuple[np.ndarray, np.ndarray]:
        """Both whole images, 0 outside the mask, by the line that takes the acquired one to 0 to 1."""
        reference, prediction = (np.where(self.mask, image, 0) for image in (self.reference, self.prediction))
        low, high = reference.min(), reference.max()
        return (reference - low) / (high - low), (prediction - low) / (high - low)

    @cached_property
    def slices(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The slices of the whole images in which the mask has voxels."""
        found = np.moveaxis(self.mask, self.axis, 0).any(axis=(1, 2))
        one, other = (np.moveaxis(image, self.axis, 0)[found] for image in self.whole)
        return list(zip(one, other, strict=True))


def slice_axis(affine: np.ndarray) -> int:
    """The axis across which slices lie: that of the longest voxel side; of equal ones the nearest to foot-head.

    Args:
        affine: voxel to world, 4 x 4, world axes right, anterior, superior.
    """
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    upright = np.abs(affine[2, :3]) / sides
    thick = sides > 0.95 * sides.max()
    return int(np.argmax(np.where(thick, upright, -1)))
