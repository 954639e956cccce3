"""Commands of the product in forks of a process that has loaded the libraries already.

A tiny study's jobs take most of their time to load what they import. Here the libraries wait in one process; the
product's own modules are loaded anew by each command, from the copy that a test may have changed. Processes as a user
starts them run in the end-to-end tests, on SLURM, and where a test kills its run or calls Snakemake itself.
"""

import array
import atexit
import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from functools import cache
from pathlib import Path

LIBRARIES = (
    "cyclopts",
    "jinja2",
    "matplotlib.figure",
    "PIL.Image",
    "pydantic",
    "scipy.ndimage",
    "scipy.stats",
    "skimage.metrics",
    "snakemake.cli",
    "statsmodels.stats.multitest",
    "yaml",
)
SECONDS = 120  # to load them on a busy machine
CLIENT = """#!{python} -ES
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
open_files = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
server.sendmsg([json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()], open_files)
server.shutdown(socket.SHUT_WR)
sys.exit(int(server.recv(16) or 1))
"""


@cache
def folder() -> Path:
    """Where a `recontrast` lies that hands its command to the process that waits, which is started here."""
    own = tempfile.TemporaryDirectory(prefix="warm-", dir="/tmp")  # a short path, as sockets need
    address = Path(own.name) / "socket"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    server = subprocess.Popen([sys.executable, __file__, address], env=environment)
    atexit.register(lambda: (server.kill(), server.wait(), own.cleanup()))
    client = Path(own.name) / "recontrast"
    client.write_text(CLIENT.format(python=sys.executable, address=str(address)))
    python = Path(own.name) / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for script in (client, python):
        script.chmod(0o755)
    end = time.monotonic() + SECONDS
    while not address.exists():
        if server.poll() is not None or time.monotonic() > end:
            raise RuntimeError("the libraries do not load")
        time.sleep(0.05)
    return Path(own.name)


def serve(address: str) -> None:
    """Load the libraries and run whatever command comes."""
    sys.modules["pydicom"] = None  # as in the product
    importlib.import_module("nibabel")
    del sys.modules["pydicom"]
    for name in LIBRARIES:
        importlib.import_module(name)
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{address}.new")
    server.listen(64)
    os.rename(f"{address}.new", address)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who keep commands
    while True:
        client, _ = server.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server.close()
            os._exit(keep(client))
        client.close()


def keep(client: socket.socket) -> int:
    """Run a command in a process group of its own, as long as there is somebody who waits for it."""
    words, files = b"", array.array("i")
    while part := client.recvmsg(1 << 20, socket.CMSG_SPACE(3 * files.itemsize)):
        words += part[0]
        for _, _, sent in part[1]:
            files.frombytes(sent)
        if not part[0]:
            break
    command = os.fork()
    if command == 0:
        os.setpgid(0, 0)
        client.close()
        perform(files, *json.loads(words))
    ended = os.pidfd_open(command)
    gone = select.poll()
    gone.register(ended, select.POLLIN)
    gone.register(client, 0)  # tells when the other side is closed for good
    if ended not in dict(gone.poll()):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        client.send(str(status if status >= 0 else 128 - status).encode())
    return 0


def perform(files: "array.array[int]", arguments: list[str], place: str, environment: dict[str, str]) -> None:
    """Be the command: its files, folder, environment and product."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    sys.argv = ["recontrast", *arguments]
    status = 1
    try:
        from recontrast.cli import main

        main()
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.executable = str(Path(sys.argv[1]).with_name("python"))  # the product's jobs use what lies beside it
    serve(sys.argv[1])
