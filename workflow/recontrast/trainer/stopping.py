"""When to stop training, as pure functions of the validation errors so far."""

import itertools
import math
from collections.abc import Callable, Sequence

Stop = Callable[[Sequence[float]], bool]


def strips(errors: Sequence[float], *, length: int, rises: int) -> bool:
    """Whether the error has risen in several strips of epochs in a row (Wei 2019, section 2.3).

    Only the last epoch t of each strip counts: STOP_1 holds at the end of a strip with E(t) > E(t - q),
    STOP_p where STOP_(p-1) held at t - q and E(t) > E(t - q).

    Args:
        errors: validation error after each epoch, the first epoch first.
        length: epochs in a strip, q.
        rises: strips in a row that must end higher than the one before, p. 0 never stops.
    """
    if rises == 0 or len(errors) % length or len(errors) < (rises + 1) * length:
        return False
    ends = errors[length - 1 :: length][-(rises + 1) :]
    return all(later > earlier for earlier, later in itertools.pairwise(ends))


def patience(errors: Sequence[float], *, epochs: int, least: float = 0.0) -> bool:
    """Whether in the last `epochs` epochs no error was lower than the best before it. 0 never stops.

    Args:
        errors: validation error after each epoch, the first epoch first.
        epochs: without a lower error.
        least: an error is lower only by more than this; smaller gains do not count, nor do they become the best.
    """
    best, since = math.inf, 0
    for error in errors:
        best, since = (error, 0) if error < best - least else (best, since + 1)
    return bool(epochs) and since >= epochs
