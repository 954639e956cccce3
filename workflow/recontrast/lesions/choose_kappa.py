"""The initial threshold of lesion growth, from manual masks."""

from pathlib import Path

import nibabel as nib
import numpy as np

from .. import images, tables
from ..masks import dice
from . import inputs
from .grow_lesions import grown

COLUMNS = ("participant_id", "session_id", "flair", "mask", "manual", "csf", "gm", "wm", "transform")
KAPPAS = [round(0.05 * step, 2) for step in range(1, 21)]  # the sweep of the toolbox's manual


def choose_kappa(*, sessions: Path, output: Path, threshold: float = 0.5) -> None:
    """Select the kappa from 0.05 to 1 with the best mean Dice on participants with lesion masks.

    Args:
        sessions: TSV with the columns participant_id, session_id, flair, mask (brain), manual (lesions), csf, gm,
            wm, and transform (ITK affine text, reference to template; n/a if they share world coordinates), with
            inverse_warp if there is a nonlinear transform.
        output: JSON file to write: kappa, and the mean Dice of every value tried.
        threshold: probability from which a voxel counts as lesion.

    Raises:
        RecontrastError: no session in the list, no lesion in any mask, or no session that can be used; one that
            cannot is left out.
    """
    rows = inputs.usable(tables.read(sessions, COLUMNS), _read)
    if not any(inputs.has_lesions(row["manual"]) for row in rows):
        raise inputs.nothing_to_learn(sessions, rows)
    scores = []
    for row in rows:
        image, brain, manual = _read(row)
        maps = np.stack([inputs.read_on_grid(row[name], image) for name in ("csf", "gm", "wm")])
        found = grown(image, brain, maps, inputs.way(row), KAPPAS)
        scores.append([dice(one >= threshold, manual) for one in found])
        best = int(np.argmax(scores[-1]))
        print(f"{row['participant_id']}: Dice {scores[-1][best]:.3f} with {KAPPAS[best]}", flush=True)
    mean = np.mean(scores, axis=0)
    kappa = KAPPAS[int(mean.argmax())]
    images.write_json(
        output,
        {
            "kappa": kappa,
            "sessions": len(rows),
            "mean_dice": {
                f"{one:g}": round(float(score), 4) for one, score in zip(KAPPAS, mean, strict=True)
            },
        },
    )
    print(f"kappa {kappa:g}: mean Dice {mean.max():.3f}")


def _read(row: tables.Row) -> tuple[nib.Nifti1Image, np.ndarray, np.ndarray]:
    """FLAIR, brain and manual lesions of a row of the list."""
    image, brain = inputs.read_flair(row["flair"], row["mask"])
    return image, brain, inputs.read_lesions(row["manual"], brain, image)
