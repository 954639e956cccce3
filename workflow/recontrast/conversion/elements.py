"""Single elements of a DICOM header, forgiving what scanners and exports get wrong."""

import math

import pydicom
from pydicom.dataset import Dataset


def group(data: Dataset, frame: int, name: str) -> Dataset:
    """A functional group of one frame, its own or shared by all; empty where there is none."""
    own = data.get("PerFrameFunctionalGroupsSequence") or []
    shared = data.get("SharedFunctionalGroupsSequence") or []
    for item in (*own[frame : frame + 1], *shared[:1]):
        if item.get(name):
            return item[name].value[0]
    return Dataset()


def text(data: Dataset, tag: str | int) -> str:
    """An element as one line of text; empty where it is not there."""
    value = data[tag].value if tag in data else None
    return " ".join(str(value).split()) if value is not None else ""


def texts(data: Dataset, tag: str | int) -> tuple[str, ...]:
    value = data[tag].value if tag in data else None
    values = value if isinstance(value, pydicom.multival.MultiValue | list) else [value]
    return tuple(str(v).strip().upper() for v in values if v not in (None, ""))


def numbers(data: Dataset, tag: str | int) -> tuple[float, ...]:
    """An element's finite numbers; none where it is not there or is none."""
    try:
        found = tuple(float(value) for value in texts(data, tag))
    except ValueError:
        return ()
    return found if all(map(math.isfinite, found)) else ()


def number(data: Dataset, tag: str | int) -> float | None:
    return next(iter(numbers(data, tag)), None)


def whole(data: Dataset, tag: str | int, default: int = 0) -> int:
    return int(next(iter(numbers(data, tag)), default))
