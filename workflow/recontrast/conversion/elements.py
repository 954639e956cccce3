"""Single elements of a DICOM header, forgiving what scanners and exports get wrong."""

import math
import struct
from typing import NamedTuple

import pydicom
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

BLOCKS = range(0x10, 0x100)  # where a vendor may put its private elements within a group
FORMATS = {"FL": "f", "FD": "d", "SL": "i", "US": "H", "SS": "h"}


class Private(NamedTuple):
    """A private element of a vendor: group, element within the vendor's block, the vendor's name for it, and VR."""

    group: int
    element: int
    creator: str
    vr: str

    @property
    def tags(self) -> list[BaseTag]:
        """All places where it may be, and those where the file says whose they are."""
        places = [(self.group << 16) + (block << 8) + self.element for block in BLOCKS]
        return [BaseTag(tag) for tag in (*places, *((self.group << 16) + block for block in BLOCKS))]


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


def private_numbers(data: Dataset, wanted: Private) -> tuple[float, ...]:
    """A private element's finite numbers, wherever its vendor has put it.

    A file whose VRs are implicit says nothing of how private elements are coded, and archives rewrite them as
    unknown: they are decoded here. Without a creator, the first block is taken to be the vendor's.
    """
    named = {
        block: text(data, (wanted.group << 16) + block)
        for block in BLOCKS
        if (wanted.group << 16) + block in data
    }
    blocks = [block for block, creator in named.items() if creator.upper() == wanted.creator.upper()]
    for block in blocks or ([BLOCKS[0]] if not named else []):
        tag = (wanted.group << 16) + (block << 8) + wanted.element
        value = data[tag].value if tag in data else None
        found = _decode(value, wanted.vr, data) if isinstance(value, bytes) else numbers(data, tag)
        if found:
            return found
    return ()


def _decode(value: bytes, vr: str, data: Dataset) -> tuple[float, ...]:
    try:
        if vr not in FORMATS:
            return tuple(float(part) for part in value.decode("ascii").strip(" \0").split("\\"))
        order = ">" if data.original_encoding[1] is False else "<"
        size = struct.calcsize(FORMATS[vr])
        found = struct.unpack(f"{order}{len(value) // size}{FORMATS[vr]}", value)
    except (ValueError, struct.error):
        return ()
    return tuple(map(float, found)) if all(map(math.isfinite, found)) else ()
