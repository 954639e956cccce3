"""The plan as files: what jobs, the report and the next plan read, written before the first job runs."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from . import __version__, frozen, layout, lesion_settings, tables
from .cohort import quarantine
from .config import Study
from .graph import Graph
from .graph.code import steps_of
from .images import write_json, write_text
from .leftovers import clear, left_behind
from .models import pseudonyms
from .stages import STEPS

# Names that the BIDS specification has no word for yet.
BIDSIGNORE = """cohort/
work/
models/
evaluation/
tables/
report/
logs/
*_xfm.*
*_dwimap.*
*_lesions.tsv
*_p3smap.*
*_gradientmap.*
*_withoutmap.*
*_ssimmap.*
*_nrmsemap.*
*_hagiwaranrmsemap.*
.snakemake/
"""

# Whose versions the report tells.
LIBRARIES = (
    "snakemake",
    "torch",
    "nibabel",
    "scikit-image",
    "numpy",
    "scipy",
    "statsmodels",
    "scikit-learn",
    "numba",
    "monai",
    "nilearn",
)


def freeze(graph: Graph) -> None:
    """Write the cohort's tables, the lists that jobs read, and what describes the output as a data set."""
    folder = graph.study.output
    graph.plan.manifest.write(folder / layout.MANIFEST)
    if graph.plan.splits is not None:
        graph.plan.splits.write(folder / layout.SPLITS)
    quarantine.write(folder, graph.plan.failures)
    write_json(folder / layout.BACKENDS, graph.tools())
    gone = "not in the cohort any more; delete its results if they have served"
    problems = [*graph.plan.problems, *(f"{place}: {gone}" for place in left_behind(graph))]
    known = {"states": states(graph), "problems": problems, "results": _results(graph)}
    write_json(folder / layout.PLAN, content(graph) | known)
    write_json(folder / layout.PREPARATION, graph.preparation())
    pseudonyms.ensure(folder / layout.PSEUDONYMS, (image.sha256 for image in graph.plan.manifest.images))
    clear(graph)
    frozen.write(graph)
    for model in graph.plan.models.values():
        where = {"experiment": model.name, "fold": model.fold}
        _write_table(folder / layout.fill(layout.TRAINING_LIST, **where), graph.training_rows(model))
    _write_table(folder / layout.SCORE_LIST, [{"file": path} for path in graph.scores()])
    for group in graph.lesion_groups():
        _write_table(folder / layout.fill(layout.LESION_LIST, heldout=group), graph.lesion_rows(group))
    _write_table(folder / layout.LESION_SCORE_LIST, [{"file": path} for path in graph.lesion_scores()])
    _write_table(folder / layout.INFLUENCE_LIST, [{"file": path} for path in graph.influences()])
    write_json(folder / layout.DESCRIPTION, _description(graph))
    if graph.converted():
        about = _description(graph) | {"DatasetType": "raw", "SourceDatasets": []}
        write_json(folder / layout.RAW_DATASET / layout.DESCRIPTION, about)
        labels = sorted({Path(path).relative_to(layout.RAW_DATASET).parts[0] for path in graph.jobs})
        known = graph.plan.manifest.participants
        rows = [{"participant_id": label} | known.get(label.removeprefix("sub-"), {}) for label in labels]
        columns = dict.fromkeys(column for row in rows for column in row)
        rows = [{column: row.get(column, "n/a") for column in columns} for row in rows]
        _write_table(folder / layout.RAW_DATASET / "participants.tsv", rows)
    write_text(folder / ".bidsignore", BIDSIGNORE)


def content(graph: Graph) -> dict:
    """Everything that the report and `recontrast status` say about the plan."""
    plan = graph.plan
    return {
        "study": frozen.public(plan).model_dump(mode="json"),
        "sessions": [
            {
                "session": label,
                "participant_id": planned.participant,
                "session_id": planned.session_id,
                "dataset": next(iter(planned.images.values())).dataset,
                "reference": planned.reference,
                "contrasts": graph.contrasts_of(planned),
                "maps": planned.maps,
                "fold": planned.fold,
                "experiments": {
                    name: {"model": p.model, "fold": p.fold, "inputs": p.inputs, "target": p.target}
                    | {"acquired": p.acquired}
                    for name, p in planned.predictions.items()
                },
                "notes": planned.notes,
            }
            for label, planned in plan.sessions.items()
        ],
        "failed": [
            {"session": f.session, "item": f.item, "step": f.step, "reason": f.reason}
            for f in sorted(plan.failures)
        ],
        "excluded": [{"session": label, "reason": reason} for label, reason in plan.left_out.items()],
        "experiments": {
            name: {
                "method": experiment.method,
                "recipe": experiment.recipe,
                "settings": experiment.settings,
                "choose": experiment.choose,
                "inputs": experiment.inputs,
                "target": experiment.target,
                "code": graph.method_code(experiment.method),
                "folds": {m.fold: _roles(m.roles) for m in plan.models.values() if m.name == name},
            }
            for name, experiment in plan.study.experiments.items()
        },
        "versions": {"recontrast": __version__} | {name: version(name) for name in LIBRARIES},
        "backends": graph.tools(),
        "ran": graph.ran(),
    }


def digest(graph: Graph) -> str:
    """Changes with anything that the report says about the plan."""
    return hashlib.sha256(json.dumps(content(graph), sort_keys=True, default=str).encode()).hexdigest()[:12]


def states(graph: Graph) -> dict[str, dict[str, str]]:
    """Stage -> session or model -> a hash over all that could mend a failure there."""
    raw = {
        s.label: sorted(i.sha256 for i in images.values())
        for s, images in graph.plan.manifest.sessions().items()
    }
    # Anyone's change may mend a model, or what is learned about lesions; so may leaving someone out.
    everyone = [raw, sorted(graph.plan.excluded), graph.study.model_dump(mode="json", include={"splits"})]
    methods = sorted({experiment.method for experiment in graph.study.experiments.values()})
    found, code = {}, []
    for stage, steps in steps_of(graph.study).items():
        code += [graph.code(stage, step) for step in steps]
        if stage == "training":
            code += [graph.method_code(method) for method in methods]
        cause = [_settings(graph.study, stage), code]
        if stage == "lesions":  # a tool that was not found may have been installed since
            cause.append(lesion_settings.tool(graph.study.lesions))
        # What is made by a model may be mended by whatever mends the model.
        others = everyone if list(STEPS).index(stage) >= list(STEPS).index("synthesis") else []
        found[stage] = {label: _hash([hashes, *others, *cause]) for label, hashes in raw.items()}
        lesions = [f"lesions_without-{group}" for group in graph.lesion_groups()]
        found[stage] |= {unit: _hash([*everyone, *cause]) for unit in lesions}
        found[stage] |= {
            f"{name}_fold-{fold}": _hash([*everyone, *cause]) for name, fold in graph.plan.models
        }
    return found


def _results(graph: Graph) -> list[str]:
    """Every file that `recontrast status` looks for; it names the report itself."""
    models = [layout.fill(layout.MODEL, experiment=name, fold=fold) for name, fold in graph.plan.models]
    found = dict.fromkeys(
        [*graph.group_targets(), *models, *graph.pages(), *graph.cohort_pages(), layout.SESSION_ORDER]
    )
    return [file for file in found if file != layout.REPORT]


def _settings(study: Study, stage: str) -> list:
    """What a stage and those before it take from the study."""
    shared = {
        "prepare",
        "region",
        "reference",
        "reference_fallback",
        "backend",
        "backend_order",
        "backends",
        "masks",
    }
    general = [study.model_dump(mode="json", include=shared), study.lesions.fill and study.lesions.manual]
    stages = list(STEPS)
    # Steps of anatomy also work on what diffusion and relaxometry make.
    last = stages.index("relaxometry" if stage in ("anatomy", "diffusion") else stage)
    upto = {*stages[: last + 1], *(["experiments"] if last >= stages.index("training") else [])}
    return [general, study.model_dump(mode="json", include=upto)]


def _roles(roles: dict[str, str]) -> dict[str, list[str]]:
    found = {"training": [], "validation": []}
    for label, role in roles.items():
        found.setdefault(role, []).append(label)
    return found


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _write_table(path: Path, rows: list[dict[str, str]]) -> None:
    tables.write(path, list(rows[0]) if rows else ["file"], rows)


def _description(graph: Graph) -> dict:
    """dataset_description.json of the derivatives."""
    names = graph.plan.manifest.names
    sources = [
        d.path.absolute().as_uri() if names.get(d.path) == str(d.path) else layout.RAW_DATASET
        for d in graph.study.datasets
    ]
    return {
        "Name": graph.study.report.title,
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "Recontrast", "Version": __version__}],
        "SourceDatasets": [{"URL": url} for url in dict.fromkeys(sources)],
    }
