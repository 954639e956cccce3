"""A diffusion image out of one DICOM series, with b-values and gradient directions."""

from pathlib import Path

from .. import images
from ..errors import RecontrastError
from .dcm2niix_run import converted
from .output import write


def convert_diffusion(*, series: Path, output: Path, bval: Path, bvec: Path) -> None:
    """Convert a diffusion series to NIfTI, with b-values, gradient directions and acquisition parameters.

    Trace volumes, which a scanner computes from the others, are split off; the JSON file says so.

    Args:
        series: the list that the plan made: the files, and what is to come out of them.
        output: `.nii.gz` file to make.
        bval: file of b-values to make, in s/mm².
        bvec: file of gradient directions to make, in the axes of the image as FSL has them.

    Raises:
        RecontrastError: as `convert`, or the series has no b-values.
    """
    with converted(series) as (image, facts):
        for path in (bval, bvec):
            made = image.with_suffix(path.suffix)
            if not made.is_file():
                raise RecontrastError("dcm2niix found no b-values", remedy="say use: no, or name it anew")
            images.write_text(path, made.read_text(encoding="utf-8"))
        write(output, image, facts)
