"""What a series is, from its header, by a table of rules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from .settings import ORDER, Rule

LETTER = r"[^\W\d_]"
EDGE = "(?:" + "|".join(rf"(?<!{c})(?={c})|(?<={c})(?!{c})" for c in (LETTER, r"\d")) + ")"


@dataclass(frozen=True)
class Facts:
    """What rules look at: the parameters of one image of a series, times in ms; None is not known.

    Attributes:
        description: series description, protocol and sequence name, one after the other.
        series: the series description alone; a protocol may be of a whole examination.
        image_type: `ORIGINAL/PRIMARY/M/SE`.
        sequence: tokens of the scanning sequence: SE, IR, GR, EP, RM.
        b: the largest b-value in s/mm².
        echoes, delays, inversions: how many the series has.
        delay: the number of this image's delay among them, from 1.
        agent: whether the header names a contrast agent.
        part: mag, phase, real or imag.
    """

    description: str = ""
    series: str = ""
    image_type: str = ""
    sequence: frozenset[str] = frozenset()
    acquisition: str = ""
    tr: float | None = None
    te: float | None = None
    ti: float | None = None
    flip: float | None = None
    b: float | None = None
    echoes: int = 1
    delays: int = 1
    inversions: int = 0
    delay: int = 1
    agent: bool = False
    part: str = "mag"


@dataclass(frozen=True)
class Recognised:
    """What an image is: where it goes in BIDS, whether it is converted, and by which rule."""

    use: bool
    datatype: str = ""
    suffix: str = ""
    entities: str = ""
    why: str = "no rule knows it"


def recognise(facts: Facts, rules: Sequence[Rule]) -> Recognised:
    """Apply the first rule that is met, and add the entities of those that only add.

    Args:
        facts: of one image.
        rules: the study's own, then `defaults()`.
    """
    met = [rule for rule in rules if meets(facts, rule)]
    rule = next((rule for rule in met if not _only_adds(rule)), None)
    if rule is None:
        return Recognised(False)
    if not (rule.use and rule.suffix):
        return Recognised(False, why=f"{rule.name}: is not converted")
    found = parse(rule.entities.format(delay=facts.delay))
    added = [other for other in met if _only_adds(other) and other.datatype == rule.datatype]
    for other in added:
        found = parse(other.entities.format(delay=facts.delay)) | found
    if facts.agent and rule.datatype == "anat":
        found.setdefault("ce", "agent")
    if facts.part != "mag":
        found.setdefault("part", facts.part)
    why = ", ".join(dict.fromkeys([rule.name, *(other.name for other in added)]))
    return Recognised(True, rule.datatype, rule.suffix, join(found), why)


def _only_adds(rule: Rule) -> bool:
    return rule.use and bool(rule.entities) and not rule.suffix


def meets(facts: Facts, rule: Rule) -> bool:
    """Whether all conditions of a rule are met."""
    for text in ("description", "series", "image_type"):
        pattern = getattr(rule, text)
        if pattern is not None and not _compiled(pattern).search(getattr(facts, text)):
            return False
    for token in rule.sequence:
        if (token.removeprefix("!") in facts.sequence) == token.startswith("!"):
            return False
    if rule.acquisition is not None and rule.acquisition != facts.acquisition:
        return False
    for name in ("tr", "te", "ti", "flip", "b", "echoes", "delays", "inversions"):
        limits, value = getattr(rule, name), getattr(facts, name)
        if limits is not None and (value is None or not limits[0] <= value <= limits[1]):
            return False
    return True


@cache
def _compiled(pattern: str) -> re.Pattern:
    """A rule's expression with \\b at every edge of letters or of digits; usually, _ and digits belong to a word."""
    return re.compile(re.sub(r"(?<!\\)((?:\\\\)*)\\b", lambda m: m[1] + EDGE, pattern), re.IGNORECASE)


@cache
def defaults() -> tuple[Rule, ...]:
    """The rules that the product brings."""
    text = Path(__file__).with_name("rules.yaml").read_text(encoding="utf-8")
    return tuple(Rule.model_validate(row) for row in yaml.safe_load(text))


def parse(entities: str) -> dict[str, str]:
    """`acq-se_echo-1` as a mapping."""
    return dict(part.split("-", 1) for part in entities.split("_") if part)


def join(entities: dict[str, str]) -> str:
    """The inverse of `parse`, in the order of BIDS."""
    place = {key: n for n, key in enumerate(ORDER)}
    return "_".join(f"{k}-{v}" for k, v in sorted(entities.items(), key=lambda e: place.get(e[0], 99)))
