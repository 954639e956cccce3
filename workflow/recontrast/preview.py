"""What `recontrast plan` and `recontrast status` print: the plan in prose, and how far it has come."""

import json
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from . import layout, lock
from .cohort import quarantine
from .errors import RecontrastError
from .graph import Graph
from .logs import step_of, tail, troubles

# A table that goes to a file or a pager has no edge to be folded at.
console = Console(highlight=False, soft_wrap=True, emoji=False, width=None if sys.stdout.isatty() else 200)

_SESSION = re.compile(r"sub-[A-Za-z0-9]+(/ses-[A-Za-z0-9]+)?")


def print_plan(graph: Graph) -> int:
    """Per session: what is there, what will be done, what cannot and why; 1 if a file or a tool stops something."""
    plan, study = graph.plan, graph.study
    table = Table("session", "contrasts", "reference", "fold", "what is done")
    for label, planned in plan.sessions.items():
        made = [
            f"{p.target} by {name} (model {p.model}, fold {p.fold})"
            for name, p in planned.predictions.items()
        ]
        done = [f"prepared ({study.prepare})", *made, *dict.fromkeys(planned.notes)]
        contrasts = " ".join([*graph.contrasts_of(planned), *planned.sources])
        table.add_row(label, contrasts, planned.reference, planned.fold or "-", escape("\n".join(done)))
    there = _usable(graph)
    for label, reason in plan.left_out.items():
        contrasts = " ".join(there.get(label, [])) or "-"
        table.add_row(label, contrasts, "-", "-", escape(f"nothing: {reason}"), style="red")
    console.print(table)
    for model in plan.models.values():
        count = {role: list(model.roles.values()).count(role) for role in ("training", "validation")}
        console.print(
            f"model {model.name}, fold {model.fold}: {model.settings.method}, recipe {model.settings.recipe},"
            f"{f' the best of {len(model.candidates)} candidate settings,' if model.candidates else ''}"
            f" training sessions: {count['training']}, validation sessions: {count['validation']}"
        )
    for problem in dict.fromkeys(plan.problems):
        console.print(f"[yellow]note:[/] {escape(problem)}")
    for failure in plan.failures:
        what = escape(f"{failure.session} {failure.item}: {failure.reason}")
        console.print(f"[red]cannot be used:[/] {what}")
    missing = _missing_tool(graph)
    if missing:
        console.print(f"[red]cannot run:[/] {escape(missing)}")
    return 1 if plan.failures or missing else 0


def print_status(folder: Path, lines: int = 8) -> int:
    """What is done, failed (with the end of the log) and skipped in an output; 1 if anything failed."""
    path = folder / layout.PLAN
    if not path.is_file():
        raise RecontrastError(
            "contains no results of recontrast run", file=folder, remedy="give an output folder"
        )
    plan = json.loads(path.read_text(encoding="utf-8"))
    missing = [file for file in plan["results"] if not (folder / file).is_file()]
    console.print(f"done: {len(plan['results']) - len(missing)} results")
    named: dict[str, list[str]] = {}
    for place, name in map(_place, missing):
        named.setdefault(place, []).append(name)
    for place, names in named.items():
        console.print(f"[yellow]not done:[/] {escape(place)}: {escape(', '.join(names))}")
    holder = lock.holder(folder)
    if holder:
        console.print(f"a run is in progress: process {holder['pid']} on {holder['host']}", markup=False)
    failures = quarantine.read(folder)
    for failure in failures:
        what = escape(f"{failure.session} {failure.item} ({failure.step}): {failure.reason}")
        console.print(f"[red]failed:[/] {what}")
        for line in _end_of_log(folder, failure, lines):
            console.print(f"    {line}", markup=False)
    stopped = troubles(folder, failures, at_work=holder is not None)
    for trouble in stopped:
        console.print(f"[red]failed:[/] {trouble.step}: {escape(trouble.reason)}")
        console.print(f"    {trouble.log}", markup=False)
        for line in tail(trouble.log)[-lines:]:
            console.print(f"    {line}", markup=False)
    for problem in dict.fromkeys(plan["problems"]):
        console.print(f"note: {problem}", markup=False)
    for left_out in plan["excluded"]:
        console.print(f"skipped: {left_out['session']}: {left_out['reason']}", markup=False)
    for session in plan["sessions"]:
        for note in dict.fromkeys(session["notes"]):
            console.print(f"note: {session['session']}: {note}", markup=False)
    report = folder / layout.REPORT
    console.print(f"report: {report}" if report.is_file() else "report: not made yet", markup=False)
    return 1 if failures or stopped else 0


def _usable(graph: Graph) -> dict[str, list[str]]:
    """The contrasts, and what maps are made of, that each session of the cohort has, by its label."""
    names = [*graph.study.contrasts, *graph.study.sources]
    return {
        session.label: [name for name in names if name in images and not images[name].problem]
        for session, images in graph.plan.manifest.sessions().items()
    }


def _missing_tool(graph: Graph) -> str:
    """What stops every job of a step, with the remedy; nothing where all tools are there."""
    try:
        graph.tools()
    except RecontrastError as error:
        return str(error)
    return ""


def _place(file: str) -> tuple[str, str]:
    """Whose result a file is, and what it is: session and name, a kind of results and name."""
    folder, _, name = file.rpartition("/")
    name = name.removesuffix(".gz").rpartition(".")[0]
    if match := _SESSION.search(folder):
        label = match[0].replace("/", "_")
        return label, name.removeprefix(f"{label}_")
    kind, _, rest = folder.partition("/")
    return kind, rest.replace("/fold-", " fold ") if kind == "models" else name


def _end_of_log(folder: Path, failure: quarantine.Failure, lines: int) -> list[str]:
    """The last lines of the log of a failed step."""
    unit = (failure.session, failure.item)
    for log in sorted((folder / "logs").rglob("*.log")):
        if quarantine.split(log.stem) == unit and step_of(folder, log) == failure.step:
            return tail(log)[-lines:]
    return []
