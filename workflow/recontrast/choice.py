"""What a command is asked to work on: which study, which part of the cohort. The options of a BIDS app."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Choice:
    """The options that select the study and the participants.

    Attributes:
        study: A study file, or the name of a built-in study.
        target: The contrast to synthesise, if there is no study.
        recipe: The recipe of all experiments, paper or quick, instead of the study's; paper trains on all folds.
        participant_label: Only these participants, with or without sub-.
        session_label: Only these sessions, with or without ses-.
        bids_filter_file: JSON file that selects the images of a contrast: {"T1w": {"acquisition": "mprage"}}.
    """

    study: str | None = None
    target: str | None = None
    recipe: str | None = None
    participant_label: Annotated[
        tuple[str, ...], Parameter(name=["--participant-label", "--participant_label"])
    ] = ()
    session_label: Annotated[tuple[str, ...], Parameter(name=["--session-label", "--session_label"])] = ()
    bids_filter_file: Annotated[Path | None, Parameter(name=["--bids-filter-file", "--bids_filter_file"])] = (
        None
    )
