"""One image out of one DICOM series, with its acquisition parameters."""

from pathlib import Path

from .dcm2niix_run import converted
from .output import write


def convert(*, series: Path, output: Path) -> None:
    """Convert one image of a DICOM series to NIfTI, with its acquisition parameters in a JSON file beside it.

    Size, number of volumes and position in space must agree with the headers. The outputs contain nothing that
    identifies a person.

    Args:
        series: list made by the plan: the files, and what they become.
        output: `.nii.gz` file to write.

    Raises:
        RecontrastError: files are gone or damaged, or dcm2niix made nothing, or something else than the
            headers say; the message names no person and no path.
    """
    with converted(series) as (image, facts):
        write(output, image, facts)
