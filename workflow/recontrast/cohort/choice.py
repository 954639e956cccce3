"""Which file of a session is which contrast of the study."""

import itertools
import re
from collections import defaultdict

from ..contrasts import ENTITIES, Contrast, Mask
from ..errors import RecontrastError
from .bids import RawImage

NUMBERED = {"run", "echo", "flip", "inv"}
LONG_NAMES = {short: name for name, short in ENTITIES.items()}


def choose(
    name: str, contrasts: dict[str, Contrast], images: list[RawImage], key: str = ""
) -> RawImage | None:
    """The one image of a session that a contrast of the study means, or None if there is none.

    An image has the suffix and the entities that the contrast asks for. Of several, those with the fewest
    further entities count: `T1w` prefers `sub-01_T1w` to `sub-01_acq-se_T1w`. An image that another contrast
    asks for more exactly is never a stand-in: a `T1w` with `acq-se` that the study names is no `T1w`.

    Args:
        name: the study's name for the contrast.
        contrasts: all of the study.
        images: of one session.
        key: where the study describes the contrast; `contrasts.NAME` if empty.

    Raises:
        RecontrastError: several images are left and nothing says which to take.
    """
    contrast = contrasts[name]
    narrower = [c for c in contrasts.values() if c.suffix == contrast.suffix and _narrower(c, contrast)]
    left = [i for i in images if matches(i, contrast) and not any(matches(i, c) for c in narrower)]
    further = {i.path: set(i.entities) - set(contrast.wanted) for i in left}
    if contrast.run is not None:
        further = {path: keys - {"run"} for path, keys in further.items()}
    left = [i for i in left if not any(keys < further[i.path] for keys in further.values())]
    if (
        contrast.run in ("first", "last")
        and _differing(left) == {"run"}
        and len({_run(i) for i in left}) == len(left)
    ):
        left = [min(left, key=_run) if contrast.run == "first" else max(left, key=_run)]
    if len(left) > 1:
        raise _ambiguous(name, left, key or f"contrasts.{name}")
    return left[0] if left else None


def passed_over(chosen: RawImage, images: list[RawImage]) -> list[RawImage]:
    """The images of a session that differ from the one that was chosen by a run alone, where it has none."""
    return [
        image
        for image in images
        if "run" not in chosen.entities
        and image.suffix == chosen.suffix
        and image.entities == chosen.entities | {"run": image.entities.get("run")}
    ]


def choose_group(name: str, contrast: Contrast, images: list[RawImage], key: str) -> list[RawImage]:
    """The images of a session that were taken together, one of each echo, delay and so on; none without the scan.

    They come in the order of their numbers, `echo-2` before `echo-10`: a study may list their times in it. Images
    of phase, real or imaginary part, which a scanner may make beside the magnitude, are left unless asked for.

    Raises:
        RecontrastError: one is missing, or there are several with nothing that says which to take.
    """
    kinds = defaultdict(list)
    for image in images:
        part = image.entities.get("part", "mag")
        if matches(image, contrast) and part == contrast.wanted.get("part", "mag"):
            kinds[tuple(sorted((k, _natural(v)) for k, v in image.entities.items() if k != "run"))].append(
                image
            )
    left = [choose(name, {name: contrast}, alike, key) for _, alike in sorted(kinds.items())]
    if not left:
        return []  # a session without the scan lacks no single image of it
    differing = sorted(_differing(left) - {"run"})
    there = {tuple(image.entities.get(entity, "") for entity in differing) for image in left}
    columns = (sorted(set(column), key=_natural) for column in zip(*there, strict=True))
    for values in itertools.product(*columns):
        if values not in there:
            missing = "_".join(f"{entity}-{value}" for entity, value in zip(differing, values, strict=True))
            raise RecontrastError(
                f"{missing} is missing from the {contrast.suffix} images", remedy="find it, or convert again"
            )
    return left


def choose_mask(name: str, mask: Mask, images: list[RawImage], on: RawImage | None) -> RawImage | None:
    """The one derivative of a session that a mask of the study means, or None if there is none.

    Args:
        name: the study's name for the mask.
        mask: its entities; without a run, that of the image counts.
        images: the derivatives of one session.
        on: the image of the contrast on which it was drawn, if the session has it.

    Raises:
        RecontrastError: several are, or the only one was drawn on another run.
    """
    left = [image for image in images if matches(image, mask)]
    if mask.run is None and on is not None and "run" in on.entities:
        others = [image for image in left if "run" in image.entities and _run(image) != _run(on)]
        if left and left == others:
            raise RecontrastError(
                f"{left[0].path.name} was not drawn on the run of {on.path.name}",
                remedy=f"choose that run under contrasts.{mask.of}, or set run under masks.{name}",
            )
        left = [image for image in left if image not in others]
    if len(left) > 1:
        names = ", ".join(str(image.path) for image in left)
        raise RecontrastError(
            f"{len(left)} files match the mask {name} ({names})", remedy=f"add entities to masks.{name}"
        )
    return left[0] if left else None


def matches(image: RawImage, contrast: Contrast | Mask) -> bool:
    """Whether an image has the suffix and the entities that a contrast asks for; `run-01` is run 1."""
    found = {key: plain(key, value) for key, value in image.entities.items()}
    wanted = {key: plain(key, value) for key, value in contrast.wanted.items()}
    return image.suffix == contrast.suffix and wanted.items() <= found.items()


def _narrower(one: Contrast, other: Contrast) -> bool:
    return one.wanted.items() > other.wanted.items()


def plain(key: str, value: str) -> str:
    """The value of an entity as it is compared: `run-01` is run 1."""
    return str(int(value)) if key in NUMBERED and value.isdecimal() else value


def _natural(value: str) -> tuple[tuple[str, int, str], ...]:
    """What sorts labels as people count: `delay2` before `delay10`; equal for equal labels alone."""
    return tuple((text, int(digits or -1), digits) for text, digits in re.findall(r"(\D*)(\d*)", value))


def _run(image: RawImage) -> int:
    """The number of an image's run; one that is not numbered comes first."""
    run = image.entities.get("run", "0")
    return int(run) if run.isdecimal() else 0


def _differing(images: list[RawImage]) -> set[str]:
    """The entities that tell some images of one suffix apart."""
    keys = {key for image in images for key in image.entities}
    return {key for key in keys if len({image.entities.get(key) for image in images}) > 1}


def _ambiguous(name: str, images: list[RawImage], key: str) -> RecontrastError:
    """The error that names the images left and what would tell them apart."""
    differing = _differing(images)
    count = {2: "two", 3: "three"}.get(len(images), str(len(images)))
    what = "runs" if differing == {"run"} else "files"
    names = ", ".join(image.path.name for image in images)
    rules = ["run: first or last"] if "run" in differing else []
    rules += [f"{LONG_NAMES[entity]}: ..." for entity in sorted(differing & set(LONG_NAMES) - {"run"})]
    remedy = f"add {' and '.join(rules)} to {key}" if rules else "keep one of them"
    return RecontrastError(f"{count} {what} of {name} ({names}) with no rule to choose", remedy=remedy)
