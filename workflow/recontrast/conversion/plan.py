"""What a DICOM folder will become, told from its headers: images, names, and the lists that jobs read."""

import hashlib
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import layout
from ..cohort.bids import RawImage
from ..errors import RecontrastError
from ..layout import Session, fill
from . import key as keys
from . import table
from .key import Key, Visit, write_private
from .people import is_placeholder
from .planned import Job, Planned
from .recognise import defaults, join, parse, recognise
from .scan import scan
from .series import Block, Series, sort, whole
from .settings import Conversion

CACHE = "scan.json"
LIST = "series/{name}.json"
OURS = (keys.NAME, table.NAME, table.OTHERS, CACHE, "series", "study.yaml")  # in the folder of the key
UNWANTED = "edited: is not converted"
OLDEST = 89  # years; who is older is told by it


@dataclass
class _Candidate:
    row: table.Row
    series: Series
    block: Block  # of a series that is not complete: what is whole of it
    session: Session
    label: str
    is_possible: bool = True

    @property
    def is_used(self) -> bool:
        return self.row.use == "yes" and self.is_possible

    @property
    def is_lacking(self) -> bool:
        """Whether it would be converted, were it complete."""
        return bool(self.row.problem and self.row.suffix) and not self.is_used and self.row.why != UNWANTED


def key_folder(output: Path, settings: Conversion, datasets: Iterable[Path] = ()) -> Path:
    """Where the key and the table of series lie: beside the output folder, never in it or in a data set.

    Raises:
        RecontrastError: it would lie there, links followed.
    """
    folder = (settings.key or output.parent / f"{output.name}-key").expanduser().absolute()
    real = folder.resolve()
    for place, name in ((output, "the output folder"), *((d, f"the data set {d}") for d in datasets)):
        if place.resolve() in (real, *real.parents):
            remedy = "put the output elsewhere, or name another folder under conversion.key"
            raise RecontrastError(f"the key must not lie in {name}", file=folder, remedy=remedy)
    return folder


def plan(
    folders: Sequence[tuple[Path, str]],
    settings: Conversion,
    output: Path,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    keep: bool = True,
) -> Planned:
    """Sort, recognise and name every series; bring key and table up to date.

    Args:
        folders: DICOM folders, each with a prefix for its participant labels.
        settings: of the study.
        output: the study's output folder, absolute.
        jobs: processes that read headers; all cores if None.
        progress: called with (done, of how many) while headers are read.
        keep: whether key, table and lists are written; a look ahead only reads.

    Raises:
        RecontrastError: a folder without MR images, a key or table that cannot be read, or a key among raw data.
    """
    place = key_folder(output, settings, [folder for folder, _ in folders])
    key, edits = keys.read(place), table.edits(place)
    planned, others, rows = Planned(), {}, []
    if keep and (open_to := keys.lock(place, OURS)):
        remedy = "chmod 700 it, or name a dedicated folder under conversion.key"
        planned.problems.append(
            RecontrastError(f"identifies participants, but {open_to}", file=place, remedy=remedy)
        )
    found = []
    for folder, prefix in folders:
        files = scan(folder, place / CACHE, jobs, progress, (output, place), keep)
        others |= {path: file.reason for path, file in files.items() if file.header is None}
        series = sort(files)
        if not series:
            kinds = Counter(file.reason for file in files.values()).most_common(3)
            held = ", ".join(f"{count} × {what}" for what, count in kinds) or "nothing"
            remedy = "give the folder of the DICOM files, or the one that holds the sub-* folders"
            raise RecontrastError(f"contains no DICOM MR images, only {held}", file=folder, remedy=remedy)
        found.append((folder, prefix, series))
    everything = [s for _, _, series in found for s in series]
    key.enrol((s.visit for s in everything), _by_study(everything))
    for folder, prefix, series in found:
        series.sort(key=lambda s: (key.rows[s.visit][0], s.visit[3], s.order))
        candidates = [c for s in series for c in _candidates(s, key, prefix, settings, edits, place)]
        rows += [c.row for c in candidates]
        planned.images[folder] = _images(candidates, planned, place, keep)
        planned.participants |= _participants(series, key, prefix, settings.participants)
    if keep:
        keys.write(place, key)
        table.write(place, [*rows, *_absent(edits, rows)], others)
    planned.problems += [RecontrastError(d, file=place / keys.NAME) for d in _doubts(found, key)]
    if differing := sum(series.differing for series in everything):
        planned.problems.append(
            RecontrastError(
                f"{differing} DICOM files have the identifier and the place of others but other content: of each, one"
                " is used",
                remedy="give the scans identifiers of their own, or remove those that are not meant",
            )
        )
    _tell(planned, rows, others, place)
    return planned


def _doubts(found: list[tuple[Path, str, list[Series]]], key: Key) -> list[str]:
    """What leaves doubt of who is who; no names."""
    labels: dict[str, set[str]] = defaultdict(set)
    weak: dict[str, bool] = {}  # label -> whether the study alone tells the person
    for _, prefix, series in found:
        for one in series:
            label, header = key.rows[one.visit][0], one.header
            labels[label].add(f"sub-{prefix}{label}")
            if is_placeholder(header.person[0]) and (header.person[0] or is_placeholder(header.person[1])):
                weak[label] = is_placeholder(header.person[1])
    told = [
        f"{' and '.join(sorted(names))} are one person in folders with different prefixes, who is in training and"
        " test at once; give the folders the same prefix"
        for names in labels.values()
        if len(names) > 1
    ]
    if len(weak) > 1:
        told.append(
            f"{len(weak)} people have no patient ID, or a placeholder (such as ANON or 0), and are distinguished"
            f" by name and date of birth, {sum(weak.values())} of them by study alone; give all rows of a"
            " person the same label"
        )
    return key.doubts() + told


def _by_study(everything: list[Series]) -> Iterable[set[Visit]]:
    """Visits of one study under one patient ID: one person's, even where the name is spelt in several ways."""
    found: dict[tuple[str, str], set[Visit]] = defaultdict(set)
    for series in everything:
        if series.visit[0] and series.header.study:
            found[series.visit[0], series.header.study].add(series.visit)
    return found.values()


def _candidates(
    series: Series, key: Key, prefix: str, settings: Conversion, edits: dict[str, table.Row], place: Path
) -> list[_Candidate]:
    """A row for every image of a series: as recognised, with what the user has changed of it."""
    label, visit = key.rows[series.visit]
    session = Session(prefix + label, visit)
    found = []
    for number, block in enumerate(series.blocks, 1):
        facts, header = block.facts, series.header
        outcome = recognise(facts, (*settings.rules, *defaults()))
        row = table.Row(
            series=series.id + (f"-{number}" if len(series.blocks) > 1 else ""),
            participant_id=f"sub-{session.participant}",
            session_id=f"ses-{visit}",
            number=str(header.number),
            description=header.description or header.protocol,
            files=str(len(block.instances)),
            slices=str(len(block.positions)),
            volumes=str(block.volumes),
            **{name: _short(getattr(facts, name)) for name in ("tr", "te", "ti", "flip", "b")},
            image_type=facts.image_type,
            use="yes" if outcome.use and not series.problem else "no",
            datatype=outcome.datatype,
            suffix=outcome.suffix,
            entities=outcome.entities,
            why=outcome.why,
            problem=series.problem,
        )
        row.seal()
        if edited := edits.get(row.series):
            row.change(edited.changes, place / table.NAME)
            row.why = "edited"
            if edited.use == "no" and "use" in edited.changes:
                row.why = UNWANTED
        rest = whole(block) if series.problem else block
        if row.use == "yes" and rest is None:
            row.problem += ", and no image can be made of the rest"
        found.append(_Candidate(row, series, rest or block, session, label, rest is not None))
    return found


def _absent(edits: dict[str, table.Row], rows: list[table.Row]) -> list[table.Row]:
    """What a user said about series whose files are away, such as on a disk that is not mounted: kept for later."""
    there = {row.series for row in rows}
    return [
        replace(row, image="", problem="its files no longer exist")
        for name, row in edits.items()
        if name not in there
    ]


def _images(candidates: list[_Candidate], planned: Planned, place: Path, keep: bool) -> list[RawImage]:
    """Name what is to be converted; name what cannot be, where nothing else takes its place."""
    used = [c for c in candidates if c.is_used]
    names = {id(c): parse(c.row.entities) for c in used}
    _number(used, names, within_series=True)
    _number(used, names, within_series=False)
    images, taken = [], set()
    for candidate in used:
        image = _raw(candidate, names[id(candidate)], "")
        job = Job(image, _digest(candidate), place / LIST.format(name=image.path.name.split(".")[0]))
        candidate.row.image = str(image.path)
        if keep:
            _write_list(job.list, candidate)
        planned.jobs[candidate.row.image] = job
        planned.hashes[image.path] = candidate.block.sha256
        taken.add((candidate.session, *_kind(candidate)))
        images.append(image)
    for candidate in candidates:
        row = candidate.row
        if candidate.is_lacking and (candidate.session, *_kind(candidate)) not in taken:
            taken.add((candidate.session, *_kind(candidate)))
            problem = f"series {row.number}: {row.problem}; transfer it again"
            if candidate.is_possible:
                problem += f", or set use to yes in {table.NAME} to take what is there"
            image = _raw(candidate, parse(row.entities), problem)
            planned.hashes[image.path] = candidate.block.sha256
            images.append(image)
    return images


def _digest(candidate: _Candidate) -> str:
    """Changes with the files of an image and with what is said of them: a part that came later completes others."""
    told = json.dumps(_facts(candidate), sort_keys=True)
    return hashlib.sha256(f"{candidate.block.sha256} {told}".encode()).hexdigest()


def _participants(
    series: list[Series], key: Key, prefix: str, columns: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """The rows of participants.tsv: what the key says goes before sex and age in the headers."""
    said, rows = key.describe(columns), {}
    for one in series:  # the earliest visit first
        label, header = key.rows[one.visit][0], one.header
        found = {
            "sex": header.sex,
            "age": "" if header.age is None else str(min(header.age, OLDEST)),
        } | said.get(label, {})
        row = {"participant_id": f"sub-{prefix}{label}"} | {
            name: found.get(name) or "n/a" for name in columns
        }
        rows.setdefault(prefix + label, row)
    return rows


def _kind(candidate: _Candidate) -> tuple[str, str, str]:
    return candidate.row.datatype, candidate.row.suffix, candidate.row.entities


def _number(used: list[_Candidate], names: dict[int, dict[str, str]], *, within_series: bool) -> None:
    """Tell apart what has one name: echoes within a series by `echo`, all else by `run`, in order of time."""
    alike = defaultdict(list)
    for c in used:
        entities = names[id(c)]
        group = (
            c.session,
            c.row.datatype,
            c.row.suffix,
            join(entities),
            c.series.id if within_series else "",
        )
        alike[group].append(c)
    for group, same in alike.items():
        if len(same) < 2:
            continue
        echoes = [c.block.facts.te for c in same]
        entity = "run"
        if within_series:
            if len(set(echoes)) < len(same):
                continue
            entity = "echo"
            same = sorted(same, key=lambda c: c.block.facts.te or 0.0)
        numbers = (str(number) for number in itertools.count(1))
        for c in same:
            for number in numbers:
                named = join(names[id(c)] | {entity: number})
                place = (*group[:3], named, group[4])
                if place == group or place not in alike:  # or a user gave another series this name
                    names[id(c)][entity] = number
                    break


def _raw(candidate: _Candidate, entities: dict[str, str], problem: str) -> RawImage:
    row, session = candidate.row, candidate.session
    text = join(entities)
    path = fill(layout.RAW, session, datatype=row.datatype, entities=text and f"_{text}", suffix=row.suffix)
    return RawImage(candidate.label, session.session, row.suffix, entities, Path(path), 0, 0, 0, problem)


def _write_list(path: Path, candidate: _Candidate) -> None:
    """What the conversion step needs to know of one image, and its files."""
    content = {"files": [str(i.path) for i in candidate.block.instances]} | _facts(candidate)
    write_private(path, json.dumps(content, indent=1) + "\n")


def _facts(candidate: _Candidate) -> dict:
    """What the conversion step needs to know of one image."""
    block, header = candidate.block, candidate.series.header
    facts = block.facts
    parameters = {}
    if header.saturation and facts.ti is not None:
        parameters = {"SaturationDelayTime": round(facts.ti / 1000, 6), "InversionTime": None}
    elif len(header.inversions) > 1:
        first, last = (round(header.inversions[n] / 1000, 6) for n in (0, -1))
        parameters = {"FirstInversionTime": first, "InversionTime": last}
    return {
        "volumes": block.volumes,
        "corners": block.corners(),
        "rounding": block.rounding,
        "echo_time": facts.te if facts.echoes > 1 else None,
        "inversion_time": facts.ti if facts.delays > 1 else None,
        "part": facts.part,
        "lacks": candidate.row.problem,
        "parameters": parameters,
    }


def _tell(planned: Planned, rows: list[table.Row], others: dict, place: Path) -> None:
    """What is not converted, in numbers; names and files are in the table."""
    unknown = [row for row in rows if row.use == "no" and row.why == "no rule knows it"]
    if unknown:
        named = ", ".join(f"{row.participant_id} series {row.number}" for row in unknown[:5])
        planned.problems.append(
            RecontrastError(
                f"{len(unknown)} series are not recognised ({named}{', ...' if len(unknown) > 5 else ''})",
                file=place / table.NAME,
                remedy="enter there what they are, or add a rule under conversion.rules",
            )
        )
    damaged = (
        f"{row.participant_id} {row.session_id} series {row.number}: {row.problem}"
        for row in rows
        if row.problem and row.suffix and not row.image  # a localiser with holes is nobody's loss
    )
    # A series of several echoes has a row for each.
    remedy = f"transfer it again, or clear its suffix in {table.NAME} to leave it out"
    planned.problems += [RecontrastError(what, remedy=remedy) for what in dict.fromkeys(damaged)]
    partial = (
        f"{row.participant_id} {row.session_id} series {row.number}: is incomplete and is converted as is"
        f" ({row.problem})"
        for row in rows
        if row.problem and row.image
    )
    planned.problems += [RecontrastError(what) for what in dict.fromkeys(partial)]
    if others:
        kinds = ", ".join(f"{count} × {what}" for what, count in Counter(others.values()).most_common(4))
        planned.problems.append(
            RecontrastError(f"{len(others)} files are not MR images ({kinds})", file=place / table.OTHERS)
        )


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
