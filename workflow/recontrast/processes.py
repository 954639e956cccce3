"""How a program ended, where it was not its own doing."""

import errno
import signal

OUTSIDE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU)


def check(program: str, status: int, said: str) -> None:
    """Raise where a program was stopped, or could not go on, for reasons that another try may not meet.

    Raises:
        MemoryError: it was killed, as happens where memory runs out.
        KeyboardInterrupt: it was stopped from outside.
        OSError: the disk is full.
    """
    # A shell reports a signal as 128 and its number.
    stopped = -status if status < 0 else status - 128
    if stopped == signal.SIGKILL:
        raise MemoryError(f"{program} was killed")
    if stopped in OUTSIDE:
        raise KeyboardInterrupt(f"{program} was stopped")
    if "No space left on device" in said:
        raise OSError(errno.ENOSPC, f"{program}: no space left on device")
