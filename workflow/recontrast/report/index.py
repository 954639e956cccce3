"""The first page of the report, and the cohort in pages of sessions."""

import json
from pathlib import Path

import pandas as pd

from .. import layout, tables
from ..images import write_text
from . import figures, pages
from .methods_text import methods_section

HIGHER_IS_BETTER = ("psnr", "ssim")
IN_COHORT = ("psnr", "ssim")  # the scores shown in the table of sessions


def index(*, plan: Path, metrics: Path, summary: Path, page: Path, per_page: int = 50) -> None:
    """Write the report's first page, its figures and the pages of the cohort.

    Everything is linked relative to the page, so that the folder can be moved, zipped and read offline.

    Args:
        plan: what was planned and what became of it: study, sessions, failures, experiments, versions.
        metrics: the long table of all scores.
        summary: mean, SD and number of participants per experiment, region and metric.
        page: HTML file to write; the rest goes beside it.
        per_page: how many sessions a page of the cohort holds.
    """
    content = json.loads(plan.read_text(encoding="utf-8"))
    scores = tables.read(metrics, ["participant_id", "session_id", "experiment", "region", "metric", "value"])
    scores["value"] = pd.to_numeric(scores["value"], errors="coerce")
    region = content["study"]["region"]
    names = list(dict.fromkeys(scores["metric"]))
    results = result_tables(
        tables.read(summary, ["experiment", "region", "metric", "n", "mean", "sd"]), content
    )
    drawn = _figures(page.parent / "figures", scores[scores["region"] == region], names, content)
    sessions = _sessions(content, scores[scores["region"] == region], page.parent)
    # Session pages find their neighbours here, so that none of them changes when a session comes or goes.
    paged = [entry["session"] for entry in sessions if entry["page"]]
    write_text(page.parent / "sessions.js", f"window.sessions = {json.dumps(paged)};\n")
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
    title = content["study"].get("title") or "Recontrast report"
    shown = [metric for metric in IN_COHORT if metric in names]
    for old in page.parent.glob("cohort-*.html"):
        old.unlink()
    for number, part in enumerate(parts):
        pages.write(
            page.parent / links[number]["page"],
            "cohort.html",
            title=title,
            sessions=part,
            experiments=content["experiments"],
            metrics=shown,
            links=links,
            number=number,
        )
    paragraphs, references = methods_section(content, names)
    pages.write(
        page,
        "index.html",
        title=title,
        plan=content,
        counts=_counts(content),
        results=results,
        figures=drawn,
        links=links,
        paragraphs=paragraphs,
        references=references,
    )
    print(f"{page}: {len(sessions)} sessions on {len(links)} pages, {len(names)} metrics")


def result_tables(summary: pd.DataFrame, plan: dict) -> list[dict]:
    """The summary as one table per region and target: a row per experiment, a column per metric.

    Returns:
        Tables with `region`, `target`, `metrics` and `rows`; a cell has `mean`, `sd` and whether it is `best`.
    """

    def kind(name: str) -> str:
        return plan["experiments"].get(name, {}).get("target", "")

    summary = summary.assign(target=summary["experiment"].map(kind))
    made = []
    for (region, target), part in summary.groupby(["region", "target"], sort=False):
        metrics = list(dict.fromkeys(part["metric"]))
        best = {}
        for metric in metrics:
            means = pd.to_numeric(part.loc[part["metric"] == metric, "mean"], errors="coerce")
            best[metric] = means.max() if metric in HIGHER_IS_BETTER else means.min()
        rows = []
        for experiment, lines in part.groupby("experiment", sort=False):
            cells = {
                line.metric: {
                    "mean": line.mean,
                    "sd": line.sd,
                    "best": part["experiment"].nunique() > 1 and float(line.mean) == best[line.metric],
                }
                for line in lines[["metric", "mean", "sd"]].itertuples(index=False)
            }
            described = plan["experiments"].get(experiment, {})
            rows.append(
                {"experiment": experiment, "n": lines["n"].iloc[0], "cells": cells} | _about(described)
            )
        made.append({"region": region, "target": target, "metrics": metrics, "rows": rows})
    return made


def _about(experiment: dict) -> dict:
    return {
        "method": experiment.get("method", ""),
        "recipe": experiment.get("recipe", ""),
        "inputs": experiment.get("inputs", []),
    }


def _figures(folder: Path, scores: pd.DataFrame, names: list[str], plan: dict) -> dict:
    """Draw the figures; returns their addresses, relative to the page."""
    drawn = {"dots": "", "losses": []}
    if not scores.empty:
        figures.dots(
            folder / "metrics.svg", scores, [name for name in IN_COHORT if name in names] or names[:2]
        )
        drawn["dots"] = f"{folder.name}/metrics.svg"
    for name, experiment in plan["experiments"].items():
        folds = {}
        for fold in sorted(experiment["folds"], key=lambda fold: (not fold.isdigit(), fold.zfill(4))):
            file = Path(layout.fill(layout.LOSSES, experiment=name, fold=fold))
            if file.is_file():
                table = tables.read(file, ["epoch", "training", "validation"])
                folds[fold] = table.apply(pd.to_numeric, errors="coerce")
        if any(len(table) for table in folds.values()):
            figures.losses(folder / f"losses-{name}.svg", folds)
            drawn["losses"].append({"experiment": name, "figure": f"{folder.name}/losses-{name}.svg"})
    return drawn


def _sessions(plan: dict, scores: pd.DataFrame, folder: Path) -> list[dict]:
    """One row per session: what there is, what was done, its scores, its page where that exists."""
    values = {
        (line.participant_id, line.session_id, line.experiment, line.metric): line.value
        for line in scores.itertuples(index=False)
    }
    rows = []
    for session in plan["sessions"]:
        page = f"sessions/{session['session']}.html"
        done = {}
        for name, made in session["experiments"].items():
            who = (session["participant_id"], session["session_id"], name)
            done[name] = made | {
                "kind": kind_of(made, session, plan["experiments"][name]),
                "scores": {metric: values.get((*who, metric)) for metric in IN_COHORT},
            }
        rows.append(session | {"page": page if (folder / page).is_file() else "", "done": done})
    return rows


def kind_of(made: dict, session: dict, experiment: dict) -> str:
    """How a synthetic image came about: `imputed`, `out of fold`, or `seen in training`."""
    if not made["acquired"]:
        return "imputed"
    fold = experiment["folds"].get(made["fold"], {})
    names = {session["participant_id"], session["session"], session["participant_id"].removeprefix("sub-")}
    return (
        "seen in training"
        if names & {*fold.get("training", []), *fold.get("validation", [])}
        else "out of fold"
    )


def _counts(plan: dict) -> dict[str, int]:
    made = [done["acquired"] for session in plan["sessions"] for done in session["experiments"].values()]
    return {
        "participants": len({session["participant_id"] for session in plan["sessions"]}),
        "sessions": len(plan["sessions"]),
        "experiments": len(plan["experiments"]),
        "synthesised out of fold": sum(made),
        "imputed": len(made) - sum(made),
        "failed": len({failure["session"] for failure in plan["failed"]}),
    }
