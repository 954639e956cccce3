"""Which programs of ANTs each operation runs, and which version ANTs has."""

import hashlib
import re
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ...errors import RecontrastError
from ..nipype_tools import find
from .brain_template import brain_template

PROGRAMS = {
    "correct_bias": ("N4BiasFieldCorrection",),
    "extract_brain": ("antsBrainExtraction.sh",),
    "register": ("antsRegistration",),
    "apply_transform": ("antsApplyTransforms",),
    "segment_tissue": ("Atropos",),
    "register_template": ("antsRegistration",),
    "warp_template": ("antsRegistration",),
}
LIBRARIES = {
    "correct_bias": ("nipype", "scikit-image", "scipy"),
    "register": ("nipype", "scikit-image", "scipy"),
    "register_template": ("nipype", "nilearn", "scipy"),
    "warp_template": ("nipype", "nilearn"),
}
OLDEST = (2, 3, 0)  # the first whose registration takes a seed


def versions(operation: str) -> dict[str, str]:
    """Version of ANTs and of the libraries around it; of a brain template, the hash of its files.

    Raises:
        RecontrastError: a program or the brain template is missing, or ANTs is too old.
    """
    for program in PROGRAMS[operation]:
        find(program, "ANTs")
    found = {"ANTs": release(find("antsRegistration", "ANTs"))}
    if operation == "extract_brain":
        digest = hashlib.sha256()
        for path in brain_template().values():
            digest.update(path.read_bytes())
        found["brain template"] = digest.hexdigest()[:12]
    return found | {name: version(name) for name in LIBRARIES.get(operation, ("nipype",))}


@cache
def release(program: Path) -> str:
    """What `antsRegistration --version` says, such as 2.5.3."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RecontrastError(
            f"does not run ({error})", file=program, remedy="install ANTs again for this system"
        ) from error
    found = re.search(r"ANTs Version: v?(\d+(?:\.\d+)+)", said)
    if found is None:
        raise RecontrastError(
            "does not report its version", file=program, remedy="install ANTs 2.3.0 or later"
        )
    if not found[1].strip("0."):
        raise RecontrastError(
            "does not know its version",
            file=program,
            remedy="install ANTs 2.4 or later",
        )
    if tuple(map(int, found[1].split("."))) < OLDEST:
        raise RecontrastError(f"ANTs {found[1]} is too old", file=program, remedy="install 2.3.0 or later")
    return found[1]
