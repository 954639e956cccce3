"""Tissue maps of one session."""

from pathlib import Path

import numpy as np

from .. import images
from ..backends.protocol import load, versions
from ..layout import TISSUE_LABELS


def segment_tissue(
    *,
    image: Path,
    mask: Path,
    csf: Path,
    gm: Path,
    wm: Path,
    segmentation: Path,
    contrast: str = "T1w",
    backend: str = "embedded",
) -> None:
    """Segment cerebrospinal fluid, grey matter and white matter.

    Args:
        image: bias-corrected contrast on the reference grid, T1w if there is one.
        mask: brain mask on the reference grid.
        csf: probability map of cerebrospinal fluid to write.
        gm: the same for grey matter.
        wm: the same for white matter.
        segmentation: most likely tissue: 1 grey matter, 2 white matter, 3 fluid, 0 outside.
        contrast: BIDS suffix of the image, which determines which tissue is bright. T1w works best.
        backend: the tools to use.
    """
    brain, region = images.read(image), images.read(mask)
    images.check_same_grid(mask, region, brain)
    maps = load(backend, "segment_tissue")(brain, region, contrast)
    facts = {
        "Sources": [str(image), str(mask)],
        "SegmentedContrast": contrast,
        "Backend": backend,
        "Software": versions(backend, "segment_tissue"),
    }
    if contrast != "T1w":
        facts["Caution"] = f"The tissues were told apart by their brightness in {contrast}, not in T1w."
    voxel = abs(np.linalg.det(brain.affine[:3, :3])) / 1000
    for name, path, probability in zip(("CSF", "GM", "WM"), (csf, gm, wm), maps, strict=True):
        print(f"{name}: {probability.sum() * voxel:.0f} ml")
        images.write(path, probability, brain, facts=facts | {"Type": name})
    labels = np.array([TISSUE_LABELS[name] for name in ("CSF", "GM", "WM")])[maps.argmax(axis=0)]
    labels[maps.sum(axis=0) == 0] = 0
    images.write(segmentation, labels, brain, facts=facts | {"LabelMap": TISSUE_LABELS})
