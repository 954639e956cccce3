"""A converted image as it is kept: packed, without a word about whom, where or when."""

import gzip
import io
from pathlib import Path

import nibabel as nib

from .. import images
from ..errors import RecontrastError


def write(output: Path, image: Path, facts: dict) -> None:
    """Write a NIfTI file of dcm2niix packed, without the texts in its header, and its sidecar first.

    dcm2niix keeps the time of the scan and comments in texts of the header.
    """
    content = image.read_bytes()
    header = nib.Nifti1Header.from_fileobj(io.BytesIO(content), check=False)
    for text in ("descrip", "aux_file", "db_name", "intent_name"):
        header[text] = b""
    images.write_json(images.sidecar(output), facts)
    with images.replacing(output) as partial:
        # gzip's own time stamp and file name would make equal images differ.
        with open(partial, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
            packed.write(header.binaryblock + content[len(header.binaryblock) :])
        if nib.load(partial).shape != nib.Nifti1Image.from_bytes(content).shape:
            raise RecontrastError("was not written completely", file=output, remedy="check the disk")
