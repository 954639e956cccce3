"""What `recontrast doctor` says: which tools are found, in which versions, and what each step will use."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.markup import escape

from . import __version__
from .backends import protocol
from .config import Study
from .errors import RecontrastError
from .graph.code import backend_for, steps_of, tools_for
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
    "nipype",
    "pydicom",
    "dcm2niix",
)
console = Console(highlight=False, soft_wrap=True, emoji=False)
ORDER = Study.model_fields["backend_order"].default


def examine(study: Study | None = None) -> int:
    """Print the examination; 1 if a library, or a tool that the study asks for, is missing.

    Args:
        study: what its steps will use; if None, what any study could.
    """
    missing = False
    console.print(f"recontrast {__version__}, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    for name in LIBRARIES:
        try:
            console.print(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing = True
            console.print(f"[red]{name} is missing[/]: pip install {name}")
    console.print(f"GPU: {_gpu()}", markup=False)
    missing |= _print_choices() if study is None else _print_used(study)
    console.print("all other steps need only the libraries above")
    return 1 if missing else 0


def _print_choices() -> bool:
    """What each backend has for each step, and which of them auto takes; nothing can be missing."""
    for stage, steps in STEPS.items():
        for step, operation in steps.items():
            if operation:
                console.print(f"[bold]{stage} {step}[/]: auto uses {protocol.resolve(ORDER, operation)}")
                for backend in protocol.BACKENDS:
                    console.print(f"  {backend}: {_tools(backend, operation)}")
    console.print("the default is embedded; --study FILE shows what a study will use")
    return False


def _print_used(study: Study) -> bool:
    """What each step of a study will use; whether anything for that is missing."""
    missing = False
    for stage, steps in steps_of(study).items():
        for step, operation in steps.items():
            if not operation:
                continue
            try:
                backend = backend_for(study, operation)
                tools = ", ".join(f"{t} {v}" for t, v in tools_for(study, backend, operation).items())
                console.print(f"[bold]{stage} {step}[/]: {backend} ({escape(tools)})")
            except RecontrastError as error:
                missing = True
                console.print(f"[bold]{stage} {step}[/]: [red]{escape(str(error))}[/]")
    return missing


def _tools(backend: str, operation: str) -> str:
    """The tools of an operation with their versions, or why the backend cannot do it here."""
    try:
        found = protocol.versions(backend, operation).items()
        return escape(", ".join(f"{tool} {number}" for tool, number in found))
    except RecontrastError as error:
        return f"[dim]{escape(error.problem)}[/]"


def _gpu() -> str:
    """The first GPU that torch sees."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none; models train on the CPU"
