"""Bias correction of one contrast."""

from pathlib import Path

import numpy as np

from .. import images
from ..backends.protocol import load, versions


def correct_bias(*, image: Path, output: Path, backend: str = "embedded", shrink: int = 4) -> None:
    """Correct the smooth intensity variation that the receive coil leaves across a raw image (bias field).

    Args:
        image: contrast as acquired, NIfTI.
        output: corrected image on the same grid.
        backend: the tools to use.
        shrink: coarseness of the estimate; the embedded backend works on voxels of this many times 2 mm. 0: the
            image is written unchanged, for series whose intensity ratios matter.
    """
    raw = images.read(image)
    if not shrink:
        images.write(
            output, raw.get_fdata(dtype=np.float32), raw, facts={"Sources": [str(image)], "Shrink": 0}
        )
        return
    corrected = load(backend, "correct_bias")(raw, shrink)
    before = raw.get_fdata(dtype=np.float32)
    gain = before[corrected > 0] / corrected[corrected > 0]
    low, high = np.percentile(gain, (1, 99))
    print(f"{image}: the bias field ranges from {low:.2f} to {high:.2f}")
    facts = {
        "Sources": [str(image)],
        "BiasFieldRange": [round(float(low), 4), round(float(high), 4)],
        "Shrink": shrink,
        "Backend": backend,
        "Software": versions(backend, "correct_bias"),
    }
    images.write(output, corrected, raw, facts=facts)
