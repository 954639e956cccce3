"""What `recontrast plan` and `recontrast status` print: the plan in prose, and how far it has come."""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import layout
from .cohort import quarantine
from .contrasts import Contrast
from .errors import RecontrastError
from .graph import Graph
from .layout import Session, fill

# A table that goes to a file or a pager has no edge to be folded at.
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)


def print_plan(graph: Graph) -> int:
    """Per session: what is there, what will be done, what cannot and why; 1 if a file cannot be used."""
    plan, study = graph.plan, graph.study
    table = Table("session", "contrasts", "reference", "fold", "what is done")
    for label, planned in plan.sessions.items():
        made = [
            f"{p.target} by {name} (model {p.model}, fold {p.fold})"
            for name, p in planned.predictions.items()
        ]
        done = [f"prepared ({study.prepare})", *made, *planned.notes]
        contrasts = " ".join([*graph.contrasts_of(planned), *planned.sources])
        table.add_row(label, contrasts, planned.reference, planned.fold or "-", "\n".join(done))
    for label, reason in plan.left_out.items():
        table.add_row(label, "-", "-", "-", f"nothing: {reason}", style="red")
    console.print(table)
    for model in plan.models.values():
        count = {role: list(model.roles.values()).count(role) for role in ("training", "validation")}
        console.print(
            f"model {model.name}, fold {model.fold}: {model.settings.method}, recipe {model.settings.recipe},"
            f"{f' the best of {len(model.candidates)} candidates,' if model.candidates else ''}"
            f" {count['training']} sessions to train and {count['validation']} to validate"
        )
    for problem in plan.problems:
        console.print(f"[yellow]note:[/] {problem}")
    for failure in plan.failures:
        console.print(f"[red]cannot be used:[/] {failure.session} {failure.item}: {failure.reason}")
    return 1 if plan.failures else 0


def print_status(folder: Path, lines: int = 8) -> int:
    """What is done, failed (with the end of the log) and skipped in an output; 1 if anything failed."""
    path = folder / layout.PLAN
    if not path.is_file():
        raise RecontrastError(
            "holds no results of recontrast run", file=folder, remedy="give an output folder"
        )
    plan = json.loads(path.read_text(encoding="utf-8"))
    done, missing = [], []
    for session in plan["sessions"]:
        for name, file in _products(session, plan["study"]["contrasts"]):
            (done if (folder / file).is_file() else missing).append((session["session"], name))
    for name, experiment in plan["experiments"].items():
        for fold in experiment["folds"]:
            file = fill(layout.MODEL, experiment=name, fold=fold)
            (done if (folder / file).is_file() else missing).append(("models", f"{name} fold {fold}"))
    console.print(f"done: {len(done)} results")
    for place in dict.fromkeys(place for place, _ in missing):
        console.print(f"[yellow]not done:[/] {place}: {', '.join(n for p, n in missing if p == place)}")
    failures = quarantine.read(folder)
    for failure in failures:
        console.print(f"[red]failed:[/] {failure.session} {failure.item} ({failure.step}): {failure.reason}")
        for line in _end_of_log(folder, failure, lines):
            console.print(f"    {line}", markup=False)
    for left_out in plan["excluded"]:
        console.print(f"skipped: {left_out['session']}: {left_out['reason']}")
    for session in plan["sessions"]:
        for note in session["notes"]:
            console.print(f"note: {session['session']}: {note}")
    report = folder / layout.REPORT
    console.print(f"report: {report}" if report.is_file() else "report: not made yet")
    return 1 if failures else 0


def _products(session: dict, contrasts: dict) -> list[tuple[str, str]]:
    """The prepared and synthetic images that a session should have, each with a name for people."""
    who = Session.from_label(session["session"])

    def path(pattern: str, contrast: str, **more: str) -> str:
        chosen = Contrast.model_validate(contrasts[contrast])
        more |= {"entities": chosen.entities, "suffix": chosen.suffix, "reference": session["reference"]}
        return fill(pattern, who, **more)

    prepared = [(c, path(layout.PREPROC, c)) for c in session["contrasts"]]
    synthetic = [
        (f"{p['target']} by {name}", path(layout.SYNTHETIC, p["target"], experiment=name))
        for name, p in session["experiments"].items()
    ]
    return [*prepared, *session["maps"].items(), *synthetic]


def _end_of_log(folder: Path, failure: quarantine.Failure, lines: int) -> list[str]:
    """The last lines of the log of a failed step."""
    stage, _, step = failure.step.partition(" ")
    for log in sorted((folder / "logs" / stage / step).rglob("*.log")):
        if quarantine.split(log.stem) == (failure.session, failure.item):
            return log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return []
