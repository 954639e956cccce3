"""When to stop training, as pure functions of the validation errors so far."""

import itertools
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


def patience(errors: Sequence[float], *, epochs: int) -> bool:
    """Whether the best error lies at least `epochs` epochs back. 0 never stops."""
    return bool(epochs) and len(errors) - 1 - min(range(len(errors)), key=errors.__getitem__) >= epochs
