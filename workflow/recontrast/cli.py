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
    help="Synthesise the MR contrast that was not acquired: from a BIDS or DICOM cohort to a report.",
    version=__version__,
    default_parameter=Parameter(consume_multiple=True, negative=()),
    result_action="return_value",
)
study_app = App(name="study", help="Write study files.")
app.command(study_app)
readers_app = App(name="readers", help="Blinded rating of synthetic images by readers.")
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
        bool, Parameter(name=["--dry-run", "-n"], help="Dry run: only list the jobs.")
    ] = False,
    cores: Annotated[
        str,
        Parameter(
            name=["--cores", "-c"],
            help="Number of cores, or all; default all, unless a profile runs the jobs.",
        ),
    ] = "",
    profile: Annotated[
        list[str],
        Parameter(help="Where jobs run: slurm, or Snakemake profiles; later ones override earlier ones."),
    ] = (),
    snakemake: Annotated[list[str], Parameter(show=False, allow_leading_hyphen=True)] = (),
) -> int:
    """Prepare a cohort, train models, synthesise, score and report; only what has changed runs again.

    Arguments after -- are passed to Snakemake.

    Args:
        bids_dir: The cohort, in BIDS or DICOM. Omit it, and OUT_DIR, if the study names its data sets.
        out_dir: The output folder.
        level: participant prepares images and applies existing models; group adds training, scores and report.
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
    """Show what a run would do for every session, and all problems with files and settings.

    Args:
        bids_dir: The cohort, in BIDS or DICOM. Omit it if the study names its data sets.
        out_dir: The output folder; splits and models that exist there are taken into account.
    """
    from .preview import print_plan
    from .run import examine
    from .studies import assemble

    return print_plan(examine(assemble(bids_dir, out_dir, choice)))


@app.command
def status(out_dir: Path, /) -> int:
    """Show what is done, what failed and why, and what was skipped.

    Args:
        out_dir: The output folder of a run.
    """
    from .preview import print_status

    return print_status(out_dir)


@app.command
def verify(out_dir: Path, /) -> int:
    """Check that all results exist and are intact, and that nobody was scored with a model trained on them.

    Args:
        out_dir: The output folder of a run.
    """
    from .verify import verify as check

    return check(out_dir)


@app.command
def doctor(*, study: str | None = None) -> int:
    """List the tools that are found, their versions, and what each step will use.

    Args:
        study: A study file, or the name of a built-in study, to show what its steps will use.
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
    """Make the demo cohort and run the default study on it.

    Args:
        out_dir: The output folder; the cohort is written beside it.
        cores: Number of cores, or all.
    """
    from .config import load_file
    from .launch import launch
    from .places import ROOT
    from .run import open_graph, open_study

    config = load_file(ROOT / "config.yaml")
    out_dir = out_dir.expanduser().absolute()
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
    """Make a cohort of digital heads or knees with known ground truth, in BIDS or as DICOM.

    Args:
        out_dir: A folder that does not exist yet.
        participants: Number of participants.
        voxel: Voxel size in mm.
        seed: Random seed; another seed gives other participants.
        contrasts: The images to make: T1w T2w PDw FLAIR DIR T1SE DWI MDME.
        without_flair: Number of participants without a FLAIR.
        sessions: Sessions per participant; 0 for a cohort without sessions.
        dicom: Write DICOM files, as exported from a scanner; the ground truth is then in OUT_DIR-truth.
        knee: Make knees instead of heads, as stacks of ten images; of the options above, only participants and
            seed apply.
        noise: Knees only: noise in percent of the largest signal.
        shift: Knees only: by how many pixels T1w, T2w and GRE may be shifted.
        variants: Knees only: add the same knees with noise of 2, 4 and 7 % and with shifts of 2 pixels, as
            acq-noise2 and so on.
        jobs: Number of participants made in parallel.
    """
    if knee and (dicom or sessions or without_flair):
        raise RecontrastError(
            "knees are written as BIDS, with one session each and all images", remedy="leave --knee out"
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
    threads: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> int:
    """Apply a trained model to new images, outside any study.

    Images are prepared as the training images were: bias-corrected, skull-stripped, registered and scaled.
    Maps (FA, R1, PD) keep their values and must lie on the grid of the reference.

    Args:
        model: The folder of a model, for example results/models/Fcn3d/fold-1.
        images: Image files in the order of the model's inputs, or named: T1w=FILE T2w=FILE.
        output: The image to write, on the grid of the model's reference or, without it, of the first image.
        mask: Region to synthesise. With a mask, all images are taken as already prepared, on one grid.
        threads: Number of CPU threads.
        device: auto uses the GPU if there is one.
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
        bids_dir: The cohort, in BIDS or DICOM.
        file: The study file to write.
        target: The contrast to synthesise.
        output: The output folder of the study.
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
    """Write a folder of pages for blinded rating, which open from disk, without a network.

    Args:
        out_dir: The output folder of a finished run.
        folder: The folder to make. The key is written beside it: keep it from the readers.
        form: The questions: brain, kim2020, hagiwara2019, or a file.
        target: The contrast to rate, if there are several.
        experiments: The experiments to rate; by default those that were trained in most folds.
        slices: Number of slices per image.
        seed: Random seed for the order of images.
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
    """Evaluate the answers of readers: scores by category and experiment, tests, agreement.

    Args:
        key: The key file written by `readers make`.
        answers: The files saved by the readers.
        output: The folder for the tables.
        against: The experiment with which the others are compared by stars in the table.
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
    """Run a single step by hand; `recontrast step STAGE STEP --help` lists its options.

    Args:
        stage: The stage: conversion, anatomy, diffusion, relaxometry, training, synthesis, lesions, evaluation, report.
        step: The step; an unknown name lists those of the stage.
        log: Write the output to this file and record failures.
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
