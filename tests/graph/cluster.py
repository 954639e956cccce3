"""A SLURM cluster of one machine, in a temporary folder: the real daemons, with a GPU that is none."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")  # Debian: munge, slurm-wlm
SECONDS = 20  # to start

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
# The node claims more than this machine may have: whether jobs fit is not what is tested.
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=1000000 Gres=gpu:1
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
KillWait=2
MinJobAge=3000
"""


def lacking() -> str:
    """Why no cluster can be started here, in words; empty if one can."""
    absent = [name for name in DAEMONS if not _find(name)]
    if absent:
        return f"no {', '.join(absent)}: install slurm-wlm and munge"
    return "" if os.geteuid() == 0 else "only root can start the daemons of SLURM"


@contextmanager
def start() -> Iterator[dict[str, str]]:
    """A running cluster; gives the environment in which its commands work."""
    with ExitStack() as stack:
        # A short path, as sockets need, that everybody may enter, as munge needs.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp")))
        folder.chmod(0o755)
        for name in ("state", "spool", "bin"):
            (folder / name).mkdir()
        host = socket.gethostname().split(".")[0]
        text = CONFIGURATION.format(host=host, ports=_free_ports(2), folder=folder)
        (folder / "slurm.conf").write_text(text)
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        (folder / "munge.key").write_bytes(secrets.token_bytes(128))
        (folder / "munge.key").chmod(0o600)
        # Within a job, the executor hides SLURM's variables from srun, the one that names the file among them.
        srun = folder / "bin/srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {_find("srun")} "$@"\n')
        srun.chmod(0o755)
        environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        files = {"key": "key", "socket": "socket", "pid": "pid", "log": "log", "seed": "seed"}
        options = [f"--{n}{'' if n == 'socket' else '-file'}={folder}/munge.{e}" for n, e in files.items()]
        for command in (
            [_find("munged"), "--foreground", "--force", *options],
            [_find("slurmctld"), "-D"],
            [_find("slurmd"), "-D", "-N", host],
        ):
            log = stack.enter_context(open(folder / f"{Path(command[0]).name}.out", "wb"))
            daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            stack.callback(_end, daemon)
            if command[0].endswith("munged"):
                _wait(lambda: (folder / "munge.socket").exists(), folder)
        _wait(lambda: "idle" in _ask(environment, "sinfo", "--noheader", "--format=%T"), folder)
        yield environment
        _ask(environment, "scancel", "--full", "--user=root")


def _find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin")


def _ask(environment: dict[str, str], *command: str) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout


def _wait(ready: Callable[[], bool], folder: Path) -> None:
    end = time.monotonic() + SECONDS
    while not ready():
        if time.monotonic() > end:
            logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in folder.glob("*.out"))
            raise RuntimeError(f"SLURM does not start:\n{logs}")
        time.sleep(0.1)


def _end(daemon: subprocess.Popen) -> None:
    daemon.terminate()
    try:
        daemon.wait(10)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
