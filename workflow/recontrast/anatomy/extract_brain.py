"""Brain extraction from one head."""

from pathlib import Path

import numpy as np

from .. import images
from ..backends.protocol import load, versions
from ..errors import RecontrastError

SMALLEST, LARGEST = 300.0, 2500.0  # ml; outside this no human brain of school age or more has been found


def extract_brain(
    *, image: Path, contrast: str, mask: Path, backend: str = "embedded", threshold: float | None = None
) -> None:
    """Extract the brain: with the surrounding fluid, without skull, scalp and eyes.

    Args:
        image: bias-corrected head.
        contrast: its BIDS suffix, for example T1w or FLAIR.
        mask: brain mask to write, on the grid of the image.
        backend: the tools to use.
        threshold: 0 to 1, higher values give smaller masks; if not given, the backend's default for the contrast.

    Raises:
        RecontrastError: what was found has not the size of a brain.
    """
    head = images.read(image)
    brain = load(backend, "extract_brain")(head, contrast, threshold)
    volume = float(brain.sum() * abs(np.linalg.det(head.affine[:3, :3])) / 1000)
    print(f"{image}: brain of {volume:.0f} ml")
    if not SMALLEST < volume < LARGEST:
        raise RecontrastError(
            f"brain extraction found {volume:.0f} ml, which is not a brain",
            file=image,
            remedy=f"look at the image; try another anatomy.brain_threshold for {contrast}, or exclude it",
        )
    facts = {
        "Sources": [str(image)],
        "Type": "Brain",
        "BrainVolume": round(volume, 1),
        "Threshold": threshold,
        "Backend": backend,
        "Software": versions(backend, "extract_brain"),
    }
    images.write(mask, brain, head, facts=facts)
