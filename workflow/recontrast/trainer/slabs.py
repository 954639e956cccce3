"""Whole volumes in pieces, so that the memory a prediction needs does not grow with the volume."""

from collections.abc import Iterator

MEMORY = 256 * 2**20  # bytes of a slab in one hidden layer


def slabs(
    shape: tuple[int, int, int], channels: int, halo: int, memory: int | None = None, align: int = 1
) -> Iterator[tuple[slice, slice, slice]]:
    """Cut a volume along its first axis.

    Args:
        shape: of the volume.
        channels: of the widest layer; with the shape it gives the thickness of a slab.
        halo: planes on both sides that a slab needs to see.
        memory: bytes for the widest layer, `MEMORY` if not given; `align` planes are taken however many they need.
        align: slabs begin at multiples of it.

    Yields:
        The planes to read (with halo, as far as there are any), the planes to fill, and where in what was
        read the latter lie.
    """
    plane = shape[1] * shape[2] * channels * 4
    thickness = max(1, ((memory or MEMORY) // plane - 2 * halo) // align) * align
    for first in range(0, shape[0], thickness):
        last = min(shape[0], first + thickness)
        seen = slice(max(0, first - halo), min(shape[0], last + halo))
        yield seen, slice(first, last), slice(first - seen.start, last - seen.start)
