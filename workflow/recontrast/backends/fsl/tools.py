"""nipype's interfaces to FSL, with FSL's environment around them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from ..nipype_tools import workplace
from .versions import home_for


@contextlib.contextmanager
def fsl_for(operation: str) -> Iterator[tuple[ModuleType, Path]]:
    """nipype's module of FSL interfaces and a folder to work in, once the operation's programs are found."""
    with workplace(FSLDIR=str(home_for(operation)), FSLOUTPUTTYPE="NIFTI_GZ") as folder:
        from nipype.interfaces import fsl

        yield fsl, folder
