"""Which programs of FSL each operation runs, where FSL is, and which version it has."""

import os
import re
import shutil
from importlib.metadata import version
from pathlib import Path

from ...errors import RecontrastError
from ..nipype_tools import find

PROGRAMS = {
    "correct_bias": ("bet", "fast"),
    "extract_brain": ("bet",),
    "register": ("flirt", "bet", "fslreorient2std"),
    "apply_transform": ("flirt",),
    "segment_tissue": ("fast",),
    "register_template": ("flirt", "fslreorient2std"),
    "correct_motion": ("bet", "eddy"),
    "fit_tensor": ("dtifit",),
}
LIBRARIES = {"correct_bias": ("nipype", "scipy"), "register_template": ("nipype", "nilearn")}

# Conda installs programs one by one, with a version each and none of FSL as a whole.
PACKAGES = {
    "bet": "fsl-bet2",
    "fast": "fsl-fast4",
    "flirt": "fsl-flirt",
    "fslreorient2std": "fsl-avwutils",
    "eddy": "fsl-eddy",
    "dtifit": "fsl-fdt",
}
# FSL 5.0.9 to 6.0.5 have it by this name alone.
FORMERLY = {"eddy": "eddy_openmp"}
OLDEST = (5, 0, 9)


def versions(operation: str) -> dict[str, str]:
    """Version of FSL, or of the packages that an operation runs, and of the libraries around them.

    Raises:
        RecontrastError: a program is missing, FSLDIR is wrong, or FSL is too old.
    """
    libraries = {name: version(name) for name in LIBRARIES.get(operation, ("nipype",))}
    return _release(home_for(operation), PROGRAMS[operation]) | libraries


def home_for(operation: str) -> Path:
    """The folder of FSL, once every program that an operation runs is found.

    Raises:
        RecontrastError: a program is missing, or FSLDIR is wrong.
    """
    found = [locate(program) for program in PROGRAMS[operation]]
    return home(found[0])


def locate(program: str) -> Path:
    """Where a program is, under the name that this FSL has for it.

    Raises:
        RecontrastError: it is missing.
    """
    former = shutil.which(FORMERLY.get(program, program))
    return Path(former) if former and not shutil.which(program) else find(program, "FSL")


def home(program: Path) -> Path:
    """The folder of FSL: FSLDIR, or the one above a program that has FSL's marks.

    Raises:
        RecontrastError: FSLDIR is no folder of FSL, or is not set and cannot be told from the program.
    """
    if given := os.environ.get("FSLDIR"):
        if not _marks(Path(given)):
            raise RecontrastError(
                "FSLDIR names this folder, but FSL is not in it",
                file=given,
                remedy="set FSLDIR to FSL's folder",
            )
        return Path(given)
    for folder in program.resolve().parents:
        if _marks(folder):
            return folder
    raise RecontrastError(
        "no folder of FSL is above this program", file=program, remedy="set FSLDIR to FSL's folder"
    )


def _marks(folder: Path) -> bool:
    """Whether a folder is one of FSL, installed whole or by conda."""
    return (folder / "etc/fslversion").is_file() or any(folder.glob("conda-meta/fsl-*.json"))


def _release(folder: Path, programs: tuple[str, ...]) -> dict[str, str]:
    """FSL's version, or those of the conda packages that hold the programs."""
    if (file := folder / "etc/fslversion").is_file():
        # Some releases write a commit behind the number: 6.0.3:b862cdd5.
        number = file.read_text(encoding="utf-8").strip().partition(":")[0]
        if tuple(map(int, re.findall(r"\d+", number)[:3])) < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise RecontrastError(
                f"FSL {number} is too old", file=folder, remedy=f"install {oldest} or later"
            )
        return {"FSL": number}
    wanted = {PACKAGES[program] for program in programs}
    # fsl-bet2-2111.4-h2bc3f7f_0.json
    parts = [path.stem.rsplit("-", 2) for path in folder.glob("conda-meta/fsl-*.json")]
    return {name: number for name, number, _ in sorted(parts) if name in wanted}
