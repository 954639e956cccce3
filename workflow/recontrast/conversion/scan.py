"""Every file of a DICOM folder, read once and remembered until it changes."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from ..errors import RecontrastError
from ..fingerprint import fingerprint
from .folders import walk
from .headers import File, Frame, Header, read
from .key import write_private

Key = tuple[str, int, int, int]
MANY = 500  # files; for fewer, starting processes takes longer than reading
_AHEAD: dict[Key, File] = {}  # read by a look ahead, until a scan of the same process keeps it


def scan(
    folder: str | Path,
    cache: Path | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    leave: tuple[Path, ...] = (),
    keep: bool = True,
) -> dict[Path, File]:
    """Read every file below a folder that is not in the cache as it is now.

    Args:
        folder: any nesting; links to folders are followed.
        cache: file to keep the results in, or None. They hold for a path, size, mtime and ctime. It names
            people: keep it with the key.
        jobs: processes; all cores if None.
        progress: called with (done, of how many) now and then.
        leave: folders in it that are not looked at, such as our own output.
        keep: whether the cache is written; a look ahead remembers for the scan that follows, but writes nothing.

    Raises:
        RecontrastError: there is no such folder.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise RecontrastError(
            "is not a folder", file=folder, remedy="give the folder that holds the DICOM files"
        )
    checks = fingerprint("recontrast.conversion.headers")
    stored = _load(cache, checks)
    known = stored | _AHEAD
    keys: dict[str, Key] = {}
    passed: dict[str, File] = {}  # links that are not followed, folders that cannot be opened
    for path, stat, reason in walk(folder, leave):
        if reason:
            passed[path] = File("", None, reason)
        else:
            keys[path] = (path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    unread = [path for path, key in keys.items() if key not in known]
    found = {key: known[key] for key in keys.values() if key in known}
    try:
        for done, (path, file) in enumerate(zip(unread, _read(unread, jobs), strict=True), 1):
            found[keys[path]] = file
            if done % 100 == 0 or done == len(unread):
                progress(done, len(unread))
    finally:  # an interrupted first look at a large folder is not lost
        if not keep:
            _AHEAD.update((key, file) for key, file in found.items() if key not in stored)
        elif cache is not None and not found.keys() <= stored.keys():
            others = {k: f for k, f in known.items() if not Path(k[0]).is_relative_to(folder)}
            _save(cache, checks, others | found)
            _AHEAD.clear()
    listed = passed | {path: found[key] for path, key in keys.items()}
    return {Path(path): file for path, file in sorted(listed.items())}


def _read(paths: list[str], jobs: int | None) -> Iterator[File]:
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1 or len(paths) < MANY:
        yield from map(read, paths)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(read, paths, chunksize=50)


def _load(cache: Path | None, checks: str) -> dict[Key, File]:
    """What a cache holds, if it was made by the same code."""
    try:
        stored = json.loads(cache.read_text(encoding="utf-8")) if cache is not None else {}
        rows = stored["files"] if stored.get("checks") == checks else []
        return {
            (path, *stat): File(sha, _header(header), reason) for path, *stat, sha, header, reason in rows
        }
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return {}


def _header(row: list | None) -> Header | None:
    if row is None:
        return None
    *parts, frames = row
    plain = [tuple(part) if isinstance(part, list) else part for part in parts]
    return Header(*plain, tuple(Frame(tuple(f[0]), tuple(f[1]), *f[2:]) for f in frames))


def _save(cache: Path, checks: str, found: dict[Key, File]) -> None:
    """Keep what is known; a file that could not be opened is tried again."""
    rows = [
        json.dumps([*key, *file])
        for key, file in sorted(found.items())
        if not file.reason.startswith("cannot")
    ]
    write_private(cache, f'{{"checks": "{checks}", "files": [\n' + ",\n".join(rows) + "\n]}\n")
