"""Arrays in files without a name: the system keeps in memory what it has room for, and nothing is left of them."""

import os
import tempfile
from pathlib import Path

import numpy as np


def array(shape: tuple[int, ...], kind: np.dtype | type, folder: Path) -> np.ndarray:
    """An array of zeros in a file of a folder, which goes with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        # A full disk is told now; later it would kill the process.
        os.posix_fallocate(file.fileno(), 0, max(1, np.dtype(kind).itemsize * int(np.prod(shape))))
        return np.memmap(file, kind, "r+", shape=shape)
