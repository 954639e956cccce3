"""Where a study comes from: a file, one that ships with the product, or a proposal for the cohort at hand."""

import json
from pathlib import Path

import yaml

from .choice import Choice
from .cohort import bids
from .config import load_file
from .contrasts import ENTITIES
from .errors import RecontrastError
from .places import check_output

DEFAULT_METHOD = "fcn3d"
DEFAULT_RECIPE = "quick"

# A checkout has the graph at its root, a wheel inside the package.
PACKAGE = Path(__file__).parent
ROOT = PACKAGE.parents[1] if (PACKAGE.parents[1] / "Snakefile").is_file() else PACKAGE / "workflow"


def assemble(bids_dir: Path | None, out_dir: Path | None, choice: Choice) -> dict:
    """The configuration of a run; folders given on the command line go before those of the study.

    Raises:
        RecontrastError: no such study, or nothing says what to make.
    """
    if choice.study:
        config = load_file(find(choice.study))
    elif bids_dir is not None and choice.target:
        config = propose(bids_dir, choice.target, out_dir or Path("results"))
    elif bids_dir is not None:
        raise RecontrastError(
            "nothing says which contrast to make", remedy="give --target FLAIR or --study FILE"
        )
    else:
        raise RecontrastError("no cohort is given", remedy="give BIDS_DIR and OUT_DIR, or --study FILE")
    if bids_dir is not None:
        config["datasets"] = [{"path": str(bids_dir)}]
    if out_dir is not None:
        config["output"] = str(out_dir)
    for experiment in config.get("experiments", {}).values() if choice.recipe else []:
        experiment["recipe"] = choice.recipe
        if choice.recipe == "paper":
            experiment.pop("folds", None)
    if choice.participant_label or choice.session_label:
        config["include"] = {
            "participants": [label.removeprefix("sub-") for label in choice.participant_label],
            "sessions": [label.removeprefix("ses-") for label in choice.session_label],
        }
    if choice.bids_filter_file:
        _apply_filters(config, choice.bids_filter_file)
    return config


def find(name: str) -> Path:
    """The file of a study given by path, or by the name of one that ships."""
    shipped = {path.stem: path for path in sorted((ROOT / "studies").glob("*.yaml"))}
    if Path(name).is_file():
        return Path(name)
    if name in shipped:
        return shipped[name]
    raise RecontrastError(
        f"there is no study {name!r}",
        remedy=f"give a file{', or one of ' + ', '.join(shipped) if shipped else ''}",
    )


def propose(bids_dir: Path, target: str, output: Path) -> dict:
    """A study of one experiment for a cohort: the target from the contrasts that all its owners share.

    Only anatomical images without an `acq-` or other distinguishing entity become contrasts by themselves.
    """
    check_output(output, [bids_dir])  # before anything is written beside the output
    images = _images(bids_dir, output)
    has: dict[str, set[tuple[str, str]]] = {}
    for image in images:
        if image.path.parent.name == "anat" and not set(image.entities) - {"run"}:
            has.setdefault(image.suffix, set()).add((image.participant, image.session))
    if target not in has:
        raise RecontrastError(
            f"no session has a {target}: nothing can be trained to make it",
            file=bids_dir,
            remedy=f"choose a target among {', '.join(sorted(has)) or 'none found'}",
        )
    inputs = sorted(name for name, sessions in has.items() if name != target and sessions >= has[target])
    if not inputs:
        raise RecontrastError(f"the sessions with {target} share no other contrast", file=bids_dir)
    participants = {participant for participant, _ in has[target]}
    return {
        "output": "results",
        "datasets": [{"path": str(bids_dir)}],
        "contrasts": {name: {"suffix": name} for name in [*inputs, target]},
        "reference": "T1w" if "T1w" in inputs else inputs[0],
        "experiments": {
            f"{target}{DEFAULT_METHOD}": {
                "method": DEFAULT_METHOD,
                "inputs": inputs,
                "target": target,
                "recipe": DEFAULT_RECIPE,
            }
        },
        "splits": {"folds": max(2, min(5, len(participants)))},
    }


def _images(folder: Path, output: Path) -> list[bids.RawImage]:
    """The raw images of a BIDS folder, or those that a DICOM folder will become."""
    from .conversion.folders import holds_dicom
    from .conversion.plan import plan
    from .conversion.settings import Conversion

    folder = folder.expanduser().absolute()
    if not (folder.is_dir() and holds_dicom(folder)):
        return bids.scan(folder)[0]
    found = plan([(folder, "")], Conversion(), output.expanduser().absolute()).images[folder]
    return [image for image in found if not image.problem]


def write_commented(config: dict, path: Path) -> None:
    """Write a study file in which every key of config.yaml stands with its comment."""
    if path.exists():
        raise RecontrastError("exists already", file=path, remedy="choose another name or delete it")
    kept, skipping = [], False
    for line in (ROOT / "config.yaml").read_text(encoding="utf-8").splitlines():
        key = line.split(":")[0]
        if line[:1].isalpha():
            skipping = key in config
            if skipping:
                kept += yaml.safe_dump({key: config[key]}, sort_keys=False).splitlines()
        elif not line or line.startswith("#"):
            skipping = False
        if not skipping:
            kept.append(line)
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")


def _apply_filters(config: dict, file: Path) -> None:
    """Take over the entities of a BIDS filter file for the contrasts that it names."""
    try:
        filters: dict[str, dict] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecontrastError(f"is no readable JSON ({error})", file=file) from error
    names = list(config.get("contrasts", {}))
    for name, wanted in filters.items():
        contrast = next((n for n in names if n.lower() == name.lower()), None)
        if contrast is None:
            raise RecontrastError(
                f"has {name!r}, which is no contrast of the study", file=file, remedy=f"use {names}"
            )
        known = {"suffix", *ENTITIES}
        config["contrasts"][contrast] |= {k: v for k, v in wanted.items() if k in known}
