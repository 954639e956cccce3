"""Lesions by growth, from T1w and FLAIR."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np

from .. import images
from ..masks import bounding_box
from . import inputs, lga
from .defaults import KAPPA
from .template_space import Way, read_way, tissue_maps, to_session

# The template's maps are blurred as an affine transform needs, and deep white matter must still count in full.
WHITER = 1.5


def grow_lesions(
    *,
    t1w: Path,
    flair: Path,
    mask: Path,
    csf: Path,
    gm: Path,
    wm: Path,
    probability: Path,
    lesions: Path,
    transform: Path | None = None,
    inverse_warp: Path | None = None,
    kappa: float | None = None,
    chosen: Path | None = None,
    threshold: float = 0.5,
) -> None:
    """Segment lesions by growing: from spots too bright for their tissue on FLAIR outwards, up to normal tissue.

    Args:
        t1w: prepared T1w on the reference grid, from which the tissue maps were made.
        flair: prepared FLAIR on the same grid, acquired or synthetic.
        mask: brain mask on the same grid.
        csf: probability map of cerebrospinal fluid, from T1w.
        gm: the same for grey matter.
        wm: the same for white matter.
        probability: lesion probability to write.
        lesions: lesion mask to write.
        transform: ITK affine text, from the reference to the template; without it, they share world coordinates.
        inverse_warp: displacement field of `anatomy warp_template` from template to reference, if there is one.
        kappa: initial threshold, 0.05 to 1; larger values find fewer lesions.
        chosen: JSON file of `choose_kappa`, used if kappa is not given; without either, a default is used.
        threshold: probability from which a voxel counts as lesion.

    Raises:
        RecontrastError: images on different grids, a mask that is no brain, or an image that is no FLAIR.
    """
    image, brain = inputs.read_flair(flair, mask)
    inputs.read_on_grid(t1w, image)
    maps = np.stack([inputs.read_on_grid(path, image) for path in (csf, gm, wm)])
    if kappa is None and chosen is not None:
        kappa = json.loads(chosen.read_text(encoding="utf-8"))["kappa"]
    elif kappa is None:
        kappa = KAPPA
        print(
            f"note: kappa {kappa:g} is a default that is not tuned to any cohort; select it on manual masks"
        )
    found = grown(image, brain, maps, read_way(transform, inverse_warp=inverse_warp), [kappa])[0]
    mine = found >= threshold
    volume = mine.sum() * inputs.voxel_volume(image)
    print(f"kappa {kappa:g}: {volume:.2f} ml of lesions", flush=True)
    facts = {
        "Sources": [str(path) for path in (t1w, flair, mask, csf, gm, wm, transform, inverse_warp) if path],
        "Method": "lesion growth",
        "Kappa": kappa,
        "Phi": lga.PHI,
    }
    images.write(probability, found, image, facts=facts)
    images.write(lesions, mine, image, facts=facts | {"Threshold": threshold, "Type": "Lesion"})


def grown(
    image: nib.Nifti1Image, brain: np.ndarray, maps: np.ndarray, way: Way, kappas: list[float]
) -> list[np.ndarray]:
    """Lesion probability for each of some kappas.

    Args:
        image: FLAIR.
        brain: its brain mask, (x, y, z).
        maps: (3, x, y, z), probabilities of CSF, GM and WM by T1w.
        way: between the template and the session.
        kappas: initial thresholds.

    Returns:
        A list of float32 arrays (x, y, z).
    """
    template, affine = tissue_maps()
    part = bounding_box(brain, 1)
    prior = np.minimum(WHITER * to_session(template[2], affine, image, way)[part], 1)
    head = lga.tissue(np.asarray(image.dataobj)[part], brain[part], maps[(slice(None), *part)])
    against_grey, belief = lga.beliefs(head, prior)
    results = []
    for kappa in kappas:
        whole = np.zeros(brain.shape, np.float32)
        whole[part] = lga.clean(lga.grow(head, belief, lga.seeds(against_grey, kappa)))
        results.append(whole)
    return results
