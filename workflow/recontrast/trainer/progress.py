"""How far a training is: a bar for a person, sparse lines for a log, both with the time that is left."""

import sys
import time

from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

LINE_SECONDS = 300.0  # between lines, at most

Row = dict[str, float | int | None]


class Progress:
    """A line for each twentieth of the way or after `LINE_SECONDS`; on a terminal a bar below that.

    Args:
        epochs: how many at most.
        done: how many are behind.
        batches: how many batches of the next one are behind too.
    """

    def __init__(self, epochs: int, done: int, batches: int = 0) -> None:
        self.epochs, self.done, self.length = epochs, done, None
        self.at_first, self.batches = (done, batches), batches
        self.begun = self.printed = time.monotonic()
        columns = (
            TextColumn("epoch {task.fields[place]}"),
            BarColumn(None),
            TextColumn("{task.fields[left]} left"),
        )
        self._bar = Bar(*columns, transient=True, disable=not sys.stdout.isatty(), refresh_per_second=2)
        self._task = self._bar.add_task("", total=1.0, place="", left="?")

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._bar.stop()

    def batch(self, batches: int, length: int | None = None) -> None:
        """So many batches of the epoch are behind; `length`: of how many, where that is known beforehand."""
        self.batches, self.length = batches, length or self.length
        place = f"{self.done + 1}/{self.epochs}, batch {batches}" + (f"/{self.length}" if self.length else "")
        left = self.left()
        self._bar.update(self._task, completed=self._way(self.done, batches), place=place, left=left)
        if time.monotonic() - self.printed >= LINE_SECONDS:
            self._print(f"epoch {place}; {left} left")

    def epoch(self, row: Row, best_epoch: int) -> None:
        """An epoch has ended, with this row of the loss table."""
        self.length = self.batches or self.length
        self.done, self.batches = row["epoch"], 0
        step = max(1, self.epochs // 20)
        seldom = self.done not in (1, self.epochs) and self.done % step
        if seldom and time.monotonic() - self.printed < LINE_SECONDS:
            return
        values = ", ".join(
            f"{name} {value:.5g}" for name, value in list(row.items())[1:] if value is not None
        )
        self._print(f"epoch {self.done}/{self.epochs}: {values}; best {best_epoch}; {self.left()} left")

    def left(self) -> str:
        """The time to the last epoch at the pace so far; `?` within a first epoch of unknown length."""
        now = self._way(self.done, self.batches)
        gone = now - self._way(*self.at_first)
        if gone <= 0:
            return "?"
        left = (time.monotonic() - self.begun) / gone * (1 - now)
        return f"{left // 3600:.0f} h {left % 3600 // 60:.0f} min" if left >= 3600 else f"{left:.0f} s"

    def _way(self, epochs: int, batches: int) -> float:
        """The part of all epochs that is behind."""
        within = min(1.0, batches / self.length) if self.length else 0.0
        return (epochs + within) / max(1, self.epochs)

    def _print(self, line: str) -> None:
        self.printed = time.monotonic()
        print(line, flush=True)
