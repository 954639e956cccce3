"""Running one step: `recontrast step --log LOG STAGE STEP --parameter value …`, the command of every job."""

import errno
import importlib
import inspect
import os
import resource
import shlex
import sys
import traceback
from pathlib import Path

import cyclopts

from .cohort import quarantine
from .errors import RecontrastError, explain
from .layout import PLAN
from .logs import COMMAND, DONE
from .stages import STEPS

# The machine's trouble, not the data's: another try may well succeed.
_MACHINE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EIO,
    errno.ESTALE,
    errno.ENOMEM,
    errno.EMFILE,
}


def run(stage: str, step: str, tokens: list[str], log: Path | None = None) -> int:
    """Run a step and return its exit status.

    With a log, all output goes there, and a failure that lies in the data is put on record under the log's
    name, so that the next plan goes on without that image, session or model.
    """
    name, folder = f"{stage} {step}", Path.cwd()
    _allow_open_files()
    recorded = log is not None and (folder / PLAN).is_file()
    if log is not None:
        _send_output_to(log)
        print(COMMAND + shlex.join([stage, step, *tokens]), flush=True)
    if recorded and (known := quarantine.holds(folder, log.stem, name)):
        print(f"recontrast: on record as failing: {known.reason}", file=sys.stderr)
        return 1
    try:
        command(stage, step)(tokens)
        if log is not None:  # by this `recontrast status` knows that nothing cut it short
            print(f"recontrast: {name}: {DONE}", flush=True)
        return 0
    except RecontrastError as error:
        reason = str(error)
    except MemoryError:
        traceback.print_exc()
        return _stopped(name, explain(OSError(errno.ENOMEM, "memory ran out")))
    except OSError as error:
        traceback.print_exc()
        if error.errno in _MACHINE:
            return _stopped(name, explain(error))
        reason = f"{type(error).__name__}: {error}"
    except Exception as error:
        traceback.print_exc()
        if _is_out_of_memory(error):
            return _stopped(name, explain(OSError(errno.ENOMEM, "the memory of the GPU ran out")))
        reason = f"{type(error).__name__}: {error}"
    print(f"recontrast: {name}: {reason}", file=sys.stderr)
    if recorded:
        quarantine.record(folder, log.stem, name, reason)
    return 1


def _allow_open_files() -> None:
    """As many as the system lets us: training keeps some open for every session."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _stopped(name: str, error: RecontrastError) -> int:
    """Say what the machine lacks; the job is tried again, so nothing goes on record."""
    print(f"recontrast: {name}: {error}", file=sys.stderr)
    return 1


def _no_step(stage: str, step: str) -> RecontrastError:
    there = f"{stage} has {', '.join(STEPS[stage])}" if stage in STEPS else f"stages are {', '.join(STEPS)}"
    return RecontrastError(f"there is no step {stage} {step}", remedy=there)


def command(stage: str, step: str) -> cyclopts.App:
    """The command line of a step, made from the signature of its function."""
    try:
        module = importlib.import_module(f"recontrast.{stage}.{step}")
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("recontrast."):
            raise
        raise _no_step(stage, step) from error
    if not hasattr(module, step):  # a module that steps share
        raise _no_step(stage, step)
    function = getattr(module, step)
    app = cyclopts.App(
        name=f"recontrast step {stage} {step}",
        help=inspect.getdoc(function),
        default_parameter=cyclopts.Parameter(consume_multiple=True, negative=()),
        result_action="return_value",
        version_flags=(),
    )
    app.default(function)
    return app


def _send_output_to(log: Path) -> None:
    """Point this process's output, that of compiled libraries included, to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.stdout.reconfigure(line_buffering=True)


def _is_out_of_memory(error: Exception) -> bool:
    """Whether a GPU ran out of memory, without importing torch to know the exception."""
    return type(error).__name__ == "OutOfMemoryError"
