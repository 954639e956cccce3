"""One image out of one DICOM series, with its acquisition parameters."""

from pathlib import Path

from .dcm2niix_run import converted
from .output import write


def convert(*, series: Path, output: Path) -> None:
    """Convert one image of a DICOM series to NIfTI, with its acquisition parameters in a JSON file beside it.

    Size, number of volumes and place in space must be what the headers say. Nothing that identifies a person
    is in the outputs.

    Args:
        series: the list that the plan made: the files, and what is to come out of them.
        output: `.nii.gz` file to make.

    Raises:
        RecontrastError: files are gone or damaged, or dcm2niix made nothing, or something else than the
            headers say; the message names no person and no path.
    """
    with converted(series) as (image, facts):
        write(output, image, facts)
