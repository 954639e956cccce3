"""What `recontrast doctor` says: which tools are found, in which versions, and what each step will use."""

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.table import Table

from . import __version__
from .backends import protocol
from .graph import STEPS

LIBRARIES = (
    "snakemake",
    "torch",
    "antspyx",
    "itk-elastix",
    "brainextractor",
    "nibabel",
    "scikit-image",
    "nilearn",
)
EXTERNAL = {"FSL": "flirt", "ANTs": "antsRegistration", "dcm2niix": "dcm2niix"}


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
    for name, program in EXTERNAL.items():
        found = shutil.which(program)
        console.print(f"{name}: {found or 'not found (not needed: the embedded backend does its steps)'}")
    console.print(f"GPU: {_gpu()}")
    table = Table("stage", "step", "backend", "tools")
    for stage, steps in STEPS.items():
        for step, operation in steps.items():
            tools = protocol.versions("embedded", operation) if operation else {}
            named = ", ".join(f"{tool} {number}" for tool, number in tools.items())
            table.add_row(stage, step, "embedded" if operation else "-", named or "-")
    console.print(table)
    return 1 if missing else 0


def _gpu() -> str:
    """The first GPU that torch sees."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none; models train on the CPU"
