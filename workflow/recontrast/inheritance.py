"""Text files that speak of raw images, beside them or further up: the inheritance principle of BIDS 1.10."""

import functools
import json
from pathlib import Path


def applicable(image: Path, ending: str) -> list[Path]:
    """The files that hold for an image, from the top of its data set down to its own folder, one a folder.

    A file holds for the images at or below its folder that have its suffix and all of its entities; of several
    in one folder the one with the most. Only folders from `sub-*` down and the one that holds `sub-*` are looked
    at.

    Args:
        image: path of the image; its name is all that is looked at.
        ending: `.json`, `.bval`, `.bvec`.
    """
    asked = _parts(_stem(image))
    folders = [image.parent, *image.parent.parents]
    person = next((number for number, folder in enumerate(folders) if folder.name.startswith("sub-")), -1)
    found = []
    for folder in reversed(folders[: person + 2]):
        names = [
            name
            for name in _names(folder, folder.stat().st_mtime_ns if folder.is_dir() else 0)
            if name.endswith(ending) and _holds(_parts(name.removesuffix(ending)), asked)
        ]
        if names:
            found.append(folder / max(names, key=len))
    return found


def nearest(image: Path, ending: str) -> Path:
    """The file that holds for an image alone, such as its b-values; where there is none, the one to put beside it."""
    found = applicable(image, ending)
    return found[-1] if found else image.with_name(_stem(image) + ending)


def facts(image: Path) -> dict:
    """What the JSON files of an image say together; what lies nearer has the last word, what is no JSON none."""
    said = {}
    for file in applicable(image, ".json"):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        said |= content if isinstance(content, dict) else {}
    return said


def _stem(image: Path) -> str:
    return image.name.removesuffix(".gz").removesuffix(".nii")


def _parts(stem: str) -> tuple[set[str], str]:
    """Entities and suffix of a name without its ending."""
    *entities, suffix = stem.split("_")
    return set(entities), suffix


def _holds(text: tuple[set[str], str], image: tuple[set[str], str]) -> bool:
    return text[1] == image[1] and text[0] <= image[0]


@functools.lru_cache(maxsize=4096)
def _names(folder: Path, changed: int) -> tuple[str, ...]:
    """The text files of a folder, which every image of a large cohort asks for; anew when it was `changed`."""
    if not folder.is_dir():
        return ()
    return tuple(p.name for p in folder.iterdir() if p.suffix in (".json", ".bval", ".bvec"))
