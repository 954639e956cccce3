"""A study proposed for a cohort at hand: one contrast from all others that are shared, by a stated method."""

import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from . import bids_filters
from .cohort import bids
from .config import load_file
from .conversion.planned import Planned
from .errors import RecontrastError
from .layout import STUDY
from .places import check_output

DEFAULT_METHOD = "fcn3d"
DEFAULT_RECIPE = "quick"
FOLDS = 5  # fewer people make fewer


def propose(
    bids_dir: Path,
    target: str,
    output: Path,
    filters: dict | None = None,
    *,
    participants: Collection[str] = (),
    sessions: Collection[str] = (),
) -> dict:
    """A study of one experiment for a cohort: the target from the contrasts that all its owners share.

    Anatomical images become contrasts by their suffix: those without an `acq-` or other distinguishing entity, or the
    only kind that a session has, unless the cohort has several kinds and none without; after the filters. What was
    proposed for an output before stands: who comes later changes no inputs and no folds.

    Args:
        bids_dir: the cohort, in BIDS or DICOM.
        target: suffix of the contrast to synthesise.
        output: where results go, or lie already.
        filters: of a BIDS filter file.
        participants: labels of those who count; everyone if empty.
        sessions: likewise.
    """
    check_output(output, [bids_dir])  # before anything is written beside the output
    place = {"output": "results", "datasets": [{"path": str(bids_dir)}]}
    if before := _proposed_before(output, target):
        return place | before
    kinds: dict[str, dict[str, set[tuple[str, str]]]] = {}  # suffix -> entities but the run -> sessions
    whole = [image for image in _images(bids_dir, output) if image.path.parent.name == "anat"]
    # Labels that nobody has are told later, by name.
    anatomical = [
        image
        for image in whole
        if (not participants or image.participant in participants)
        and (not sessions or image.session in sessions)
    ] or whole
    for image in anatomical:
        if bids_filters.passes(image, filters or {}):
            kind = "_".join(f"{key}-{value}" for key, value in image.entities.items() if key != "run")
            having = kinds.setdefault(image.suffix, {}).setdefault(kind, set())
            having.add((image.participant, image.session))
    has = {suffix: meant for suffix, found in kinds.items() if (meant := _meant(found))}
    several = {
        suffix: f"several kinds of {suffix} ({', '.join(f'{kind}_{suffix}' for kind in sorted(found))})"
        for suffix, found in kinds.items()
        if suffix not in has
    }
    if target not in has:
        among = f"choose a target from {', '.join(sorted(has)) or 'none found'}"
        error = RecontrastError(
            f"has {several[target]}"
            if target in several
            else f"no session has a {target}, so no model can be trained to synthesise it",
            file=bids_dir,
            remedy="specify which one, in a study file or with --bids-filter-file"
            if target in several
            else among,
        )
        raise _told(error, bids_dir, output)
    inputs = sorted(name for name, sessions in has.items() if name != target and sessions >= has[target])
    unused = list(several.values())
    unused += [
        f"{name}, as no image passes the filter"
        for name in sorted({i.suffix for i in anatomical} - set(kinds))
    ]
    for name in sorted(set(has) - {*inputs, target}):
        lacking = sorted({f"sub-{participant}" for participant, _ in has[target] - has[name]})
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


def _meant(kinds: dict[str, set[tuple[str, str]]]) -> set[tuple[str, str]]:
    """The sessions in which a suffix alone says which image is meant, of the sessions that have each kind of it."""
    if "" not in kinds:
        return next(iter(kinds.values())) if len(kinds) == 1 else set()
    times = Counter(session for sessions in kinds.values() for session in sessions)
    return kinds[""] | {session for session, count in times.items() if count == 1}


def _proposed_before(output: Path, target: str) -> dict:
    """What a study for the same target that lies with the results decides about inputs and folds; empty if none."""
    from .conversion.plan import key_folder
    from .conversion.settings import Conversion

    folders = (output / STUDY, key_folder(output.expanduser().absolute(), Conversion()) / Path(STUDY).name)
    file = next((file for file in folders if file.is_file()), None)
    kept = load_file(file) if file else {}
    names = [(name, e["target"], e["method"]) for name, e in kept.get("experiments", {}).items()]
    if names != [(f"{target}{DEFAULT_METHOD}", target, DEFAULT_METHOD)]:
        return {}
    # Filters and recipe are those of each run.
    contrasts = {name: {"suffix": contrast["suffix"]} for name, contrast in kept["contrasts"].items()}
    experiments = {name: e | {"recipe": DEFAULT_RECIPE} for name, e in kept["experiments"].items()}
    return {"contrasts": contrasts, "experiments": experiments} | {
        n: kept[n] for n in ("reference", "splits")
    }


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
        "lists what each series becomes",
        file=table,
        remedy="fix it there; its folder identifies participants",
    )
    return RecontrastError("\n".join(map(str, (error, *found.problems, where))))
