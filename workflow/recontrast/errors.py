"""The one exception type: which file, what is wrong, what to do."""

from pathlib import Path


class RecontrastError(Exception):
    """Something that the user can mend, said in one line.

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
