"""Small heads with lesions of known place and brightness, in the template's world: no registration needed."""

from pathlib import Path

import nibabel as nib
import numpy as np
from recontrast.lesions.template_space import Way, tissue_maps, to_session

VOXEL = 3.0
SHAPE = (64, 76, 64)
FLAIR = (0.45, 1.05, 1.0)  # CSF, GM, WM; lesions 1.6
T1W = (0.3, 0.65, 1.0)  # lesions as grey matter


def affine() -> np.ndarray:
    matrix = np.diag([VOXEL, VOXEL, VOXEL, 1.0])
    matrix[:3, 3] = (-95, -130, -75)
    return matrix


def head(folder: Path, seed: int, *, lesions: int = 6, bright: float = 1.6) -> dict[str, Path]:
    """Write one head and say where its files are: flair, t1w, mask, manual, csf, gm, wm.

    Lesions are balls of 7 mm radius in white matter near the ventricles, so many as asked for.
    """
    rng = np.random.default_rng(seed)
    grid = nib.Nifti1Image(np.zeros(SHAPE, np.float32), affine())
    maps, where = tissue_maps()
    tissue = np.stack([to_session(one, where, grid, Way(np.eye(4))) for one in maps])
    brain = tissue.sum(axis=0) > 0.5
    tissue = np.where(brain, tissue / np.maximum(tissue.sum(axis=0), 1e-3), 0)
    height = np.indices(SHAPE)[2] * VOXEL - 75
    places = np.argwhere((tissue[2] > 0.95) & (height > 5))
    away = np.full(SHAPE, np.inf)
    for centre in places[rng.choice(len(places), lesions, replace=False)]:
        ball = np.linalg.norm((np.indices(SHAPE).T - centre).T, axis=0) * VOXEL
        away = np.minimum(away, ball)
    manual = (away < 7) & (tissue[2] > 0.5)
    made = {"mask": brain.astype(np.uint8), "manual": manual.astype(np.uint8)}
    for name, levels, lesion in (("flair", FLAIR, bright), ("t1w", T1W, T1W[1])):
        image = np.tensordot(levels, tissue, axes=1)
        image = np.where(manual, lesion, image) + 0.03 * rng.standard_normal(SHAPE)
        made[name] = np.where(brain, 1000 * image, 0).astype(np.float32)
    # As a segmentation of T1w has it: lesions pass for grey matter.
    for index, name in enumerate(("csf", "gm", "wm")):
        made[name] = np.where(manual, float(name == "gm"), tissue[index]).astype(np.float32)
    paths = {}
    for name, data in made.items():
        paths[name] = folder / f"sub-{seed}_{name}.nii.gz"
        nib.save(nib.Nifti1Image(data, affine()), paths[name])
    return paths


def listed(path: Path, heads: list[dict[str, Path]]) -> Path:
    """A list of heads, as fitting takes it."""
    names = ["flair", "t1w", "mask", "manual", "csf", "gm", "wm"]
    lines = ["\t".join(["participant_id", "session_id", *names, "transform"])]
    for number, one in enumerate(heads):
        lines.append("\t".join([f"sub-{number}", "n/a", *(str(one[name]) for name in names), "n/a"]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def array(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


def changed(path: Path, to: Path, change) -> Path:
    """A copy of an image with other values."""
    image = nib.load(path)
    nib.save(nib.Nifti1Image(change(np.asarray(image.dataobj).copy()), image.affine), to)
    return to


def ball(centre: tuple[int, int, int], radius: float) -> np.ndarray:
    """A ball on a grid of 24 voxels a side."""
    return np.linalg.norm((np.indices((24, 24, 24)).T - centre).T, axis=0) <= radius
