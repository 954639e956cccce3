"""Lesions in the plan: whose masks teach for whom, on which images lesions are sought, and what is not done and why."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from . import layout
from .cohort.splits import NEVER, NEW
from .lesion_settings import Lesions, beside, experiments
from .lesions.defaults import KAPPA

if TYPE_CHECKING:
    from .config import Study
    from .plan import Plan, PlannedSession

ACQUIRED = "acquired"
# What a method learns from given masks; the first file stands for all.
LEARNED = {
    "lga": (layout.LESION_KAPPA,),
    "lpa": (layout.LESION_COEFFICIENTS, layout.LESION_SPATIAL),
    "network": (layout.LESION_NETWORK, layout.LESION_NETWORK_CARD),
}


def teachers(plan: "Plan", heldout: str) -> Iterator["PlannedSession"]:
    """The sessions with a given mask, without the people of a fold, or one person, that are held out.

    Who trains no model of the study teaches nothing here either.
    """
    asked = plan.study.lesions
    for planned in _drawn(plan):
        without = planned.fold in (NEW, NEVER) or heldout in (f"fold{planned.fold}", _person(planned))
        if not without and planned.has([asked.flair, *beside(asked)]):
            yield planned


def held_out(plan: "Plan", planned: "PlannedSession") -> str:
    """The fold of a session; its person where there is none, as in training only; nobody for strangers."""
    if planned.fold.isdecimal():
        return f"fold{planned.fold}"
    own = any(other.participant == planned.participant for other in _drawn(plan))
    return _person(planned) if own else "nobody"


def groups(plan: "Plan") -> list[str]:
    """Who is held out of what this run learns from given masks, group by group; none where nobody has any."""
    found = {held_out(plan, planned) for planned in plan.sessions.values() if learned(plan, planned)}
    return sorted(found - _kept(plan))


def on_disk(study: "Study") -> set[str]:
    """Who is held out of what an earlier run has learned in this output folder, group by group."""
    pattern = LEARNED.get(study.lesions.method, ("",))[0]
    found = study.output.glob(pattern.format(heldout="*")) if pattern else ()
    return {path.parent.name.removeprefix("without-") for path in found}


def truth(plan: "Plan") -> str:
    """What lesions are judged by where nothing else is said: given masks, or else those found on acquired images."""
    return "manual" if _drawn(plan) else ACQUIRED


def sought_on(study: "Study") -> list[str]:
    """The experiments on whose images lesions are sought."""
    return [n for n in experiments(study) if n in (study.lesions.experiments or study.experiments)]


def sources(plan: "Plan", planned: "PlannedSession") -> list[str]:
    """On which images of a session lesions are sought: acquired, and experiments."""
    asked = plan.study.lesions
    failed = _failed(plan, planned)
    taught = asked.method != "network" or learned(plan, planned)
    if not asked.method or not planned.has(beside(asked)) or not taught or _untaught(plan, planned):
        return []
    return [source for source in _flairs(plan, planned) if f"lesions-{source}" not in failed]


def learned(plan: "Plan", planned: "PlannedSession") -> bool:
    """Whether what finds the lesions of a session comes from masks of other people of the study."""
    heldout = held_out(plan, planned)
    return _learns(plan.study.lesions) and (heldout in _kept(plan) or any(teachers(plan, heldout)))


def notes(plan: "Plan", planned: "PlannedSession") -> Iterator[str]:
    """What a reader of a session's page should know: where lesions are not sought, and what stands in."""
    asked = plan.study.lesions
    if reason := _failed(plan, planned).get("desc-filled"):
        yield f"lesions: not filled in {asked.t1w} ({reason})"
    if not asked.method:
        return
    lacking = [name for name in beside(asked) if not planned.has([name])]
    if lacking:
        yield f"lesions: not segmented without {', '.join(lacking)}"
        return
    if not _flairs(plan, planned):
        yield f"lesions: not segmented, as there is no {asked.flair}, acquired or synthetic"
        return
    if reason := _untaught(plan, planned):
        yield f"lesions: not segmented, as training on the other participants failed ({reason})"
        return
    if _learns(asked) and not learned(plan, planned):
        yield _STAND_INS[asked.method].format(kappa=KAPPA, who=f"no other participant has {_needed(asked)}")
        if asked.method == "network":
            return
    for item, reason in _failed(plan, planned).items():
        if item.startswith("lesions-"):
            yield f"lesions on {item.removeprefix('lesions-').replace('-', ' against ')}: {reason}"


def problems(plan: "Plan") -> Iterator[str]:
    """What the user should know before a run: that nobody can be learned from at all."""
    asked = plan.study.lesions
    if plan.sessions and _learns(asked) and not any(learned(plan, one) for one in plan.sessions.values()):
        said = _STAND_INS[asked.method].format(kappa=KAPPA, who=f"no participant has {_needed(asked)}")
        advice = "; it is not tuned to any cohort: set lesions.manual or lesions.kappa"
        yield said + (advice if asked.method == "lga" else "")


_STAND_INS = {
    "lpa": "lesions: with the coefficients supplied, as {who} to fit new ones",
    "lga": "lesions: with the default κ of {kappa:g}, as {who} to select it",
    "network": "lesions: not segmented, as {who} to train a network",
}


@lru_cache(maxsize=1)  # every session asks
def _drawn(plan: "Plan") -> list["PlannedSession"]:
    return [planned for planned in plan.sessions.values() if plan.study.lesions.manual in planned.masks]


def _kept(plan: "Plan") -> set[str]:
    """What a run on a part of the cohort applies as it is, since it would learn from that part alone."""
    return {*plan.earlier.lesions} if plan.partial else set()


def _learns(asked: Lesions) -> bool:
    """Whether given masks are wanted for anything but to judge by."""
    wanted = {"lpa": asked.coefficients == "manual", "lga": asked.kappa is None, "network": True}
    return wanted.get(asked.method, False)


def _needed(asked: Lesions) -> str:
    masks = f"the mask {asked.manual}" if asked.manual else "a lesion mask"
    return " and ".join([masks, asked.flair, *beside(asked)])


def _flairs(plan: "Plan", planned: "PlannedSession") -> list[str]:
    made = [name for name in sought_on(plan.study) if name in planned.predictions]
    return ([ACQUIRED] if plan.study.lesions.flair in planned.images else []) + made


def _untaught(plan: "Plan", planned: "PlannedSession") -> str:
    """Why learning from the others failed, if it did."""
    item = f"lesions_without-{held_out(plan, planned)}"
    reason = next((f.reason for f in plan.failures if (f.session, f.item) == ("", item)), "")
    return reason if reason and learned(plan, planned) else ""


def _failed(plan: "Plan", planned: "PlannedSession") -> dict[str, str]:
    return {f.item: f.reason for f in plan.failures if f.session == planned.session.label}


def _person(planned: "PlannedSession") -> str:
    return f"sub{planned.session.participant}"
