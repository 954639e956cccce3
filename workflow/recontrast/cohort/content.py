"""What is inside the raw files: their hashes and their faults, remembered until a file changes."""

import gzip
import hashlib
import json
from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import RecontrastError
from ..fingerprint import fingerprint
from ..images import read, read_mask, read_series, write_text
from ..inheritance import applicable, nearest
from .bids import RawImage

READERS = {"dwi": read_series, "mask": read_mask}  # by suffix; all else is one image
GRADIENTS = (".bval", ".bvec")


@dataclass(frozen=True)
class Content:
    """The SHA-256 of a file as it is (packed or not), and why its image cannot be used, or empty."""

    sha256: str
    problem: str = ""


def inspect(
    images: list[RawImage],
    cache: Path | None,
    jobs: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    masks: Set[Path] = frozenset(),
) -> dict[Path, Content]:
    """Hash and read every image that is not in the cache as it is now.

    Args:
        images: the files; one of several with the same path is enough.
        cache: file to keep the results in, or None. They hold for a path, size, mtime and ctime: the ctime
            changes also when content is replaced and the old mtime set back. A cache that cannot be read, or
            was made by other checks than today's, is made anew.
        jobs: how many files at a time. Threads do: unpacking and hashing run outside Python's lock.
        progress: called with (done, of how many) after each file that had to be read.
        masks: those of the files that are masks whatever their suffix, and may be empty.
    """
    checks = fingerprint("recontrast.images")
    known = _load(cache, checks)
    read_as = {i.path: read_mask if i.path in masks else READERS.get(i.suffix, read) for i in images}
    wanted = {i.path: (*_key(i), read_as[i.path].__name__) for i in images}
    unread = {i.path: i for i in images if not i.problem and wanted[i.path] not in known}
    found = dict(known)
    try:
        with ThreadPoolExecutor(jobs) as pool:
            results = pool.map(_inspect, unread, (read_as[path] for path in unread))
            for done, (path, content) in enumerate(zip(unread, results, strict=True), 1):
                found[wanted[path]] = content
                progress(done, len(unread))
    finally:  # an interrupted first look at a large cohort is not lost
        if cache is not None and found != known:
            _save(cache, checks, found)
    return {i.path: Content("", i.problem) if i.problem else found[wanted[i.path]] for i in images}


def _inspect(path: Path, read_as: Callable[[Path], object]) -> Content:
    try:
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return Content("", f"cannot be opened ({error.strerror}); check the file and its permissions")
    try:
        read_as(path)
        _check_packing(path)
    except OSError as error:
        return Content("", f"cannot be read ({error.strerror}); check the disk and run again")
    except RecontrastError as error:
        return Content(sha256, "; ".join(part for part in (error.problem, error.remedy) if part))
    return Content(sha256)


def inspect_beside(image: RawImage) -> list[Content]:
    """The text files that say how an image was measured: b-values, directions, JSON files, also inherited ones."""
    files = [nearest(image.path, ending) for ending in GRADIENTS] if image.suffix == "dwi" else []
    # A study may say what a JSON file would.
    files += applicable(image.path, ".json") or [nearest(image.path, ".json")]
    found = []
    for file in files:
        ending = file.suffix
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            lacking = (
                f"has no {ending} file beside it or in a folder above; convert again"
                if ending in GRADIENTS
                else ""
            )
            found.append(Content("", lacking))
        except OSError as error:
            found.append(Content("", f"its {ending} file cannot be opened ({error.strerror})"))
        else:
            found.append(Content(hashlib.sha256(content).hexdigest()))
    return found


def combine(contents: list[Content]) -> Content:
    """One content for files that are used together: a hash over theirs, and the first of their problems."""
    hashes = " ".join(content.sha256 for content in contents)
    problem = next((content.problem for content in contents if content.problem), "")
    return Content(hashlib.sha256(hashes.encode()).hexdigest(), problem)


def _check_packing(path: Path) -> None:
    """Unpack to the very end, where gzip keeps its checksum: reading an image stops before it."""
    if path.suffix != ".gz":
        return
    try:
        with gzip.open(path) as file:
            while file.read(1 << 20):
                pass
    except (OSError, EOFError, gzip.zlib.error) as error:
        raise RecontrastError(f"is damaged ({error})", file=path, remedy="copy it again") from error


Key = tuple[str, int, int, int, str]  # the last: how it was read


def _key(image: RawImage) -> tuple[str, int, int, int]:
    return str(image.path), image.size, image.mtime_ns, image.ctime_ns


def _load(cache: Path | None, checks: str) -> dict[Key, Content]:
    """What a cache holds, if it was made by the same checks."""
    try:
        stored = json.loads(cache.read_text(encoding="utf-8")) if cache is not None else {}
        rows = stored["files"] if stored.get("checks") == checks else []
        return {tuple(key): Content(sha256, problem) for *key, sha256, problem in rows}
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return {}


def _save(cache: Path, checks: str, found: dict[Key, Content]) -> None:
    """Keep the newest state of every path; a file that could not be opened is tried again."""
    newest = {key[0]: (key, content) for key, content in found.items()}
    rows = [
        json.dumps([*key, *asdict(content).values()]) for key, content in newest.values() if content.sha256
    ]
    write_text(cache, f'{{"checks": "{checks}", "files": [\n' + ",\n".join(sorted(rows)) + "\n]}\n")
