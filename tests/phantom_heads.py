"""Digital heads as arrays, every contrast brought to one grid by its true transform: no registration error."""

import functools
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
from recontrast.evaluation.metrics import METRICS
from recontrast.evaluation.pair import Pair
from recontrast.models.interface import Volumes
from recontrast.phantom import cohort
from scipy.ndimage import affine_transform

VOXEL = 4.0
RAW = tuple(f"MESE{number}" for number in range(1, 9))  # Hagiwara's order: delay by delay, shorter echo first
MAPS = {"R1": "T1map", "R2": "T2map", "PD": "PDmap"}


@functools.cache
def heads(inputs: tuple[str, ...], count: int = 7) -> list[Volumes]:
    """Sessions with FLAIR as target, bias fields divided out, a median of 1000 inside the brain in every contrast.

    Args:
        inputs: from T1w, T2w, PDw, DIR, T1SE, `MESE1` to `MESE8` (raw multi-delay multi-echo images) and the
            true R1, R2 (1/s) and PD; the last eleven are not rescaled to 1000.
        count: participants.
    """
    asked = {"MDME" if name in RAW else name for name in inputs if name not in MAPS}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        contrasts = sorted(asked | {"FLAIR", "T1w"})
        cohort.make(data, participants=count, voxel=VOXEL, contrasts=contrasts, without_flair=0)
        return [_head(data, f"sub-{number:02d}", inputs) for number in range(1, count + 1)]


def gains(made: list[np.ndarray], training: list[Volumes], tests: list[Volumes]) -> tuple[float, float]:
    """Mean gain in PSNR (dB) and in SSIM over a voxel-wise linear regression of the same inputs."""
    matrix = np.concatenate([_columns(one) for one in training])
    target = np.concatenate([one.target[one.mask] for one in training])
    weights = np.linalg.lstsq(matrix, target, rcond=None)[0]
    found = []
    for image, test in zip(made, tests, strict=True):
        linear = np.zeros(test.mask.shape)
        linear[test.mask] = _columns(test) @ weights
        truth = np.where(test.mask, test.target, 0)
        ours, theirs = (Pair(truth, one, test.mask) for one in (image, linear))
        found.append([METRICS[n](ours, test.mask) - METRICS[n](theirs, test.mask) for n in ("psnr", "ssim")])
    return tuple(np.mean(found, axis=0))


def _columns(one: Volumes) -> np.ndarray:
    return np.column_stack([*(image[one.mask] for image in one.inputs), np.ones(one.mask.sum())])


def _head(data: Path, label: str, inputs: tuple[str, ...]) -> Volumes:
    raw = data / label / "anat"
    truth = data / "derivatives/truth" / label / "anat"
    mask_image = nib.load(next(truth.glob("*desc-brain_mask.nii.gz")))
    mask = np.asarray(mask_image.dataobj) > 0

    def contrast(name: str) -> np.ndarray:
        """A scanned contrast on the grid of the anatomy."""
        files = {
            "DIR": "*acq-dir_T2w.nii.gz",
            "T1SE": "*acq-se_T1w.nii.gz",
            **{one: f"*acq-delay{n // 2 + 1}_echo-{n % 2 + 1}_MESE.nii.gz" for n, one in enumerate(RAW)},
        }
        pattern = files.get(name, f"{label}_{name}.nii.gz")
        image = nib.load(next(raw.glob(pattern)))
        series = "MDME" if name in RAW else name
        pose = _itk(next(truth.glob(f"*from-{series}_to-anatomy_mode-image_xfm.txt")))
        to_voxels = np.linalg.inv(image.affine) @ pose @ mask_image.affine
        field = nib.load(next(truth.glob(f"*_space-{series}_desc-bias_map.nii.gz")))
        values = np.asarray(image.dataobj, dtype=np.float32) / np.asarray(field.dataobj, dtype=np.float32)
        return affine_transform(values, to_voxels[:3, :3], to_voxels[:3, 3], mask.shape, order=1)

    def known(name: str) -> np.ndarray:
        values = np.asarray(nib.load(next(truth.glob(f"*_{MAPS[name]}.nii.gz"))).dataobj, dtype=np.float32)
        if name == "PD":
            return values
        return np.divide(1, values, out=np.zeros_like(values), where=values > 0)

    def standard(image: np.ndarray) -> np.ndarray:
        return (image * (1000 / np.median(image[mask]))).astype(np.float32)

    images = [
        known(name) if name in MAPS else contrast(name) if name in RAW else standard(contrast(name))
        for name in inputs
    ]
    return Volumes(label, np.stack(images), standard(contrast("FLAIR")), mask, (VOXEL,) * 3)


def _itk(path: Path) -> np.ndarray:
    """An ITK affine file as a 4x4 matrix in RAS+ mm, from points of the fixed to the moving image."""
    lines = dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line)
    numbers = np.array(lines["Parameters"].split(), dtype=float)
    centre = np.array(lines["FixedParameters"].split(), dtype=float)
    matrix = np.eye(4)
    matrix[:3, :3] = numbers[:9].reshape(3, 3)
    matrix[:3, 3] = numbers[9:] + centre - matrix[:3, :3] @ centre
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    return flip @ matrix @ flip
