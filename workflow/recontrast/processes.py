"""How a program ended, where it was not its own doing."""

import errno
import re
import signal

# As a script says it of a program that it ran, or that program itself.
OUT_OF_MEMORY = re.compile(
    r"\bKilled\b|nonzero status 137|Unable to satisfy request for memory|bad_alloc"
    r"|[Cc]annot allocate memory|Failed to allocate memory"
)
OUTSIDE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU)


def check(program: str, status: int, said: str) -> None:
    """Raise where a program was stopped, or could not go on, for reasons that another try may not meet.

    Raises:
        MemoryError: it, or a program that it ran, was killed, as happens where memory runs out, or got none.
        KeyboardInterrupt: it was stopped from outside.
        OSError: the disk is full.
    """
    # A shell reports a signal as 128 and its number.
    stopped = -status if status < 0 else status - 128
    if stopped == signal.SIGKILL:
        raise MemoryError(f"{program} was killed")
    if status and OUT_OF_MEMORY.search(said):
        raise MemoryError(f"{program} ran out of memory")
    if stopped in OUTSIDE:
        raise KeyboardInterrupt(f"{program} was stopped")
    if "No space left on device" in said:
        raise OSError(errno.ENOSPC, f"{program}: no space left on device")
