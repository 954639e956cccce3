"""The typed study: what a study file may say, its defaults, and all of its errors at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field

from . import lesion_settings, scoring
from .backends import protocol
from .contrasts import Contrast, Mask, Name, Section
from .conversion.settings import Conversion
from .errors import RecontrastError
from .layout import REGIONS, RESERVED
from .lesion_settings import Lesions
from .maps import SOURCES, Diffusion, Map, Relaxometry, Series, maps
from .mistakes import check, did_you_mean, is_about, one_line
from .models import recipes
from .models.contradictions import contradictions
from .scoring import Evaluation, Table
from .signals import impossible


class Phantom(Section):
    """A demo cohort that is made where its folder does not exist yet."""

    participants: int = Field(8, ge=1)
    voxel: float = Field(2.0, gt=0, description="voxel size in mm")
    seed: int = 1
    contrasts: tuple[str, ...] = ("T1w", "T2w", "PDw", "FLAIR")
    without_flair: int = Field(2, ge=0, description="number of participants without a FLAIR")
    sessions: int = Field(0, ge=0, description="visits per participant; 0: no session folders")
    dicom: bool = Field(False, description="write DICOM, which the run then converts")
    knee: bool = Field(False, description="knees instead of heads; participants and seed apply to them too")
    noise: float = Field(
        0.0, ge=0, description="for knees: SD of the noise, in percent of the largest signal"
    )
    shift: int = Field(0, ge=0, description="for knees: largest random shift of the inputs, in pixels")
    variants: bool = Field(
        False, description="for knees: additional images with the paper's noise and shifts"
    )
    side: int = Field(128, ge=64, description="for knees: image size in pixels")
    typical: bool = Field(False, description="for knees: realistic tissue values instead of random ones")
    oedema: int = Field(
        0, ge=0, description="for typical knees: how many (the last participants) have oedema"
    )


class Dataset(Section):
    """One folder in BIDS or of DICOM, and further folders of derivatives that hold masks of its people."""

    path: Path
    derivatives: tuple[Path, ...] = ()
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9]*$")] = ""
    phantom: Phantom | None = None


class Anatomy(Section):
    """Preparation of the images."""

    brain_threshold: dict[Name, Annotated[float, Field(ge=0, le=1)]] = Field(
        {},
        description="by BIDS suffix: 0 to 1, higher values give smaller brain masks; otherwise the backend's default",
    )
    shrink: int = Field(4, ge=1, description="the bias field is estimated on voxels of this many times 2 mm")
    dof: Literal[6, 12] = Field(6, description="degrees of freedom of the registration to the reference")
    interpolation: Literal["linear", "bspline"] = "bspline"
    intensity: Literal["median", "keep"] = "median"
    raw: tuple[Name, ...] = Field(
        (), description="BIDS suffixes of images that are registered without bias correction or scaling"
    )
    tissues: bool = True
    template: bool = True
    warp: bool = Field(
        False, description="refine the transform to the template by nonlinear registration (SyN)"
    )


class Weight(Section):
    """Where training shall look harder."""

    mask: Name = Field(description="one of the study's masks")
    factor: float = Field(5.0, gt=0, description="weight of its voxels in the loss, relative to the others")


class Experiment(Section):
    """One method on one set of inputs."""

    method: str
    inputs: tuple[Name, ...] = Field(min_length=1)
    target: Name
    recipe: str = "paper"
    overrides: dict[str, Any] = Field({})
    fallback: tuple[tuple[Name, ...], ...] = ()
    folds: tuple[int, ...] = Field((), description="only these folds; all if empty")
    weight: Weight | None = None
    choose: tuple[dict[str, Any], ...] = Field(
        (), description="sets of overrides to choose from by validation"
    )

    @property
    def settings(self) -> dict[str, Any]:
        """The recipe with the study's overrides."""
        return recipes.resolve(self.method, self.recipe, self.overrides)

    @property
    def validates(self) -> bool:
        """Whether anything is decided by validation participants: an epoch, or settings."""
        return bool(self.choose) or recipes.validates(self.method, self.settings)


def _count_or_share(value: int | float) -> int | float:
    if value < 0 or (value > 1 and value != int(value)):
        raise ValueError("input should be a number of participants, or a share of them below 1")
    return value if 0 < value < 1 else int(value)


def _labels(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({label.removeprefix("sub-") for label in given}))


def _session_labels(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({label.removeprefix("ses-") for label in given}))


Labels = Annotated[tuple[str, ...], AfterValidator(_labels)]


class Splits(Section):
    """The split into training and test participants; pinned once made."""

    scheme: Literal["kfold", "holdout", "leave-one-out"] = "kfold"
    folds: int = Field(5, ge=2)
    holdout: float = Field(0.2, gt=0, lt=1, description="fraction of participants to hold out")
    test: Labels = Field(
        (), description="for the scheme holdout: participants to hold out, instead of a fraction"
    )
    never_train: Labels = Field(
        (), description="predicted by the model trained on all others; in no fold and in no mean over folds"
    )
    validation: Annotated[int | float, AfterValidator(_count_or_share)] = Field(
        1,
        description="number of validation participants within each fold; below 1: fraction of all participants",
    )
    stratify: str | None = Field(
        None, description="balance folds by a column of participants.tsv, or by dataset"
    )
    seed: int = 1
    include_new: bool = Field(
        False, description="whether participants with the target who are added later join training"
    )


class Training(Section):
    """How models are trained, whatever the method."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(
        1, ge=1, description="PyTorch threads per job; the number of cores does not change results"
    )
    seed: int = 1
    per_gpu: int = Field(1, ge=1, description="number of trainings that may share the GPU of this machine")
    retrain: bool = Field(False, description="retrain when the code of a method has changed")


class PaperFigure(Section):
    """Where the report shows the counterpart of a figure in the paper."""

    shows: Literal[
        "curves",
        "lesion examples",
        "side by side",
        "difference",
        "absolute difference",
        "maps",
        "influence",
        "lesions",
        "profiles",
    ]
    experiments: tuple[Name, ...] = Field((), description="experiments to show; all if empty")
    session: str = Field("", description="label, such as sub-01_ses-1; if empty, the first with the images")


class Report(Section):
    """The pages."""

    title: str = "Recontrast report"
    sessions_per_page: int = Field(50, ge=1)
    viewer: bool = Field(
        True, description="a page (0.5 MB) to scroll through the slices of each synthetic image"
    )
    curves: dict[Name, tuple[Name, ...]] = Field(
        {}, description="name of a figure -> experiments whose losses it shows"
    )
    figures: dict[str, PaperFigure] = Field({}, description="links on the first page, by figure name")


class Influence(Section):
    """What synthetic images depend on."""

    experiments: tuple[Name, ...] = ()
    kinds: tuple[Literal["p3s", "gradient", "without"], ...] = ("p3s", "gradient", "without")


class Include(Section):
    """Which part of the cohort: everyone unless labels are named."""

    participants: Labels = ()
    sessions: Annotated[tuple[str, ...], AfterValidator(_session_labels)] = ()


Backend = Literal["auto", "embedded", "fsl", "ants"]
Operation = Literal[tuple(protocol.OPERATIONS)]


class Study(Section):
    """A whole study, as in config.yaml."""

    output: Path
    datasets: tuple[Dataset, ...] = Field(min_length=1)
    contrasts: dict[Name, Contrast]
    reference: Name
    reference_fallback: tuple[Name, ...] = ()
    prepare: Literal["full", "register", "none"] = "full"
    region: Name = "brain"
    masks: dict[Name, Mask] = Field({})
    backend: Backend = "embedded"
    backend_order: tuple[Literal["fsl", "ants", "embedded"], ...] = ("fsl", "ants", "embedded")
    backends: dict[Operation, Backend] = Field({})
    software: Literal["installed", "conda"] = "installed"
    include: Include = Include()
    exclude: Path | None = None
    experiments: dict[Name, Experiment] = Field({})
    splits: Splits = Splits()
    conversion: Conversion = Conversion()
    anatomy: Anatomy = Anatomy()
    diffusion: Diffusion = Diffusion()
    relaxometry: Relaxometry = Relaxometry()
    training: Training = Training()
    influence: Influence = Influence()
    lesions: Lesions = Lesions()
    evaluation: Evaluation = Evaluation()
    tables: dict[Name, Table] = Field({})
    report: Report = Report()

    @property
    def sources(self) -> dict[str, Contrast]:
        """The raw images that maps are made of, by what they are; see `maps.SOURCES`."""
        found = {"diffusion": self.diffusion.dwi, "relaxometry": self.relaxometry.images}
        return {name: images for name, images in found.items() if images}

    @property
    def maps(self) -> dict[str, Map]:
        """The maps that sessions with the images for them have, by name."""
        return maps(self.diffusion, self.relaxometry)


def load(config: dict) -> Study:
    """The study that a configuration describes.

    Raises:
        RecontrastError: naming every unknown key and wrong value at once, each with the nearest valid name.
    """
    study, mistakes = parse(config)
    if mistakes:
        raise RecontrastError("\n".join(mistakes), remedy="see config.yaml for every key")
    return study


def parse(config: dict) -> tuple[Study | None, list[str]]:
    """What of a configuration can be used, and all that is wrong with it, as `load` says it.

    Returns:
        the study without the values that are wrong, or None where it lacks what it cannot be without; one line a
        mistake.
    """
    study, mistakes, gone = check(Study, config)
    if study is None:
        return None, mistakes
    missed = [place for place, unknown in gone.items() if not unknown]
    further = [one_line(line) for line in _contradictions(study)]
    # A cohort and its key are made on the way to a plan: not by half of what was asked.
    made = any(place[0] in ("output", "datasets", "conversion") for place in gone)
    return None if made else study, [
        *mistakes,
        *(line for line in further if not is_about(Study, line, missed)),
    ]


def _of_recipes(experiment: Experiment) -> Iterator[str]:
    """What is wrong with the recipes of an experiment, by themselves and with its sets of inputs."""
    method = experiment.method
    for chosen in ({}, *experiment.choose):
        try:
            resolved = recipes.resolve(method, experiment.recipe, experiment.overrides | chosen)
        except RecontrastError as error:
            yield str(error)
            return
        for inputs in (experiment.inputs, *experiment.fallback):
            yield from map(str, contradictions(method, resolved, len(inputs)))


class _OnceEach(yaml.SafeLoader):
    """Reads YAML in which no key of a table stands twice; the last would count, and the first be lost."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node, seen = super().compose_mapping_node(anchor), set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if (key.tag, key.value) in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"the key {key.value!r} occurs twice", key.start_mark
                )
            seen.add((key.tag, key.value))
        return node


def load_file(path: str | Path) -> dict:
    """The content of a study file."""
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), _OnceEach)
    except (OSError, UnicodeDecodeError) as error:
        raise RecontrastError("the study cannot be read", file=path, remedy="check the path") from error
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise RecontrastError(f"is not YAML ({problem})", file=path, remedy="fix that line") from error
    if not isinstance(content, dict):
        raise RecontrastError(
            "is not a study file: it has no keys", file=path, remedy="start from config.yaml"
        )
    return content


def _contradictions(study: Study):
    """What each key alone cannot show: names that nothing defines, methods and recipes that do not exist."""
    known = list(study.contrasts)
    named = {"reference": [study.reference], "reference_fallback": list(study.reference_fallback)}
    for label, experiment in study.experiments.items():
        key = f"experiments.{label}"
        named |= {f"{key}.inputs": list(experiment.inputs), f"{key}.target": [experiment.target]}
        named |= {f"{key}.fallback": [c for inputs in experiment.fallback for c in inputs]}
        if label in RESERVED:
            yield f"{key}: is a reserved name; choose another"
        models = [f"{label}From{''.join(inputs)}" for inputs in experiment.fallback]
        models += [f"{label}Candidate{number}" for number, _ in enumerate(experiment.choose, 1)]
        for name in sorted({*models} & {*study.experiments}):
            yield f"experiments.{name}: is also the name of a model of {label}; choose another"
        if experiment.target in experiment.inputs:
            yield f"{key}: its target {experiment.target} is also one of its inputs"
        if experiment.method not in recipes.available():
            nearest = did_you_mean(experiment.method, recipes.available())
            yield f"{key}.method: no method {experiment.method!r}{nearest}"
            continue
        yield from (f"{key}: {problem}" for problem in dict.fromkeys(_of_recipes(experiment)))
        if experiment.weight and experiment.weight.mask not in study.masks:
            nearest = did_you_mean(experiment.weight.mask, list(study.masks))
            yield f"{key}.weight: no mask {experiment.weight.mask!r} is defined under masks{nearest}"
        if experiment.weight and not recipes.load(experiment.method).weights:
            able = [method for method in recipes.available() if recipes.load(method).weights]
            yield f"{key}.weight: {experiment.method} cannot weight voxels; {', '.join(able)} can"
        if experiment.choose and not study.splits.validation:
            yield f"{key}.choose: needs participants to choose by; set splits.validation to 1 or more"
    if study.splits.test and study.splits.scheme != "holdout":
        yield "splits.test: naming participants to hold out needs splits.scheme: holdout"
    for label in sorted({*study.splits.test} & {*study.splits.never_train}):
        yield f"splits.never_train: {label} is also in splits.test; keep only one of these"
    possible = maps(Diffusion(dwi=Series()), Relaxometry(images=Contrast(suffix="MESE")))
    for key, names in named.items():
        made = [] if key.endswith((".target", "reference", "reference_fallback")) else list(study.maps)
        for name in names:
            if name in [*known, *made]:
                continue
            if name in possible and name not in study.maps:
                yield f"{key}: {name} is made from images that must be named under {SOURCES[possible[name].source]}"
            else:
                yield f"{key}: no contrast {name!r} is defined under contrasts{did_you_mean(name, known + made)}"
    for name in sorted({*study.maps, *SOURCES} & set(known)):
        yield f"contrasts.{name}: is the name of a map that the run makes; choose another"
    labels = [contrast.label for contrast in study.contrasts.values()]
    for name, contrast in study.contrasts.items():
        if labels.count(contrast.label) > 1:
            yield f"contrasts.{name}: another contrast has the same suffix and entities ({contrast.label})"
    for suffix, sequence in study.relaxometry.bloch.items():
        if wrong := impossible(sequence.repetition_time, sequence.echo_time, sequence.inversion_times):
            yield f"relaxometry.bloch.{suffix}: {wrong}"
    yield from lesion_settings.contradictions(study)
    shown = {f"report.curves.{figure}": names for figure, names in study.report.curves.items()}
    shown |= {f"report.figures.{name}": f.experiments for name, f in study.report.figures.items()}
    for key, names in ({"influence": study.influence.experiments} | shown).items():
        for name in names:
            if name not in study.experiments:
                nearest = did_you_mean(name, list(study.experiments))
                yield f"{key}: no experiment {name!r} is defined under experiments{nearest}"
    for name, mask in study.masks.items():
        if mask.of not in known:
            yield f"masks.{name}.of: no contrast {mask.of!r} is defined under contrasts{did_you_mean(mask.of, known)}"
        if name in [*REGIONS, *RESERVED, *scoring.PLACES, *known]:
            yield f"masks.{name}: is a reserved name; choose another"
    if study.region not in [*REGIONS, *study.masks]:
        regions = [*REGIONS, *study.masks]
        yield f"region: {study.region!r} is none of {', '.join(regions)}{did_you_mean(study.region, regions)}"
    if study.prepare != "full" and study.region == "brain":
        yield f"region: brain needs prepare: full; with {study.prepare} use foreground"
    if study.anatomy.warp and not study.anatomy.template:
        yield "anatomy.warp: refines the transform to the template, so it needs anatomy.template: true"
    yield from scoring.contradictions(study)
    prefixes = [d.prefix for d in study.datasets]
    if len(set(prefixes)) < len(prefixes):
        yield "datasets: several have the same prefix; give each its own, so that labels do not clash"
