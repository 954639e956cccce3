"""From a configuration to a graph that is ready to run, and what surrounds its first and last job."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from rich.console import Console
from rich.progress import Progress

from . import frozen, lesion_plan, lock
from .cohort import manifest, quarantine, splits
from .config import Dataset, Study, load, parse
from .conversion.planned import Planned
from .errors import RecontrastError
from .freeze import freeze, states
from .graph import Graph
from .images import write_text
from .layout import GRAPH, MODEL, MODEL_CARD, PACKED, PSEUDONYMS, SCAN, SPLITS, STUDY, fill
from .models import pseudonyms
from .places import check_output
from .plan import CHECK, Earlier, Plan, Trained

if TYPE_CHECKING:
    from snakemake.workflow import Workflow

PHANTOM_JOBS = 4  # heads made at a time; one at 1 mm takes 1.5 GB


def open_study(config: dict) -> Study:
    """The typed study, its paths absolute from the current folder, its folders checked."""
    return _in_place(load(config))


def _in_place(study: Study) -> Study:
    """The study with absolute paths, its folders checked."""
    datasets = tuple(
        d.model_copy(update={"path": _here(d.path), "derivatives": tuple(map(_here, d.derivatives))})
        for d in study.datasets
    )
    key = study.conversion.key
    conversion = study.conversion.model_copy(update={"key": key and _here(key)})
    output, exclude = _here(study.output), study.exclude and _here(study.exclude)
    made = {"datasets": datasets, "conversion": conversion, "output": output, "exclude": exclude}
    check_output(output, [d.path for d in datasets])
    return study.model_copy(update=made)


def open_graph(study: Study) -> Graph:
    """Index the cohort and plan what is to be done.

    Of the output folder only the cache of the index is written. Beside it, of a cohort in DICOM, key, table and
    lists of series are brought up to date: a user looks at the table, and edits it, before anything runs.

    Args:
        study: from `open_study`.

    Raises:
        RecontrastError: the cohort itself is in doubt, so that nothing should start on it.
    """
    found, dicom = _index(study)
    if found.fatal:
        raise RecontrastError("\n".join(str(problem) for problem in found.fatal))
    pinned = splits.read(study.output / SPLITS)
    earlier = _earlier(study, found)
    on_record = [failure for failure in quarantine.read(study.output) if failure.step != CHECK]
    graph = Graph(Plan(study, found, pinned, earlier=earlier), dicom.jobs)
    if not on_record:
        return graph
    now = states(graph)

    def holds(failure: quarantine.Failure) -> bool:
        known, unit = now.get(failure.step.partition(" ")[0], {}), failure.session or failure.item
        # Of those whom a run on part of the cohort leaves out, nothing is known now.
        return known.get(unit) == failure.state or (graph.plan.partial and unit not in known)

    return Graph(Plan(study, found, pinned, [f for f in on_record if holds(f)], earlier), dicom.jobs)


def _earlier(study: Study, found: manifest.Manifest) -> Earlier:
    """What lies in the output folder already."""
    people = {f"sub-{session.participant}" for session in found.cohort}
    key = pseudonyms.read(study.output / PSEUDONYMS)
    cards = sorted(study.output.glob(fill(MODEL_CARD, experiment="*", fold="*")))
    models = [_trained(card, key, people) for card in cards]
    sessions = study.output.glob("sub-*/ses-*")
    return Earlier(
        models=tuple(model for model in models if model),
        lesions=tuple(sorted(lesion_plan.on_disk(study))),
        sessions=tuple(sorted({path.name.removeprefix("ses-") for path in sessions})),
    )


def _trained(card: Path, key: str, people: set[str]) -> Trained | None:
    """The model of a card; None where it cannot be read, which `verify` tells, or lies without its weights."""
    try:
        facts = json.loads(card.read_bytes())
        inputs, target = tuple(facts["inputs"]), facts["target"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not card.with_name(Path(MODEL).name).is_file():
        return None
    saw = {label for label in pseudonyms.labels(facts.get("sessions", []), key, people) if label in people}
    name, fold = card.parent.parent.name, card.parent.name.removeprefix("fold-")
    return Trained(name, fold, inputs, target, tuple(sorted(saw)))


def examine(config: dict) -> Graph:
    """The graph of a configuration as `open_study` and `open_graph` make it, but with all mistakes at once.

    Raises:
        RecontrastError: the configuration has mistakes; then what is wrong with the images that it names, as far
            as it can be read, is said as well.
    """
    study, mistakes = parse(config)
    if not mistakes:
        return open_graph(_in_place(study))
    wrong: list[str] = []
    if study:
        try:
            found, _ = _index(_in_place(study))
            wrong = [str(problem) for problem in found.problems]
            wrong += [f"{image.path}: {image.problem}" for image in found.images if image.problem]
        except RecontrastError as error:
            wrong = [str(error)]
    raise RecontrastError("\n".join([*wrong, *mistakes]), remedy="see config.yaml for every key")


def _index(study: Study) -> tuple[manifest.Manifest, Planned]:
    """The cohort's images as they are now, and what its DICOM becomes; phantoms that it names are made."""
    for dataset in study.datasets:
        _make_phantom(dataset)
    dicom = _sort_dicom(study)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("reading new images", total=None, visible=False)
        found = manifest.build(
            study.datasets,
            study.contrasts,
            study.include,
            cache=study.output / SCAN,
            progress=lambda done, total: bar.update(task, completed=done, total=total, visible=True),
            converted=dicom.images,
            hashes=dicom.hashes,
            sources=study.sources,
            masks=study.masks,
            checks=_checks(study),
        )
    found.participants |= dicom.participants
    found.problems += dicom.problems
    return found, dicom


def join_graph(output: str) -> Graph:
    """The graph as the main process planned it, for a job that reads the Snakefile again; writes nothing.

    Args:
        output: the study's output folder, as its file says it.
    """
    _use_this_python()
    # A job of a job starts in the output folder, where a relative path leads nowhere.
    folders = (Path(output).expanduser().absolute(), Path.cwd())
    return frozen.read(next((f for f in folders if (f / GRAPH).is_file()), folders[0]))


def begin(graph: Graph, workflow: "Workflow") -> None:
    """Before the first job: take the output folder and freeze the plan in it."""
    # At its limit of jobs a second, of no use on one machine, Snakemake looks at all jobs that wait once a second for
    # every job that has ended: in a large cohort that takes a core.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
    lock.acquire(graph.study.output)
    _use_this_python()
    _keep(graph.study)
    freeze(graph)


def end(graph: Graph) -> None:
    """After the last job: drop what only its trainings shared, and give the output folder back."""
    shutil.rmtree(graph.study.output / PACKED, ignore_errors=True)
    lock.release(graph.study.output)


def _here(path: Path) -> Path:
    """A path from the current folder, as jobs run in another."""
    return path.expanduser().absolute()


def kept_study(study: Study) -> Path:
    """Where the study is kept as it ran: with the results, or with the key, as folders of DICOM may bear names."""
    from .conversion.plan import key_folder

    if _of_dicom(study):
        return key_folder(study.output, study.conversion) / Path(STUDY).name
    return study.output / STUDY


def dumped(study: Study) -> str:
    """A study as text, with all that it does not say itself."""
    return yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False)


def _keep(study: Study) -> None:
    """Write the study where it is kept."""
    from .conversion.key import write_private

    write = write_private if _of_dicom(study) else write_text
    write(kept_study(study), dumped(study))


def _of_dicom(study: Study) -> bool:
    """Whether any data set is one of DICOM."""
    from .conversion.folders import holds_dicom

    return any(d.path.is_dir() and holds_dicom(d.path) for d in study.datasets)


def _use_this_python() -> None:
    """Jobs run with the Python that runs the graph, whether or not its environment is activated."""
    os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]


def _checks(study: Study) -> dict[str, Callable[[list[Path]], None]]:
    """What tells, before any job, whether the text files beside the images of maps suffice; see `manifest.build`."""
    from .diffusion import gradients
    from .relaxometry import acquisition

    diffusion, relaxometry = study.diffusion, study.relaxometry
    times = (relaxometry.echo_times, relaxometry.delays, relaxometry.repetition_time)
    angles = (relaxometry.saturation_angle, relaxometry.excitation_angle)
    return {
        "diffusion": lambda paths: gradients.check(paths[0], diffusion.b0_threshold, diffusion.highest_b),
        "relaxometry": lambda paths: acquisition.gather(paths, *times, *angles) and None,
    }


def _sort_dicom(study: Study) -> Planned:
    """What the study's DICOM folders will become; nothing where all are BIDS."""
    from .conversion.folders import holds_dicom
    from .conversion.plan import key_folder, plan

    folders = [(d.path, d.prefix) for d in study.datasets if d.path.is_dir() and holds_dicom(d.path)]
    if not folders:
        return Planned()
    key_folder(study.output, study.conversion, [d.path for d in study.datasets])
    columns = dict.fromkeys(study.conversion.participants)
    if study.splits.stratify not in (None, "dataset"):  # which needs no column
        columns[study.splits.stratify] = None
    settings = study.conversion.model_copy(update={"participants": tuple(columns)})
    return plan(folders, settings, study.output)


def _make_phantom(dataset: Dataset) -> None:
    """Make the demo cohort where a study names one that does not exist yet."""
    if dataset.phantom is None:
        return
    from .phantom import cohort, knee

    settings = dataset.phantom
    with contextlib.redirect_stdout(sys.stderr):  # stdout may be a table that is read by a program
        if settings.knee:
            own = {"participants", "seed", "noise", "shift", "variants", "side", "typical", "oedema"}
            knee.make(dataset.path, **settings.model_dump(include=own))
        else:
            own = {"participants", "voxel", "seed", "contrasts", "without_flair", "sessions", "dicom"}
            jobs = min(PHANTOM_JOBS, os.cpu_count() or 1)
            cohort.make(dataset.path, **settings.model_dump(include=own), jobs=jobs)
