"""The settings of a multi-delay multi-echo acquisition, image by image."""

from pathlib import Path

import numpy as np

from ..errors import RecontrastError
from ..inheritance import facts
from ..relaxation import Acquisition

FIELDS = {
    "echo": ("EchoTime",),
    "delay": ("SaturationDelayTime", "InversionTime"),
    "repetition": ("RepetitionTime",),
}
FEWEST_DELAYS, FEWEST_ECHOES = 3, 2  # T1 and its amplitude, with one measurement over; T2


def gather(
    images: list[Path],
    echo_times: list[float] | None,
    delays: list[float] | None,
    repetition_time: float | None,
    saturation: float,
    excitation: float,
) -> Acquisition:
    """The settings as given, and what is not given from the JSON files beside the images.

    Raises:
        RecontrastError: a setting is not known, a list has another length than the images, a combination of
            delay and echo is missing or there twice, or there are too few of them.
    """
    echoes = np.array(echo_times if echo_times else [from_sidecar(path, "echo") for path in images])
    pauses = np.array(delays if delays else [from_sidecar(path, "delay") for path in images])
    for name, values in (("echo times", echoes), ("delays", pauses)):
        if len(values) != len(images):
            raise RecontrastError(
                f"{len(images)} images, but {len(values)} {name}", remedy="give one per image"
            )
    check_complete(images, echoes, pauses)
    if repetition_time is None:
        repetition_time = from_sidecar(images[0], "repetition")
    if repetition_time < pauses.max():
        raise RecontrastError(
            f"a repetition time of {repetition_time:g} ms, shorter than the delay of {pauses.max():g} ms",
            file=images[0],
            remedy="check the units: milliseconds in settings, seconds in JSON files",
        )
    return Acquisition(echoes, pauses, repetition_time, saturation, excitation)


def from_sidecar(path: Path, setting: str) -> float:
    """A time in milliseconds from the JSON file beside an image."""
    names = FIELDS[setting]
    said = facts(path)
    for name in names:
        if isinstance(said.get(name), int | float):
            return 1000.0 * said[name]
    raise RecontrastError(
        f"its {setting} time is not known: there is no {' or '.join(names)} in its JSON file",
        file=path,
        remedy="give the times in the study",
    )


def check_complete(images: list[Path], echoes: np.ndarray, delays: np.ndarray) -> None:
    """Raise, naming the image, unless every delay comes with every echo once."""
    there = list(zip(delays.tolist(), echoes.tolist(), strict=True))
    for (delay, echo), path in zip(there, images, strict=True):
        if there.count((delay, echo)) > 1:
            raise RecontrastError(
                f"is not the only image with a delay of {delay:g} ms and an echo of {echo:g} ms",
                file=path,
                remedy="leave one of them out",
            )
    missing = [(d, e) for d in sorted(set(delays)) for e in sorted(set(echoes)) if (d, e) not in there]
    if missing:
        named = ", ".join(f"delay {d:g} ms with echo {e:g} ms" for d, e in missing)
        raise RecontrastError(
            f"these multi-delay multi-echo images are missing: {named}",
            file=images[0].parent,
            remedy="find them, or exclude the session",
        )
    if len(set(delays)) < FEWEST_DELAYS or len(set(echoes)) < FEWEST_ECHOES:
        raise RecontrastError(
            f"{len(set(delays))} delays and {len(set(echoes))} echoes",
            file=images[0].parent,
            remedy=f"T1 and T2 need at least {FEWEST_DELAYS} delays and {FEWEST_ECHOES} echoes",
        )
