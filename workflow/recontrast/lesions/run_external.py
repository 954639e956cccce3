"""Lesions by a tool that is no part of this package."""

import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

from .. import images, processes
from ..errors import RecontrastError
from . import inputs


def run_external(
    *,
    command: str,
    flair: Path,
    mask: Path,
    probability: Path,
    lesions: Path,
    t1w: Path | None = None,
    result: str | None = None,
    labels: list[int] = [],  # noqa: B006 - read, never changed
    threshold: float = 0.5,
) -> None:
    """Segment lesions with an external tool and read its result.

    Args:
        command: with the placeholders {flair}, {t1w} and {mask}, and {output}, a `.nii.gz` file to write, or {folder},
            an empty folder for tools that choose their own file names. No shell is involved.
        flair: prepared FLAIR on the reference grid.
        mask: brain mask on the same grid.
        probability: lesion probability to write.
        lesions: lesion mask to write.
        t1w: prepared T1w on the same grid.
        result: the file that the tool writes inside {folder}; without it, {output} is read. A probability map, a
            mask, or labels, on the grid of {flair}, in any format that nibabel reads.
        labels: the label values for lesion, if the tool writes labels.
        threshold: probability from which a voxel counts as lesion.

    Raises:
        RecontrastError: a place without an image, the tool is missing or fails, or what it wrote is damaged, lies on
            another grid or is no probability.
        MemoryError, KeyboardInterrupt, OSError: as `processes.check`.
    """
    grid = images.read_header(flair)
    brain = inputs.read_brain(mask, grid)
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "made"
        folder.mkdir()
        output = Path(room) / "lesions.nii.gz"
        places = {"flair": flair, "mask": mask, "output": output, "folder": folder}
        words = _filled(command, places | ({"t1w": t1w} if t1w else {}))
        made = folder / result if result else output
        _run(words, made, flair)
        values = _values(made, grid, labels, words[0])
    values = np.where(brain, values, 0)
    facts = {"Sources": [str(path) for path in (flair, t1w, mask) if path], "Command": command}
    images.write(probability, values, grid, facts=facts)
    images.write(lesions, values >= threshold, grid, facts=facts | {"Type": "Lesion", "Threshold": threshold})


def _filled(command: str, places: dict[str, Path]) -> list[str]:
    """The words of a command with its places filled in."""
    try:
        return [word.format(**places) for word in shlex.split(command)]
    except KeyError as error:
        if error.args == ("t1w",):
            raise RecontrastError(
                "lesions.command uses {t1w}, but the session has no T1w",
                remedy="remove {t1w}, or exclude the session",
            ) from error
        problem = f"unknown placeholder {{{error.args[0]}}}"
    except (IndexError, ValueError) as error:
        problem = str(error)
    raise RecontrastError(
        f"lesions.command cannot be read ({problem})",
        remedy="use {flair}, {t1w}, {mask}, and {output} or {folder}",
    )


def _run(words: list[str], made: Path, flair: Path) -> None:
    print(shlex.join(words), flush=True)
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except OSError as error:
        raise RecontrastError(
            f"{words[0]} cannot be started ({error.strerror})", remedy="install it, or give its path"
        ) from error
    said = done.stdout + done.stderr
    print(said, flush=True)
    processes.check(words[0], done.returncode, said)
    if done.returncode != 0 or not made.is_file():
        last = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        failed = f"failed with status {done.returncode}" if done.returncode else f"wrote no {made.name}"
        raise RecontrastError(f"{words[0]} {failed}: {last[-1]}", file=flair, remedy="see the log")


def _values(made: Path, grid: nib.Nifti1Image, labels: Sequence[int], tool: str) -> np.ndarray:
    """The lesion probability that a tool wrote, float32 (x, y, z)."""
    image = images.read_header(made)
    images.check_same_grid(made, image, grid)
    try:
        values = np.asarray(image.dataobj, dtype=np.float32).reshape(grid.shape[:3])
    except images.UNREADABLE as error:
        raise RecontrastError(
            f"{tool} wrote a damaged image ({error})", file=made.name, remedy="see the log"
        ) from error
    if labels:
        return np.isin(values, labels).astype(np.float32)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise RecontrastError(
            f"{tool} gave values from {values.min():g} to {values.max():g}, which are not probabilities",
            file=made.name,
            remedy="make it write a mask or a probability map, or list the label values for lesion (lesions.labels)",
        )
    return values
