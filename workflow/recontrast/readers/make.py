"""A folder of pages on which readers rate synthetic images without knowing what made them."""

import hashlib
import itertools
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import nibabel as nib
import numpy as np
from PIL import Image

from .. import layout, tables
from ..contrasts import Contrast
from ..errors import RecontrastError
from ..evaluation.pair import slice_axis
from ..images import read, write_json, write_text
from ..layout import Session, fill
from ..report.pictures import QUALITY, grey, window
from .forms import Form

TEMPLATES = Path(__file__).parent / "templates"
KEY = {
    "code": {"Description": "Name of an image on the pages"},
    "session": {"Description": "Whose image it is"},
    "experiment": {"Description": "What made it"},
}
MARGIN = 3  # voxels around the mask


@dataclass(frozen=True)
class Case:
    """One session with the synthetic images that are rated there; all paths exist.

    Attributes:
        session: label.
        mask: region of the session.
        synthetic: files by experiment.
        beside: further images by name, shown as they are: inputs, and the acquired target.
        acquired: the acquired target, which sets the window of all synthetic images; None if there is none.
    """

    session: str
    mask: Path
    synthetic: dict[str, Path]
    beside: dict[str, Path]
    acquired: Path | None


def make(
    results: Path,
    folder: Path,
    form: Form,
    *,
    target: str = "",
    experiments: Sequence[str] = (),
    slices: int = 24,
    seed: int = 1,
) -> Path:
    """Write the pages, and the key that says which image is whose beside the folder, never in it.

    With the key goes a JSON file: the study's code, which answers bear, the form, and the experiments in the order of
    the study.

    Args:
        results: output folder of a finished run.
        folder: to make: `index.html` and what it needs; works from a disk, without a network.
        form: what readers are asked.
        target: the contrast to rate; the only one of the results if empty.
        experiments: whose images are rated; of none those that were trained in most folds, so that ablations of some
            folds, which only some people have, are left out.
        slices: of each image, as they were acquired, evenly spaced through the mask.
        seed: of the order of people and images, and of their codes.

    Returns:
        The key file.

    Raises:
        RecontrastError: no finished results, no or several targets, an experiment that does not make the target, or a
            folder that holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RecontrastError("is not empty", file=folder, remedy="choose another folder")
    cases, experiments = _cases(results, target, experiments, form)
    draw = np.random.default_rng(seed)
    codes = (f"{number:04d}" for number in draw.permutation(10000))
    key, shown = [], []
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
        pages = Path(partial) / folder.name
        (pages / "images").mkdir(parents=True)
        for number in draw.permutation(len(cases)):
            case, place = cases[number], next(codes)
            strips = _Strips(pages / "images", case.mask, slices)
            beside = {
                name: strips.write(f"{place}-{i}", path) for i, (name, path) in enumerate(case.beside.items())
            }
            limits = strips.window(case.acquired) if case.acquired else None
            candidates = []
            for experiment in draw.permutation(list(case.synthetic)):
                code = next(codes)
                strips.write(code, case.synthetic[experiment], limits, cut=True)
                candidates.append(code)
                key.append({"code": code, "session": case.session, "experiment": str(experiment)})
            shown.append({"case": place, "beside": beside, "images": candidates, **strips.shape})
        study = _code(key, form, pages / "images")
        content = {
            "study": study,
            "form": form.shown(),
            "pages": _pages(shown, form, draw),
        }
        write_text(pages / "study.js", f"window.study = {json.dumps(content)};\n")
        for name in ("reader.js", "reader.css"):
            shutil.copyfile(TEMPLATES / name, pages / name)
        page = jinja2.Environment(autoescape=True).from_string((TEMPLATES / "index.html").read_text("utf-8"))
        write_text(pages / "index.html", page.render(title=form.title))
        key_file = folder.with_name(f"{folder.name}-key.tsv")
        tables.write(key_file, list(KEY), sorted(key, key=str))
        about = {"Study": study, "Form": form.model_dump(mode="json"), "Experiments": experiments}
        write_json(key_file.with_suffix(".json"), KEY | about)
        if folder.exists():
            folder.rmdir()
        pages.rename(folder)
    print(f"{len(cases)} sessions, {len(key)} synthetic images; keep {key_file} from the readers")
    return key_file


def _code(key: list[dict], form: Form, images: Path) -> str:
    """The code of a study: equal where images, their names and the form are."""
    found = hashlib.sha256(json.dumps([key, form.model_dump(mode="json")]).encode())
    for file in sorted(images.iterdir()):
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


def _pages(cases: list[dict], form: Form, draw: np.random.Generator) -> list[dict]:
    """What a reader sees one after the other: ratings first, pairs at the end, each in random order."""
    if form.layout == "together":
        rated = [case | {"kind": "rate"} for case in cases]
    else:
        single = [case | {"kind": "rate", "images": [code]} for case in cases for code in case["images"]]
        rated = [single[number] for number in draw.permutation(len(single))]
    pairs = [
        case | {"kind": "pair", "images": [str(code) for code in draw.permutation(pair)], "beside": {}}
        for case in cases
        for pair in (itertools.combinations(case["images"], 2) if form.pairs else [])
    ]
    return [*rated, *(pairs[number] for number in draw.permutation(len(pairs)))]


def _cases(results: Path, target: str, chosen: Sequence[str], form: Form) -> tuple[list[Case], list[str]]:
    """The sessions of a finished run that have synthetic images of the target, and the experiments that made these."""
    file = results / layout.PLAN
    if not file.is_file():
        raise RecontrastError(
            "holds no results of recontrast run", file=results, remedy="give an output folder"
        )
    plan = json.loads(file.read_text(encoding="utf-8"))
    targets = sorted({experiment["target"] for experiment in plan["experiments"].values()})
    if not target and len(targets) != 1:
        raise RecontrastError(
            f"has the targets {', '.join(targets) or 'none'}", remedy="choose one: --target"
        )
    target = target or targets[0]
    chosen = _chosen(plan["experiments"], target, chosen)
    cases = []
    for session in plan["sessions"]:
        who = Session.from_label(session["session"])

        def path(pattern: str, contrast: str, who=who, session=session, **more: str) -> Path:
            chosen = Contrast.model_validate(plan["study"]["contrasts"][contrast])
            more |= {"entities": chosen.entities, "suffix": chosen.suffix, "reference": session["reference"]}
            return results / fill(pattern, who, **more)

        made = {
            name: path(layout.SYNTHETIC, target, experiment=name)
            for name, facts in session["experiments"].items()
            if name in chosen
        }
        made = {name: file for name, file in made.items() if file.is_file()}
        if not made:
            continue
        acquired = path(layout.PREPROC, target) if target in session["contrasts"] else None
        inputs = {c for facts in session["experiments"].values() for c in facts["inputs"]}
        named = {c: path(layout.PREPROC, c) for c in session["contrasts"] if c in inputs and c != target}
        beside = (named if "inputs" in form.beside else {}) | (
            {f"{target}, acquired": acquired} if acquired and "acquired" in form.beside else {}
        )
        region = plan["study"]["region"]
        mask = results / fill(layout.MASK, who, reference=session["reference"], region=region)
        cases.append(Case(session["session"], mask, made, beside, acquired))
    if not cases:
        raise RecontrastError(f"has no synthetic {target}", file=results, remedy="finish the run first")
    made_any = {name for case in cases for name in case.synthetic}
    return cases, [name for name in plan["experiments"] if name in made_any]


def _chosen(experiments: dict[str, dict], target: str, wanted: Sequence[str]) -> list[str]:
    """The experiments whose images are rated: those wanted, or those of the target that have most folds."""
    folds = {name: len(e.get("folds", ())) for name, e in experiments.items() if e["target"] == target}
    if unknown := [name for name in wanted if name not in folds]:
        raise RecontrastError(
            f"no experiment {unknown[0]!r} makes {target}", remedy=f"use one of {', '.join(folds)}"
        )
    return list(wanted) or [name for name in folds if folds[name] == max(folds.values())]


class _Strips:
    """Slices of images on one grid, along the plane they were acquired in, one below the other in a picture."""

    def __init__(self, folder: Path, mask: Path, slices: int) -> None:
        self.folder = folder
        image = read(mask)
        self.orientation = nib.orientations.io_orientation(image.affine)
        self.mask = self._turned(image) > 0
        self.box = tuple(
            slice(max(0, int(found.min()) - MARGIN), int(found.max()) + MARGIN + 1)
            for found in np.nonzero(self.mask)
        )
        self.across = int(self.orientation[slice_axis(image.affine), 0])
        self.within = tuple(axis for axis in range(3) if axis != self.across)
        places = np.nonzero(self.mask.any(axis=self.within))[0]
        self.planes = np.unique(
            np.linspace(places.min(), places.max(), min(slices, len(places))).round().astype(int)
        )
        turned = np.linalg.norm(image.affine[:3, :3], axis=0)[np.argsort(self.orientation[:, 0])]
        sizes = [turned[axis] for axis in self.within]
        shown = self._plane(self.mask, places[0]).T.shape
        self.shape = {
            "slices": len(self.planes),
            "width": shown[0],
            "height": shown[1],
            "aspect": round(float(shown[0] * sizes[0] / (shown[1] * sizes[1])), 4),
        }

    def window(self, path: Path) -> tuple[float, float]:
        """Darkest and brightest value shown, of an image inside the mask."""
        return window(self._turned(read(path)), self.mask)

    def write(
        self, code: str, path: Path, limits: tuple[float, float] | None = None, cut: bool = False
    ) -> str:
        """Write an image under a code that says nothing; `cut` leaves out what lies outside the mask."""
        volume = self._turned(read(path))
        levels = grey(volume, limits or window(volume, self.mask))
        if cut:
            levels = np.where(self.mask, levels, 0).astype(np.uint8)
        planes = [self._plane(levels, k) for k in self.planes]
        strip = Image.fromarray(np.ascontiguousarray(np.concatenate(planes)))
        strip.save(self.folder / f"{code}.webp", format="WEBP", quality=QUALITY, method=4)
        return code

    def _plane(self, volume: np.ndarray, place: int) -> np.ndarray:
        """One slice, rows downwards."""
        rows, columns = (self.box[axis] for axis in self.within)
        return np.take(volume, place, self.across)[rows, columns].T[::-1, ::-1]

    def _turned(self, image: nib.Nifti1Image) -> np.ndarray:
        return nib.orientations.apply_orientation(np.asarray(image.dataobj), self.orientation)
