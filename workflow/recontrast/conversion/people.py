"""Who a header names: placeholders that name nobody, and IDs that may be one in two ways of writing."""

import re
from collections.abc import Iterable
from itertools import combinations

Person = tuple[str, str, str]  # patient ID, name, date of birth
# What anonymising tools and operators write where nobody is to be named; punctuation and case do not count.
PLACEHOLDER = re.compile(
    r"(|0+|x{2,}|anon(ym(ous|i[sz]ed?)?)?|unknown|none|null|noname|noid|nopatientid|deidentified"
    r"|removed|redacted|withheld|patient|subject)"
)
DIGITS = 3  # of a bare number that is looked for in other IDs; shorter ones are in too many


def is_placeholder(said: str) -> bool:
    """Whether an ID or a name is none, or one that many people bear: ANON, 0, xxxx, unknown."""
    return said.strip().casefold() == "n/a" or bool(
        PLACEHOLDER.fullmatch(re.sub(r"[\W_]+", "", said).casefold())
    )


def named(person: Person, study: str) -> Person:
    """A person as told apart from others: by what names one, else as whoever was scanned in this study.

    An ID that is a placeholder unites nobody: name and date of birth count alone. A date of birth alone is no name.

    Args:
        person: as the header has it.
        study: what is unique to the study.
    """
    if not is_placeholder(person[0]):
        return person
    if not is_placeholder(person[1]):
        return ("", *person[1:])
    return (f"study {study}", "", "")


def akin(visits: Iterable[tuple[str, ...]]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Pairs of visits whose patient IDs may be one: `P-007` and `p7`, or `1234` and `HOSP_1234`.

    Where dates of birth differ, they are not.
    """
    by_mark: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for visit in sorted(set(visits)):
        parts = re.findall(r"[^\W\d_]+|\d+", visit[0].casefold())
        parts = tuple(part.lstrip("0") or "0" if part.isdecimal() else part for part in parts)
        if not parts:
            continue
        by_mark.setdefault(parts, []).append(visit)
        last = parts[-1]
        if len(parts) > 1 and last.isdecimal() and len(last) >= DIGITS:
            by_mark.setdefault(("ends in", last), []).append(visit)
    pairs = [
        pair for mark, group in by_mark.items() if mark[0] != "ends in" for pair in combinations(group, 2)
    ]
    for mark, group in by_mark.items():
        if mark[0] == "ends in":
            pairs += [(bare, longer) for bare in by_mark.get(mark[1:], []) for longer in group]
    return [(a, b) for a, b in pairs if a[0] != b[0] and not (a[2] and b[2] and a[2] != b[2])]
