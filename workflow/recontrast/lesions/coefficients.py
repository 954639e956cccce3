"""The fitted numbers of lesion prediction: a JSON file, and the spatial effect as an image in template space."""

import json
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path

import nibabel as nib
import numpy as np

from .. import images
from ..errors import RecontrastError
from .features import SETS, names
from .template_space import grid

STEP = 0.05  # log-odds; the spatial effect is kept in whole multiples, so that it packs well


@dataclass(frozen=True)
class Coefficients:
    """A fitted model.

    Attributes:
        features: which set of features.
        centre, scale: by which each feature is brought to mean 0 and deviation 1.
        weights: of the scaled features.
        intercept: of the log-odds.
        share: mean share of the brain that was lesion in fitting.
        cut: log-odds from which on calling a voxel lesion gave the best mean Dice in fitting; it becomes a
            probability of one half.
        contour: part of the height of the brightest lesion that a voxel of one reaches; see `lpa.clean`.
        provenance: what it was fitted on.
        effect: spatial effect, log-odds, (x, y, z) of `template_space.grid`.
    """

    features: str
    centre: list[float]
    scale: list[float]
    weights: list[float]
    intercept: float
    share: float
    cut: float
    contour: float
    provenance: dict
    effect: np.ndarray

    def log_odds(self, columns: np.ndarray) -> np.ndarray:
        """Log-odds of voxels, before the session's own share of lesion is known."""
        return (columns - np.float32(self.centre)) / np.float32(self.scale) @ np.float32(
            self.weights
        ) + np.float32(self.intercept)


def write(coefficients: Path, spatial: Path, model: Coefficients) -> None:
    """Write a model as JSON and NIfTI."""
    facts = {key: value for key, value in asdict(model).items() if key != "effect"}
    facts["names"] = names(model.features)
    effect = nib.Nifti1Image(model.effect, grid())
    images.write_json(coefficients, facts)
    images.write(spatial, np.round(model.effect / STEP).astype(np.int16), effect)


def read(coefficients: Path | None, spatial: Path | None) -> Coefficients:
    """Read a model; without files the one that ships.

    Raises:
        RecontrastError: one file without the other, or files that are none of `write`.
    """
    if coefficients is None and spatial is None:
        with (
            as_file(files(__package__) / "default_lpa.json") as text,
            as_file(files(__package__) / "default_lpa.nii.gz") as image,
        ):
            return read(text, image)
    if coefficients is None or spatial is None:
        raise RecontrastError(
            "coefficients and their spatial effect belong together", remedy="give both files or neither"
        )
    mend = dict(file=coefficients, remedy="fit the coefficients again (lesions fit_lesions)")
    try:
        facts = json.loads(Path(coefficients).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecontrastError("does not exist", **mend) from None
    except ValueError:
        raise RecontrastError("is not a JSON file", **mend) from None
    if not isinstance(facts, dict) or facts.get("features") not in SETS:
        raise RecontrastError("does not contain coefficients of lesion prediction", **mend)
    if facts.pop("names", None) != names(facts["features"]):
        raise RecontrastError("was fitted to features that this version does not compute", **mend)
    effect = np.asarray(images.read(spatial).dataobj) * STEP
    try:
        return Coefficients(**facts, effect=effect)
    except TypeError:
        raise RecontrastError("is incomplete: some fitted values are missing", **mend) from None
