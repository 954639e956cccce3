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
    "register": ("flirt", "bet"),
    "apply_transform": ("flirt",),
    "segment_tissue": ("fast",),
    "register_template": ("flirt",),
    "correct_motion": ("bet", "eddy"),
    "fit_tensor": ("dtifit",),
}
LIBRARIES = {
    "correct_bias": ("nipype", "scipy"),
    "register_template": ("nipype", "nilearn"),
    "fit_tensor": ("nipype", "dipy"),
}

# Conda installs programs one by one, with a version each and none of FSL as a whole.
PACKAGES = {
    "bet": "fsl-bet2",
    "fast": "fsl-fast4",
    "flirt": "fsl-flirt",
    "eddy": "fsl-eddy",
    "dtifit": "fsl-fdt",
}
# What a program may be called, best first: from FSL 6.0.6 on `eddy` takes whatever GPU it finds, and results would
# depend on the machine; up to 6.0.5 there is the second alone.
CALLED = {"eddy": ("eddy_cpu", "eddy_openmp", "eddy")}
OLDEST = (5, 0, 10)  # the first whose eddy can be told where to start its random numbers


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
        RecontrastError: a program, or one that it calls, is missing, or FSLDIR is wrong.
    """
    found = [locate(program) for program in PROGRAMS[operation]]
    for program in found:
        if lacking := _lacking(program):
            raise RecontrastError(
                f"needs {lacking}, which is not on the PATH", file=program, remedy=f"install {lacking}"
            )
    return home(found[0])


def locate(program: str) -> Path:
    """Where a program is, under the name that this FSL has for it.

    Raises:
        RecontrastError: it is missing.
    """
    there = [name for name in CALLED.get(program, (program,)) if shutil.which(name)]
    return find(there[0] if there else program, "FSL")


def home(program: Path) -> Path:
    """The folder of FSL: the one above a program that has FSL's marks, or FSLDIR where none has.

    An FSLDIR of another installation than the program's, as in a conda environment, is not followed.

    Raises:
        RecontrastError: FSLDIR is no folder of FSL, or is not set and cannot be told from the program.
    """
    given = os.environ.get("FSLDIR")
    if given and not _marks(Path(given)):
        raise RecontrastError(
            "FSLDIR names this folder, but FSL is not in it",
            file=given,
            remedy="set FSLDIR to FSL's folder",
        )
    for folder in program.resolve().parents:
        if _marks(folder):
            return folder
    if given:
        return Path(given)
    raise RecontrastError(
        "is not inside an FSL installation", file=program, remedy="set FSLDIR to FSL's folder"
    )


def _lacking(program: Path) -> str:
    """A calculator of the system that a script of FSL pipes to, if it is not there."""
    with open(program, "rb") as file:
        called = re.findall(rb"\|\s*([bd]c)\b", file.read()) if file.read(2) == b"#!" else []
    return next((name.decode() for name in called if not shutil.which(name.decode())), "")


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
