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
        series: list made by the plan: the files, and what they become.
        output: `.nii.gz` file to write.
        bval: file of b-values to write, in s/mm².
        bvec: file of gradient directions to write, in image axes as in FSL.

    Raises:
        RecontrastError: as `convert`, or the series has no b-values.
    """
    with converted(series) as (image, facts):
        for path in (bval, bvec):
            made = image.with_suffix(path.suffix)
            if not made.is_file():
                raise RecontrastError("dcm2niix found no b-values", remedy="set use to no, or rename it")
            images.write_text(path, made.read_text(encoding="utf-8"))
        write(output, image, facts)
