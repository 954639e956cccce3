"""BET as a program: the mask of a brain in a file."""

from pathlib import Path
from types import ModuleType

import numpy as np

from ..nipype_tools import put, run, take


def bet(
    fsl: ModuleType,
    folder: Path,
    data: np.ndarray,
    affine: np.ndarray,
    threshold: float,
    robust: bool = False,
) -> tuple[str, np.ndarray]:
    """The brain in a head: the file of its mask, and the mask, boolean.

    Args:
        fsl: nipype's module.
        folder: to work in.
        data: the head, shape (x, y, z).
        affine: of the head.
        threshold: BET's fractional intensity threshold; nipype's own input would round it.
        robust: start anew from the brain found so far, until its centre rests.
    """

    class Bet(fsl.BET):
        def _run_interface(self, runtime):
            # nipype's own takes any line on stderr for a failure, also what a shell says of its locale.
            runtime = fsl.base.FSLCommand._run_interface(self, runtime)
            if runtime.stderr and not (folder / "brain_mask.nii.gz").is_file():
                self.raise_exception(runtime)
            return runtime

    found = run(
        Bet(
            in_file=put(folder / "head.nii.gz", data, affine),
            out_file=str(folder / "brain.nii.gz"),
            mask=True,
            args=f"-f {threshold:g}",
            **({"robust": True} if robust else {}),
        ),
        folder,
    )
    return found.mask_file, take(found.mask_file, data.shape) > 0
