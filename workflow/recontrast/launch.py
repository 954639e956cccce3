"""Running Snakemake on a study: in waves, so that only what has changed runs; again, past what failed.

Snakemake reruns everything below a job that it reruns. Here a rule whose jobs may well end in the same bytes
(a setting or the code has changed) runs as a wave of its own; the next wave asks what has really changed.
"""

import contextlib
import csv
import io
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil
from rich.console import Console
from rich.markup import escape

from . import layout, lock
from .cohort import quarantine
from .config import Study
from .errors import RecontrastError
from .graph.code import read_code
from .places import ROOT
from .run import dumped, kept_study
from .stages import STEPS, rules_of

LOOKING = {
    "--dry-run",
    "--dryrun",
    "-n",
    "--summary",
    "-S",
    "--dag",
    "--rulegraph",
}  # at a graph, while another runs
RULES = [rule for stage in STEPS for rule in rules_of(stage)]  # in the order in which data walks
console = Console(stderr=True, highlight=False, emoji=False)


# Reasons for a job to run that may leave its result alike. New inputs, in contrast, make new results, but where they
# are raw images: a folder that was moved holds the same ones.
UNSURE = {"params changed", "rule implementation changed"}
MOVED = "set of input files changed"
FROM_RAW = {rule for stage in ("anatomy", "diffusion", "relaxometry") for rule in rules_of(stage)}


@dataclass(frozen=True)
class Pending:
    """What Snakemake would make.

    Attributes:
        files: how many.
        rules: of the jobs with a reason of their own, in the order in which data walks.
        until: the first rule whose results may turn out alike although others would follow; empty if none.
    """

    files: int
    rules: tuple[str, ...]
    until: str


def launch(
    study: Study,
    level: str,
    *,
    cores: str = "",
    dry_run: bool = False,
    profiles: list[str] = (),
    extra: list[str] = (),
) -> int:
    """Run a study and return the exit status: 0 only if nothing failed.

    Args:
        study: from `run.open_study`.
        level: `participant` or `group`, the target of the graph.
        cores: how many cores, or all; unless profiles say where jobs run, all is taken.
        dry_run: only say which jobs there are.
        profiles: of Snakemake, by the name of one that ships, by path, or as Snakemake finds them.
        extra: further arguments of Snakemake.

    Raises:
        RecontrastError: a number of cores that is none, or another run writes to the same folder.
    """
    if cores not in ("", "all") and not (cores.isdecimal() and int(cores)):
        raise RecontrastError(f"cannot run on {cores} cores", remedy="give a number from 1, or all")
    with _study_file(study, dry_run) as file:
        base = [level]
        if level == "participant":  # models are taken as they are, never trained
            base += ["--allowed-rules", level, *(rule for rule in RULES if rule not in STEPS["training"])]
        base += ["--snakefile", str(ROOT / "Snakefile"), "--configfile", str(file)]
        base += ["--directory", str(study.output)]
        # Cores of this machine would also limit the threads of jobs elsewhere.
        if cores or not profiles:
            base += ["--cores", cores or "all"]
        base += ["--workflow-profile", str(ROOT / "profiles/default")]
        for profile in profiles:
            base += ["--profile", _find_profile(profile)]
        if study.software == "conda":
            base += ["--software-deployment-method", "conda"]
        if sys.stderr.isatty():  # bars and colours for a person, plain lines for a log
            base += ["--logger", "rich"]
        if dry_run:
            return _snakemake([*base, "--dry-run", *extra])
        # Of what has run: Snakemake starts no job then, and there is nothing to be done in waves.
        if any(word.startswith("--report") for word in extra):
            return _snakemake([*base, *extra])
        if not LOOKING & {*extra}:
            lock.refuse(study.output)
        return _in_waves(study, base, list(extra))


def _find_profile(name: str) -> str:
    """The folder of a profile that ships, unless there is a folder of that name here; else as it is given."""
    shipped = ROOT / "profiles" / name
    return str(shipped) if shipped.is_dir() and not Path(name).exists() else name


def _in_waves(study: Study, base: list[str], extra: list[str]) -> int:
    """Run until nothing is pending or nothing helps."""
    read_code(study)
    ran, status, before = 0, 0, None
    # What is still pending after a wave went well was not asked for: --until or the like stands in the way.
    while (pending := _pending(base, extra)) and (status != 0 or pending != before):
        before = pending
        console.print(f"[bold]recontrast:[/] {pending.files} files to make ({', '.join(pending.rules)})")
        known = quarantine.read(study.output)
        until = ["--until", pending.until] if pending.until else []
        status = _snakemake([*base, *until, *extra])
        ran += 1
        # New failures on record: the next plan goes on without them. Otherwise another try would end alike.
        if status != 0 and quarantine.read(study.output) == known:
            where = escape(str(study.output))
            console.print(f"[bold red]recontrast:[/] stopped; see recontrast status {where}", soft_wrap=True)
            return status
        if status == 0 and not until:
            break
    if not ran:
        console.print("[bold]recontrast:[/] nothing to do: all results are up to date")
    return _conclude(study)


def _pending(base: list[str], extra: list[str]) -> Pending | None:
    """Ask Snakemake's summary, a table of files with their state, what it would make."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as messages:
        status = _snakemake([*base, "--summary", *extra], out, messages)
        told, table = (file.seek(0) or file.read() for file in (messages, out))
    if status != 0:
        raise RecontrastError(f"the graph cannot be built: {_last_error(told)}")
    table = table[table.index("output_file\t") :]
    rows = [row for row in csv.DictReader(io.StringIO(table), delimiter="\t") if row["plan"] != "no update"]
    if not rows:
        return None
    rules = {row["rule"] for row in rows if row["status"] != "ok"}
    unsure = {row["rule"] for row in rows if row["status"] in UNSURE}
    unsure |= {row["rule"] for row in rows if row["status"] == MOVED and row["rule"] in FROM_RAW}
    follows = any(row["status"] == "ok" for row in rows)
    return Pending(
        files=len(rows),
        rules=tuple(rule for rule in RULES if rule in rules),
        until=next((rule for rule in RULES if rule in unsure), "") if follows else "",
    )


def _snakemake(arguments: list[str], out: TextIO | None = None, messages: TextIO | None = None) -> int:
    """Run Snakemake's command in a process of its own and return its exit status.

    The process is forked: importing Snakemake takes longer than building the graph of a small cohort, and a run
    asks it three times or more.

    Args:
        arguments: of the command.
        out, messages: files that take its standard output and standard error in place of this process's own.
    """
    from snakemake import cli

    def command() -> None:
        # A shell that starts a run in the background has it ignore Ctrl-C, which is what ends it below.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number, file in ((1, out), (2, messages)):
            if file is not None:
                os.dup2(file.fileno(), number)
        try:
            cli.main(arguments)
        except KeyboardInterrupt:  # while the graph was built; later Snakemake ends its jobs
            sys.exit(130)

    sys.stdout.flush()
    sys.stderr.flush()
    process = multiprocessing.get_context("fork").Process(target=command)
    asked = []

    def stop(*_: object) -> None:
        """Pass a request to end on, as a terminal passes Ctrl-C on to Snakemake and its jobs; a second one kills."""
        asked.append(True)
        with contextlib.suppress(psutil.NoSuchProcess, AttributeError):  # it has ended, or not begun
            ours = psutil.Process(process.pid)
            for one in [ours, *ours.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGINT if len(asked) == 1 else signal.SIGKILL)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        process.start()
        process.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    if asked:
        raise KeyboardInterrupt
    return process.exitcode


def _last_error(text: str) -> str:
    """What went wrong, from Snakemake's output: the line that names an error and the one that explains it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = next(
        (i for i, line in enumerate(lines) if "Error" in line or "Exception" in line), len(lines) - 1
    )
    return " ".join(lines[found : found + 2])


def _conclude(study: Study) -> int:
    """Say what failed and where the report is."""
    failures = quarantine.read(study.output)
    for failure in failures:
        unit = "_".join(part for part in (failure.session, failure.item) if part)
        what = escape(f"{unit} ({failure.step}): {failure.reason}")
        console.print(f"[red]failed[/] {what}", soft_wrap=True)
    report = study.output / layout.REPORT
    if report.is_file():
        console.print(f"report: {report}", markup=False, soft_wrap=True)
    return 1 if failures else 0


@contextlib.contextmanager
def _study_file(study: Study, dry_run: bool) -> Iterator[Path]:
    """The study as a file for Snakemake while this run lasts: where jobs on a cluster see it, and no other run does."""
    folder = None if dry_run else kept_study(study).parent
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="study-", dir=folder) as own:
        file = Path(own) / "study.yaml"
        file.write_text(dumped(study), encoding="utf-8")
        yield file
