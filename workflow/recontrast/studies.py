"""Where a study comes from: a file, one that ships with the product, or a proposal for the cohort at hand."""

import shlex
import sys
from pathlib import Path

import yaml

from . import bids_filters
from .choice import Choice
from .config import load_file, parse
from .errors import RecontrastError
from .models import recipes
from .places import ROOT
from .proposal import propose


def assemble(bids_dir: Path | None, out_dir: Path | None, choice: Choice) -> dict:
    """The configuration of a run; folders given on the command line go before those of the study.

    Raises:
        RecontrastError: no such study, or nothing says what to make.
    """
    filters = bids_filters.read(choice.bids_filter_file) if choice.bids_filter_file else {}
    if choice.study:
        file = find(choice.study)
        config = load_file(file)
        if further := companions(file):
            print(f"studies beside {file.stem}: {'; '.join(further)}", file=sys.stderr)
        if bids_dir is not None and _ships(file):  # people whom it names are those of its demo cohort
            for key in ("test", "never_train"):
                config.get("splits", {}).pop(key, None)
    elif bids_dir is not None and choice.target:
        config = propose(bids_dir, choice.target, out_dir or Path("results"), filters, **_labels(choice))
    elif bids_dir is not None:
        raise RecontrastError(
            "no contrast to synthesise is given", remedy="give --target FLAIR or --study FILE"
        )
    else:
        raise RecontrastError("no cohort is given", remedy="give BIDS_DIR and OUT_DIR, or --study FILE")
    if bids_dir is not None:
        config["datasets"] = [{"path": str(bids_dir)}]
    if out_dir is not None:
        config["output"] = str(out_dir)
    if parse(config)[1]:
        return config  # what is wrong with it is told before anything runs
    if choice.recipe:
        for experiment in config.get("experiments", {}).values():
            experiment["recipe"] = choice.recipe
        if choice.recipe == "paper":
            _on_every_fold(config)
        _train_once(config)
    if choice.participant_label or choice.session_label:
        config["include"] = _labels(choice)
    if choice.bids_filter_file:
        bids_filters.apply(config, filters, choice.bids_filter_file)
    return config


def _labels(choice: Choice) -> dict[str, list[str]]:
    """Who and which sessions are asked for, without their prefixes."""
    return {
        "participants": [label.removeprefix("sub-") for label in choice.participant_label],
        "sessions": [label.removeprefix("ses-") for label in choice.session_label],
    }


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


def write_commented(config: dict, path: Path) -> None:
    """Write a study file in which every key of config.yaml stands with its comment."""
    if path.exists():
        raise RecontrastError("exists already", file=path, remedy="choose another name or delete it")
    command = f"recontrast run --study {shlex.quote(str(path))}"
    kept, skipping = [f"# A study, with every key and what it means. To run it: {command}"], False
    whole = (ROOT / "config.yaml").read_text(encoding="utf-8")
    for line in whole[whole.index("\n\n") + 1 :].splitlines():  # what goes before tells of the file itself
        key = line.split(":")[0]
        if line[:1].isalpha():
            skipping = key in config
            if skipping:
                kept += yaml.safe_dump({key: config[key]}, sort_keys=False, allow_unicode=True).splitlines()
        elif not line or line.startswith("#"):
            skipping = False
        if not skipping:
            kept.append(line)
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
