"""BIDS filter files: which of several images of a suffix are meant, as all BIDS apps take them."""

import difflib
import json
from pathlib import Path

from .cohort import bids
from .cohort.choice import plain
from .contrasts import ENTITIES
from .errors import RecontrastError

FORM = 'write it as {"T1w": {"acquisition": "mprage"}}'
BY_PLACE = (("run", "first"), ("run", "last"))  # of several runs; each of them passes
UNUSED = ("datatype", "extension")  # they follow from the suffix


def read(file: Path) -> dict:
    """A BIDS filter file.

    Raises:
        RecontrastError: it is none.
    """
    try:
        filters = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise RecontrastError("does not exist", file=file, remedy="check --bids-filter-file") from None
        raise RecontrastError(f"is not valid JSON ({error})", file=file, remedy=FORM) from error
    if not isinstance(filters, dict):
        raise RecontrastError("is not a JSON object of contrasts", file=file, remedy=FORM)
    return filters


def passes(image: bids.RawImage, filters: dict) -> bool:
    """Whether a BIDS filter that names an image's suffix lets it through."""
    wanted = next((w for name, w in filters.items() if name.lower() == image.suffix.lower()), {})
    known = {
        short: wanted[name] for name, short in ENTITIES.items() if isinstance(wanted, dict) and name in wanted
    }
    known = {short: str(value) for short, value in known.items() if (short, value) not in BY_PLACE}
    return all(plain(short, image.entities.get(short, "")) == plain(short, v) for short, v in known.items())


def apply(config: dict, filters: dict, file: Path) -> None:
    """Take over the entities of BIDS filters for the contrasts that they name.

    Raises:
        RecontrastError: everything that is wrong with them at once; `file` is where they stand.
    """
    names, faults = list(config.get("contrasts", {})), []
    for name, wanted in filters.items():
        contrast = next((n for n in names if n.lower() == name.lower()), None)
        if contrast is None:
            faults.append(f"has {name!r}, which is not a contrast of the study; use {', '.join(names)}")
        elif not isinstance(wanted, dict):
            faults.append(f"{name} is {wanted!r}, not a JSON object of entities; {FORM}")
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
        return f"{name}.session: sessions cannot be chosen by contrast; use --session-label"
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        remedy = f"did you mean {close[0]}?" if close else f"use {', '.join(known)}"
        return f"{name}.{key}: unknown entity; {remedy}"
    if not isinstance(value, str | int) or isinstance(value, bool):
        return f"{name}.{key} is {json.dumps(value)}; give one word or number"
    return ""
