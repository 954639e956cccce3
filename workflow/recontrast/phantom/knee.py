"""Kim's simulation as a cohort: knees of which every tissue has relaxation times of its own, drawn at random.

Beside it knees for the studies in vivo: larger images, the tissues of people, bone marrow oedema on request.
Source: Kim 2020, sections 2.1, 2.2 and 3.1; noise of 7 %: supporting figure S1.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from .. import images, signals
from ..errors import RecontrastError
from ..layout import Session
from .cohort import generator, is_made
from .fields import stream
from .knee_shapes import OEDEMA, REGIONS, labels
from .knee_tissues import typical
from .protocols import Image, Protocol, sidecar

SLICES = (
    10  # images of a participant; ten regions each, so that 100 participants are the paper's 10,000 tuples
)
SIDE, FIELD, THICKNESS = 128, 160.0, 3.0  # pixels, mm, mm
# Largest value and step of each parameter; times in ms. T1 > T2 > T2*.
GRIDS = {"pd": (1.0, 0.01), "t1": (4000.0, 10.0), "t2": (2000.0, 10.0), "t2_star": (1000.0, 10.0)}
TARGET = "STIR"
CONTRASTS = {
    "T1w": Protocol("T1w", signals.spin_echo, (Image("", {"tr": 522.0, "te": 11.0}),)),
    "T2w": Protocol("T2w", signals.spin_echo, (Image("", {"tr": 3000.0, "te": 80.0}),)),
    "GRE": Protocol(
        "T2starw",
        signals.gradient_echo,
        (Image("", {"tr": 500.0, "te": 10.0, "flip": 25.0}),),
        relaxation=("t1", "t2_star"),
    ),
    TARGET: Protocol(
        "T2w", signals.inversion_recovery, (Image("_acq-stir", {"tr": 4478.0, "te": 60.0, "ti": 220.0}),)
    ),
}
MAPS = {"pd": ("PDmap", 1.0), "t1": ("T1map", 1e-3), "t2": ("T2map", 1e-3), "t2_star": ("T2starmap", 1e-3)}
# Beside the images asked for, under acq-NAME: noise in percent, and shifts in pixels (Kim 2020, section 3.1, S1).
VARIANTS = {"noise2": (2.0, 0), "noise4": (4.0, 0), "noise7": (7.0, 0), "shift2": (0.0, 2)}
# What the paper takes contrast-to-noise ratios between (section 3.2).
MASKS = {
    "bone": ("femur", "tibia", "patella"),
    "cartilage": ("cartilage",),
    "meniscus": ("meniscus",),
    "muscle": ("muscle",),
    "fat": ("fat",),
}
README = """A phantom: knees made by Recontrast, no people.

Sagittal label images of analytic shapes. {tissues}, and the signal equations give T1w, T2w, GRE (T2starw) and STIR
(acq-stir_T2w). A participant is a stack of ten images with shapes of their own. Source: Kim 2020, CC-DNN.

Truth: derivatives/truth, with the labels, the parameters and the shifts of each contrast.
"""
RANDOM = "Every region of every image has a proton density, T1, T2 and T2* of its own, drawn at random"
TYPICAL = "Regions have the proton density, T1, T2 and T2* of human tissue, a little different from person to person"


@dataclass(frozen=True)
class Knees:
    """How the knees of a cohort are made; see `make`."""

    seed: int
    noise: float
    shift: int
    variants: bool
    side: int
    typical: bool


def make(
    out: Path,
    *,
    participants: int = 8,
    seed: int = 1,
    noise: float = 0.0,
    shift: int = 0,
    variants: bool = False,
    side: int = SIDE,
    typical: bool = False,
    oedema: int = 0,
) -> None:
    """Make a cohort of knees with known truth, in BIDS; the same arguments give the same bytes.

    Args:
        out: folder to make; one that holds this very cohort is left as it is.
        participants: how many stacks of ten images.
        seed: another seed gives other knees.
        noise: SD of the Rician noise in percent of an image's largest signal; the paper has 0, 2 and 4.
        shift: T1w, T2w and GRE are moved by up to this many pixels along both axes; the paper has 0 and 2.
        variants: the same knees also with 2, 4 and 7 % of noise (`acq-noise2`, `acq-noise4`, `acq-noise7`; the
            target `acq-stirnoise2`) and with shifts of up to 2 pixels (`acq-shift2`, the target stays).
        side: pixels of a side of the field of view of 160 mm.
        typical: tissues as in people, the same in all images of one, in place of random tuples.
        oedema: how many of the participants, the last ones, have bone marrow oedema of the femur; of typical
            tissues only.

    Raises:
        RecontrastError: an argument that cannot be met, or a folder that holds something else.
    """
    if side < 64 or oedema not in range((participants if typical else 0) + 1):
        raise RecontrastError(
            f"knees of {side} pixels, {oedema} of {participants} participants with oedema",
            remedy="ask for at least 64 pixels, and for oedema in no more than all participants, with typical tissues",
        )
    if participants < 1 or noise < 0 or not 0 <= shift < side // 4:
        raise RecontrastError(
            f"a phantom of {participants} participants, {noise:g} % of noise and shifts of {shift} pixels",
            remedy="ask for at least one participant, and for small, non-negative noise and shifts",
        )
    arguments = {"knee": True, "participants": participants, "seed": seed, "noise": noise, "shift": shift}
    # What is not asked for is not said, and a cohort from before there was more to ask for is known again.
    further = {"variants": sorted(VARIANTS) * variants, "typical": typical, "oedema": oedema}
    arguments |= {name: value for name, value in further.items() if value}
    arguments |= {"side": side} if side != SIDE else {}
    knees = Knees(seed, noise, shift, variants, side, typical)
    if is_made(out, out, arguments):
        print(f"{out}: holds this phantom already, nothing to do")
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place and moved there whole: a cohort that exists is complete.
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=out.parent) as partial:
        folder = Path(partial) / out.name
        describe(folder, participants, arguments)
        for number in range(1, participants + 1):
            write(folder, number, knees, ill=number > participants - oedema)
        folder.replace(out)
    drawn = "" if typical else f", {participants * SLICES * len(REGIONS)} tuples"
    print(f"{out}: {participants} participants of {SLICES} images{drawn}")


def describe(folder: Path, participants: int, arguments: dict[str, object]) -> None:
    """Write what a BIDS data set says about itself, and the same for its truth."""
    truth = folder / "derivatives/truth"
    common = {"BIDSVersion": "1.10.0", "License": "CC0", "Authors": ["Recontrast"]}
    for place, name, kind in ((folder, "", "raw"), (truth, ": truth", "derivative")):
        facts = {"Name": f"Recontrast phantom, knees{name}", **common, "DatasetType": kind}
        images.write_json(place / "dataset_description.json", facts | {"GeneratedBy": [generator(arguments)]})
        tissues = TYPICAL if "typical" in arguments else RANDOM
        images.write_text(place / "README", README.format(tissues=tissues))
    people = [f"sub-{number:02d}" for number in range(1, participants + 1)]
    images.write_text(folder / "participants.tsv", "\n".join(["participant_id", *people]) + "\n")
    ill = [OEDEMA] if "oedema" in arguments else []
    rows = [f"{index}\t{name}" for index, name in enumerate(("background", *REGIONS, *ill))]
    images.write_text(truth / "dseg.tsv", "\n".join(["index\tname", *rows]) + "\n")


def write(folder: Path, number: int, knees: Knees, ill: bool = False) -> None:
    """Make one participant's images and write them with their truth; `ill` with bone marrow oedema."""
    session, seed = Session(f"{number:02d}"), knees.seed
    regions = (*REGIONS, OEDEMA) if ill else REGIONS
    shapes = [labels(stream(seed, number, "knee", str(place)), knees.side, ill) for place in range(SLICES)]
    if knees.typical:
        tissue = [typical(stream(seed, number, "tissue"), regions)] * SLICES
    else:
        tissue = [tuples(stream(seed, number, "tissue", str(place)), len(regions)) for place in range(SLICES)]
    moves, like = {}, grid(knees.side)
    asked = {"": (knees.noise, knees.shift)} | (VARIANTS if knees.variants else {})
    for variant, (level, reach) in asked.items():
        for name, protocol in CONTRASTS.items():
            if variant and name == TARGET and not level:
                continue  # not shifted: the one that is there
            key = f"{name} {variant}".strip()
            planes, moves[key] = [], []
            for place in range(SLICES):
                rng = stream(seed, number, "scan", key, str(place))
                most = 0 if name == TARGET else reach
                moves[key].append(rng.integers(-most, most + 1, size=2).tolist())
                clean = scan(shapes[place], tissue[place], protocol)
                planes.append(acquire(clean, moves[key][-1], level, rng))
            entities = protocol.images[0].entities
            if variant:
                entities = f"{entities or '_acq-'}{variant}"
            file = f"{session.label}{entities}_{protocol.suffix}.nii.gz"
            facts = sidecar(protocol, protocol.images[0])
            images.write(folder / session.folder / "anat" / file, np.stack(planes, -1), like, facts=facts)

    truth = folder / "derivatives/truth" / session.folder / "anat"
    facts = {"Shifts": moves, "ShiftUnits": "pixels forwards and upwards, image by image"}
    images.write(truth / f"{session.label}_dseg.nii.gz", np.stack(shapes, -1), like, facts=facts)
    for name, parts in (MASKS | ({OEDEMA: (OEDEMA,)} if ill else {})).items():
        inside = np.isin(np.stack(shapes, -1), [1 + regions.index(part) for part in parts])
        facts = {"Type": "ROI", "RegionsOfDseg": list(parts)}
        images.write(
            truth / f"{session.label}_label-{name}_mask.nii.gz", inside.astype(np.uint8), like, facts=facts
        )
    for key, (name, unit) in MAPS.items():
        values = [_paint(one[key] * unit, shape) for one, shape in zip(tissue, shapes, strict=True)]
        facts = {"Units": "arbitrary" if key == "pd" else "s"}
        images.write(truth / f"{session.label}_{name}.nii.gz", np.stack(values, -1), like, facts=facts)


def tuples(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Draw parameters uniformly from all combinations of the grids that keep T1 > T2 > T2*; arrays (count,)."""
    found = np.empty((0, len(GRIDS)))
    while len(found) < count:
        steps = [
            rng.integers(1, round(largest / step) + 1, 64 * count) * step for largest, step in GRIDS.values()
        ]
        drawn = np.column_stack(steps)
        found = np.concatenate([found, drawn[(drawn[:, 1] > drawn[:, 2]) & (drawn[:, 2] > drawn[:, 3])]])
    return dict(zip(GRIDS, found[:count].round(2).T, strict=True))


def scan(shape: np.ndarray, tissue: dict[str, np.ndarray], protocol: Protocol) -> np.ndarray:
    """The magnitude image of a label image without noise, shape (x, y)."""
    first, second = (tissue[name] for name in protocol.relaxation)
    return _paint(
        np.abs(protocol.equation(tissue["pd"], first, second, **protocol.images[0].settings)), shape
    )


def acquire(clean: np.ndarray, move: list[int], noise: float, rng: np.random.Generator) -> np.ndarray:
    """An image moved by whole pixels, zeros coming in, with noise in percent of its largest signal."""
    reach = max(map(abs, move))
    padded = np.pad(clean, reach)
    first, second = (
        slice(reach - step, reach - step + side) for step, side in zip(move, clean.shape, strict=True)
    )
    moved = padded[first, second]
    if noise:
        moved = signals.rician(moved, noise / 100 * float(clean.max()), rng)
    return moved.astype(np.float32)


def grid(side: int = SIDE) -> nib.Nifti1Image:
    """The grid of a stack: the first axis forwards, the second upwards, the slices from left to right."""
    affine = np.zeros((4, 4))
    affine[[1, 2, 0, 3], range(4)] = [FIELD / side, FIELD / side, THICKNESS, 1]
    shape = (side, side, SLICES)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return nib.Nifti1Image(np.zeros(shape, np.uint8), affine)


def _paint(values: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """An image of one value per region, 0 around them, float32."""
    return np.concatenate([[0], values]).astype(np.float32)[shape]
