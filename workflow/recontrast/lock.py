"""One writer for an output folder: a lock that tells a living run from one that died."""

import json
import os
import socket
import time
from pathlib import Path

import psutil

from .errors import RecontrastError
from .layout import LOCK

WRITING = 2.0  # seconds after which an empty lock is that of a run that died


def acquire(folder: Path) -> None:
    """Take the lock of an output folder, also from a run that is no longer alive on this host.

    Raises:
        RecontrastError: a run is alive here, or was started on another host, where that cannot be seen.
    """
    path = folder / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    me = {"host": socket.gethostname(), "pid": os.getpid(), "started": psutil.Process().create_time()}
    while True:
        try:
            with open(path, "x", encoding="utf-8") as file:
                json.dump(me, file)
            return
        except FileExistsError:
            refuse(folder)
        if _being_written(path):
            time.sleep(0.1)
        else:
            path.unlink(missing_ok=True)


def refuse(folder: Path) -> None:
    """Raise if a run that is alive writes to an output folder.

    Raises:
        RecontrastError: as for `acquire`.
    """
    if living := holder(folder):
        raise RecontrastError(
            f"another run is writing to this folder (process {living['pid']} on {living['host']})",
            file=folder,
            remedy=f"wait for it, or delete {folder / LOCK} if that process has ended",
        )


def holder(folder: Path) -> dict | None:
    """Who writes to an output folder: host and pid of a run that is alive here, or elsewhere as far as is known."""
    found = _read(folder / LOCK)
    return found if found and (found["host"] != socket.gethostname() or _alive(found)) else None


def release(folder: Path) -> None:
    """Give the lock back if this process has it."""
    path = folder / LOCK
    if (found := _read(path)) and found["pid"] == os.getpid() and found["host"] == socket.gethostname():
        path.unlink(missing_ok=True)


def _being_written(path: Path) -> bool:
    """Whether a lock says nothing yet, as its owner has only just made it."""
    try:
        return not path.stat().st_size and time.time() - path.stat().st_mtime < WRITING
    except FileNotFoundError:
        return False


def _read(path: Path) -> dict | None:
    """What the lock says; None where it is gone or was cut short while being written."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _alive(holder: dict) -> bool:
    """Whether the holder runs on this host; a later process with its number does not count, nor one that has ended."""
    try:
        process = psutil.Process(holder["pid"])
        same = abs(process.create_time() - holder["started"]) < 1
        return (
            same and process.status() != psutil.STATUS_ZOMBIE
        )  # which nobody has asked for its exit status yet
    except psutil.Error:
        return False
