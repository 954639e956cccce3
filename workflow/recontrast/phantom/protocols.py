"""The contrasts that the phantom can be scanned with: names, sequences, parameters and grids."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .. import signals
from .tissues import FLAIR_TE, FLAIR_TI, FLAIR_TR


@dataclass(frozen=True)
class Image:
    """One file of a contrast: what stands before its suffix (`_acq-se`, or nothing), and its settings."""

    entities: str
    settings: dict[str, float]


@dataclass(frozen=True)
class Protocol:
    """One contrast, scanned in one pose on one grid.

    Attributes:
        suffix: as BIDS has it.
        equation: the signal equation.
        images: its files.
        relaxation: the properties that the equation takes after proton density.
        zooms: voxel size along the stored axes, in units of the cohort's voxel size.
        orientation: where the stored axes point to.
        tilt: the slices follow the head, up to this many degrees, as a technician plans them; 0 for a box
            square to the scanner.
        noise_tissue: whose signal sets the noise; white matter unless the sequence nulls it.
        fat_suppressed: the scalp's fat is left at a seventh of its signal.
    """

    suffix: str
    equation: Callable
    images: tuple[Image, ...]
    relaxation: tuple[str, str] = ("t1", "t2")
    zooms: tuple[float, float, float] = (1.0, 1.0, 1.0)
    orientation: str = "LAS"
    tilt: float = 0.0
    noise_tissue: str = "WM"
    fat_suppressed: bool = False
    folder: str = "anat"
    facts: dict[str, object] = field(default_factory=dict)


# Hagiwara 2019: delay by delay, the shorter echo first.
DELAYS, ECHOES = (146.0, 546.0, 1879.0, 3879.0), (16.9, 84.5)
DELAY_IMAGES = tuple(
    Image(f"_acq-delay{d}_echo-{e}", {"tr": 4000.0, "te": echo, "delay": delay})
    for d, delay in enumerate(DELAYS, 1)
    for e, echo in enumerate(ECHOES, 1)
)
SHELLS, DIRECTIONS, UNWEIGHTED = (1000, 2000), 30, 6  # b in s/mm²; directions a shell; volumes with b = 0

PROTOCOLS = {
    "T1w": Protocol(
        "T1w",
        signals.gradient_echo,
        (Image("", {"tr": 20.0, "te": 4.0, "flip": 25.0}),),
        relaxation=("t1", "t2_star"),
        facts={"MRAcquisitionType": "3D", "ScanningSequence": "GR"},
    ),
    "T2w": Protocol(
        "T2w",
        signals.spin_echo,
        (Image("", {"tr": 5000.0, "te": 100.0}),),
        zooms=(1.0, 1.0, 1.5),
        tilt=8.0,
        facts={"MRAcquisitionType": "2D", "ScanningSequence": "SE"},
    ),
    "PDw": Protocol(
        "PDw",
        signals.spin_echo,
        (Image("", {"tr": 3000.0, "te": 15.0}),),
        zooms=(1.0, 1.0, 1.5),
        tilt=8.0,
        facts={"MRAcquisitionType": "2D", "ScanningSequence": "SE"},
    ),
    "FLAIR": Protocol(
        "FLAIR",
        signals.inversion_recovery,
        (Image("", {"tr": FLAIR_TR, "te": FLAIR_TE, "ti": FLAIR_TI}),),
        zooms=(1.0, 1.0, 1.25),
        orientation="PSR",
        tilt=5.0,
        fat_suppressed=True,
        facts={"MRAcquisitionType": "3D", "ScanningSequence": "IR"},
    ),
    "DIR": Protocol(
        "T2w",
        signals.double_inversion_recovery,
        # These inversion times null white matter (T1 832 ms) and water (T1 4235 ms).
        (Image("_acq-dir", {"tr": 11000.0, "te": 100.0, "ti_first": 3180.0, "ti_second": 558.0}),),
        zooms=(1.0, 1.0, 1.5),
        orientation="RSA",
        tilt=5.0,
        noise_tissue="GM",
        fat_suppressed=True,
        facts={"MRAcquisitionType": "3D", "ScanningSequence": "IR"},
    ),
    "T1SE": Protocol(
        "T1w",
        signals.spin_echo,
        (Image("_acq-se", {"tr": 600.0, "te": 10.0}),),
        zooms=(1.0, 1.0, 1.5),
        tilt=8.0,
        facts={"MRAcquisitionType": "2D", "ScanningSequence": "SE"},
    ),
    "DWI": Protocol(
        "dwi",
        signals.spin_echo,
        (Image("", {"tr": 8000.0, "te": 90.0}),),
        zooms=(1.25, 1.25, 1.25),
        tilt=5.0,
        fat_suppressed=True,
        folder="dwi",
        facts={"MRAcquisitionType": "2D", "ScanningSequence": "EP"},
    ),
    "MDME": Protocol(
        "MESE",
        signals.saturation_recovery,
        DELAY_IMAGES,
        zooms=(1.0, 1.0, 1.5),
        tilt=8.0,
        facts={"MRAcquisitionType": "2D", "ScanningSequence": "SE"},
    ),
}

# Our word for a setting → the BIDS field, and what one of our units is there.
FIELDS = {
    "tr": ("RepetitionTime", 1e-3),
    "te": ("EchoTime", 1e-3),
    "ti": ("InversionTime", 1e-3),
    "ti_second": ("InversionTime", 1e-3),
    "ti_first": ("FirstInversionTime", 1e-3),
    "delay": ("SaturationDelayTime", 1e-3),
    "flip": ("FlipAngle", 1.0),
}


def sidecar(protocol: Protocol, image: Image) -> dict[str, object]:
    """What the JSON file beside an image says: times in seconds, angles in degrees."""
    facts: dict[str, object] = {"Modality": "MR", "MagneticFieldStrength": 3, **protocol.facts}
    for name, value in {"flip": 90.0, **image.settings}.items():
        key, unit = FIELDS[name]
        facts[key] = round(value * unit, 6)
    if "_echo-" in image.entities:
        facts["EchoNumber"] = int(image.entities[-1])
    return facts
