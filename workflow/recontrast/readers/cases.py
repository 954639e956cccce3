"""The sessions of a finished run whose synthetic images are rated."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import layout
from ..contrasts import Contrast
from ..errors import RecontrastError
from ..layout import Session, fill
from .forms import Form


@dataclass(frozen=True)
class Case:
    """One session with the synthetic images that are rated there; all paths exist.

    Attributes:
        session: label.
        mask: region of the session.
        synthetic: files by experiment.
        beside: further images by name, shown as they are: inputs, and the acquired target.
        acquired: the acquired target; None if there is none.
    """

    session: str
    mask: Path
    synthetic: dict[str, Path]
    beside: dict[str, Path]
    acquired: Path | None

    @property
    def scale(self) -> list[Path]:
        """Images that set the window of all synthetic ones: the acquired, or if there is none these together."""
        return [self.acquired] if self.acquired else [*self.synthetic.values()]


def find(results: Path, target: str, wanted: Sequence[str], form: Form) -> tuple[list[Case], list[str]]:
    """The sessions of a finished run that have synthetic images of the target, and the experiments that made these.

    Sessions without an acquired target are left out where the form asks for a comparison with it.

    Args:
        results: output folder.
        target: contrast; the only one of the results if empty.
        wanted: experiments; of none those that were trained in most folds.
        form: what readers are asked.

    Raises:
        RecontrastError: no finished results, no or several targets, or an experiment that does not make the target.
    """
    file = results / layout.PLAN
    if not file.is_file():
        raise RecontrastError(
            "contains no results of recontrast run", file=results, remedy="give an output folder"
        )
    plan = json.loads(file.read_text(encoding="utf-8"))
    targets = sorted({experiment["target"] for experiment in plan["experiments"].values()})
    if not target and len(targets) != 1:
        raise RecontrastError(
            f"has the targets {', '.join(targets) or 'none'}", remedy="choose one: --target"
        )
    target = target or targets[0]
    rated = _rated(plan["experiments"], target, wanted)
    cases, left_out = [], []
    for session in plan["sessions"]:
        who = Session.from_label(session["session"])

        def path(pattern: str, contrast: str, who=who, session=session, **more: str) -> Path:
            chosen = Contrast.model_validate(plan["study"]["contrasts"][contrast])
            more |= {"entities": chosen.entities, "suffix": chosen.suffix, "reference": session["reference"]}
            return results / fill(pattern, who, **more)

        made = {
            name: path(layout.SYNTHETIC, target, experiment=name)
            for name, facts in session["experiments"].items()
            if name in rated
        }
        made = {name: file for name, file in made.items() if file.is_file()}
        if not made:
            continue
        acquired = path(layout.PREPROC, target) if target in session["contrasts"] else None
        if not acquired and "acquired" in form.beside:
            left_out.append(session["session"])
            continue
        inputs = {c for facts in session["experiments"].values() for c in facts["inputs"]}
        named = {c: path(layout.PREPROC, c) for c in session["contrasts"] if c in inputs and c != target}
        beside = (named if "inputs" in form.beside else {}) | (
            {f"{target}, acquired": acquired} if acquired and "acquired" in form.beside else {}
        )
        region = plan["study"]["region"]
        mask = results / fill(layout.MASK, who, reference=session["reference"], region=region)
        cases.append(Case(session["session"], mask, made, beside, acquired))
    if left_out:
        print(
            f"{len(left_out)} of {len(left_out) + len(cases)} sessions are left out: the form compares with the "
            f"acquired {target}, which they lack"
        )
    if not cases:
        raise RecontrastError(
            f"has no synthetic {target}" + (" in a session with an acquired one" if left_out else ""),
            file=results,
            remedy="use a form that does not show acquired images" if left_out else "finish the run first",
        )
    made_any = {name for case in cases for name in case.synthetic}
    return cases, [name for name in plan["experiments"] if name in made_any]


def _rated(experiments: dict[str, dict], target: str, wanted: Sequence[str]) -> list[str]:
    """The experiments whose images are rated: those wanted, or those of the target that have most folds."""
    folds = {name: len(e.get("folds", ())) for name, e in experiments.items() if e["target"] == target}
    if unknown := [name for name in wanted if name not in folds]:
        raise RecontrastError(
            f"no experiment {unknown[0]!r} makes {target}", remedy=f"use one of {', '.join(folds)}"
        )
    return list(wanted) or [name for name in folds if folds[name] == max(folds.values())]
