"""What a study says about lesions."""

import shlex
import shutil
import string
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from .contrasts import Name, Section
from .lesions.defaults import FEATURES

PLACES = ("flair", "t1w", "mask", "output", "folder")  # in the command of an external tool


class Network(Section):
    """A small 3D network for lesions, and how it is trained."""

    t1w: bool = Field(False, description="whether T1w is an input besides FLAIR")
    filters: int = Field(8, ge=1, description="feature maps at the first level")
    edge: int = Field(32, ge=32, multiple_of=16, description="of its input cubes, in voxels")
    epochs: int = Field(15, ge=1)
    cubes: int = Field(64, ge=1, description="per epoch")
    batch: int = Field(4, ge=1, description="cubes per update")
    learning_rate: float = Field(5e-3, gt=0, description="in the first epoch; cosine decay")


class Lesions(Section):
    """How lesions are found, on acquired and synthetic FLAIR alike."""

    method: Literal["lpa", "lga", "network", "external"] | None = None
    flair: Name = Field("FLAIR", description="the contrast to segment")
    experiments: tuple[Name, ...] = Field(
        (), description="experiments whose images are segmented too; all if empty"
    )
    t1w: Name = "T1w"
    manual: Name | None = Field(
        None, description="a lesion mask defined under masks, manual or from any tool"
    )
    coefficients: Literal["default", "manual"] = "default"
    features: Literal["lst", "extended", "tissue"] = "extended"
    threshold: float = Field(0.5, gt=0, lt=1, description="probability from which a voxel counts as lesion")
    kappa: float | None = Field(
        None, gt=0, description="for lga; selected on the masks of `manual` if not given"
    )
    network: Network = Network()
    smallest: float = Field(0.0, ge=0, description="ml; smaller lesions are not counted")
    command: str | None = Field(None, description="for an external tool")
    result: str | None = Field(None, description="name of its output file inside {folder}")
    labels: tuple[int, ...] = Field((), description="its label values for lesion, if it writes labels")
    fill: bool = Field(False, description="fill the lesions of `manual` in T1w before tissue segmentation")


def contradictions(study) -> Iterator[str]:
    """What the keys of `lesions` say that nothing defines."""
    asked = study.lesions
    if asked.manual and asked.manual not in study.masks:
        yield f"lesions.manual: no mask {asked.manual!r} is defined under masks"
    if asked.fill and not asked.manual:
        yield "lesions.fill: needs lesions.manual, the lesions to fill"
    if not asked.method:
        return
    if asked.flair not in study.contrasts:
        yield f"lesions.flair: no contrast {asked.flair!r} is defined under contrasts"
    for name in asked.experiments:
        if name not in experiments(study):
            yield f"lesions.experiments: no experiment {name!r} makes {asked.flair}"
    tissue = study.prepare == "full" and study.anatomy.tissues
    if not tissue and (asked.method == "lga" or (asked.method == "lpa" and asked.features == "tissue")):
        yield f"lesions: {asked.method} with these settings needs tissue maps (prepare: full, anatomy.tissues: true)"
    if study.prepare == "full" and not study.anatomy.template:
        yield "lesions: needs the transform to the template (anatomy.template: true)"
    for name in beside(asked):
        if name not in study.contrasts:
            yield f"lesions.t1w: no contrast {name!r} is defined under contrasts"
    if asked.method == "network" and not asked.manual:
        yield "lesions.manual: method network needs a lesion mask to train on; name it here"
    if asked.coefficients == "manual" and not asked.manual:
        yield "lesions.coefficients: manual needs lesions.manual, the masks to train on"
    if asked.method == "lpa" and asked.coefficients == "default" and asked.features != FEATURES:
        yield f"lesions.features: {asked.features} needs coefficients: manual; those supplied are for {FEATURES}"
    if (asked.method == "external") != bool(asked.command):
        yield "lesions.command: is required with method: external, and allowed only there"
    if asked.method == "external" and asked.command:
        yield from _of_a_command(asked)


def experiments(study) -> list[str]:
    """The experiments that make the contrast on which lesions are found."""
    return [name for name, made in study.experiments.items() if made.target == study.lesions.flair]


def places(command: str | None) -> list[str]:
    """The places of a command that are filled in, such as `flair` for `{flair}`; none if it cannot be read."""
    try:
        return [name for _, name, *_ in string.Formatter().parse(command or "") if name is not None]
    except ValueError:
        return []


def tool(asked: Lesions) -> str | None:
    """Where the program of `command` is on this machine; None if it is not found, or there is no command."""
    try:
        words = shlex.split(asked.command or "")
    except ValueError:
        words = []
    return shutil.which(words[0]) if words else None


def beside(asked: Lesions) -> list[str]:
    """The contrasts without which no lesions are found, beside FLAIR."""
    needed = {
        "lga": True,
        "lpa": asked.features == "tissue",  # maps of T1w
        "network": asked.network.t1w,
        "external": "t1w" in places(asked.command),
    }
    return [asked.t1w] if needed.get(asked.method) else []


def _of_a_command(asked: Lesions) -> Iterator[str]:
    used = places(asked.command)
    for name in used:
        if name not in PLACES:
            yield f"lesions.command: unknown placeholder {{{name}}}; use {', '.join(f'{{{one}}}' for one in PLACES)}"
    if not {"output", "folder"} & {*used}:
        yield "lesions.command: does not say where to write: add {output}, or {folder} with lesions.result"
    if ("folder" in used) != bool(asked.result):
        yield "lesions.result: names the file in {folder}; give both it and {folder} in lesions.command, or neither"
    if asked.result and (asked.result.startswith("/") or ".." in PurePosixPath(asked.result).parts):
        yield "lesions.result: must be a file name inside {folder}"
