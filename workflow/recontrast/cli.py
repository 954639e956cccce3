"""The command line. Commands import what they need when they run, so that help comes at once."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from . import __version__
from .choice import Choice
from .errors import RecontrastError, explain

app = App(
    name="recontrast",
    help="Fill in the MR contrast that was not acquired: from a cohort in BIDS to a report.",
    version=__version__,
    default_parameter=Parameter(consume_multiple=True, negative=()),
    result_action="return_value",
)
study_app = App(name="study", help="Study files.")
app.command(study_app)
readers_app = App(name="readers", help="Blinded rating of synthetic images by people.")
app.command(readers_app)

ANYONE = Choice()
LEVELS = ("participant", "group")


@app.command
def run(
    bids_dir: Path | None = None,
    out_dir: Path | None = None,
    level: Literal["participant", "group"] = "group",
    /,
    *,
    choice: Choice = ANYONE,
    dry_run: Annotated[
        bool, Parameter(name=["--dry-run", "-n"], help="Only say which jobs there are.")
    ] = False,
    cores: Annotated[
        str,
        Parameter(name=["--cores", "-c"], help="How many cores; all unless a profile says where jobs run."),
    ] = "",
    profile: Annotated[
        list[str], Parameter(help="Where jobs run: slurm, or Snakemake profiles of your own; later go first.")
    ] = (),
    snakemake: Annotated[list[str], Parameter(show=False, allow_leading_hyphen=True)] = (),
) -> int:
    """Prepare a cohort, train, synthesise, score and report; only what has changed runs again.

    Anything after -- goes to snakemake.

    Args:
        bids_dir: The cohort in BIDS; may be left out, as OUT_DIR, if the study names its data sets.
        out_dir: Where results go.
        level: participant prepares images and applies models that exist; group adds training, scores, report.
    """
    from .launch import launch
    from .run import open_graph, open_study
    from .studies import assemble

    if (
        out_dir is None and str(bids_dir) in LEVELS and not bids_dir.exists()
    ):  # of a study that names its data sets
        bids_dir, level = None, str(bids_dir)
    opened = open_study(assemble(bids_dir, out_dir, choice))
    graph = open_graph(opened)
    graph.require(level)
    graph.tools()  # one that is missing is told here, not by Snakemake
    extra = list(snakemake)
    return launch(opened, level, cores=cores, dry_run=dry_run, profiles=list(profile), extra=extra)


@app.command
def plan(
    bids_dir: Path | None = None,
    out_dir: Path | None = None,
    /,
    *,
    choice: Choice = ANYONE,
) -> int:
    """Say what a run would do for every session, and everything that is wrong with files and settings.

    Args:
        bids_dir: The cohort in BIDS; may be left out if the study names its data sets.
        out_dir: Where results would go; decides on splits and models that are there already.
    """
    from .preview import print_plan
    from .run import examine
    from .studies import assemble

    return print_plan(examine(assemble(bids_dir, out_dir, choice)))


@app.command
def status(out_dir: Path, /) -> int:
    """Say what is done, what failed and why, and what was skipped.

    Args:
        out_dir: The output folder of a run.
    """
    from .preview import print_status

    return print_status(out_dir)


@app.command
def verify(out_dir: Path, /) -> int:
    """Check that results are there and undamaged, and that nobody was judged by a model that saw them.

    Args:
        out_dir: The output folder of a run.
    """
    from .verify import verify as check

    return check(out_dir)


@app.command
def doctor(*, study: str | None = None) -> int:
    """Say which tools are found, in which versions, and what each step will use.

    Args:
        study: A study file, or the name of one that ships: what its steps will use.
    """
    from .config import load, load_file
    from .doctor import examine
    from .studies import find

    return examine(load(load_file(find(study))) if study else None)


@app.command
def demo(
    out_dir: Path = Path("results/demo"),
    /,
    *,
    cores: Annotated[str, Parameter(name=["--cores", "-c"])] = "all",
) -> int:
    """Run the default study on the demo cohort, which is made first.

    Args:
        out_dir: Where results go; the cohort goes beside it.
        cores: How many cores, or all.
    """
    from .config import load_file
    from .launch import launch
    from .places import ROOT
    from .run import open_graph, open_study

    config = load_file(ROOT / "config.yaml")
    config["output"] = str(out_dir)
    config["datasets"][0]["path"] = str(out_dir.with_name(f"{out_dir.name}-cohort"))
    study = open_study(config)
    open_graph(study)
    return launch(study, "group", cores=cores)


@app.command
def phantom(
    out_dir: Path,
    /,
    *,
    participants: int = 8,
    voxel: float = 2.0,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 1,
    contrasts: list[str] = ("T1w", "T2w", "PDw", "FLAIR"),
    without_flair: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
    sessions: int = 0,
    dicom: bool = False,
    knee: bool = False,
    noise: float = 0.0,
    shift: int = 0,
    variants: bool = False,
    jobs: int = 1,
) -> int:
    """Make a cohort of digital heads, or of knees, with known truth, in BIDS or as DICOM.

    Args:
        out_dir: A folder that does not exist yet.
        participants: How many people.
        voxel: Voxel size in mm.
        seed: Another seed, other people.
        contrasts: Which images: T1w T2w PDw FLAIR DIR T1SE DWI MDME.
        without_flair: How many of the people lack the FLAIR.
        sessions: Visits of each person; 0 for a cohort without sessions.
        dicom: Files as they come off a scanner; the truth then goes to OUT_DIR-truth.
        knee: Instead of heads, stacks of ten images of knees; of the other options, only participants and seed
            are theirs too.
        noise: Of knees, in percent of the largest signal.
        shift: Of knees, how many pixels T1w, T2w and GRE may be moved.
        variants: Of knees, the same ones also with noise of 2, 4 and 7 % and with shifts of 2 pixels, as
            acq-noise2 and so on.
        jobs: People made at a time.
    """
    if knee and (dicom or sessions or without_flair):
        raise RecontrastError(
            "knees come in BIDS, one session each, all images there", remedy="leave --knee out"
        )
    if not knee and (noise or shift):
        raise RecontrastError("--noise and --shift are options of knees", remedy="add --knee")
    if knee:
        from .phantom import knee as knees

        knees.make(out_dir, participants=participants, seed=seed, noise=noise, shift=shift, variants=variants)
        return 0
    from .phantom import cohort

    cohort.make(
        out_dir,
        participants=participants,
        voxel=voxel,
        seed=seed,
        contrasts=contrasts,
        without_flair=without_flair,
        sessions=sessions,
        dicom=dicom,
        jobs=jobs,
    )
    return 0


@app.command
def synthesize(
    model: Path,
    images: list[str],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("synthetic.nii.gz"),
    mask: Path | None = None,
    threads: int = 1,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> int:
    """Apply a frozen model to new images, with no study around it.

    Heads are prepared as the model's own were: freed of shading, stripped, registered, brought to its units.
    Maps (FA, R1, PD) keep their values and have to lie on the grid of the reference.

    Args:
        model: A model's folder, for example results/models/Fcn3d/fold-1.
        images: Image files in the order of the model's inputs, or named: T1w=FILE T2w=FILE.
        output: The image to write, on the grid of the model's reference or, without that, of the first image.
        mask: Where to synthesise; given, the images are taken as prepared, on one grid.
        threads: CPU threads.
        device: auto takes the GPU where there is one.
    """
    from .apply import apply

    apply(model, images, output, mask=mask, threads=threads, device=device)
    print(output)
    return 0


@study_app.command
def new(
    bids_dir: Path,
    file: Path = Path("study.yaml"),
    /,
    *,
    target: str = "FLAIR",
    output: Path = Path("results"),
) -> int:
    """Write a commented study file for a cohort.

    Args:
        bids_dir: The cohort in BIDS.
        file: The study file to write.
        target: The contrast to make.
        output: Where the study's results shall go.
    """
    from .proposal import propose
    from .studies import write_commented

    write_commented(propose(bids_dir, target, output) | {"output": str(output)}, file)
    print(f"{file}: edit it, then: recontrast run --study {shlex.quote(str(file))}")
    return 0


@readers_app.command(name="make")
def make_reader_study(
    out_dir: Path,
    folder: Path = Path("readers"),
    /,
    *,
    form: str = "brain",
    target: str = "",
    experiments: list[str] | None = None,
    slices: Annotated[int, Parameter(validator=Number(gte=1))] = 24,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 1,
) -> int:
    """Write a folder of pages for blinded rating; it works from a disk, without a network.

    Args:
        out_dir: The output folder of a finished run.
        folder: The folder to make. The key goes beside it: keep that from the readers.
        form: What is asked: brain, kim2020, hagiwara2019, or a file.
        target: The contrast to rate, if there are several.
        experiments: Whose images are rated; if none are named, those that were trained in most folds.
        slices: Slices of each image.
        seed: Another seed, another random order.
    """
    from .readers.forms import load
    from .readers.make import make

    make(out_dir, folder, load(form), target=target, experiments=experiments or (), slices=slices, seed=seed)
    print(folder / "index.html")
    return 0


@readers_app.command(name="score")
def score_readers(
    key: Path,
    answers: list[Path],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("readers-scores"),
    against: str = "",
) -> int:
    """Join readers' answers with the key: scores by category and method, tests, agreement.

    Args:
        key: The key file that `readers make` wrote.
        answers: The files that readers saved, one of each reader.
        output: The folder for the tables.
        against: An experiment that the others are marked against.
    """
    from .readers.score import score

    score(key, answers, output, against)
    return 0


@app.command(name="step")
def one_step(
    stage: str,
    step: str,
    /,
    *tokens: Annotated[str, Parameter(allow_leading_hyphen=True)],
    log: Path | None = None,
) -> int:
    """Run one step by hand; `recontrast step STAGE STEP --help` says what it takes.

    Args:
        stage: The stage: conversion, anatomy, diffusion, relaxometry, training, synthesis, lesions, evaluation, report.
        step: The step; a name that there is none of is answered with those of the stage.
        log: Send output to this file and put failures on record.
    """
    from .steps import run as run_step

    return run_step(stage, step, list(tokens), log)


def _refuse_nobody(tokens: list[str]) -> None:
    """Raise where people are to be chosen and nobody is named, as by a variable of the shell that is empty."""
    own = tokens[: tokens.index("--snakemake")] if "--snakemake" in tokens else tokens
    for option, value in zip(own, [*own[1:], "-"], strict=True):
        if option.replace("_", "-") in ("--participant-label", "--session-label") and value.startswith("-"):
            raise RecontrastError(
                f"{option} names nobody", remedy="give labels, or leave it out for everyone"
            )


def main() -> None:
    """Entry point: exit status 0 if all went well, 1 if something failed, 2 for a mistake of the caller."""
    tokens = sys.argv[1:]
    if tokens[:1] == ["step"] and len(tokens) == 4 and tokens[-1] in ("--help", "-h"):
        tokens.insert(3, "--")  # the help of that step, not of the command `step`
    if tokens[:1] == ["run"] and "--" in tokens:
        cut = tokens.index("--")
        tokens = [*tokens[:cut], "--snakemake", *tokens[cut + 1 :]]
    try:
        _refuse_nobody(tokens)
        sys.exit(app(tokens) or 0)
    except RecontrastError as error:
        for line in error.problem.splitlines()[:-1]:
            print(f"recontrast: {line}", file=sys.stderr)
        last = error.problem.splitlines()[-1]
        print(f"recontrast: {RecontrastError(last, file=error.file, remedy=error.remedy)}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a folder without rights, a full disk
        print(f"recontrast: {explain(error)}", file=sys.stderr)
        sys.exit(2)
