"""Lesions by a logistic regression on FLAIR."""

from pathlib import Path

import numpy as np

from .. import images
from . import coefficients as fitted
from . import features, inputs, lpa
from .template_space import read_way


def predict_lesions(
    *,
    flair: Path,
    mask: Path,
    probability: Path,
    lesions: Path,
    coefficients: Path | None = None,
    spatial: Path | None = None,
    transform: Path | None = None,
    inverse_warp: Path | None = None,
    csf: Path | None = None,
    gm: Path | None = None,
    wm: Path | None = None,
    threshold: float = 0.5,
) -> None:
    """Segment lesions on FLAIR by their intensity and location, with coefficients fitted to other images.

    Args:
        flair: prepared FLAIR on the reference grid, acquired or synthetic.
        mask: brain mask on the same grid.
        probability: lesion probability to write.
        lesions: lesion mask to write.
        coefficients: JSON file of `fit_lesions`; without it, those supplied with Recontrast.
        spatial: image of `fit_lesions`: where lesions occur.
        transform: ITK affine text, from the reference to the template; without it, they share world coordinates.
        inverse_warp: displacement field of `anatomy warp_template` from template to reference, if there is one.
        csf: probability map of cerebrospinal fluid from T1w, if there is one.
        gm: the same for grey matter.
        wm: the same for white matter.
        threshold: probability from which a voxel counts as lesion.

    Raises:
        RecontrastError: images on different grids, a mask that is no brain, or an image that is no FLAIR.
    """
    image, brain = inputs.read_flair(flair, mask)
    model = fitted.read(coefficients, spatial)
    maps = (csf, gm, wm)
    tissues = np.stack([inputs.read_on_grid(path, image) for path in maps]) if all(maps) else None
    head = features.prepare(image, brain, read_way(transform, inverse_warp=inverse_warp), tissues)
    found = lpa.predict(head, model, image.shape)
    mine = found >= threshold
    if coefficients is None:
        print(
            "with the coefficients supplied, fitted to other participants: see docs/lesions.md for their accuracy"
        )
    print(f"{mine.sum() * inputs.voxel_volume(image):.2f} ml of lesions", flush=True)
    facts = {
        "Sources": [
            str(path) for path in (flair, mask, coefficients, spatial, transform, inverse_warp, *maps) if path
        ],
        "Method": f"lesion prediction, features {model.features}",
        "Coefficients": "default" if coefficients is None else str(coefficients),
    }
    images.write(probability, found, image, facts=facts)
    images.write(lesions, mine, image, facts=facts | {"Threshold": threshold, "Type": "Lesion"})
