"""Files sorted into series, and series into the images that each of them becomes."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from .headers import File, Frame, Header
from .key import alike
from .people import named
from .recognise import Facts

GAP = 0.2  # of the slice distance: how far a slice may lie from its place
SAME_PLACE = 0.1  # mm
FACING = 0.99  # cosine between slices of one block
MOST_DIGITS = 8  # after the point, of a position


@dataclass(frozen=True)
class Instance:
    """One file of a series."""

    path: Path
    header: Header
    sha256: str


@dataclass(frozen=True)
class Block:
    """One image of a series: all slices of one echo, one delay, one part and one direction.

    Attributes:
        instances: the files that hold them; an enhanced file may hold other images too.
        frames: its slices.
        facts: what it is recognised by.
    """

    instances: tuple[Instance, ...]
    frames: tuple[Frame, ...]
    facts: Facts

    @cached_property
    def positions(self) -> np.ndarray:
        """Distances of the slices along their normal in mm, one for each place, in order."""
        row, column = np.reshape(self.frames[0].orientation, (2, 3))
        distances = np.sort(np.array([f.position for f in self.frames]) @ np.cross(row, column))
        return distances[np.diff(distances, prepend=-np.inf) > SAME_PLACE]

    @property
    def is_mosaic(self) -> bool:
        """Whether a file holds a whole volume as a mosaic."""
        return "MOSAIC" in self.facts.image_type

    @property
    def volumes(self) -> int:
        """How many images there are of each slice."""
        return len(self.frames) if self.is_mosaic else len(self.frames) // max(1, len(self.positions))

    @property
    def rounding(self) -> float:
        """The last digit that positions are printed with, in mm: 0.001 for -81.234."""
        places = np.array([f.position for f in self.frames])
        digits = (d for d in range(MOST_DIGITS) if np.allclose(places.round(d), places, rtol=0, atol=1e-9))
        return 10.0 ** -next(digits, MOST_DIGITS)

    @property
    def sha256(self) -> str:
        """Changes when a file of it changes, comes or goes; not with where files lie."""
        rows = sorted((i.header.sop, i.sha256) for i in self.instances)
        choice = (self.facts.te, self.facts.ti, self.facts.part, self.frames[0].orientation)
        return hashlib.sha256(repr((rows, choice)).encode()).hexdigest()

    def corners(self) -> list[list[float]] | None:
        """World coordinates of the corner voxels' centres in mm, RAS; None where unknown.

        Of a mosaic, the last slice may lie on either side of the first: both places are given.
        """
        header = self.instances[0].header
        row, column = np.reshape(self.frames[0].orientation, (2, 3))
        normal = np.cross(row, column)
        spacing = np.array(header.spacing)
        size = np.array([header.rows, header.columns])
        if self.is_mosaic:
            if not (header.tiles and header.distance):
                return None
            whole, size = size, size // math.ceil(math.sqrt(header.tiles))
            # The position is that of a picture as large as the mosaic, around the middle of a slice.
            down, right = (whole - size) / 2 * spacing
            first = np.array(self.frames[0].position) + right * row + down * column
            depth = header.distance * (header.tiles - 1) * normal
            ends = [first, first + depth, first - depth]
        else:
            along = np.array([f.position for f in self.frames]) @ normal
            ends = [np.array(self.frames[i].position) for i in (int(along.argmin()), int(along.argmax()))]
        down, right = (size - 1) * spacing
        points = np.array([end + x * row + y * column for end in ends for x in (0, right) for y in (0, down)])
        return (points * [-1, -1, 1]).round(4).tolist()


@dataclass(frozen=True)
class Series:
    """One series of one person.

    Attributes:
        id: ten characters, the same on every scan, that say nothing about the person.
        header: of its first file.
        blocks: the images that it becomes.
        problem: why it is not complete, or empty.
        differing: how many files that pass for copies of others have other content.
    """

    id: str
    header: Header
    blocks: tuple[Block, ...]
    problem: str
    differing: int = 0

    @property
    def visit(self) -> tuple[str, str, str, str]:
        """Whose it is (ID, name, date of birth) and when: one day is one session.

        A study without a date is one by itself; where nobody is named, each study is taken as a person.
        Placeholders such as ANON name nobody.
        """
        study = hashlib.sha256(self.header.study.encode()).hexdigest()[:10]
        return (*named(self.header.person, study), self.header.date or study)

    @property
    def order(self) -> tuple[str, int, str]:
        """What series of one day are in order by: time, then number."""
        return self.header.time.partition(".")[0], self.header.number, self.id


def sort(files: dict[Path, File]) -> list[Series]:
    """Join files into series by their UIDs, wherever they lie; people and equal numbers stay apart.

    Of copies of an instance the first counts that can be used: a series that was cut short may be transferred again.
    Images that only share its UID, as some anonymisers leave them, are none.
    """
    members: dict[tuple, dict[tuple, Instance]] = defaultdict(dict)
    differing: Counter = Counter()
    for path, file in sorted(files.items()):
        if file.header is None:
            continue
        header = file.header
        series = header.series or f"number {header.number} {header.description}"
        by_id = header.person[0] and header.study  # then a study is one person's, however the name is spelt
        key = (header.person[0] if by_id else alike(header.person), header.study, series)
        name = (header.sop or str(path), header.instance, header.frames)
        kept = members[key].get(name)
        if kept and not (kept.header.problem or header.problem):
            differing[key] += kept.sha256 != file.sha256
        if kept is None or kept.header.problem:
            members[key][name] = Instance(path, header, file.sha256)
    found = [_series(key[1:], list(instances.values()), differing[key]) for key, instances in members.items()]
    return sorted(found, key=lambda s: (s.visit, s.order))


def _series(key: tuple, instances: list[Instance], differing: int) -> Series:
    instances.sort(key=lambda i: (i.header.instance, str(i.path)))
    blocks = split(instances)
    person = min(i.header.person for i in instances)
    name = hashlib.sha256(repr((person, *key)).encode()).hexdigest()[:10]
    return Series(name, instances[0].header, blocks, incomplete(instances, blocks), differing)


def split(instances: list[Instance]) -> tuple[Block, ...]:
    """One block for each direction of slices and size, part, echo and delay.

    Echo times and delays tell images apart only where each of them covers the same slices: a delay that
    differs from slice to slice is a property of one image.
    """
    rows = [(i, f) for i in instances for f in i.header.frames]
    groups: dict[tuple, list] = defaultdict(list)
    for instance, frame in rows:
        size = (instance.header.rows, instance.header.columns)
        facing = next(
            (k for k in groups if k[:2] == (size, frame.part) and _alike(k[2], frame.orientation)), None
        )
        groups[facing or (size, frame.part, frame.orientation)].append((instance, frame))
    blocks = []
    for group in groups.values():
        by_echo = _split_by(group, "te")
        for echo in by_echo:
            by_delay = _split_by(echo, "ti")
            for number, members in enumerate(by_delay, 1):
                blocks.append(_block(members, len(by_echo), len(by_delay), number))
    return tuple(blocks)


def _alike(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    one, other = np.reshape(one, (2, 3)), np.reshape(other, (2, 3))
    return bool((np.sum(one * other, axis=1) > FACING).all())


def _split_by(group: list[tuple[Instance, Frame]], name: str) -> list[list[tuple[Instance, Frame]]]:
    """A group's members by a time of theirs, shortest first; in one where that gives no whole images."""
    parts = defaultdict(list)
    for instance, frame in group:
        value = getattr(frame, name)
        parts[-1.0 if value is None else round(value, 1)].append((instance, frame))
    places = [sorted({tuple(np.round(f.position, 1)) for _, f in part}) for part in parts.values()]
    if len(parts) > 64 or any(place != places[0] for place in places):
        # A transfer that broke off leaves the last echo short: it is an echo nonetheless.
        whole = max(len(place) for place in places)
        if len(parts) > 64 or min(len(place) for place in places) < whole / 2:
            return [group]
    return [parts[value] for value in sorted(parts)]


def _block(members: list[tuple[Instance, Frame]], echoes: int, delays: int, delay: int) -> Block:
    first, frame = members[0]
    header = first.header
    b = max((f.b for _, f in members if f.b is not None), default=None)
    facts = Facts(
        description=f"{header.description} {header.protocol}".strip(),
        series=header.description or header.protocol,
        image_type=header.image_type,
        sequence=frozenset(header.sequence),
        acquisition=header.acquisition,
        tr=header.tr,
        te=frame.te,
        ti=frame.ti,
        flip=header.flip,
        b=b,
        echoes=echoes,
        delays=delays,
        inversions=len(header.inversions),
        delay=delay,
        agent=header.agent,
        part=frame.part,
    )
    instances = tuple({i.path: i for i, _ in members}.values())
    return Block(instances, tuple(f for _, f in members), facts)


def whole(block: Block) -> Block | None:
    """What can be converted of an image that is not complete; None if no image can be made of it.

    Files that are cut short are left, and volumes that lack slices, where one volume was taken after the other.
    Slices missing at either end make a smaller image; between others they would have to be invented.
    """
    if len(block.instances) != len(block.frames):  # a file holds several: the converter has to see to it
        return block
    kept = [pair for pair in zip(block.instances, block.frames, strict=True) if not pair[0].header.problem]
    if not kept:
        return None
    found = replace(block, instances=tuple(i for i, _ in kept), frames=tuple(f for _, f in kept))
    if block.is_mosaic:
        return found
    if len(kept) > len(found.positions):
        volumes: list[dict[tuple, tuple[Instance, Frame]]] = [{}]
        for pair in kept:
            place = tuple(np.round(pair[1].position, 1))
            if place in volumes[-1]:
                volumes.append({})
            volumes[-1][place] = pair
        kept = [pair for v in volumes if len(v) == len(found.positions) for pair in v.values()]
        if not kept:
            return None
        found = replace(block, instances=tuple(i for i, _ in kept), frames=tuple(f for _, f in kept))
    return None if _gaps(found.positions) else found


def _gaps(places: np.ndarray) -> int:
    """How many slices are missing between others, by their distances in mm along the normal."""
    if len(places) < 3:
        return 0
    steps = np.diff(places)
    step = np.quantile(steps, 0.1, method="lower")
    return round(sum(s / step - 1 for s in steps if s > (1 + GAP) * step))


def incomplete(instances: list[Instance], blocks: Iterable[Block]) -> str:
    """What a series lacks, in words, or nothing: an interrupted transfer leaves holes."""
    if problem := next((i.header.problem for i in instances if i.header.problem), ""):
        return problem
    for block in blocks:
        if block.is_mosaic:
            continue
        places, count = block.positions, len(block.frames)
        if missing := _gaps(places):
            return f"slices are missing: {missing} of {len(places) + missing}"
        announced = instances[0].header.slices
        if announced > len(places) > 1:
            return f"slices are missing: {announced - len(places)} of {announced}"
        if count % len(places):
            return f"slices are missing: {count} images do not fill volumes of {len(places)} slices"
    first, present = instances[0].header, len(instances)
    if len(first.frames) == 1 and first.announced > present:
        return f"images are missing: {first.announced - present} of {first.announced}"
    numbers = {i.header.instance for i in instances}
    span = max(numbers)
    # Numbers that repeat or leave holes everywhere are a vendor's own way to count.
    if len(numbers) == present and 0 < span - present <= present / 2 and min(numbers) > 0:
        return f"images are missing: {span - present} of at least {span}, by their numbers"
    return ""
