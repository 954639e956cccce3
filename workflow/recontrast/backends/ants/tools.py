"""nipype's interfaces to ANTs, with their environment around them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from ..nipype_tools import find, workplace
from .versions import PROGRAMS


@contextlib.contextmanager
def ants_for(operation: str) -> Iterator[tuple[ModuleType, Path]]:
    """nipype's module of ANTs interfaces and a folder to work in, once the operation's programs are found."""
    for program in PROGRAMS[operation]:
        find(program, "ANTs")
    # ANTs' scripts call its programs by this folder; only its programs say where it is. They pass no seed on.
    with workplace(ANTSPATH=str(find("antsRegistration", "ANTs").parent), ANTS_RANDOM_SEED="1") as folder:
        from nipype.interfaces import ants

        yield ants, folder
