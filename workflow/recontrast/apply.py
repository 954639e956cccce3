"""One frozen model on new images, with no study around it."""

import tempfile
from pathlib import Path
from typing import Literal

from . import __version__
from .anatomy.carry_mask import carry_mask
from .anatomy.correct_bias import correct_bias
from .anatomy.extract_brain import extract_brain
from .anatomy.mask_foreground import mask_foreground
from .anatomy.register import register
from .anatomy.resample import resample
from .errors import RecontrastError
from .images import check_same_grid, read_header
from .methods.model_file import read_model
from .synthesis.synthesize import synthesize

ENDINGS = (".nii", ".nii.gz")
DEFAULT = {"prepare": "full", "intensity": "median"}  # of models trained by hand, whose cards do not say


def apply(
    model: Path,
    given: list[str],
    output: Path,
    *,
    mask: Path | None = None,
    threads: int = 1,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> None:
    """Make the contrast that a model has learned, from images of one person.

    The images are prepared as those were that the model learned from; with a mask they are taken as prepared
    and only brought to its units.

    Args:
        model: a model's folder, or its safetensors file with the card beside it.
        given: image files in the order of the model's inputs, or as `T1w=FILE`.
        output: image to write, on the grid of the first image, T1w if the model takes one.
        mask: where to synthesise, on the grid that all images share.
        threads: CPU threads.
        device: auto takes the GPU where there is one.

    Raises:
        RecontrastError: another number of images, an unknown name, or a file that is no image.
    """
    weights = model / "model.safetensors" if model.is_dir() else model
    card = weights.with_suffix(".json")
    facts = read_model(weights, card)[1]
    if not output.name.endswith(ENDINGS):
        raise RecontrastError("is no name of an image", file=output, remedy="let it end in .nii.gz")
    files = _by_contrast(given, facts["inputs"], card)
    _compare_versions(facts)
    with tempfile.TemporaryDirectory(prefix=".recontrast-", dir=output.absolute().parent) as folder:
        preparation = DEFAULT | facts.get("preparation", {})
        prepared, region = _prepare(files, mask, preparation, Path(folder))
        _compare_grids(region, facts)
        synthesize(
            model=weights,
            card=card,
            images=[prepared[name] for name in facts["inputs"]],
            mask=region,
            output=output,
            threads=threads,
            device=device,
        )


def _by_contrast(given: list[str], inputs: list[str], card: Path) -> dict[str, Path]:
    """The file of every input."""
    named = dict(item.split("=", 1) for item in given if item.partition("=")[0] in inputs and "=" in item)
    plain = [item for item in given if item.partition("=")[0] not in inputs or "=" not in item]
    files = named or dict(zip(inputs, plain, strict=False))
    if len(given) != len(inputs) or set(files) != set(inputs):
        raise RecontrastError(
            f"the model takes {len(inputs)} images and was given {', '.join(given)}",
            file=card,
            remedy=f"give {' '.join(f'{name}=FILE' for name in inputs)}",
        )
    return {name: Path(file) for name, file in files.items()}


def _prepare(
    files: dict[str, Path], mask: Path | None, preparation: dict[str, object], folder: Path
) -> tuple[dict[str, Path], Path]:
    """The images on one grid and in the units of the model's training, and the mask."""
    reference = "T1w" if "T1w" in files else next(iter(files))
    whole = preparation["prepare"] == "full" and mask is None
    native = dict(files)
    region = mask or folder / "region.nii.gz"
    if whole:
        for name, file in files.items():
            native[name] = folder / f"{name}_corrected.nii.gz"
            correct_bias(image=file, output=native[name])
        brain = folder / "brain.nii.gz"
        extract_brain(image=native[reference], contrast=reference, mask=brain)
        carry_mask(mask=brain, reference=native[reference], output=region)
    elif mask is None:
        mask_foreground(images=[native[reference]], output=region)
    prepared = {}
    for name, image in native.items():
        moved = (whole or (preparation["prepare"] == "register" and mask is None)) and name != reference
        transform = folder / f"{name}_xfm.txt" if moved else None
        if transform:
            register(
                moving=image,
                reference=native[reference],
                transform=transform,
                reference_mask=region if whole else None,
            )
        elif name != reference:
            check_same_grid(image, read_header(image), read_header(native[reference]))
        prepared[name] = folder / f"{name}.nii.gz"
        resample(
            image=image,
            reference=native[reference],
            mask=region,
            output=prepared[name],
            transform=transform,
            intensity=preparation["intensity"],
            interpolation="bspline",
        )
    return prepared, region


def _compare_versions(facts: dict) -> None:
    made = facts["versions"].get("recontrast")
    if made != __version__:
        print(f"note: the model was trained by recontrast {made}, this is {__version__}")


def _compare_grids(mask: Path, facts: dict) -> None:
    """Say where voxels are not as in training: a convolution knows no millimetres."""
    found = [round(float(size), 4) for size in read_header(mask).header.get_zooms()[:3]]
    known = facts["voxel_sizes"]
    if not any(all(abs(a - b) < 0.05 for a, b in zip(found, size, strict=True)) for size in known):
        sizes = ", ".join(" x ".join(f"{one:g}" for one in size) for size in known)
        print(
            f"note: voxels are {' x '.join(f'{one:g}' for one in found)} mm; the model learned from {sizes}"
        )
