"""The graph in a file: a job on a cluster is a process of its own, which takes it up where it was planned.

What is frozen is all that the plan follows from, so that the job comes to the same plan without a look at the
cohort, whatever has happened there meanwhile.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pydantic

from . import layout
from .cohort.manifest import Image, Manifest
from .cohort.quarantine import Failure
from .cohort.splits import Splits
from .config import Study
from .conversion.planned import Job
from .errors import RecontrastError
from .graph import Graph
from .images import write_text
from .plan import CHECK, Earlier, Plan


@dataclass(frozen=True)
class Frozen:
    """The arguments of `Plan` and `Graph`; what is looked up by pairs as lists, which JSON can hold."""

    study: Study
    images: list[Image]
    participants: dict[str, dict[str, str]]
    cohort: list[layout.Session]
    pinned: Splits | None
    failures: list[Failure]
    earlier: Earlier
    excluded: list[tuple[tuple[str, str], str]]
    jobs: dict[str, Job]
    codes: dict[str, str]


_JSON = pydantic.TypeAdapter(Frozen)


def write(graph: Graph) -> None:
    """Freeze a graph in its output folder; its backends lie in a file of their own, for people too."""
    plan = graph.plan
    frozen = Frozen(
        study=public(plan),
        images=plan.manifest.images,
        participants=plan.manifest.participants,
        cohort=sorted(plan.manifest.cohort),
        pinned=plan.pinned,
        failures=[failure for failure in plan.failures if failure.step != CHECK],  # the plan adds those
        earlier=plan.earlier,
        excluded=list(plan.excluded.items()),
        jobs=dict(graph.jobs),
        codes=graph.codes(),
    )
    write_text(plan.study.output / layout.GRAPH, _JSON.dump_json(frozen).decode())


def public(plan: Plan) -> Study:
    """The study as outputs show it: folders of DICOM, whose names may say whose they are, go by other names."""
    names = plan.manifest.names
    shown = [d.model_copy(update={"path": Path(names.get(d.path, d.path))}) for d in plan.study.datasets]
    return plan.study.model_copy(update={"datasets": tuple(shown)})


def read(folder: Path) -> Graph:
    """The graph that is frozen in an output folder.

    Raises:
        RecontrastError: there is none.
    """
    try:
        frozen = _JSON.validate_json((folder / layout.GRAPH).read_bytes())
        tools = json.loads((folder / layout.BACKENDS).read_bytes())
    except FileNotFoundError as error:
        raise RecontrastError(
            "contains no plan of a run",
            file=folder,
            remedy="make the output folder visible to jobs under the same path",
        ) from error
    plan = Plan(
        frozen.study,
        Manifest(frozen.images, frozen.participants, cohort=frozenset(frozen.cohort)),
        frozen.pinned,
        frozen.failures,
        frozen.earlier,
        dict(frozen.excluded),
    )
    return Graph(plan, frozen.jobs, tools, frozen.codes)
