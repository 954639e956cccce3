"""The template that antsBrainExtraction.sh needs, which ANTs does not bring along."""

import os
from pathlib import Path

from ...errors import RecontrastError

VARIABLE = "RECONTRAST_ANTS_TEMPLATE"

# As the files of ANTs' own templates are called (OASIS, NKI, IXI and others, figshare 915436).
FILES = {
    "brain_template": "T_template0.nii.gz",
    "brain_probability_mask": "T_template0_BrainCerebellumProbabilityMask.nii.gz",
    "extraction_registration_mask": "T_template0_BrainCerebellumRegistrationMask.nii.gz",
}
OPTIONAL = "extraction_registration_mask"


def brain_template() -> dict[str, Path]:
    """The template's files by the names of nipype's inputs; the registration mask only where there is one.

    Raises:
        RecontrastError: no folder is given, or a file is not in it.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise RecontrastError(
            f"antsBrainExtraction.sh needs a head template, and {VARIABLE} does not name a folder with one",
            remedy="set it, or extract brains with another backend (backends: extract_brain: embedded)",
        )
    found = {name: Path(folder) / file for name, file in FILES.items()}
    for name, path in found.items():
        if name != OPTIONAL and not path.is_file():
            raise RecontrastError("does not exist", file=path, remedy=f"check {VARIABLE}")
    return {name: path for name, path in found.items() if path.is_file()}
