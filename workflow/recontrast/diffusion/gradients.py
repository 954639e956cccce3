"""Gradient tables: the b-values and directions of a diffusion series, as FSL writes them, checked.

Directions are unit vectors in FSL's axes: those of the stored voxels, with the first one reversed where they
are right-handed.
"""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from ..errors import RecontrastError
from ..images import write_text
from ..inheritance import nearest

UNIT = 0.01  # how far from 1 the length of a vector may be without a word
SAME = 0.999  # cosine, above which two directions are one
FEWEST = 6  # directions that a tensor needs


@dataclass(frozen=True)
class Gradients:
    """One diffusion scheme.

    Attributes:
        bvals: in s/mm², shape (n,).
        vectors: unit vectors in FSL's axes, shape (n, 3); zero where there is no weighting.
        usable: false for volumes whose direction is not known, shape (n,).
        notes: what was wrong with the files and how it was put right.
    """

    bvals: np.ndarray
    vectors: np.ndarray
    usable: np.ndarray
    notes: tuple[str, ...] = ()


def read(bval: Path, bvec: Path, volumes: int, b0_threshold: float) -> Gradients:
    """Read the table of a series.

    Put right, with a note: transposed files, vectors that are not of unit length. What stands for the direction
    of a volume without weighting does not matter. A weighted volume whose direction is zero (a trace image) or no
    number is marked unusable.

    Args:
        bval: b-values in s/mm², in a row or a column.
        bvec: three rows of n, or n rows of three.
        volumes: in the series.
        b0_threshold: up to this b a volume counts as not weighted.

    Raises:
        RecontrastError: a file is missing or no table of numbers, holds another number of entries than the
            series has volumes, or has negative or infinite b-values; what is wrong with both files at once.
    """
    faults, bvals, vectors = [], np.zeros(volumes), np.zeros((volumes, 3))
    try:
        bvals = _bvals(bval, volumes)
    except RecontrastError as error:
        faults.append(error)
    try:
        vectors, notes = _vectors(bvec, volumes)
    except RecontrastError as error:
        faults.append(error)
    if len(faults) > 1:
        raise RecontrastError("; ".join(map(str, faults)))
    if faults:
        raise faults[0]
    weighted = bvals > b0_threshold
    vectors = np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, 0.0)
    lengths = np.linalg.norm(vectors, axis=1)
    known = lengths > UNIT
    if (off := weighted & known & (np.abs(lengths - 1) > UNIT)).any():
        notes.append(f"{off.sum()} directions were not of unit length and were scaled to it")
    vectors = np.divide(vectors, lengths[:, None], out=np.zeros_like(vectors), where=known[:, None])
    if (without := weighted & ~known).any():
        places = ", ".join(map(str, np.flatnonzero(without)))
        notes.append(f"volumes without a direction are left out (counted from 0): {places}")
    return Gradients(bvals, np.where(weighted[:, None], vectors, 0.0), ~without, tuple(notes))


def check(series: Path, b0_threshold: float, highest: float) -> None:
    """Raise unless the table beside a series fits it and suffices for a tensor; see `read` and `shell`."""
    bval, bvec = nearest(series, ".bval"), nearest(series, ".bvec")
    shape = nib.load(series).shape
    shell(read(bval, bvec, shape[3] if len(shape) > 3 else 1, b0_threshold), highest, b0_threshold, series)


def _bvals(path: Path, volumes: int) -> np.ndarray:
    """The b-values of a series, shape (n,)."""
    found = numbers(path)
    if 1 not in found.shape:
        raise RecontrastError(
            f"is a table of {found.shape[0]} by {found.shape[1]}, not one row of b-values",
            file=path,
            remedy="convert again",
        )
    if found.size != volumes:
        raise RecontrastError(
            f"contains {found.size} b-values for a series of {volumes} volumes",
            file=path,
            remedy="convert again",
        )
    if not np.isfinite(found).all() or found.min() < 0:
        raise RecontrastError(
            "has b-values that are negative or not numbers", file=path, remedy="convert again"
        )
    return found.ravel()


def _vectors(path: Path, volumes: int) -> tuple[np.ndarray, list[str]]:
    """The directions of a series as they stand, shape (n, 3), and a note if they stand in columns."""
    found = numbers(path)
    if found.shape == (3, volumes):
        return found.T, []
    if found.shape == (volumes, 3):
        return found, [f"{path} is stored in columns"]
    raise RecontrastError(
        f"is a table of {found.shape[0]} by {found.shape[1]}, but the series has {volumes} volumes",
        file=path,
        remedy="it needs three rows with one number per volume; convert again",
    )


def numbers(path: Path) -> np.ndarray:
    """A text file of numbers, shape (rows, columns)."""
    try:
        table = np.loadtxt(path, ndmin=2)
    except FileNotFoundError:
        raise RecontrastError(
            "does not exist",
            file=path,
            remedy="a diffusion series needs its .bval and .bvec; convert again, or exclude it",
        ) from None
    except (ValueError, UnicodeDecodeError):
        raise RecontrastError("is not a table of numbers", file=path, remedy="convert again") from None
    if table.size == 0:
        raise RecontrastError("is empty", file=path, remedy="convert again")
    return table


def write(bval: Path, bvec: Path, bvals: np.ndarray, vectors: np.ndarray) -> None:
    """Write a table as FSL has it; see `Gradients` for the arrays."""
    write_text(bval, " ".join(f"{b:g}" for b in bvals) + "\n")
    write_text(bvec, "\n".join(" ".join(f"{value:.8f}" for value in row) for row in vectors.T) + "\n")


def shell(table: Gradients, highest: float, b0_threshold: float, file: Path) -> np.ndarray:
    """Which volumes a tensor is fitted to, boolean (n,): usable ones up to the highest b.

    Raises:
        RecontrastError: none is without weighting, none is weighted, or fewer than six directions differ.
    """
    chosen = table.usable & (table.bvals <= highest)
    weighted = chosen & (table.bvals > b0_threshold)
    if not (chosen & ~weighted).any():
        raise RecontrastError(
            f"has no volume without diffusion weighting (b up to {b0_threshold:g})",
            file=file,
            remedy="raise the b0 threshold, or exclude the series",
        )
    asked = (table.bvals > b0_threshold) & (table.bvals <= highest)
    if asked.any() and not weighted.any():
        raise RecontrastError(
            f"has no direction for any of its {asked.sum()} weighted volumes with b up to {highest:g}",
            file=file,
            remedy="convert again, or exclude the series",
        )
    if not weighted.any():
        there = ", ".join(f"{b:g}" for b in np.unique(table.bvals))
        raise RecontrastError(
            f"has no diffusion-weighted volume with b from {b0_threshold:g} to {highest:g}; b-values: {there}",
            file=file,
            remedy="choose another shell, or exclude the series",
        )
    vectors = table.vectors[weighted]
    kept = directions(vectors)
    if kept < FEWEST or np.linalg.matrix_rank(dyads(vectors), tol=0.01) < FEWEST:
        raise RecontrastError(
            f"has {kept} different directions up to b {highest:g}; a tensor needs {FEWEST} that do not lie on a cone",
            file=file,
            remedy="choose another shell, or exclude the series",
        )
    return chosen


def directions(vectors: np.ndarray) -> int:
    """How many of the unit vectors, shape (n, 3), differ; a vector and its opposite are one direction."""
    kept: list[np.ndarray] = []
    for vector in vectors:
        if all(abs(vector @ other) < SAME for other in kept):
            kept.append(vector)
    return len(kept)


def dyads(vectors: np.ndarray) -> np.ndarray:
    """xx, xy, xz, yy, yz, zz of each vector, shape (n, 6)."""
    return np.stack([vectors[:, i] * vectors[:, j] for i in range(3) for j in range(i, 3)], axis=1)
