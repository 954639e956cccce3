"""What a study says about scores and tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from . import published
from .contrasts import Name, Section
from .errors import RecontrastError
from .layout import MADE_TABLES, TISSUES
from .measures import IMAGE, MEASURES, OF_IMAGES
from .tables import SEPARATOR

Metric = Literal[OF_IMAGES]
Shown = Literal[tuple(MEASURES)]

PLACES = ("region", "tissue", *TISSUES, IMAGE)  # where scores are taken; no names for masks
# What stands for an experiment where the lesions of the acquired image are meant, and what lesions are judged by.
ACQUIRED = "acquired"
TRUTHS = ("manual", ACQUIRED)


class Structure(Section):
    """What a threshold finds on both images, or what was outlined on each."""

    within: str = Field("region", description="region, a tissue, or a mask of the study")
    above: float | None = None
    below: float | None = None
    scale: Literal["harmonised", "printed"] = Field(
        "harmonised",
        description="of the bounds; printed: the whole acquired image spans 0 to 1, as in kim_mse",
    )
    drawn: dict[Name, Name] = Field(
        {},
        description="instead of bounds: experiment -> mask drawn on its image; within: the mask on the acquired one",
    )


Point = tuple[float, float, float]


class Profile(Section):
    """A straight line along which intensities are read, in every session; without ends through its middle."""

    along: Literal["x", "y", "z"] = Field("x", description="from left to right, back to front, foot to head")
    start: Point | None = Field(None, description="in mm, world coordinates of the reference image")
    end: Point | None = None

    @model_validator(mode="after")
    def _both_ends(self) -> "Profile":
        if (self.start is None) != (self.end is None) or (self.start and self.start == self.end):
            raise ValueError("give start and end, two points, or neither")
        return self


class Evaluation(Section):
    """How synthetic images are scored and compared."""

    metrics: tuple[Metric, ...] = ("mse", "mae", "psnr", "nrmse", "ssim")
    regions: tuple[str, ...] = Field(("region",), description="region, tissue, and masks of the study")
    pairs: tuple[tuple[Name, Name], ...] = Field((), description="regions for contrast-to-noise ratios")
    structures: dict[Name, Structure] = Field({}, description="for the metric dice")
    by_slice: bool = Field(False, description="windows of ssim stay within a slice")
    maps: tuple[Literal["ssim", "nrmse", "hagiwara_nrmse"], ...] = Field((), description="voxel by voxel")
    profiles: dict[Name, Profile] = Field({}, description="intensities along lines, by name")
    confidence: float = Field(0.95, gt=0, lt=1, description="of bootstrap intervals over participants")
    bootstrap: int = Field(10_000, ge=100, description="number of bootstrap samples of the participants")
    seed: int = 1


def _shorthand(given: Any) -> Any:
    """A name alone is that of a metric, or else of an experiment."""
    if isinstance(given, str):
        return {"metric" if given in MEASURES else "experiment": given}
    return given


class Part(Section):
    """What a row, a column or a whole table says about its cells; what it leaves open others say."""

    label: str | None = None
    experiment: Name | None = None
    metric: Shown | None = None
    region: str | None = Field(
        None, description="region, image, a tissue, a mask, a pair, a structure, truth of lesions"
    )
    fold: str | None = Field(None, description="one fold; or each: a row or column for every fold")
    value: (
        Literal["mean", "median", "change", "quotient", "rank", "parameters", "seconds", "input", "text"]
        | None
    ) = None
    against: Name | None = Field(None, description="the experiment relative to which a change is computed")
    over: Shown | None = Field(None, description="the metric to divide by, for a quotient")
    input: Name | None = Field(None, description="whether the experiment uses this input")
    candidate: int | None = Field(
        None, ge=1, description="the error of this candidate under the experiment's choose"
    )
    text: str | None = None
    digits: int | None = Field(None, ge=0)
    scale: float | None = Field(None, description="factor by which the numbers shown are multiplied")


Line = Annotated[Part, BeforeValidator(_shorthand)]


class Marks(Section):
    """Significance beside the numbers."""

    against: Name | None = Field(None, description="stars where an experiment differs from this one")
    regions: bool = Field(False, description="a dagger where a region differs from all others of the table")
    correction: Literal["holm", "none"] = "holm"


def _absolute(name: str) -> str:
    """A file of the user's own stands where the study is read, not where jobs run."""
    file, _, table = name.rpartition("/")
    return f"{Path(file).expanduser().absolute()}/{table}" if file.endswith(".yaml") else name


class Table(Section):
    """One table: rows and columns, in the order of the page."""

    title: str = ""
    note: str = Field("", description="what readers need to know about the numbers, printed below the table")
    headings: tuple[str, ...] = Field(
        (), description="of the columns with row labels, if these have several parts, as in A | B"
    )
    rows: tuple[Line, ...] = Field(min_length=1)
    columns: tuple[Line, ...] = Field(min_length=1)
    cells: Part = Part()
    spread: Literal["plus-minus", "brackets", "none"] = "plus-minus"
    best: Literal["rows", "columns", "none"] = Field(
        "none", description="whether the best of each row or column is bold"
    )
    marks: Marks = Marks()
    published: Annotated[str, AfterValidator(_absolute)] | None = Field(
        None, description="published values to show alongside, as PAPER/TABLE or FILE.yaml/TABLE"
    )

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that says something about its cells."""
        return (*self.rows, *self.columns, self.cells)

    @property
    def shows_lesions(self) -> bool:
        """Whether any number is about lesions."""
        return not self.metrics <= set(OF_IMAGES)

    @property
    def metrics(self) -> set[str]:
        """The metrics that it shows."""
        return {name for part in self.parts for name in (part.metric, part.over) if name}

    @property
    def experiments(self) -> set[str]:
        """The experiments that it names; `acquired` is none."""
        named = {name for part in self.parts for name in (part.experiment, part.against)}
        return {name for name in named | {self.marks.against} if name and name != ACQUIRED}


def contradictions(study) -> Iterator[str]:
    """What the keys of evaluation and tables say that nothing defines."""
    evaluation, masks = study.evaluation, list(study.masks)
    tissues = [*TISSUES] if "tissue" in evaluation.regions else []
    known = ["region", "tissue", *masks]
    for name in evaluation.regions:
        if name not in known:
            yield f"evaluation.regions: {name!r} is none of {', '.join(known)}"
    if "region" not in evaluation.regions:
        yield "evaluation.regions: must include region; add it"
    if "tissue" in evaluation.regions and not (study.prepare == "full" and study.anatomy.tissues):
        yield "evaluation.regions: tissue needs prepare: full and anatomy.tissues: true"
    places = [study.region, *tissues, *(name for name in masks if name in evaluation.regions)]
    for name in {name for pair in evaluation.pairs for name in pair} - set(places):
        yield f"evaluation.pairs: {name!r} is none of the regions {', '.join(places)}"
    for name, structure in evaluation.structures.items():
        if structure.within not in ["region", *places]:
            yield f"evaluation.structures.{name}.within: {structure.within!r} is none of {', '.join(places)}"
        if structure.above is structure.below is None and not structure.drawn:
            yield f"evaluation.structures.{name}: has no bounds: give above, below or both"
        if structure.drawn and not (structure.above is structure.below is None):
            yield f"evaluation.structures.{name}: has both bounds and drawn masks; give only one of these"
        for experiment, mask in structure.drawn.items():
            if experiment not in study.experiments:
                yield f"evaluation.structures.{name}.drawn: no experiment {experiment!r}"
            if mask not in places:
                yield f"evaluation.structures.{name}.drawn: {mask!r} is none of {', '.join(places)}"
    if any(MEASURES[name].scope == "pair" for name in evaluation.metrics) and not evaluation.pairs:
        yield "evaluation.metrics: contrast-to-noise ratios need evaluation.pairs"
    if "dice" in evaluation.metrics and not evaluation.structures:
        yield "evaluation.metrics: dice needs evaluation.structures"
    shown = {*places, "region", IMAGE, *("-".join(p) for p in evaluation.pairs), *evaluation.structures}
    lesions = [*TRUTHS] if study.lesions.method else []
    for name in {*MADE_TABLES} & set(study.tables):
        yield f"tables.{name}: a table of this name is always made; choose another name"
    for name, table in study.tables.items():
        for metric in sorted(table.metrics & set(OF_IMAGES) - set(evaluation.metrics)):
            yield f"tables.{name}: {metric} is not among evaluation.metrics"
        if table.shows_lesions and not study.lesions.method:
            yield f"tables.{name}: shows lesions, which needs lesions.method"
        for experiment in sorted(table.experiments - set(study.experiments)):
            yield f"tables.{name}: no experiment {experiment!r} is defined under experiments"
        for part in table.rows if table.headings else ():
            if len((part.label or "").split(SEPARATOR)) != len(table.headings):
                yield f"tables.{name}.rows: {part.label!r} must have one part per heading, separated by |"
        if table.published:
            try:
                published.load(table.published)
            except RecontrastError as error:
                yield f"tables.{name}.published: {error}"
        for part in table.parts:
            for value, key in (("quotient", "over"), ("change", "against")):
                if part.value == value and not getattr(part, key):
                    yield f"tables.{name}: value {value} needs {key} beside it"
            if part.region and part.region not in {*shown, *lesions}:
                yield f"tables.{name}: {part.region!r} is none of {', '.join(sorted({*shown, *lesions}))}"
