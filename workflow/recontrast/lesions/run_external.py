"""Lesions by a tool that is no part of this package."""

import shlex
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from .. import images
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
    threshold: float = 0.5,
) -> None:
    """Run a user's tool for lesions and read what it wrote.

    Args:
        command: with the places {flair}, {t1w}, {mask} and {output}; the tool writes to {output} (a `.nii.gz` name)
            a probability map or a mask on the grid of {flair}. No shell takes part.
        flair: prepared FLAIR on the reference grid.
        mask: the brain there.
        probability: lesion probability to write.
        lesions: lesion mask to write.
        t1w: prepared T1w on the same grid.
        threshold: from which probability on a voxel is lesion.

    Raises:
        RecontrastError: the tool is missing or fails, or what it wrote is no probability on that grid.
    """
    grid = images.read_header(flair)
    brain = inputs.read_brain(mask, grid)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "lesions.nii.gz"
        places = {"flair": flair, "t1w": t1w or "", "mask": mask, "output": made}
        try:
            words = [word.format(**places) for word in shlex.split(command)]
        except (KeyError, IndexError, ValueError) as error:
            raise RecontrastError(
                f"lesions.command cannot be read ({error})", remedy="use {flair}, {t1w}, {mask} and {output}"
            ) from error
        print(shlex.join(words), flush=True)
        try:
            done = subprocess.run(words, capture_output=True, text=True)
        except OSError as error:
            raise RecontrastError(
                f"{words[0]} cannot be started ({error.strerror})", remedy="install it, or give its path"
            ) from error
        print(done.stdout + done.stderr, flush=True)
        if done.returncode != 0 or not made.is_file():
            last = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
            failed = f"failed with status {done.returncode}" if done.returncode else "wrote no {output}"
            raise RecontrastError(f"{words[0]} {failed}: {last[-1]}", file=flair, remedy="see the log")
        image = images.read_header(made)
        images.check_same_grid(made, image, grid)
        values = np.asarray(image.dataobj, dtype=np.float32).reshape(grid.shape[:3])
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise RecontrastError(
            f"{words[0]} gave values from {values.min():g} to {values.max():g}, no probabilities",
            file=flair,
            remedy="let it write a mask or a probability map",
        )
    values = np.where(brain, values, 0)
    facts = {"Sources": [str(path) for path in (flair, t1w, mask) if path], "Command": command}
    images.write(probability, values, grid, facts=facts)
    images.write(lesions, values >= threshold, grid, facts=facts | {"Type": "Lesion", "Threshold": threshold})
