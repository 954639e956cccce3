"""A folder of pages on which readers rate synthetic images without knowing what made them."""

import hashlib
import itertools
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jinja2
import numpy as np

from .. import tables
from ..errors import RecontrastError
from ..images import write_json, write_text
from . import cases
from .dictionaries import KEY
from .forms import Form
from .strips import Strips

TEMPLATES = Path(__file__).parent / "templates"


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
    found, experiments = cases.find(results, target, experiments, form)
    draw = np.random.default_rng(seed)
    codes = (f"{number:04d}" for number in draw.permutation(10000))
    key, shown = [], []
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
        pages = Path(partial) / folder.name
        (pages / "images").mkdir(parents=True)
        for number in draw.permutation(len(found)):
            case, place = found[number], next(codes)
            strips = Strips(pages / "images", case.mask, slices)
            beside = {
                name: strips.write(f"{place}-{i}", path) for i, (name, path) in enumerate(case.beside.items())
            }
            limits = strips.window(case.scale)
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
    print(f"{len(found)} sessions, {len(key)} synthetic images; keep {key_file} from the readers")
    return key_file


def _code(key: list[dict], form: Form, images: Path) -> str:
    """The code of a study: equal where images, their names and the form are."""
    found = hashlib.sha256(json.dumps([key, form.model_dump(mode="json")]).encode())
    for file in sorted(images.iterdir()):
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


def _pages(shown: list[dict], form: Form, draw: np.random.Generator) -> list[dict]:
    """What a reader sees one after the other: ratings first, pairs at the end, each in random order."""
    if form.layout == "together":
        rated = [case | {"kind": "rate"} for case in shown]
    else:
        single = [case | {"kind": "rate", "images": [code]} for case in shown for code in case["images"]]
        rated = [single[number] for number in draw.permutation(len(single))]
    pairs = [
        case | {"kind": "pair", "images": [str(code) for code in draw.permutation(pair)], "beside": {}}
        for case in shown
        for pair in (itertools.combinations(case["images"], 2) if form.pairs else [])
    ]
    return [*rated, *(pairs[number] for number in draw.permutation(len(pairs)))]
