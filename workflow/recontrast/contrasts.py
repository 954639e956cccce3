"""How a study names raw images: a BIDS suffix and, where needed, entities."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]

# BIDS entities that tell raw images of one suffix apart, by their long names in a study.
ENTITIES = {
    "acquisition": "acq",
    "contrast_agent": "ce",
    "reconstruction": "rec",
    "direction": "dir",
    "run": "run",
    "echo": "echo",
    "flip": "flip",
    "inversion": "inv",
    "part": "part",
}


class Section(BaseModel):
    """A part of the study; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Contrast(Section):
    """Which raw images are this contrast: a BIDS suffix and, where needed, entities."""

    suffix: Name
    acquisition: str | None = None
    contrast_agent: str | None = None
    reconstruction: str | None = None
    direction: str | None = None
    run: int | Literal["first", "last"] | None = None
    echo: int | None = None
    flip: int | None = None
    inversion: int | None = None
    part: str | None = None

    @property
    def wanted(self) -> dict[str, str]:
        """The entities asked for, by their short names; `run` first or last is no entity but a choice."""
        given = {short: getattr(self, name) for name, short in ENTITIES.items()}
        return {k: str(v) for k, v in given.items() if v is not None and v not in ("first", "last")}

    @property
    def entities(self) -> str:
        """What tells this contrast's derived files from others of its suffix: `_acq-se`, or nothing."""
        return "".join(f"_{key}-{value}" for key, value in self.wanted.items())

    @property
    def label(self) -> str:
        """Entities and suffix as file names end: `T2w`, `acq-se_T1w`."""
        return f"{self.entities}_{self.suffix}".lstrip("_")


class Mask(Section):
    """Which derivatives are this mask: BIDS entities, and the contrast whose voxels or world it shares."""

    of: Name
    suffix: Name = "mask"
    label: str | None = None
    description: str | None = None
    space: str | None = None
    acquisition: str | None = None
    run: int | None = None

    @property
    def wanted(self) -> dict[str, str]:
        """The entities asked for, by their short names."""
        given = {"label": self.label, "desc": self.description, "space": self.space, "acq": self.acquisition}
        given["run"] = self.run
        return {key: str(value) for key, value in given.items() if value is not None}
