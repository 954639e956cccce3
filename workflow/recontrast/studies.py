"""Where a study comes from: a file, one that ships with the product, or a proposal for the cohort at hand."""

import difflib
import json
import sys
from pathlib import Path

import yaml

from .choice import Choice
from .cohort import bids
from .config import load_file
from .contrasts import ENTITIES
from .conversion.planned import Planned
from .errors import RecontrastError
from .methods import recipes
from .places import check_output

DEFAULT_METHOD = "fcn3d"
DEFAULT_RECIPE = "quick"
FOLDS = 5  # of proposed studies; fewer people make fewer
FILTER_FORM = 'write it as {"T1w": {"acquisition": "mprage"}}'
UNUSED = ("datatype", "extension")  # of BIDS filters: they follow from the suffix

# A checkout has the graph at its root, a wheel inside the package.
PACKAGE = Path(__file__).parent
ROOT = PACKAGE.parents[1] if (PACKAGE.parents[1] / "Snakefile").is_file() else PACKAGE / "workflow"


def assemble(bids_dir: Path | None, out_dir: Path | None, choice: Choice) -> dict:
    """The configuration of a run; folders given on the command line go before those of the study.

    Raises:
        RecontrastError: no such study, or nothing says what to make.
    """
    filters = _read_filters(choice.bids_filter_file) if choice.bids_filter_file else {}
    if choice.study:
        file = find(choice.study)
        config = load_file(file)
        if further := companions(file):
            print(f"studies beside {file.stem}: {'; '.join(further)}", file=sys.stderr)
        if bids_dir is not None and _ships(file):  # people whom it names are those of its demo cohort
            for key in ("test", "never_train"):
                config.get("splits", {}).pop(key, None)
    elif bids_dir is not None and choice.target:
        config = propose(bids_dir, choice.target, out_dir or Path("results"), filters)
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
    if choice.recipe:
        for experiment in config.get("experiments", {}).values():
            experiment["recipe"] = choice.recipe
        if choice.recipe == "paper":
            _on_every_fold(config)
        _train_once(config)
    if choice.participant_label or choice.session_label:
        config["include"] = {
            "participants": [label.removeprefix("sub-") for label in choice.participant_label],
            "sessions": [label.removeprefix("ses-") for label in choice.session_label],
        }
    if choice.bids_filter_file:
        _apply_filters(config, filters, choice.bids_filter_file)
    return config


def find(name: str) -> Path:
    """The file of a study given by path, or by the name of one that ships."""
    shipped = {path.stem: path for path in _shipped()}
    if Path(name).is_file():
        return Path(name)
    if name in shipped:
        return shipped[name]
    raise RecontrastError(
        f"there is no study {name!r}",
        remedy=f"give a file{', or one of ' + ', '.join(shipped) if shipped else ''}",
    )


def companions(file: Path) -> list[str]:
    """What ships beside a study under its name and more, such as the simulation of its paper: name and title."""
    beside = [path for path in _shipped() if _ships(file) and path.stem.startswith(f"{file.stem}-")]
    return [f"{path.stem} ({load_file(path)['report']['title']})" for path in beside]


def _shipped() -> list[Path]:
    return sorted((ROOT / "studies").glob("*.yaml"))


def _ships(file: Path) -> bool:
    return file.resolve().parent == (ROOT / "studies").resolve()


def _on_every_fold(config: dict) -> None:
    """Experiments that run on some folds only run on all, and tables that show one of these show all."""
    some = {str(f) for e in config.get("experiments", {}).values() for f in e.pop("folds", [])}
    for table in config.get("tables", {}).values():
        for part in (*table.get("rows", []), *table.get("columns", []), table.get("cells", {})):
            if isinstance(part, dict) and part.get("fold") in some:
                del part["fold"]


def _train_once(config: dict) -> None:
    """Where another recipe has made two experiments the same, the first stands for both, also in tables."""
    kept: dict[str, dict] = {}
    same: dict[str, str] = {}
    for name, experiment in config.get("experiments", {}).items():
        try:
            settings = recipes.resolve(
                experiment["method"], experiment["recipe"], experiment.get("overrides", {})
            )
        except (RecontrastError, KeyError):  # which is said when the study is checked
            continue
        what = {k: v for k, v in experiment.items() if k not in ("recipe", "overrides")} | {
            "settings": settings
        }
        if twin := next((other for other, seen in kept.items() if seen == what), None):
            same[name] = twin
        else:
            kept[name] = what
    for name in same:
        del config["experiments"][name]
    for key in ("tables", "report", "influence", "lesions") if same else ():
        if key in config:
            config[key] = _renamed(config[key], same)


def _renamed(value: object, names: dict[str, str], key: str = "") -> object:
    """A part of a study with some experiments under other names; labels and titles stay."""
    if isinstance(value, dict):
        return {k: _renamed(v, names, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(v, names, key) for v in value]
    return (
        names.get(value, value) if isinstance(value, str) and key not in ("label", "title", "note") else value
    )


def propose(bids_dir: Path, target: str, output: Path, filters: dict | None = None) -> dict:
    """A study of one experiment for a cohort: the target from the contrasts that all its owners share.

    Anatomical images become contrasts by their suffix: those without an `acq-` or other distinguishing entity, or,
    where a cohort has none such, those of the only kind that it has, after the filters. What was proposed for an
    output before stands: who comes later changes no inputs and no folds.
    """
    check_output(output, [bids_dir])  # before anything is written beside the output
    place = {"output": "results", "datasets": [{"path": str(bids_dir)}]}
    if before := _proposed_before(output, target):
        return place | before
    kinds: dict[str, dict[str, set[tuple[str, str]]]] = {}  # suffix -> entities but the run -> sessions
    anatomical = [image for image in _images(bids_dir, output) if image.path.parent.name == "anat"]
    for image in anatomical:
        if _passes(image, filters or {}):
            kind = "_".join(f"{key}-{value}" for key, value in image.entities.items() if key != "run")
            sessions = kinds.setdefault(image.suffix, {}).setdefault(kind, set())
            sessions.add((image.participant, image.session))
    has = {
        suffix: found[""] if "" in found else next(iter(found.values()))
        for suffix, found in kinds.items()
        if "" in found or len(found) == 1
    }
    several = {
        suffix: f"several kinds of {suffix} ({', '.join(f'{kind}_{suffix}' for kind in sorted(found))})"
        for suffix, found in kinds.items()
        if suffix not in has
    }
    if target not in has:
        among = f"choose a target among {', '.join(sorted(has)) or 'none found'}"
        error = RecontrastError(
            f"has {several[target]}"
            if target in several
            else f"no session has a {target}: nothing can be trained to make it",
            file=bids_dir,
            remedy="say in a study file, or by --bids-filter-file, which one is meant" if several else among,
        )
        raise _told(error, bids_dir, output)
    inputs = sorted(name for name, sessions in has.items() if name != target and sessions >= has[target])
    unused = list(several.values())
    unused += [
        f"{name}, as none passes the filter" for name in sorted({i.suffix for i in anatomical} - set(kinds))
    ]
    for name in sorted(set(has) - {*inputs, target}):
        lacking = sorted(f"sub-{participant}" for participant, _ in has[target] - has[name])
        others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        unused.append(f"{name}, which {lacking[0]}{others} with {target} lack{'' if others else 's'}")
    if unused:
        print(f"not used: {'; '.join(unused)}", file=sys.stderr)
    if not inputs:
        error = RecontrastError(f"the sessions with {target} share no other contrast", file=bids_dir)
        raise _told(error, bids_dir, output)
    experiment = {"method": DEFAULT_METHOD, "inputs": inputs, "target": target, "recipe": DEFAULT_RECIPE}
    return place | {
        "contrasts": {name: {"suffix": name} for name in [*inputs, target]},
        "reference": "T1w" if "T1w" in inputs else inputs[0],
        "experiments": {f"{target}{DEFAULT_METHOD}": experiment},
        "splits": {"folds": FOLDS},
    }


def _proposed_before(output: Path, target: str) -> dict:
    """What a study for the same target that lies with the results decides about inputs and folds; empty if none."""
    from .conversion.plan import key_folder
    from .conversion.settings import Conversion
    from .run import STUDY

    folders = (output / STUDY, key_folder(output.expanduser().absolute(), Conversion()) / Path(STUDY).name)
    file = next((file for file in folders if file.is_file()), None)
    kept = load_file(file) if file else {}
    names = [(name, e["target"], e["method"]) for name, e in kept.get("experiments", {}).items()]
    if names != [(f"{target}{DEFAULT_METHOD}", target, DEFAULT_METHOD)]:
        return {}
    return {key: kept[key] for key in ("contrasts", "reference", "experiments", "splits")}


def _passes(image: bids.RawImage, filters: dict) -> bool:
    """Whether a BIDS filter that names an image's suffix lets it through."""
    wanted = next((w for name, w in filters.items() if name.lower() == image.suffix.lower()), {})
    known = {
        short: wanted[name] for name, short in ENTITIES.items() if isinstance(wanted, dict) and name in wanted
    }
    return all(image.entities.get(short) == str(value) for short, value in known.items())


def _images(folder: Path, output: Path) -> list[bids.RawImage]:
    """The raw images of a BIDS folder, or those that a DICOM folder will become; nothing is written."""
    found = _dicom_plan(folder, output, keep=False)
    if found is None:
        return bids.scan(folder)[0]
    return [image for images in found.images.values() for image in images if not image.problem]


def _dicom_plan(folder: Path, output: Path, *, keep: bool) -> Planned | None:
    """What a DICOM folder will become, the table of its series written or not; None of any other folder."""
    from .conversion.folders import holds_dicom
    from .conversion.plan import plan
    from .conversion.settings import Conversion

    folder = folder.expanduser().absolute()
    if not (folder.is_dir() and holds_dicom(folder)):
        return None
    return plan([(folder, "")], Conversion(), output.expanduser().absolute(), keep=keep)


def _told(error: RecontrastError, folder: Path, output: Path) -> RecontrastError:
    """An error about a cohort, followed by what the conversion of a DICOM folder has to say.

    A study without the wanted contrast may be one whose series were not recognised: the table is written, as it is
    there that a user says what they are.
    """
    found = _dicom_plan(folder, output, keep=True)
    if found is None:
        return error
    from .conversion.plan import key_folder
    from .conversion.settings import Conversion
    from .conversion.table import NAME

    table = key_folder(output.expanduser().absolute(), Conversion()) / NAME
    where = RecontrastError(
        "says what each series becomes", file=table, remedy="mend it there; its folder names people"
    )
    return RecontrastError("\n".join(map(str, (error, *found.problems, where))))


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


def _read_filters(file: Path) -> dict:
    """A BIDS filter file.

    Raises:
        RecontrastError: it is none.
    """
    try:
        filters = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecontrastError(f"is no readable JSON ({error})", file=file) from error
    if not isinstance(filters, dict):
        raise RecontrastError("is no table of contrasts", file=file, remedy=FILTER_FORM)
    return filters


def _apply_filters(config: dict, filters: dict, file: Path) -> None:
    """Take over the entities of BIDS filters for the contrasts that they name.

    Raises:
        RecontrastError: everything that is wrong with them at once; `file` is where they stand.
    """
    names, faults = list(config.get("contrasts", {})), []
    for name, wanted in filters.items():
        contrast = next((n for n in names if n.lower() == name.lower()), None)
        if contrast is None:
            faults.append(f"has {name!r}, which is no contrast of the study; use {', '.join(names)}")
        elif not isinstance(wanted, dict):
            faults.append(f"{name} is {wanted!r}, no table of entities; {FILTER_FORM}")
        else:
            given = {key: value for key, value in wanted.items() if key not in UNUSED}
            faults += [fault for key, value in given.items() if (fault := _fault(name, key, value))]
            config["contrasts"][contrast] |= given
    if faults:
        raise RecontrastError("\n".join(f"{file}: {fault}" for fault in faults))


def _fault(name: str, key: str, value: object) -> str:
    """What is wrong with one entity of a filter, or nothing."""
    known = ["suffix", *ENTITIES]
    if key == "session":
        return f"{name}.session: sessions are not chosen by contrast; use --session-label"
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        remedy = f"did you mean {close[0]}?" if close else f"use {', '.join(known)}"
        return f"{name}.{key}: unknown entity; {remedy}"
    if not isinstance(value, str | int) or isinstance(value, bool):
        return f"{name}.{key} is {json.dumps(value)}; give one word or number"
    return ""
