"""The demo cohort: a BIDS data set of digital heads, and what is true of them beside it."""

import difflib
import json
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import __version__, images
from ..errors import RecontrastError
from ..layout import Session
from . import acquisition, anatomy, lesions, truth
from .dicom import make_dicom
from .fields import stream
from .protocols import PROTOCOLS, sidecar

DEFAULT_CONTRASTS = ("T1w", "T2w", "PDw", "FLAIR")
PATIENT_LESIONS, CONTROL_LESIONS = (1.0, 34.0), (0.6, 1.5)  # ml in all, log-uniform
GROWTH = 1.1  # lesion volume from one session to the next
README = """A phantom: digital heads made by Recontrast, no people.

Anatomy: the ICBM152 tissue probability maps (2009a symmetric; Fonov 2011, NeuroImage 54:313), deformed at
random, with skull, scalp and MS-like lesions. Copyright (C) 1993-2004 Louis Collins, McConnell Brain Imaging
Centre, Montreal Neurological Institute, McGill University: permission to use, copy, modify and distribute
them is granted as long as this notice stays. Images: signal equations of each sequence at 3 T with
literature relaxation times, a bias field of 20 per cent and Rician noise; SNR 30 in white matter. Every
contrast lies in a pose of its own.

Truth: derivatives/truth. `from-CONTRAST_to-anatomy` transforms are ITK affine files that take an image of
CONTRAST to the anatomy: antsApplyTransforms -r SPACE_ANATOMY_IMAGE -i CONTRAST_IMAGE -t FILE.
"""


@dataclass(frozen=True)
class Person:
    """One participant of the cohort; the same whatever else is in it."""

    number: int
    age: int
    sex: str
    group: str
    lesions: float

    @property
    def label(self) -> str:
        return f"{self.number:02d}"


def make(
    out: Path,
    *,
    participants: int = 8,
    voxel: float = 2.0,
    seed: int = 1,
    contrasts: Sequence[str] = DEFAULT_CONTRASTS,
    without_flair: int = 2,
    sessions: int = 0,
    dicom: bool = False,
    jobs: int = 1,
) -> None:
    """Make the demo cohort: digital heads with known truth, scanned with the contrasts asked for.

    The same arguments give the same bytes. A folder that holds this very cohort is left as it is.

    Args:
        out: folder to make; a BIDS data set, with the truth under `derivatives/truth`.
        participants: how many. Participant k is the same in a cohort of any size; every fourth is a control.
        voxel: voxel size in mm; thicker slices and diffusion images follow in proportion.
        seed: another seed gives other people.
        contrasts: from T1w, T2w, PDw, FLAIR, DIR (`acq-dir_T2w`), T1SE (`acq-se_T1w`), DWI (two shells) and
            MDME (eight multi-delay multi-echo images, `acq-delayD_echo-E_MESE`).
        without_flair: this many participants, the last ones, have no FLAIR.
        sessions: visits of each participant, a tenth more lesion from one to the next; 0 for a data set
            without session folders.
        dicom: write files as they come off a scanner instead; the truth then goes to `OUT-truth`, beside.
        jobs: processes to use.

    Raises:
        RecontrastError: an argument that cannot be met, or a folder that holds something else.
    """
    contrasts = list(dict.fromkeys(contrasts))
    check(participants, voxel, contrasts, without_flair, sessions)
    arguments = {
        "participants": participants,
        "voxel": voxel,
        "seed": seed,
        "contrasts": contrasts,
        "without_flair": without_flair,
        "sessions": sessions,
    }
    out = Path(out)
    known = out.with_name(f"{out.name}-truth")
    if dicom:
        arguments["dicom"] = True
    if is_made(out, known if dicom else out, arguments):
        print(f"{out}: holds this phantom already, nothing to do")
        return

    people = [person(seed, number) for number in range(1, participants + 1)]
    out.parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place and moved there whole: a cohort that exists is complete.
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=out.parent) as partial:
        folder = Path(partial) / out.name
        describe(folder, people, arguments)
        work = []
        for who in people:
            lacks_flair = who.number > participants - without_flair
            theirs = [name for name in contrasts if not (name == "FLAIR" and lacks_flair)]
            for visit in range(1, sessions + 1) if sessions else [0]:
                work.append((folder, who, visit, seed, voxel, theirs))
        if jobs > 1:
            with ProcessPoolExecutor(jobs) as pool:
                for line in pool.map(write_session, *zip(*work, strict=True)):
                    print(line, flush=True)
        else:
            for task in work:
                print(write_session(*task), flush=True)
        if dicom:
            make_dicom(folder, Path(partial) / "dicom")
            if known.exists():  # of a cohort whose images were deleted
                shutil.rmtree(known)
            (folder / "derivatives/truth").replace(known)
            folder = Path(partial) / "dicom"
        folder.replace(out)


def check(participants: int, voxel: float, contrasts: list[str], without_flair: int, sessions: int) -> None:
    """Raise unless a cohort can be made of these arguments; see `make`."""
    for name in contrasts:
        if name not in PROTOCOLS:
            near = difflib.get_close_matches(name, PROTOCOLS, n=1, cutoff=0.3)
            meant = f"did you mean {near[0]}? " if near else ""
            raise RecontrastError(
                f"the phantom has no contrast {name!r}", remedy=f"{meant}there are {', '.join(PROTOCOLS)}"
            )
    if not contrasts:
        raise RecontrastError("a phantom needs contrasts", remedy="name at least one")
    if participants < 1 or sessions < 0:
        raise RecontrastError(
            f"a phantom of {participants} participants, {sessions} sessions", remedy="ask for more"
        )
    if not 0 <= without_flair <= participants:
        raise RecontrastError(
            f"{without_flair} of {participants} participants without FLAIR", remedy="lower without_flair"
        )
    if not 1.0 <= voxel <= 8.0:
        raise RecontrastError(f"a voxel size of {voxel} mm", remedy="choose 1 to 8 mm")


def is_made(out: Path, described: Path, arguments: dict[str, object]) -> bool:
    """Whether a folder holds the phantom of these arguments; false where it is missing or empty.

    Args:
        out: the folder.
        described: the data set beside or in it that says what it holds.
        arguments: of `make`.

    Raises:
        RecontrastError: it holds something else.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        made = json.loads((described / "dataset_description.json").read_text(encoding="utf-8"))[
            "GeneratedBy"
        ][0]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        made = {}
    if made == generator(arguments):
        return True
    raise RecontrastError(
        "contains something other than this phantom", file=out, remedy="choose another folder"
    )


def generator(arguments: dict[str, object]) -> dict[str, object]:
    """The entry of `GeneratedBy` by which a phantom is known again."""
    return {"Name": "Recontrast phantom", "Version": __version__, "Arguments": arguments}


def person(seed: int, number: int) -> Person:
    """Draw one participant: patients and, every fourth, a control with few lesions, as age brings them."""
    rng = stream(seed, number, "person")
    group = "control" if number % 4 == 0 else "patient"
    low, high = CONTROL_LESIONS if group == "control" else PATIENT_LESIONS
    return Person(
        number=number,
        age=int(rng.integers(22, 71)),
        sex=str(rng.choice(["F", "M"])),
        group=group,
        lesions=float(low * (high / low) ** rng.uniform()),
    )


def describe(folder: Path, people: list[Person], arguments: dict[str, object]) -> None:
    """Write what a BIDS data set says about itself, and the same for its truth."""
    common = {"BIDSVersion": "1.10.0", "License": "ICBM152 licence, see README", "Authors": ["Recontrast"]}
    made = {"GeneratedBy": [generator(arguments)]}
    images.write_json(
        folder / "dataset_description.json",
        {"Name": "Recontrast phantom", **common, "DatasetType": "raw", **made},
    )
    images.write_json(
        folder / "derivatives/truth/dataset_description.json",
        {"Name": "Recontrast phantom: truth", **common, "DatasetType": "derivative", **made},
    )
    images.write_text(folder / "README", README)
    images.write_text(folder / "derivatives/truth/README", README)
    # What BIDS derivatives have no name for yet.
    images.write_text(folder / "derivatives/truth/.bidsignore", "*_xfm.txt\n*_desc-bias_map.*\n*_dwimap.*\n")
    lines = ["participant_id\tage\tsex\tgroup"]
    lines += [f"sub-{who.label}\t{who.age}\t{who.sex}\t{who.group}" for who in people]
    images.write_text(folder / "participants.tsv", "\n".join(lines) + "\n")
    images.write_json(
        folder / "participants.json",
        {
            "age": {"Description": "age", "Units": "years"},
            "sex": {"Description": "sex", "Levels": {"F": "female", "M": "male"}},
            "group": {
                "Description": "group",
                "Levels": {"patient": "1 to 34 ml of lesions", "control": "0.6 to 1.5 ml of lesions"},
            },
        },
    )


def write_session(
    folder: Path, who: Person, visit: int, seed: int, voxel: float, contrasts: list[str]
) -> str:
    """Grow the head of one session, scan it, write the images and the truth; returns a line about it."""
    session = Session(who.label, str(visit) if visit else "")
    head = anatomy.make(seed, who.number, who.age, voxel)
    volume = min(who.lesions * GROWTH ** max(visit - 1, 0), PATIENT_LESIONS[1])
    lesions.place(head, seed, who.number, volume, voxel)
    known = folder / "derivatives/truth"
    truth.write(known, session, head, voxel, diffusion="DWI" in contrasts)
    for contrast in contrasts:
        rng = stream(seed, who.number, "scan", str(visit), contrast)
        write = write_diffusion if contrast == "DWI" else write_contrast
        scan = write(folder, session, head, contrast, voxel, rng)
        truth.write_scan(known, session, contrast, scan, head)
    return f"{session.label}: {who.group}, {volume:.1f} ml of lesions, {', '.join(contrasts)}"


def write_contrast(
    folder: Path, session: Session, head: anatomy.Head, contrast: str, voxel: float, rng: np.random.Generator
) -> acquisition.Scan:
    """Scan one contrast, which may be several images on one grid, and write it."""
    protocol = PROTOCOLS[contrast]
    grid, pose = acquisition.plan(rng, protocol, voxel)
    clean = [acquisition.image_signal(head, protocol, image, grid, pose) for image in protocol.images]
    scan = acquisition.calibrate(
        rng, head, protocol, grid, pose, max(clean, key=lambda signal: float(np.abs(signal).sum()))
    )
    for image, signal in zip(protocol.images, clean, strict=True):
        name = f"{session.label}{image.entities}_{protocol.suffix}.nii.gz"
        images.write(
            folder / session.folder / protocol.folder / name,
            acquisition.magnitude(scan, signal, rng),
            grid.image,
            facts=sidecar(protocol, image),
        )
    return scan


def write_diffusion(
    folder: Path, session: Session, head: anatomy.Head, contrast: str, voxel: float, rng: np.random.Generator
) -> acquisition.Scan:
    """Scan the diffusion series, and write it with its b-values and b-vectors as FSL has them."""
    protocol = PROTOCOLS[contrast]
    grid, pose = acquisition.plan(rng, protocol, voxel)
    scan = acquisition.calibrate(
        rng,
        head,
        protocol,
        grid,
        pose,
        acquisition.image_signal(head, protocol, protocol.images[0], grid, pose),
    )
    bvals, directions = acquisition.gradients()
    volumes = acquisition.diffusion_signals(head, protocol, grid, pose, bvals, directions)
    series = np.stack([acquisition.magnitude(scan, volume, rng) for volume in volumes], axis=-1)
    path = folder / session.folder / protocol.folder / f"{session.label}_dwi.nii.gz"
    images.write(path, series, grid.image, facts=sidecar(protocol, protocol.images[0]))
    # FSL counts x from the right in images whose axes are right-handed.
    flip = np.array([-1.0 if np.linalg.det(grid.affine) > 0 else 1.0, 1.0, 1.0])
    start = path.name.removesuffix(".nii.gz")
    images.write_text(path.with_name(f"{start}.bval"), " ".join(f"{b:g}" for b in bvals) + "\n")
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in (directions * flip).T)
    images.write_text(path.with_name(f"{start}.bvec"), rows + "\n")
    return scan
