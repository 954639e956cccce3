"""antspyx, loaded late and on one thread, and images on their way to it and back."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType

import numpy as np

from ..transforms import FLIP

SEED = 1
# Parts of the package that bring matplotlib, scikit-learn, statsmodels and scipy's statistics with them, most of the
# time to load it in ten jobs a session, and the names that the package takes from each one by one.
UNUSED = {
    "learn": (),
    "plotting": (),
    "deeplearn": (),
    "math.quantile": (
        "bandpass_filter_matrix",
        "compcor",
        "get_average_of_timeseries",
        "ilr",
        "quantile",
        "rank_intensity",
        "regress_components",
        "regress_poly",
    ),
}


@contextlib.contextmanager
def library() -> Iterator[ModuleType]:
    """The module `ants`, with its temporary files in a folder that goes with the block.

    ITK reads the number of threads when it is loaded; with more than one, sums depend on their order and
    two runs differ.
    """
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    if "ants" not in sys.modules:
        for part, names in UNUSED.items():
            sys.modules[f"ants.{part}"] = module = ModuleType(part)
            vars(module).update(dict.fromkeys(names))
    import ants

    # `registration` takes its seed from here alone; its argument of that name is ignored.
    ants.config.set_ants_deterministic(True, SEED)
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="recontrast-") as folder:
        tempfile.tempdir = folder
        try:
            yield ants
        finally:
            tempfile.tempdir = before


def to_ants(ants: ModuleType, data: np.ndarray, affine: np.ndarray):
    """An array of shape (x, y, z) and its nibabel affine as an ANTsImage of floats."""
    world = FLIP @ affine
    spacing = np.linalg.norm(world[:3, :3], axis=0)
    return ants.from_numpy(
        np.asarray(data, dtype=np.float32),
        origin=world[:3, 3].tolist(),
        spacing=spacing.tolist(),
        direction=world[:3, :3] / spacing,
    )


def matrix_of(ants: ModuleType, file: str) -> np.ndarray:
    """The (4, 4) matrix, reference to moving in ITK's world, of an affine file that ANTs wrote."""
    transform = ants.read_transform(file)
    linear = np.array(transform.parameters[:9]).reshape(3, 3)
    centre = np.array(transform.fixed_parameters)
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = np.array(transform.parameters[9:]) + centre - linear @ centre
    return matrix
