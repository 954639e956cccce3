"""The part of a study that says what DICOM series become."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _compiles(pattern: str) -> str:
    """A regular expression that can be looked for, known before it meets a series."""
    try:
        re.compile(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression ({error})") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
Range = tuple[float, float]
# The order of entities in BIDS names.
ORDER = ("task", "acq", "ce", "rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part")
ENTITIES = r"^([a-z]+-([A-Za-z0-9]|\{delay\})+(_[a-z]+-([A-Za-z0-9]|\{delay\})+)*)?$"


def no_job_for(datatype: str, suffix: str, entities: str) -> str:
    """Why no job would convert an image of this name, or nothing."""
    if datatype == "dwi" and suffix != "dwi":
        return f"suffix {suffix!r}: for the datatype dwi, the suffix must be dwi"
    unknown = sorted({part.partition("-")[0] for part in entities.split("_") if part} - set(ORDER))
    return f"entity {unknown[0]!r} is none of {', '.join(ORDER)}" if unknown else ""


class Rule(BaseModel):
    """What a series must look like, all of it, and what it then becomes.

    Times are in ms, angles in degrees, b-values in s/mm²; ranges include both ends. A condition on something
    that the header does not say is not met. A rule with entities and no suffix adds them to what another rule
    makes of the series, where that has not set them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: Pattern | None = Field(None, description="pattern in the series, protocol or sequence name")
    series: Pattern | None = Field(None, description="pattern in the series description only")
    image_type: Pattern | None = Field(
        None, description="pattern in the image type, such as ORIGINAL/PRIMARY/M/SE"
    )
    sequence: tuple[str, ...] = Field((), description="all of these: SE, IR, GR, EP, RM; ! excludes")
    acquisition: Literal["2D", "3D"] | None = None
    tr: Range | None = None
    te: Range | None = None
    ti: Range | None = None
    flip: Range | None = None
    b: Range | None = Field(None, description="the largest b-value of the series")
    echoes: Range | None = Field(None, description="number of echo times in the series")
    delays: Range | None = Field(None, description="number of inversion or saturation delays in the series")
    inversions: Range | None = Field(None, description="number of inversion pulses before the excitation")

    use: bool = True
    datatype: Annotated[str, Field(pattern="^(anat|dwi|fmap|func|perf|)$")] = "anat"
    suffix: Annotated[str, Field(pattern="^[A-Za-z0-9]*$")] = ""
    entities: Annotated[str, Field(pattern=ENTITIES)] = Field(
        "", description="as in file names: acq-se; {delay} is the number of the delay"
    )

    @model_validator(mode="after")
    def _can_be_converted(self) -> Self:
        if self.use and (wrong := no_job_for(self.datatype, self.suffix or self.datatype, self.entities)):
            raise ValueError(wrong)
        return self


class Conversion(BaseModel):
    """How DICOM is converted; without effect on BIDS inputs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Path | None = Field(
        None,
        description="folder for the key and the table of series; if null, OUT-key next to the output folder",
    )
    rules: tuple[Rule, ...] = Field((), description="applied before the built-in rules")
    participants: tuple[str, ...] = Field(
        (),
        description="columns of participants.tsv: from the key; sex and age (capped at 89) from headers",
    )
