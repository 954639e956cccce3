"""A phantom head of 2 mm with its truth, made once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from recontrast import images
from recontrast.backends import transforms
from recontrast.backends.embedded.apply_transform import apply_transform
from recontrast.phantom.cohort import make


@dataclass(frozen=True)
class PhantomHead:
    """One contrast of the phantom's first participant."""

    folder: Path
    contrast: str

    @property
    def image(self) -> Path:
        return self.folder / f"sub-01/anat/sub-01_{self.contrast}.nii.gz"

    @property
    def truth(self) -> str:
        return str(self.folder / "derivatives/truth/sub-01/anat/sub-01_")

    @property
    def bias(self) -> np.ndarray:
        return images.read(Path(f"{self.truth}space-{self.contrast}_desc-bias_map.nii.gz")).get_fdata()

    @property
    def to_anatomy(self) -> np.ndarray:
        """Anatomy to contrast in ITK's world, (4, 4)."""
        return transforms.read(Path(f"{self.truth}from-{self.contrast}_to-anatomy_mode-image_xfm.txt"))

    def region(self, name: str) -> np.ndarray:
        """A truth map of the anatomy on the grid of the contrast."""
        truth = images.read(Path(f"{self.truth}space-anatomy_{name}.nii.gz"))
        grid = images.read_header(self.image)
        return apply_transform(truth, grid, np.linalg.inv(self.to_anatomy), "linear")


@pytest.fixture(scope="package")
def phantom_head(tmp_path_factory):
    folder = tmp_path_factory.mktemp("head") / "phantom"
    make(out=folder, participants=1, voxel=2.0, contrasts=["T1w", "FLAIR"], without_flair=0)
    return lambda contrast: PhantomHead(folder, contrast)
