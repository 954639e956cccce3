"""What a study says about lesions."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from .contrasts import Name, Section


class Network(Section):
    """A small 3D network for lesions, and how it is trained."""

    t1w: bool = Field(False, description="whether it sees T1w beside FLAIR")
    filters: int = Field(8, ge=1, description="maps of its first level")
    edge: int = Field(32, ge=32, multiple_of=16, description="of the cubes that it sees, in voxels")
    epochs: int = Field(15, ge=1)
    cubes: int = Field(64, ge=1, description="in an epoch")
    batch: int = Field(4, ge=1, description="cubes in an update")
    learning_rate: float = Field(5e-3, gt=0, description="in the first epoch; it falls along a cosine")


class Lesions(Section):
    """How lesions are found, on acquired and synthetic FLAIR alike."""

    method: Literal["lpa", "lga", "network", "external"] | None = None
    flair: Name = Field("FLAIR", description="the contrast on which they are found")
    t1w: Name = "T1w"
    manual: Name | None = Field(None, description="the study's mask that was drawn by hand, under masks")
    coefficients: Literal["default", "manual"] = "default"
    features: Literal["lst", "extended", "tissue"] = "extended"
    threshold: float = Field(0.5, gt=0, lt=1, description="probability from which a voxel is lesion")
    kappa: float | None = Field(None, gt=0, description="of lga; chosen on manual masks if not given")
    network: Network = Network()
    smallest: float = Field(0.0, ge=0, description="ml; smaller lesions are not counted")
    command: str | None = Field(None, description="of an external tool")
    fill: bool = Field(False, description="paint over manual lesions in T1w before tissue is told apart")


def contradictions(study) -> Iterator[str]:
    """What the keys of `lesions` say that nothing defines."""
    asked = study.lesions
    if asked.manual and asked.manual not in study.masks:
        yield f"lesions.manual: no mask {asked.manual!r} is defined under masks"
    if asked.fill and not asked.manual:
        yield "lesions.fill: needs lesions.manual, the masks to paint over"
    if not asked.method:
        return
    if asked.flair not in study.contrasts:
        yield f"lesions.flair: no contrast {asked.flair!r} is defined under contrasts"
    tissue = study.prepare == "full" and study.anatomy.tissues
    if not tissue and (asked.method == "lga" or asked.features == "tissue"):
        yield f"lesions: {asked.method} with these settings needs tissue maps (prepare: full, anatomy.tissues: true)"
    if study.prepare == "full" and not study.anatomy.template:
        yield "lesions: needs the transform to the template (anatomy.template: true)"
    if (asked.method == "lga" or asked.network.t1w) and asked.t1w not in study.contrasts:
        yield f"lesions.t1w: no contrast {asked.t1w!r} is defined under contrasts"
    if asked.method == "network" and not asked.manual:
        yield "lesions.manual: method network learns from the masks that are named there"
    if asked.coefficients == "manual" and not asked.manual:
        yield "lesions.coefficients: manual needs lesions.manual, the masks to learn from"
    if (asked.method == "external") != bool(asked.command):
        yield "lesions.command: is for method: external, and needed there"
