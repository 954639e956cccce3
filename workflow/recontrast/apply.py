"""One frozen model on new images, with no study around it.

Images are prepared as the card of the model says. Maps (FA, R1, PD, ...) are numbers with a meaning: they are taken
as they are, on the grid of the reference, where the study that trained the model had them too.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np

from . import __version__
from .anatomy.carry_mask import carry_mask
from .anatomy.correct_bias import correct_bias
from .anatomy.extract_brain import extract_brain
from .anatomy.mask_foreground import mask_foreground
from .anatomy.register import register
from .anatomy.resample import resample
from .errors import RecontrastError
from .images import check_same_grid, read_header, read_mask, sidecar, write_json
from .layout import DWI_PARAMETERS, REGIONS, RELAXATIONS
from .models import recipes
from .models.model_file import read_method
from .synthesis.loaded import ABSENT
from .synthesis.synthesize import synthesize

ENDINGS = (".nii", ".nii.gz")
# Of models whose cards do not say, because they were trained by hand or by an older version.
DEFAULT = {
    "prepare": "full",
    "region": None,  # the brain of whole heads, else the foreground
    "reference": "T1w",
    "reference_fallback": [],
    "suffixes": {},  # of BIDS, where they are not the names
    "kinds": dict.fromkeys((*DWI_PARAMETERS, *RELAXATIONS), "map"),
    "shrink": 4,
    "dof": 6,
    "interpolation": "bspline",
    "intensity": "median",
    "backends": {},
}
BACKEND = "embedded"


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
    and only brought to its units. Maps keep their values and are never moved: they have to lie on the grid of the
    reference.

    Args:
        model: a model's folder, or its safetensors file with the card beside it.
        given: image files in the order of the model's inputs, or as `T1w=FILE`; the reference of the model's study,
            or one that it falls back to, may be named beside them where it is none of the inputs. Some methods
            (`multimodal`) can do with fewer.
        output: image to write, on the grid of that reference; where none is given, of the first image.
        mask: where to synthesise, on the grid that all images share.
        threads: CPU threads.
        device: auto takes the GPU where there is one.

    Raises:
        RecontrastError: another number of images, an unknown name, a file that is no image, a map on another grid,
            maps alone where a brain has to be found, or no mask where the model learned in one that its study had.
    """
    weights = model / "model.safetensors" if model.is_dir() else model
    card = weights.with_suffix(".json")
    facts = read_method(weights, card)[1]
    if not output.name.endswith(ENDINGS):
        raise RecontrastError(
            "is not the name of a NIfTI image", file=output, remedy="give a name that ends in .nii.gz"
        )
    preparation = DEFAULT | facts.get("preparation", {})
    references = [preparation["reference"], *preparation["reference_fallback"]]
    files = _by_contrast(given, facts["inputs"], references, card, recipes.load(facts["method"]))
    region = preparation["region"]
    if mask is None and region not in (None, *REGIONS):
        raise RecontrastError(
            f"the model was trained inside the mask {region} of its study, which cannot be derived from images",
            file=card,
            remedy="resample such a mask and the images to one grid, and give the mask with --mask",
        )
    print(", ".join(f"{name}: {file}" for name, file in files.items()), flush=True)
    for file in (*files.values(), *([mask] if mask else [])):
        read_header(file)  # one that is missing is told before the first is worked on
        if {output.resolve(), sidecar(output).resolve()} & {file.resolve(), sidecar(file).resolve()}:
            raise RecontrastError("would be overwritten", file=file, remedy="name another output")
    if mask and not np.asarray(read_mask(mask).dataobj).any():
        raise RecontrastError(
            "is empty: there is no region to synthesise",
            file=mask,
            remedy="give a mask that is 1 in the region",
        )
    output.absolute().parent.mkdir(parents=True, exist_ok=True)
    _compare_versions(facts)
    with tempfile.TemporaryDirectory(prefix=".recontrast-", dir=output.absolute().parent) as folder:
        preparing = _Preparing(files, mask, preparation, Path(folder))
        where = preparing.region()
        _compare_grids(where, facts)
        synthesize(
            model=weights,
            card=card,
            images=[preparing.prepared(name, where) if name in files else ABSENT for name in facts["inputs"]],
            mask=where,
            output=output,
            threads=threads,
            device=device,
        )
    made = sidecar(output)
    sources = [str(file) for file in (*files.values(), *([mask] if mask else []))]
    write_json(made, json.loads(made.read_text(encoding="utf-8")) | {"Sources": sources})


def _by_contrast(
    given: list[str],
    inputs: list[str],
    references: list[str],
    card: Path,
    method: recipes.Facts,
) -> dict[str, Path]:
    """The file of every input, or of some where these are enough, and, where they are named, of references."""
    known = [*inputs, *references]
    named = dict(item.split("=", 1) for item in given if "=" in item and item.partition("=")[0] in known)
    plain = [item for item in given if "=" not in item or item.partition("=")[0] not in known]
    files = named if set(named) & set(inputs) else dict(zip(inputs, plain, strict=False)) | named
    needed = [name for name in inputs if name not in method.aids]
    # Of images without a name nobody knows which of several is missing.
    enough = set(needed) <= set(files) or method.suffice(named, inputs)
    strange = [item.partition("=")[0] for item in plain if "=" in item and not Path(item).exists()]
    if strange:
        raise RecontrastError(
            f"the model has no input {', '.join(strange)}",
            file=card,
            remedy=f"name images {', '.join(dict.fromkeys(known))}",
        )
    if len(given) != len(files) or not enough:
        raise RecontrastError(
            f"the model takes {len(needed)} images, but was given {', '.join(given)}",
            file=card,
            remedy=f"give {' '.join(f'{name}=FILE' for name in needed)}",
        )
    return {name: Path(file) for name, file in files.items()}


@dataclass(frozen=True)
class _Preparing:
    """Images on their way to one grid and to the units of a model's training."""

    files: dict[str, Path]
    mask: Path | None
    preparation: dict
    folder: Path

    @property
    def whole(self) -> bool:
        """Whether heads come as they left the scanner."""
        return self.preparation["prepare"] == "full" and self.mask is None

    @property
    def moved(self) -> bool:
        """Whether images are registered here."""
        return self.mask is None and self.preparation["prepare"] != "none"

    @property
    def reference(self) -> str:
        """What gives the grid: as in the study of the model or, without that, the first image, or the first map."""
        images = [name for name in self.files if not self._is_map(name)]
        return next(name for name in (*self._references, *images, *self.files) if name in self.files)

    @property
    def _references(self) -> list[str]:
        """What gave the grid in the study of the model: the first of these that a session had."""
        return [self.preparation["reference"], *self.preparation["reference_fallback"]]

    def region(self) -> Path:
        """Where to synthesise, a mask on the grid of the reference."""
        reference = self.reference
        if reference not in self._references:
            print(
                f"note: the model was trained on the grid of {self.preparation['reference']}, not {reference}"
            )
        if self.mask:
            return self.mask
        found = self.folder / "region.nii.gz"
        if not self.whole:
            mask_foreground(images=[self.files[reference]], output=found)
            return found
        if self._is_map(reference):
            raise RecontrastError(
                "is a map, from which the brain cannot be extracted",
                file=self.files[reference],
                remedy=f"give a mask, or {self.preparation['reference']}=FILE on the same grid",
            )
        self._find_brain(reference)
        if self.preparation["region"] != "foreground":
            return self._brain
        mask_foreground(images=[self._native(reference)], output=found)
        return found

    def _find_brain(self, reference: str) -> None:
        """Free images of whole heads of shading, and find the brain on the grid of the reference."""
        for name, file in self.files.items():
            if self._kind(name) == "image":
                correct_bias(image=file, output=self._native(name), shrink=self.preparation["shrink"])
        # As in a study: on T1w where there is one.
        shown = next((name for name in (reference, *self.files) if self._suffix(name) == "T1w"), reference)
        there, suffix = self.folder / "there.nii.gz", self._suffix(shown)
        extract_brain(
            image=self._native(shown),
            contrast=suffix,
            mask=there,
            threshold=self.preparation.get("brain_threshold", {}).get(suffix),
        )
        transform = self._register(shown, moving_mask=there) if shown != reference else None
        carry_mask(mask=there, reference=self._native(reference), output=self._brain, transform=transform)

    def prepared(self, name: str, region: Path) -> Path:
        """An input as the model saw it in training, where its units come from that region."""
        file, reference = self._native(name), self._native(self.reference)
        if self._is_map(name):
            self._check_map(file, reference)
            return file
        transform = None
        if self.moved and (scan := self._scan(name)) != self.reference:
            there = self._transform(scan)
            transform = there if there.exists() else self._register(scan, self._brain if self.whole else None)
        output = self.folder / f"{name}.nii.gz"
        resample(
            image=file,
            reference=reference,
            mask=region,
            output=output,
            transform=transform,
            intensity="keep" if self._kind(name) == "raw" else self.preparation["intensity"],
            interpolation=self.preparation["interpolation"],
        )
        return output

    @property
    def _brain(self) -> Path:
        """The brain on the grid of the reference, by which whole heads are aligned whatever the region is."""
        return self.folder / "brain.nii.gz"

    def _register(
        self, name: str, reference_mask: Path | None = None, moving_mask: Path | None = None
    ) -> Path:
        register(
            moving=self._native(name),
            reference=self._native(self.reference),
            transform=self._transform(name),
            reference_mask=reference_mask,
            moving_mask=moving_mask,
            dof=self.preparation["dof"],
        )
        return self._transform(name)

    def _scan(self, name: str) -> str:
        """The image by which this one is aligned: the first of its scan.

        Raw images on one grid are of one scan, with one transform: their ratios count, and what lies between them
        is noise of registration.
        """
        if self._kind(name) != "raw":
            return name
        raw = (other for other in (self.reference, *self.files) if self._kind(other) == "raw")
        return next(other for other in raw if _share_grid(self.files[name], self.files[other]))

    def _check_map(self, file: Path, reference: Path) -> None:
        try:
            check_same_grid(file, read_header(file), read_header(reference))
        except RecontrastError as error:
            raise RecontrastError(
                f"is a map and does not lie on the grid of {self.reference}",
                file=file,
                remedy="resample it with the transform of the image to which it belongs: "
                "recontrast step anatomy resample --intensity keep --transform …",
            ) from error

    def _is_map(self, name: str) -> bool:
        return self._kind(name) == "map"

    def _kind(self, name: str) -> str:
        """A map, an image, or a raw image, which is registered and nothing else."""
        return self.preparation["kinds"].get(name, "image")

    def _suffix(self, name: str) -> str:
        return self.preparation["suffixes"].get(name, name)

    def _native(self, name: str) -> Path:
        corrected = self.whole and self._kind(name) == "image"
        return self.folder / f"{name}_corrected.nii.gz" if corrected else self.files[name]

    def _transform(self, name: str) -> Path:
        return self.folder / f"{name}_xfm.txt"


def _share_grid(one: Path, other: Path) -> bool:
    try:
        check_same_grid(one, read_header(one), read_header(other))
    except RecontrastError:
        return False
    return True


def _compare_versions(facts: dict) -> None:
    made = facts["versions"].get("recontrast")
    if made != __version__:
        print(f"note: the model was trained with recontrast {made}; this is {__version__}")
    others = {used["backend"] for used in facts.get("preparation", {}).get("backends", {}).values()} - {
        BACKEND
    }
    if others:
        print(
            f"note: the training images were prepared with {', '.join(sorted(others))}, these with {BACKEND}"
        )


def _compare_grids(mask: Path, facts: dict) -> None:
    """Say where voxels are not as in training: a convolution knows no millimetres."""
    found = [round(float(size), 4) for size in read_header(mask).header.get_zooms()[:3]]
    known = facts["voxel_sizes"]
    ways, usual = "".join(nib.aff2axcodes(read_header(mask).affine)), facts.get("grid", {}).get("orientation")
    if usual and ways != usual:
        print(f"note: the images have the axes {ways}; the model was trained on {usual}")
    if not any(all(abs(a - b) < 0.05 for a, b in zip(found, size, strict=True)) for size in known):
        sizes = ", ".join(" x ".join(f"{one:g}" for one in size) for size in known)
        print(
            f"note: voxels are {' x '.join(f'{one:g}' for one in found)} mm; the model was trained on {sizes}"
        )
