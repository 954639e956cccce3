"""The manifest: which file is which contrast of which session, with its hash and its faults."""

import difflib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..config import Dataset, Include
from ..contrasts import Contrast, Mask
from ..errors import RecontrastError
from ..images import write_text
from ..layout import Session
from ..maps import SOURCES
from . import bids
from .choice import choose, choose_group, choose_mask, matches, passed_over
from .content import Content, combine, inspect, inspect_beside

COLUMNS = ("participant_id", "session_id", "contrast", "path", "sha256", "dataset", "problem")


Visits = dict[Session, tuple[str, list[bids.RawImage]]]


@dataclass(frozen=True)
class Image:
    """One contrast of one session.

    Attributes:
        participant: label without `sub-`, with the prefix of its data set.
        session: label without `ses-`; empty where there are no sessions.
        contrast: the study's name for it.
        path: the chosen file; the session's folder where no file could be chosen.
        sha256: of the file as it is; empty where it cannot be opened. Of all files where there are several.
        problem: why the image cannot be used, or empty.
        dataset: the folder that it comes from; for one of DICOM, whose name may say whose it is, see `names`.
        others: the further images of a group.
    """

    participant: str
    session: str
    contrast: str
    path: Path
    sha256: str
    problem: str = ""
    dataset: str = ""
    others: tuple[Path, ...] = ()


@dataclass
class Manifest:
    """The images of a cohort.

    Attributes:
        images: one per session and contrast that is there, in order; also those that have a problem.
        participants: the rows of all participants.tsv, by participant label (without `sub-`, with prefix).
        problems: what is wrong beyond single images, such as misnamed files; includes all of `fatal`.
        fatal: those problems that leave the cohort itself in doubt: no run should start on it.
        names: path of each data set -> what outputs call it.
        cohort: all sessions that there are, asked for or not.
        expected: images that series of DICOM become, those that cannot be converted as they are among them.
    """

    images: list[Image] = field(default_factory=list)
    participants: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[RecontrastError] = field(default_factory=list)
    fatal: list[RecontrastError] = field(default_factory=list)
    names: dict[Path, str] = field(default_factory=dict)
    cohort: frozenset[Session] = frozenset()
    expected: frozenset[Path] = frozenset()

    def sessions(self) -> dict[Session, dict[str, Image]]:
        """The images of each session by contrast, those with a problem among them."""
        sessions: dict[Session, dict[str, Image]] = defaultdict(dict)
        for image in self.images:
            sessions[Session(image.participant, image.session)][image.contrast] = image
        return dict(sessions)

    def write(self, path: str | Path) -> None:
        """Write the table, one image a row."""
        lines = ["\t".join(COLUMNS)]
        for i in self.images:
            labels = f"sub-{i.participant}", i.session and f"ses-{i.session}"
            place, problem = self._shown(str(i.path)), self._shown(i.problem)
            cells = (*labels, i.contrast, place, i.sha256, i.dataset, problem)
            lines.append("\t".join(" ".join(cell.split()) or "n/a" for cell in cells))
        write_text(path, "\n".join(lines) + "\n")

    def _shown(self, text: str) -> str:
        """A text as outputs may have it: folders of DICOM, which may bear names, as what `names` calls them."""
        for path, name in self.names.items():
            if text == str(path):
                return name
            if name != str(path):
                text = text.replace(f"{path}{os.sep}", f"{name}{os.sep}")
        return text

    def _stop(self, problem: RecontrastError) -> None:
        self.problems.append(problem)
        self.fatal.append(problem)


def build(
    datasets: Iterable[Dataset],
    contrasts: dict[str, Contrast],
    include: Include,
    cache: Path | None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    converted: Mapping[Path, list[bids.RawImage]] | None = None,
    hashes: Mapping[Path, str] | None = None,
    sources: Mapping[str, Contrast] | None = None,
    masks: Mapping[str, Mask] | None = None,
    checks: Mapping[str, Callable[[list[Path]], None]] | None = None,
) -> Manifest:
    """Find, hash and check the images that a study asks for.

    Args:
        datasets: the BIDS folders.
        contrasts: the study's contrasts by name.
        include: the participants and sessions asked for; everyone if it names none.
        cache: file that remembers hashes and checks between calls, or None.
        jobs: how many files are read at a time; all cores if None.
        progress: called with (done, of how many) while new files are read.
        converted: of data sets that are DICOM: the images that they will become.
        hashes: path of each of those images -> the hash of what it is made from.
        sources: what maps are made of, as the study has it: diffusion (a series with its gradient table) or
            relaxometry (a group of images).
        masks: the study's masks by name, which lie among derivatives.
        checks: for a source, what raises unless the text files beside its images suffice for its maps; of
            images that are yet to be converted, their steps check it.
    """
    checks = checks or {}
    manifest, hashes, sources, masks = Manifest(), hashes or {}, sources or {}, masks or {}
    datasets = list(datasets)
    manifest.names = _names(datasets, converted or {})
    visits = _gather(datasets, manifest, converted or {})
    everyone = [image for _, images in visits.values() for image in images]
    manifest.cohort, manifest.expected = frozenset(visits), frozenset(hashes)
    visits = _included(visits, include, manifest)
    chosen: list[tuple[Image, list[bids.RawImage]]] = []
    without_run: dict[str, list[str]] = {}
    for session, (dataset, images) in sorted(visits.items(), key=lambda item: item[0]):
        for name in [*contrasts, *sources]:
            image = Image(session.participant, session.session, name, Path(), "", dataset=dataset)
            try:
                raws = _choose(name, contrasts, sources, images)
            except RecontrastError as error:
                folder = Path(os.path.commonpath([i.path.parent for i in images]))
                chosen.append((replace(image, path=folder, problem=str(error)), []))
                continue
            if raws:
                first, *others = [raw.path for raw in raws]
                chosen.append((replace(image, path=first, others=tuple(others)), raws))
                if name in contrasts and passed_over(raws[0], images):
                    without_run.setdefault(name, []).append(session.label)
    for name, labels in without_run.items():
        some = ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")
        problem = (
            f"contrasts.{name}: in {len(labels)} sessions the file without a run is used, not those with one"
        )
        manifest.problems.append(
            RecontrastError(f"{problem} ({some})", remedy="set run to first, last or a number")
        )
    taken = {(Session(i.participant, i.session), i.contrast): raws[0] for i, raws in chosen if raws}
    drawn = _masks(datasets, masks, visits, taken, manifest)
    chosen += drawn
    given = [raw for _, raws in chosen for raw in raws]
    unread = [raw for raw in given if raw.path not in hashes]
    are_masks = {raw.path for _, raws in drawn for raw in raws}
    contents = inspect(unread, cache, jobs or os.cpu_count() or 1, progress, are_masks)
    contents |= {raw.path: Content(hashes[raw.path], raw.problem) for raw in given if raw.path in hashes}
    for image, raws in chosen:
        if raws:
            with_text = [r for r in raws if image.contrast in sources and r.path not in hashes]
            content = _content(raws, with_text, contents)
            problem = content.problem
            if with_text and not problem and image.contrast in checks:
                problem = _fault(checks[image.contrast], [image.path, *image.others])
            image = replace(image, sha256=content.sha256, problem=problem)
        manifest.images.append(image)
    asked = {f"contrasts.{name}": contrast for name, contrast in contrasts.items()}
    _tell_absent(asked | {SOURCES[name]: c for name, c in sources.items()}, everyone, manifest)
    _tell_left_out(visits, manifest)
    return manifest


def _names(datasets: list[Dataset], converted: Mapping[Path, list[bids.RawImage]]) -> dict[Path, str]:
    """What outputs call each data set: its path; one of DICOM its prefix or a number, as folders bear names."""
    numbered = enumerate((d for d in datasets if d.path in converted), 1)
    dicom = {d.path: d.prefix or f"DICOM {number}" for number, d in numbered}
    return {d.path: dicom.get(d.path, str(d.path)) for d in datasets}


def _masks(
    datasets: list[Dataset],
    masks: Mapping[str, Mask],
    visits: Visits,
    taken: Mapping[tuple[Session, str], bids.RawImage],
    manifest: Manifest,
) -> list[tuple[Image, list[bids.RawImage]]]:
    """The masks of the sessions that are worked on, `taken` being their images by contrast."""
    chosen: list[tuple[Image, list[bids.RawImage]]] = []
    for dataset in datasets if masks else []:
        derived: dict[Session, list[bids.RawImage]] = defaultdict(list)
        try:
            for image in bids.scan_derivatives(dataset.path, dataset.derivatives):
                derived[Session(dataset.prefix + image.participant, image.session)].append(image)
        except RecontrastError as error:
            manifest.problems.append(error)
        for session, (folder, _) in sorted(visits.items()):
            for name, mask in masks.items() if folder == manifest.names[dataset.path] else []:
                image = Image(session.participant, session.session, name, dataset.path, "", dataset=folder)
                try:
                    raw = choose_mask(name, mask, derived[session], taken.get((session, mask.of)))
                except RecontrastError as error:
                    chosen.append((replace(image, problem=str(error)), []))
                    continue
                if raw:
                    chosen.append((replace(image, path=raw.path), [raw]))
    for name in masks:
        if not any(image.contrast == name for image, _ in chosen):
            manifest.problems.append(
                RecontrastError(
                    f"masks.{name}: no derivative of the cohort matches this mask",
                    remedy="check its entities, or name its folder under datasets: derivatives",
                )
            )
    return chosen


def _choose(
    name: str, contrasts: dict[str, Contrast], sources: Mapping[str, Contrast], images: list[bids.RawImage]
) -> list[bids.RawImage]:
    """The images of one session that a contrast or a source of maps means."""
    if name == "relaxometry":
        return choose_group(name, sources[name], images, SOURCES[name])
    key = SOURCES.get(name, f"contrasts.{name}")
    raw = choose(name, contrasts if name in contrasts else dict(sources), images, key)
    return [raw] if raw else []


def _fault(check: Callable[[list[Path]], None], paths: list[Path]) -> str:
    """What a check has against some images, naming files without their folder; empty where it is content."""
    try:
        check(paths)
    except RecontrastError as error:
        return str(error).replace(f"{paths[0].parent}{os.sep}", "")
    return ""


def _content(
    raws: list[bids.RawImage], with_text: list[bids.RawImage], contents: dict[Path, Content]
) -> Content:
    """What is known of the files of one image, among them the text files beside some of them."""
    if len(raws) == 1 and not with_text:
        return contents[raws[0].path]
    found = [contents[raw.path] for raw in raws]
    if len(raws) > 1:
        named = zip(raws, found, strict=True)
        found = [replace(c, problem=c.problem and f"{raw.path.name} {c.problem}") for raw, c in named]
    return combine([*found, *(text for raw in with_text for text in inspect_beside(raw))])


def _gather(
    datasets: Iterable[Dataset], manifest: Manifest, converted: Mapping[Path, list[bids.RawImage]]
) -> Visits:
    """The raw images of every session of every data set; no session may come from two."""
    visits: Visits = {}
    origin: dict[str, Dataset] = {}
    for dataset in datasets:
        try:
            images, problems = (
                (converted[dataset.path], []) if dataset.path in converted else bids.scan(dataset.path)
            )
        except RecontrastError as error:
            manifest._stop(error)
            continue
        manifest.problems += problems
        try:
            rows = {} if dataset.path in converted else bids.read_participants(dataset.path)
            manifest.participants |= {dataset.prefix + label: row for label, row in rows.items()}
        except RecontrastError as error:
            manifest.problems.append(error)
        labels = {dataset.prefix + image.participant for image in images}
        if clash := sorted(labels & set(origin)):
            named = ", ".join(f"sub-{label}" for label in clash[:5]) + (", ..." if len(clash) > 5 else "")
            remedy = "give one of them a prefix under datasets"
            manifest._stop(
                RecontrastError(
                    f"has {named}, as does {origin[clash[0]].path}", file=dataset.path, remedy=remedy
                )
            )
            continue
        origin |= dict.fromkeys(labels, dataset)
        for image in images:
            session = Session(dataset.prefix + image.participant, image.session)
            visits.setdefault(session, (manifest.names[dataset.path], []))[1].append(image)
    return visits


def _included(visits: Visits, include: Include, manifest: Manifest) -> Visits:
    """The sessions asked for; a label that nobody has is a problem."""
    people = {label.removeprefix("sub-") for label in include.participants}
    times = {label.removeprefix("ses-") for label in include.sessions}
    asked = (
        ("participant", "sub-", people, {session.participant for session in visits}),
        ("session", "ses-", times, {session.session for session in visits} - {""}),
    )
    for what, prefix, wanted, there in asked:
        for label in sorted(wanted - there):
            remedy = f"did you mean {prefix}{close[0]}?" if (close := _nearest(label, there)) else ""
            some = ", ".join(f"{prefix}{name}" for name in sorted(there)[:5]) or "none"
            remedy = remedy or f"there are {len(there)}: {some}{', ...' if len(there) > 5 else ''}"
            manifest._stop(RecontrastError(f"no {what} {prefix}{label} in the cohort", remedy=remedy))
    return {
        session: found
        for session, found in visits.items()
        if (not people or session.participant in people) and (not times or session.session in times)
    }


def _tell_absent(contrasts: dict[str, Contrast], images: list[bids.RawImage], manifest: Manifest) -> None:
    """A contrast that nobody has is a problem: it may be misspelt."""
    if not images:
        return
    for key, contrast in contrasts.items():
        if any(matches(image, contrast) for image in images):
            continue
        asked = "_".join([*(f"{k}-{v}" for k, v in contrast.wanted.items()), contrast.suffix])
        there = {
            "_".join([*(f"{k}-{v}" for k, v in i.entities.items() if k != "run"), i.suffix]) for i in images
        }
        alike = [label for label in sorted(there) if label.split("_")[-1] == contrast.suffix]
        shown = (alike or _nearest(asked, there) or sorted(there))[:8]
        problem = f"{key}: no file in the cohort matches {asked}"
        manifest.problems.append(RecontrastError(problem, remedy=f"there are {', '.join(shown)}"))


def _tell_left_out(visits: Visits, manifest: Manifest) -> None:
    """Sessions that have images, but none that the study asks for, are named once together."""
    labels = [session.label for session in sorted(set(visits) - set(manifest.sessions()))]
    if labels:
        some = ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")
        manifest.problems.append(
            RecontrastError(f"{len(labels)} sessions have none of the contrasts ({some})")
        )


def _nearest(name: str, valid: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, sorted(valid), n=3, cutoff=0.5)
