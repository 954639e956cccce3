"""The one exception type: which file, what is wrong, what to do."""

import errno
from pathlib import Path

_RIGHTS = "get the right to read and write there, or name another folder"
_ROOM = "make room there and run again: what is done is kept"

# What the user can do about the machine's trouble.
_REMEDIES = {
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "that disk can only be read: name a folder on another",
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.ENOTDIR: "a file stands where a folder must be: name another folder",
    errno.EISDIR: "a folder stands where a file must be: name another file",
    errno.ENOENT: "check the path",
    errno.EIO: "the disk or the network failed: run again, and look after it if this comes back",
    errno.ESTALE: "the network's disk has gone away: run again",
    errno.EMFILE: "allow more open files (ulimit -n), or fewer jobs at a time (--cores)",
    errno.ENOMEM: "free some memory, or run fewer jobs at a time (--cores)",
}


class RecontrastError(Exception):
    """Something that the user can fix, said in one line.

    Args:
        problem: what is wrong, as a clause without a full stop.
        file: the file or folder that it is about, if there is one.
        remedy: what to do about it.
    """

    def __init__(self, problem: str, *, file: str | Path | None = None, remedy: str = "") -> None:
        self.problem = problem
        self.file = None if file is None else str(file)
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        what_to_do = f"; {self.remedy}" if self.remedy else ""
        return " ".join(f"{where}{self.problem}{what_to_do}".split())


def explain(error: OSError) -> RecontrastError:
    """What the system said about a file or a disk, with what to do about it."""
    remedy = _REMEDIES.get(error.errno, "")
    return RecontrastError(error.strerror or str(error), file=error.filename or "a file", remedy=remedy)
