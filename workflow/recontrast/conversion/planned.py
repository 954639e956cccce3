"""What is known, before any job runs, of the images that DICOM series become."""

from dataclasses import dataclass, field
from pathlib import Path

from ..cohort.bids import RawImage
from ..errors import RecontrastError


@dataclass(frozen=True)
class Job:
    """One image to be made.

    Attributes:
        image: as the cohort sees it, its label without the prefix; its path is relative to the output folder.
        sha256: over the files of the series and what is known of them.
        list: the file that the conversion step reads.
    """

    image: RawImage
    sha256: str
    list: Path


@dataclass
class Planned:
    """What all DICOM folders of a study become.

    Attributes:
        images: folder -> its images, those that cannot be used among them.
        jobs: path of an image to be made, as text -> how.
        hashes: path of every image -> the hash of its series.
        participants: label, with prefix -> the row of participants.tsv.
        problems: what the user should know, without the names of people.
    """

    images: dict[Path, list[RawImage]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    hashes: dict[Path, str] = field(default_factory=dict)
    participants: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[RecontrastError] = field(default_factory=list)
