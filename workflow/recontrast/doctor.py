"""What `recontrast doctor` says: which tools are found, in which versions, and what each step will use."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console

from . import __version__
from .backends import protocol
from .config import Study
from .errors import RecontrastError
from .stages import STEPS

LIBRARIES = (
    "snakemake",
    "torch",
    "antspyx",
    "itk-elastix",
    "brainextractor",
    "nibabel",
    "scikit-image",
    "nilearn",
    "dipy",
)
ORDER = Study.model_fields["backend_order"].default


def examine() -> int:
    """Print the examination; 1 if a library that every run needs is missing."""
    console = Console(highlight=False, soft_wrap=True)
    missing = False
    console.print(f"recontrast {__version__}, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    for name in LIBRARIES:
        try:
            console.print(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing = True
            console.print(f"[red]{name} is missing[/]: pip install {name}")
    console.print(f"GPU: {_gpu()}")
    for stage, steps in STEPS.items():
        for step, operation in steps.items():
            if operation:
                console.print(f"[bold]{stage} {step}[/]: auto takes {protocol.resolve(ORDER, operation)}")
                for backend in protocol.BACKENDS:
                    console.print(f"  {backend}: {_tools(backend, operation)}")
    console.print(
        "all other steps need nothing but the libraries above; a study that says nothing uses embedded"
    )
    return 1 if missing else 0


def _tools(backend: str, operation: str) -> str:
    """The tools of an operation with their versions, or why the backend cannot do it here."""
    try:
        return ", ".join(f"{tool} {number}" for tool, number in protocol.versions(backend, operation).items())
    except RecontrastError as error:
        return f"[dim]{error.problem}[/]"


def _gpu() -> str:
    """The first GPU that torch sees."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none; models train on the CPU"
