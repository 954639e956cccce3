"""Reading images with their checks, and writing files so that a half-written one never exists."""

import contextlib
import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .errors import RecontrastError
from .without_pydicom import nibabel as nib

# What nibabel lets through when a file is damaged, depending on where it is.
UNREADABLE = (
    nib.filebasedimages.ImageFileError,
    nib.spatialimages.HeaderDataError,
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    MemoryError,
    gzip.zlib.error,
)
SMALLEST_SIDE = 4  # voxels; with fewer there is nothing to register or segment


def told_by_system(error: BaseException) -> bool:
    """Whether an error is the system's, as of a disk that is gone, and says nothing about the file."""
    return isinstance(error, OSError) and error.errno is not None


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary name in the folder of `path`, renamed to `path` if the block succeeds, else deleted.

    The temporary name keeps the endings of `path`, since image libraries choose the format by them.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as folder:
        partial = Path(folder) / path.name
        yield partial
        os.replace(partial, path)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in one step."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: object) -> None:
    """Write JSON, indented, in one step; keys keep their order."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def sidecar(path: str | Path) -> Path:
    """The JSON file beside an image: `x.nii.gz` -> `x.json`."""
    path = Path(path)
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")


def read(path: str | Path) -> nib.Nifti1Image:
    """Read a 3-D image and check that it can be worked with.

    Returns:
        The image with its data in memory as float32, shape (x, y, z), trailing axes of length 1 dropped.

    Raises:
        RecontrastError: no such file, not NIfTI, truncated, not 3-D, a single slice, an unusable affine,
            values that are not finite, or a constant image.
    """
    image = read_header(path)
    return _checked(path, image, image.shape[:3])


def read_mask(path: str | Path) -> nib.Nifti1Image:
    """Read a mask of 0 and 1; one that is empty or fills its image is a mask too.

    Returns:
        The image with its data in memory as float32, shape (x, y, z).

    Raises:
        RecontrastError: as `read`, but for the constant image; or there are other values.
    """
    image = read_header(path)
    image = _checked(path, image, image.shape[:3], constant=True)
    values = np.unique(np.asarray(image.dataobj))
    if not set(values.tolist()) <= {0.0, 1.0}:
        some = ", ".join(f"{value:g}" for value in values[:6])
        raise RecontrastError(
            f"is not a mask: it contains the values {some}{', ...' if len(values) > 6 else ''}",
            file=path,
            remedy="save it with 0 outside and 1 inside",
        )
    return image


def read_series(path: str | Path) -> nib.Nifti1Image:
    """Read a 4-D image, shape (x, y, z, volumes), as float32, with the checks of `read`."""
    image = read_header(path, volumes=True)
    return _checked(path, image, image.shape)


def read_header(path: str | Path, *, volumes: bool = False) -> nib.Nifti1Image:
    """Open an image without its data; the checks of `read` that need the header alone.

    Args:
        path: a 3-D image.
        volumes: a 4-D series is wanted instead.
    """
    path = Path(path)
    if not path.is_file():
        raise RecontrastError("does not exist", file=path, remedy="check the path")
    try:
        image = nib.load(path)
    except UNREADABLE as error:
        if told_by_system(error):
            raise
        raise RecontrastError(
            "is not a readable NIfTI image", file=path, remedy="convert it again"
        ) from error
    shape = image.shape
    if volumes and len(shape) != 4:
        raise RecontrastError(
            f"has {len(shape)} dimensions {shape} where a series of volumes is needed",
            file=path,
            remedy="give one 4-D series",
        )
    if not volumes and (len(shape) < 3 or any(side != 1 for side in shape[3:])):
        raise RecontrastError(
            f"has {len(shape)} dimensions {shape} where 3 are needed", file=path, remedy="give one 3-D volume"
        )
    if min(shape[:3]) < SMALLEST_SIDE:
        raise RecontrastError(
            f"has a side of fewer than {SMALLEST_SIDE} voxels {shape[:3]}",
            file=path,
            remedy="give a whole volume",
        )
    if (kind := image.get_data_dtype()).kind not in "iuf":
        raise RecontrastError(
            f"has values of type {kind} where one number per voxel is needed",
            file=path,
            remedy="convert it again",
        )
    affine = image.affine
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    usable = np.isfinite(affine).all() and sizes.min() > 0.05 and sizes.max() < 50
    if not usable or abs(np.linalg.det(affine[:3, :3] / sizes)) < 0.1:
        raise RecontrastError(
            "has an affine that is not a valid voxel-to-world transform", file=path, remedy="convert it again"
        )
    return image


def _checked(
    path: str | Path, image: nib.Nifti1Image, shape: tuple[int, ...], constant: bool = False
) -> nib.Nifti1Image:
    """The image with its data in memory in this shape; raises unless they are finite and not constant."""
    try:
        data = np.asarray(image.dataobj, dtype=np.float32).reshape(shape)
    except UNREADABLE as error:
        if told_by_system(error):
            raise
        raise RecontrastError(
            f"the image data cannot be read ({error})", file=path, remedy="copy or convert the file again"
        ) from error
    if not np.isfinite(data).all():
        raise RecontrastError("has values that are NaN or infinite", file=path, remedy="export it again")
    if data.min() == data.max() and not constant:
        raise RecontrastError("is constant", file=path, remedy="export it again or leave it out")
    header = image.header.copy()
    header.set_data_dtype(np.float32)
    header.set_slope_inter(1, 0)
    return nib.Nifti1Image(data, image.affine, header)


def check_same_grid(path: str | Path, image: nib.Nifti1Image, reference: nib.Nifti1Image) -> None:
    """Raise unless two images have one shape and, within 0.01 mm at the corners, one affine."""
    if image.shape[:3] != reference.shape[:3]:
        raise RecontrastError(
            f"has shape {image.shape[:3]} where its reference has {reference.shape[:3]}",
            file=path,
            remedy="register it first (prepare: register)",
        )
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in image.shape[:3]], [1.0])).reshape(4, -1)
    if np.abs((image.affine - reference.affine) @ corners).max() > 0.01:
        raise RecontrastError(
            "lies on another grid than its reference",
            file=path,
            remedy="register it first (prepare: register)",
        )


def write(path: str | Path, data: np.ndarray, like: nib.Nifti1Image, *, facts: dict | None = None) -> None:
    """Write an image on the grid of another, with its JSON sidecar, each in one step.

    Args:
        path: `.nii.gz` file to make.
        data: shape (x, y, z) of `like`, or (x, y, z, volumes); int16 stays int16, other integers and booleans
            are written as uint8, everything else as float32.
        like: the image whose affine the new one takes.
        facts: what the sidecar says (Sources, parameters); no sidecar if None.

    Raises:
        RecontrastError: the array is not finite or not of the shape of `like`; nothing is written then.
    """
    if data.shape[:3] != like.shape[:3]:
        raise RecontrastError(f"the result has shape {data.shape}, not {like.shape[:3]}", file=path)
    if not np.isfinite(data).all():
        raise RecontrastError("the result has values that are NaN or infinite", file=path)
    whole = np.int16 if data.dtype == np.int16 else np.uint8
    kind = np.float32 if np.issubdtype(data.dtype, np.floating) else whole
    image = nib.Nifti1Image(data.astype(kind), like.affine)
    image.set_qform(like.affine, code=1)
    image.set_sform(like.affine, code=1)
    image.header.set_xyzt_units("mm")
    # The sidecar goes first: an image that exists is then never without it.
    if facts is not None:
        write_json(sidecar(path), facts)
    save(path, image)


def save(path: str | Path, image: nib.Nifti1Image) -> None:
    """Write an image to a `.nii.gz` file in one step, as it is.

    Raises:
        RecontrastError: the file was not written completely.
    """
    with replacing(path) as partial:
        # gzip's own time stamp and file name would make equal images differ.
        with open(partial, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
            packed.write(image.to_bytes())
        if nib.load(partial).shape != image.shape:
            raise RecontrastError("was not written completely", file=path, remedy="check the disk")
