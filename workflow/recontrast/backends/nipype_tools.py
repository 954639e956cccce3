"""Running command-line tools through nipype's interfaces (Gorgolewski 2011, Front Neuroinform 5:13).

A tool is looked for before anything is written, works in a folder that goes with the block, prints into the
log of the step, and fails in one line.
"""

import contextlib
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np

from .. import processes
from ..errors import RecontrastError

STAMP = re.compile(r"^(stdout|stderr) \d{4}-\d\d-\d\dT[\d:.]+:")

TROUBLE = re.compile(
    r"error|exception|fail|cannot|could not|does ?n[o']t|no such|not found|invalid", re.IGNORECASE
)

# What a tool says when it cannot work at all, and what to do about it.
CAUSES = {
    r"licen[cs]e": "put its licence where the tool looks for it",
    r"FSLDIR": "set FSLDIR to the folder of FSL and source etc/fslconf/fsl.sh there",
    r"shared librar|GLIBC|GLIBCXX|dyld": "install it again for this system; it misses a library",
    r"Exec format|Illegal instruction|cannot execute": "install it again for this processor",
    r"unrecogni[sz]ed option|unknown option|invalid option|[Nn]ot a valid": "install a version that has it",
}


def find(program: str, suite: str) -> Path:
    """Where a program is.

    Raises:
        RecontrastError: it is not on the PATH.
    """
    found = shutil.which(program)
    if found is None:
        raise RecontrastError(
            f"{program} of {suite} is not on the PATH",
            remedy=f"install {suite} and set it up in this shell, or choose another backend",
        )
    return Path(found)


@contextlib.contextmanager
def workplace(**environment: str) -> Iterator[Path]:
    """A temporary folder, and the environment that tools and nipype need, for the time of the block."""
    # One thread, so that sums do not depend on how work was shared out; no question to nipype's server.
    fixed = {"NO_ET": "1", "LC_ALL": "C", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1", "OMP_NUM_THREADS": "1"}
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="recontrast-") as folder:
        os.environ.update(fixed | environment)
        try:
            yield Path(folder)
        finally:
            os.environ.clear()
            os.environ.update(before)


def run(interface, folder: Path):
    """Run a nipype interface in a folder and return its outputs.

    Raises:
        RecontrastError: it failed, or left out a file that it should write.
        MemoryError, KeyboardInterrupt, OSError: as `processes.check`, or this process was stopped.
    """
    from nipype import config

    config.set("execution", "get_linked_libs", "false")
    program = interface.cmd
    with _lines_to_the_log():
        # Some interfaces write paths as seen from the folder they are in.
        with contextlib.chdir(folder):
            print("$", interface.cmdline, flush=True)
        try:
            result = interface.run(cwd=str(folder), ignore_exception=True)
        except Exception as error:  # nipype raises plain Exception where a version lacks an option
            raise RecontrastError(
                f"{program} cannot be used: {error}",
                remedy="see docs/backends.md for versions",
            ) from error
    runtime = result.runtime
    said = f"{runtime.stdout or ''}\n{runtime.stderr or ''}"
    status = runtime.returncode or 0
    processes.check(program, status, said)
    if "KeyboardInterrupt" in str(getattr(runtime, "traceback", "")):  # nipype keeps even these to itself
        raise KeyboardInterrupt(f"{program} was stopped")
    if status != 0 or result.outputs is None:
        raise _failure(program, status, said, str(getattr(runtime, "traceback_args", "")))
    return result.outputs


def put(path: Path, data: np.ndarray, affine: np.ndarray) -> str:
    """Write an array for a tool, whole numbers as bytes, everything else as float32."""
    kind = np.float32 if np.issubdtype(data.dtype, np.floating) else np.uint8
    image = nib.Nifti1Image(np.asarray(data, dtype=kind), affine)
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)
    return str(path)


def take(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """What a tool wrote, as float32.

    Raises:
        RecontrastError: it is not there, or has another shape than asked for.
    """
    if not Path(path).is_file():
        raise RecontrastError(
            "was not written", file=Path(path).name, remedy="see the log for the output of the tool"
        )
    data = nib.load(path).get_fdata(dtype=np.float32)
    if data.shape != tuple(shape):
        raise RecontrastError(
            f"a tool wrote an image of shape {data.shape} instead of {tuple(shape)}", file=path
        )
    return data


def _failure(program: str, status: int, said: str, trouble: str) -> RecontrastError:
    """One line about a tool that failed: what it said of it, and what to do about it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    hints = [hint for pattern, hint in CAUSES.items() if re.search(pattern, said)]
    if status:
        problem = f"{program} failed with status {status}"
    elif "No such file" in trouble or not lines:
        problem = f"{program} did not write all of its results"
    else:
        problem = f"{program} failed"
    # The last of what sounds like an error, as scripts print much else, or the last of all.
    telling = [line for line in lines if TROUBLE.search(line)] or lines
    last = f": {telling[-1][:200]}" if telling else ""
    return RecontrastError(problem + last, remedy=hints[0] if hints else "see the log for its full output")


class _Lines(logging.Handler):
    """Prints what a tool says as it says it, without nipype's time stamps."""

    def emit(self, record: logging.LogRecord) -> None:
        print(STAMP.sub("", record.getMessage()), flush=True)


@contextlib.contextmanager
def _lines_to_the_log() -> Iterator[None]:
    """Let nipype's logger print plain lines to stdout."""
    logger = logging.getLogger("nipype.interface")
    before, handler = (logger.propagate, logger.level), _Lines()
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before[0]
        logger.setLevel(before[1])
