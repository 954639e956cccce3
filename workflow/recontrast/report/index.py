"""The first page of the report, and the cohort in pages of sessions."""

import json
from collections import Counter
from pathlib import Path

from .. import layout, tables
from ..images import write_text
from ..measures import MEASURES
from . import pages
from .comparisons import comparison_tables
from .lesion_examples import lesion_examples
from .lesions import lesion_section
from .methods_text import methods_section, steps_that_ran
from .models import kind_of, models_of
from .paper_figures import paper_figures
from .pictures import file_name
from .ranks import rank_tables
from .study_tables import study_tables

IN_COHORT = ("psnr", "ssim")  # the scores shown in the table of sessions
KINDS = ("out of fold", "imputed", "seen in training")


def index(
    *,
    plan: Path,
    metrics: Path,
    summary: Path,
    ranks: Path,
    statistics: Path,
    page: Path,
    per_page: int = 50,
    lesions: list[Path] = [],  # noqa: B006 - read, never changed
    own: list[Path] = [],  # noqa: B006
) -> None:
    """Write the report's first page, its figures and the pages of the cohort.

    Everything is linked relative to the page, so that the folder of the report can be moved, zipped
    and read offline. The page itself is written last.

    Args:
        plan: plan and outcome: study, sessions, failures, experiments, versions.
        metrics: the long table of all scores.
        summary: mean, SD and number of participants per experiment, region and metric.
        ranks: mean ranks of the experiments of one target.
        statistics: comparisons between experiments with the same target.
        page: HTML file to write; everything else is written beside it.
        per_page: number of sessions on a page of the cohort.
        lesions: the long table of lesion comparisons and its summary, if the study has them.
        own: the tables defined in the study.
    """
    content = json.loads(plan.read_text(encoding="utf-8"))
    title = content["study"]["report"]["title"]
    scores = tables.read(metrics, ["participant_id", "session_id", "experiment", "region", "metric", "value"])
    measured = list(
        dict.fromkeys(row["metric"] for row in scores if row["experiment"] in content["experiments"])
    )
    wanted = content["study"]["region"]
    scores = [
        row for row in scores if row["region"] == wanted and row["experiment"] in content["experiments"]
    ]
    names = list(dict.fromkeys(row["metric"] for row in scores))
    summarized = tables.read(summary, ["experiment", "region", "metric", "n", "mean", "sd"])
    models = models_of(content)
    sessions = _sessions(content, scores, models, page.parent)
    links = _cohort_pages(page.parent, title, sessions, content["experiments"], names, per_page)
    # With its tables inside, the folder of the report can be passed on alone.
    copied = {"metrics": metrics, "summary": summary, "ranks": ranks, "statistics": statistics}
    for table in copied.values():
        for file in (table, table.with_suffix(".json")):  # what its columns are
            if file.is_file():
                write_text(page.parent / "tables" / file.name, file.read_text(encoding="utf-8"))
    examples = lesion_examples(lesions[0], sessions, page.parent) if lesions else []
    people = max(
        (int(row["n"]) for row in summarized if row["experiment"] in content["experiments"]), default=0
    )
    paragraphs, references = methods_section(content, measured, people)
    pages.write(
        page,
        "index.html",
        title=title,
        plan=content,
        lead=_lead(content["experiments"]),
        counts=_counts(content, sessions),
        results=sorted(
            result_tables(summarized, content["experiments"]), key=lambda table: table["region"] != wanted
        ),
        ranks=rank_tables(ranks, wanted, _targets(content, scores)),
        comparisons=comparison_tables(statistics, wanted),
        several=people > 1,
        figures=_figures(page.parent / "figures", scores, names, models, content),
        models=list(models.values()),
        own=study_tables(own, {name: t["title"] for name, t in content["study"]["tables"].items()}),
        lesions=lesion_section(*lesions, page.parent) if lesions else None,
        examples=examples,
        notes=_notes(sessions),
        of_paper=paper_figures(
            content["study"]["report"]["figures"], sessions, content["experiments"], examples=bool(examples)
        ),
        backends=steps_that_ran(content),
        links=links,
        tables={name: f"tables/{table.name}" for name, table in copied.items()},
        paragraphs=paragraphs,
        references=references,
    )
    print(f"{page}: {len(sessions)} sessions on {len(links)} pages, {len(names)} metrics")


def result_tables(summary: list[tables.Row], experiments: dict[str, dict]) -> list[dict]:
    """The summary as one table per region and target: a row per experiment, a column per metric.

    Returns:
        Tables with `region`, `target`, `metrics` and `rows`; a cell has `mean`, `sd`, `n` and `best`, and
        `alike` says whether all rows are over as many participants, `several` whether any is over more than one,
        `bold` whether any cell is the best of its column.
    """
    made: dict[tuple[str, str], dict] = {}
    for line in summary:
        name, metric = line["experiment"], line["metric"]
        if name not in experiments:
            continue
        region, target = line["region"], experiments[name]["target"]
        empty = {"region": region, "target": target, "metrics": {}, "rows": {}}
        table = made.setdefault((region, target), empty)
        table["metrics"].setdefault(metric, []).append((int(line["n"]), tables.number(line["mean"])))
        row = table["rows"].setdefault(name, {"experiment": name, "n": line["n"], "cells": {}})
        row["cells"][metric] = {"mean": line["mean"], "sd": line["sd"], "n": int(line["n"]), "best": False}
    for table in made.values():
        table["rows"] = [table["rows"][name] for name in experiments if name in table["rows"]]
        for metric, found in table["metrics"].items():
            better = MEASURES[metric].better
            # Means over a few people say nothing against means over all.
            most = max(n for n, _ in found)
            means = [mean for n, mean in found if n == most]
            best = max(means) if better == "higher" else min(means)
            for row in table["rows"]:
                cell = row["cells"].get(metric)
                if cell and len({*means}) > 1 and better != "neither":
                    cell["best"] = cell["n"] == most and tables.number(cell["mean"]) == best
        table["bold"] = any(cell["best"] for row in table["rows"] for cell in row["cells"].values())
        table["several"] = any(int(row["n"]) > 1 for row in table["rows"])
        table["alike"] = len({row["n"] for row in table["rows"]}) == 1
        table["metrics"] = list(table["metrics"])
    return list(made.values())


def _sessions(plan: dict, scores: list[tables.Row], models: dict, folder: Path) -> list[dict]:
    """One row per session: what there is, what was done, its scores, its page where that exists."""
    keys = ("participant_id", "session_id", "experiment", "metric")
    values = {tuple(row[key] for key in keys): row["value"] for row in scores}
    rows = []
    for session in plan["sessions"]:
        label, who = session["session"], (session["participant_id"], session["session_id"])
        done = {
            name: made
            | {
                "kind": kind_of(made, session, models[made["model"], made["fold"]]),
                "picture": _existing(folder, f"sessions/{label}/{file_name('small-synthetic', name)}"),
                "scores": {metric: values.get((*who, name, metric)) for metric in IN_COHORT},
            }
            for name, made in session["experiments"].items()
        }
        shown = {
            "done": done,
            "page": _existing(folder, f"sessions/{label}.html"),
            "picture": _existing(
                folder, f"sessions/{label}/{file_name('small-contrast', session['reference'])}"
            ),
        }
        rows.append(session | shown)
    return rows


def _existing(folder: Path, address: str) -> str:
    return address if (folder / address).is_file() else ""


def _cohort_pages(
    folder: Path, title: str, sessions: list[dict], experiments: dict, metrics: list[str], per_page: int
) -> list[dict]:
    """Write the pages of the cohort and the order of the session pages; returns how to link the former."""
    # Session pages find their neighbours here, so that none of them changes when a session comes or goes.
    paged = [session["session"] for session in sessions if session["page"]]
    write_text(folder / "sessions.js", f"window.sessions = {json.dumps(paged)};\n")
    parts = [sessions[start : start + per_page] for start in range(0, len(sessions), per_page)]
    links = [
        {
            "page": f"cohort-{number}.html",
            "first": part[0]["session"],
            "last": part[-1]["session"],
            "n": len(part),
        }
        for number, part in enumerate(parts, 1)
    ]
    for number, (link, part) in enumerate(zip(links, parts, strict=True)):
        pages.write(
            folder / link["page"],
            "cohort.html",
            title=title,
            sessions=part,
            experiments=experiments,
            metrics=[metric for metric in IN_COHORT if metric in metrics],
            links=links,
            number=number,
        )
    for old in {file.name for file in folder.glob("cohort-*.html")} - {link["page"] for link in links}:
        (folder / old).unlink()
    return links


def _figures(folder: Path, scores: list[tables.Row], metrics: list[str], models: dict, plan: dict) -> dict:
    """Draw the figures; returns their addresses, relative to the page.

    Args:
        folder: where they go.
        scores: rows with experiment, metric, participant_id, value.
        metrics: those that there are.
        models: by name and fold.
        plan: what was planned: experiments with their targets, and of which losses are compared.
    """
    from . import figures  # matplotlib takes a while to load: not for --help

    folder.mkdir(parents=True, exist_ok=True)
    drawn = {"dots": "", "losses": [], "curves": []}
    if scores:
        chosen = [metric for metric in IN_COHORT if metric in metrics] or metrics[:2]
        targets = {name: experiment["target"] for name, experiment in plan["experiments"].items()}
        figures.dots(folder / "metrics.svg", scores, chosen, targets)
        drawn["dots"] = f"{folder.name}/metrics.svg"
    curves: dict[str, dict[str, list[tables.Row]]] = {}
    for name, fold in models:
        file = Path(layout.fill(layout.LOSSES, experiment=name, fold=fold))
        # A method without epochs, such as a forest, has a table without rows.
        if file.is_file() and (rows := tables.read(file, ["epoch", "validation"])):
            curves.setdefault(name, {})[fold] = rows
    for name, experiments in plan["study"]["report"]["curves"].items():
        known = {experiment: curves[experiment] for experiment in experiments if experiment in curves}
        # Of one fold, on the same people: losses of several folds cannot be told apart by experiment.
        shared = [fold for fold in next(iter(known.values()), {}) if all(fold in f for f in known.values())]
        if shared:
            file = folder / f"curves-{name}.svg"
            figures.curves(file, {experiment: folds[shared[0]] for experiment, folds in known.items()})
            found = {"name": name, "fold": shared[0], "figure": f"{folder.name}/{file.name}"}
            drawn["curves"].append(found)
    for name, folds in curves.items():
        figures.losses(folder / f"losses-{name}.svg", folds)
        drawn["losses"].append({"experiment": name, "figure": f"{folder.name}/losses-{name}.svg"})
    return drawn


def _lead(experiments: dict[str, dict]) -> str:
    """What is made of what by which methods, in a line."""
    methods: dict[str, dict[str, None]] = {}
    for experiment in experiments.values():
        made = f"{' + '.join(experiment['inputs'])} → {experiment['target']}"
        methods.setdefault(made, {})[experiment["method"]] = None
    if len(methods) > 4:  # sets of inputs that are compared
        targets = dict.fromkeys(experiment["target"] for experiment in experiments.values())
        every = dict.fromkeys(name for names in methods.values() for name in names)
        return f"{', '.join(targets)} from {len(methods)} sets of inputs by {', '.join(every)}"
    return "; ".join(f"{made} by {', '.join(names)}" for made, names in methods.items())


def _notes(sessions: list[dict]) -> dict[str, list[str]]:
    """Which sessions have each note: one line for what many share."""
    found: dict[str, list[str]] = {}
    for session in sessions:
        for note in session["notes"]:
            found.setdefault(note, []).append(session["session"])
    return found


def _targets(plan: dict, scores: list[tables.Row]) -> dict[str, str]:
    """The target of every experiment that has scores."""
    scored = {row["experiment"] for row in scores}
    return {name: made["target"] for name, made in plan["experiments"].items() if name in scored}


def _counts(plan: dict, sessions: list[dict]) -> dict[str, int]:
    kinds = Counter(done["kind"] for session in sessions for done in session["done"].values())
    return {
        "participants": len({session["participant_id"] for session in sessions}),
        "sessions": len(sessions),
        "experiments": len(plan["experiments"]),
        **{kind: kinds[kind] for kind in KINDS if kinds[kind]},
        "failed sessions": len({failure["session"] for failure in plan["failed"]} - {""}),
    }
