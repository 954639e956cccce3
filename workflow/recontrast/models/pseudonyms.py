"""Participants in the cards of models, which travel: hashes that only the output folder they come from can read.

A plain hash of `sub-01` is no secret, as all such labels can be tried. So they are hashed with a key that stays in
the output folder. It is made of the cohort's images: two outputs of one cohort have the same cards.
"""

import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path

from ..images import write_text


def ensure(path: Path, contents: Iterable[str]) -> None:
    """Write the key, unless there is one: models name people by it as long as they are there.

    Args:
        path: text file.
        contents: hashes of the cohort's images.
    """
    if not path.is_file():
        write_text(path, hashlib.sha256("".join(sorted(contents)).encode()).hexdigest() + "\n")


def read(path: Path) -> str:
    """The key; nothing where there is none."""
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def pseudonym(key: str, label: str) -> str:
    """What stands for the label of a participant or a session: 16 hexadecimal digits."""
    return hmac.new(key.encode(), label.encode(), "sha256").hexdigest()[:16]


def labels(sessions: list[dict], key: str, known: Iterable[str]) -> list[str]:
    """Who the sessions of a card are.

    Args:
        sessions: of the card; those of older cards have labels in place of hashes.
        key: of the output folder.
        known: labels of participants and sessions that they may be.

    Returns:
        For each the label of the session, or of its participant where no such session is known, or else what the card
        says.
    """
    names = {pseudonym(key, label): label for label in known} if key else {}
    found = []
    for one in sessions:
        said = [one[kind] for kind in ("session", "participant") if kind in one]
        found.append(next((names[name] for name in said if name in names), next(iter(said), "n/a")))
    return found
