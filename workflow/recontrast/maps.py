"""What a study says of diffusion and relaxometry, and the maps that come of it: names, files, origins."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from . import layout
from .contrasts import Contrast, Name, Section
from .layout import DWI_PARAMETERS, RELAXATIONS, Session, fill

# What a session may have beside contrasts -> the key of the study that says which raw images it is.
SOURCES = {"diffusion": "diffusion.dwi", "relaxometry": "relaxometry.images"}

# The items (see cohort.quarantine) whose failure costs a session all maps of a source.
UNITS = {
    "diffusion": ("dwi", "from-dwi"),
    "relaxometry": ("relaxometry", "from-relaxometry", *(f"{r}map" for r in RELAXATIONS), "desc-bloch"),
}


class Series(Contrast):
    """Which diffusion series, where a session has several."""

    suffix: Literal["dwi"] = "dwi"


class Diffusion(Section):
    """Maps of the diffusion tensor."""

    dwi: Series | None = None
    motion: Literal["affine", "keep"] = "affine"
    b0_threshold: float = Field(50, ge=0, description="in s/mm²; volumes up to this b-value count as b = 0")
    fit: Literal["ols", "wls"] = "ols"
    highest_b: float = Field(
        1200, gt=0, description="volumes with higher b-values are not used for the tensor"
    )
    dof: Literal[6, 12] = Field(6, description="degrees of freedom of the registration to the reference")


class Sequence(Section):
    """A pulse sequence that is computed from relaxation maps; times in ms."""

    repetition_time: float = Field(gt=0)
    echo_time: float = Field(ge=0)
    inversion_times: tuple[float, ...] = Field((), max_length=2)


# The synthetic images of Hagiwara 2019.
HAGIWARA = {
    "FLAIR": Sequence(repetition_time=15000, echo_time=100, inversion_times=(3000,)),
    "T1w": Sequence(repetition_time=500, echo_time=10),
}


class Relaxometry(Section):
    """Relaxation maps of multi-delay multi-echo images, and contrasts computed from them."""

    images: Contrast | None = None
    echo_times: tuple[float, ...] = Field(
        (), description="of each image in ms; from the JSON sidecars if empty"
    )
    delays: tuple[float, ...] = Field((), description="of each image in ms; likewise")
    repetition_time: float | None = Field(None, gt=0, description="in ms; likewise")
    saturation_angle: float = 120
    excitation_angle: float = 90
    bloch: dict[Name, Sequence] = Field(HAGIWARA, description="by BIDS suffix")


@dataclass(frozen=True)
class Map:
    """One map on the reference grid: what it is made of, and the pattern of its file."""

    source: str
    pattern: str

    def path(self, session: Session, reference: str) -> str:
        """Its file in one session."""
        return fill(self.pattern, session, reference=reference)


def maps(diffusion: Diffusion, relaxometry: Relaxometry) -> dict[str, Map]:
    """The maps of a study by the names that experiments may use as inputs: FA, R1, BlochFLAIR."""
    found = {}
    if diffusion.dwi:
        for name in DWI_PARAMETERS:
            found[name] = Map("diffusion", layout.partly(layout.DWIMAP, parameter=name))
    if relaxometry.images:
        for name in RELAXATIONS:
            found[name] = Map("relaxometry", layout.partly(layout.RELAXATION, relaxation=name))
        for suffix in relaxometry.bloch:
            found[f"Bloch{suffix}"] = Map("relaxometry", layout.partly(layout.BLOCH, suffix=suffix))
    return found
