"""A contrast that was never scanned, from relaxation rates and proton density by the signal equations."""

from pathlib import Path

import numpy as np

from .. import images, signals
from ..errors import RecontrastError


def synthesize_contrast(
    *,
    r1: Path,
    r2: Path,
    pd: Path,
    output: Path,
    repetition_time: float,
    echo_time: float,
    inversion_times: list[float] | None = None,
) -> None:
    """Compute the image that a pulse sequence would give, from relaxation rates and proton density.

    Args:
        r1: longitudinal relaxation rate, in 1/s.
        r2: transverse relaxation rate, in 1/s, on the same grid.
        pd: proton density, on the same grid; the result is in its units.
        output: magnitude image to write; zero where there is no proton density.
        repetition_time: in ms.
        echo_time: in ms.
        inversion_times: in ms: none for a spin echo (T1w, T2w, PDw), one for an inversion recovery (FLAIR,
            STIR), two for a double inversion recovery: from the first inversion to the second, and from there
            to the excitation.

    Raises:
        RecontrastError: maps on different grids, or times that no sequence has.
    """
    ti = inversion_times or []
    check(repetition_time, echo_time, ti)
    density = images.read(pd)
    rates = [images.read(path) for path in (r1, r2)]
    for path, rate in zip((r1, r2), rates, strict=True):
        images.check_same_grid(path, rate, density)
    maps = [np.asarray(image.dataobj, np.float64) for image in (density, *rates)]
    image = signals.from_rates(*maps, tr=repetition_time, te=echo_time, ti=ti)
    facts = {
        "Sources": [str(path) for path in (r1, r2, pd)],
        "Synthetic": True,
        "Method": ("spin echo", "inversion recovery", "double inversion recovery")[len(ti)],
        "RepetitionTime": repetition_time / 1000,
        "EchoTime": echo_time / 1000,
        "InversionTime": [time / 1000 for time in ti],
    }
    print(f"{output}: {facts['Method']}, TR {repetition_time:g}, TE {echo_time:g}, TI {ti or 'none'} ms")
    images.write(output, image, density, facts=facts)


def check(tr: float, te: float, ti: list[float]) -> None:
    """Raise unless a sequence can have these times, in ms."""
    if wrong := signals.impossible(tr, te, ti):
        raise RecontrastError(wrong, remedy="give milliseconds")
