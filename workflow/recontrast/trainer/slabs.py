"""Whole volumes in pieces, so that the memory a prediction needs does not grow with the volume."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

MEMORY = 256 * 2**20  # bytes of a slab in one hidden layer

#: planes to read, planes to fill, and where in what was read the latter lie
Block = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Slabs:
    """A volume cut along its first axis, as often as it is iterated over.

    Attributes:
        length: of that axis, in planes.
        thickness: of a slab.
        halo: planes on both sides that a slab needs to see.
        align: slabs begin at multiples of it.
    """

    length: int
    thickness: int
    halo: int
    align: int = 1

    def __iter__(self) -> Iterator[Block]:
        """The planes to read, with halo as far as there are any, the planes to fill, and where the latter lie."""
        for first in range(0, self.length, self.thickness):
            last = min(self.length, first + self.thickness)
            seen = slice(max(0, first - self.halo), min(self.length, last + self.halo))
            yield seen, slice(first, last), slice(first - seen.start, last - seen.start)

    def thinner(self) -> "Slabs | None":
        """Slabs half as thick; None where they are as thin as can be."""
        thickness = min(self.thickness, self.length) // 2 // self.align * self.align
        return replace(self, thickness=thickness) if thickness else None


def slabs(
    shape: tuple[int, int, int], channels: int, halo: int, memory: int | None = None, align: int = 1
) -> Slabs:
    """Cut a volume along its first axis.

    A slab is at least as thick as both its halos, so that no more than half of what is read is read again: with halos
    that fill the memory themselves, thinner ones would compute nearly everything many times, for half of it at best.

    Args:
        shape: of the volume.
        channels: of the widest layer; with the shape it gives the thickness of a slab.
        halo: planes on both sides that a slab needs to see.
        memory: bytes for the widest layer, `MEMORY` if not given; thinner than its halos no slab is made for it.
        align: slabs begin at multiples of it.
    """
    plane = shape[1] * shape[2] * channels * 4
    fitting, least = ((memory or MEMORY) // plane - 2 * halo) // align, -(-2 * halo // align)
    thickness = max(1, fitting, least) * align
    return Slabs(shape[0], thickness, halo, align)
