"""A tiny cohort with a known spatial law, as arrays and as files."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
from recontrast.models import recipes
from recontrast.models.interface import Volumes
from recontrast.training import train as step
from scipy.ndimage import gaussian_filter, uniform_filter

CONTRASTS = ("T1w", "T2w")


def volumes(seed: int, shape: tuple[int, int, int] = (22, 24, 20)) -> Volumes:
    """A session whose target is the local mean of one noisy contrast, switched off where the other is bright.

    No voxel-wise linear function can do that: it has neither the neighbourhood nor the product.
    """
    draw = np.random.default_rng(seed)
    smooth = [gaussian_filter(draw.normal(size=shape), 2) for _ in CONTRASTS]
    first, second = (1000 + 250 * image / image.std() for image in smooth)
    first = first + draw.normal(size=shape) * 150
    switch = 1 / (1 + np.exp((second - 1100) / 60))
    target = 300 + 0.9 * uniform_filter(first, 3, mode="constant") * switch
    axes = np.meshgrid(*[np.linspace(-1, 1, size) for size in shape], indexing="ij")
    mask = sum(axis**2 for axis in axes) < 0.95
    images = [image.astype(np.float32) for image in (first, second, target)]
    return Volumes(f"sub-{seed:02d}", np.stack(images[:2]), images[2], mask)


def linear_error(training: list[Volumes], test: Volumes) -> float:
    """Root mean squared error of the best voxel-wise linear function of the inputs, inside the mask."""

    def columns(one: Volumes) -> np.ndarray:
        return np.column_stack([*(image[one.mask] for image in one.inputs), np.ones(one.mask.sum())])

    matrix = np.concatenate([columns(one) for one in training])
    weights = np.linalg.lstsq(matrix, np.concatenate([one.target[one.mask] for one in training]), rcond=None)[
        0
    ]
    return error(columns(test) @ weights, test.target[test.mask])


def error(predicted: np.ndarray, true: np.ndarray) -> float:
    """Root mean squared difference."""
    return float(np.sqrt(np.mean((predicted - true) ** 2)))


def write(folder: Path, roles: list[str], shape: tuple[int, int, int] = (16, 18, 14)) -> Path:
    """A session per role as image files, and the list that the training step reads."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    lines = ["\t".join(["participant_id", "session_id", "role", "mask", *CONTRASTS, "FLAIR"])]
    for seed, role in enumerate(roles, start=1):
        one = volumes(seed, shape)
        arrays = {"mask": one.mask.astype(np.uint8), "FLAIR": one.target} | dict(
            zip(CONTRASTS, one.inputs, strict=True)
        )
        paths = {name: folder / f"{one.label}_{name}.nii.gz" for name in arrays}
        for name, array in arrays.items():
            nib.save(nib.Nifti1Image(array, affine), paths[name])
        names = ["mask", *CONTRASTS, "FLAIR"]
        lines.append("\t".join([one.label, "n/a", role, *(str(paths[name]) for name in names)]))
    path = folder / "sessions.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


def train(folder: Path, method: str, settings: dict, sessions: Path, **more: object) -> Path:
    """A model of both contrasts in a folder, by the quick recipe with some settings changed."""
    step.train(
        method=method,
        recipe=json.dumps(recipes.resolve(method, "quick", settings)),
        sessions=sessions,
        inputs=list(CONTRASTS),
        target="FLAIR",
        model=folder / "model.safetensors",
        card=folder / "model.json",
        losses=folder / "training.tsv",
        checkpoint=folder / "state",
        device="cpu",
        **more,
    )
    return folder
