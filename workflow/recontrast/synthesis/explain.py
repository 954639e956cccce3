"""What a synthetic image hangs on: maps of each input's influence, and their means."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import numpy as np

from .. import tables
from ..errors import RecontrastError
from ..images import write
from ..models import recipes
from ..models.interface import Model, Run, Volumes
from ..models.recipes import Recipe
from .loaded import ABSENT, load

if TYPE_CHECKING:
    from ..trainer.applied import Applied

COLUMNS = ("participant_id", "session_id", "experiment", "fold", "kind", "input", "mean", "share")


def explain(
    *,
    kind: Literal["p3s", "gradient", "without"],
    model: Path,
    card: Path,
    images: list[Path],
    mask: Path,
    output: Path,
    table: Path,
    participant: str,
    session: str,
    experiment: str,
    fold: str,
    target: Path | None = None,
    threads: int = 1,
) -> None:
    """Measure how strongly a synthetic image depends on each of its inputs.

    Args:
        kind: p3s: the pulse-sequence-specific saliency map of Wei 2019, section 2.2, which needs the acquired
            target; gradient: how the prediction changes with each input; without: how much the prediction
            changes when an input is left out, in the method's own way or by replacing it with its mean inside the
            mask, after normalisation. The first two are in normalised units and for networks only; the last is in
            the units of the target.
        model: safetensors file of weights.
        card: the model's JSON card.
        images: the session's images, in the order of the card's inputs.
        mask: region of the prediction whose dependence is measured.
        output: image to write, 4-D: one volume for each input.
        table: TSV to write: for each input the mean over the mask, and its share of the sum over all inputs.
        participant: `sub-01`.
        session: `ses-1`, or n/a.
        experiment: its name.
        fold: of the model.
        target: the acquired target.
        threads: CPU threads.

    Raises:
        RecontrastError: a kind that the method or the session cannot have.
    """
    if kind == "p3s" and target is None:
        raise RecontrastError(
            "p3s needs the acquired target", file=output, remedy="ask for gradient or without"
        )
    loaded = load(model, card, images, mask, threads=threads, device="cpu", target=target)
    facts, volumes, grid = loaded.facts, loaded.volumes, loaded.grid
    if kind == "without":
        found = differences(loaded.module, loaded.model, volumes, facts["recipe"], loaded.run)
    elif hasattr(loaded.module, "applied"):
        from ..trainer import saliency

        applied = loaded.module.applied(loaded.model, volumes, facts["recipe"], loaded.run)
        found = (
            saliency.gradient(applied, volumes.mask)
            if kind == "gradient"
            else saliency.p3s(applied, volumes.mask, volumes.target)
        )
    else:
        raise RecontrastError(f"{facts['method']} has no gradient", file=output, remedy="ask for without")
    inputs = facts["inputs"][: len(found)]  # some methods look at the first of them alone
    whole = np.zeros((*grid.shape[:3], len(found)), np.float32)
    whole[loaded.box] = np.moveaxis(found, 0, -1)
    sidecar = {
        "Sources": [str(path) for path in [*images, target, mask] if path not in (None, ABSENT)],
        "Kind": kind,
        "Volumes": inputs,
        "Contrast": facts["target"],
        "Method": facts["method"],
        "ModelHash": facts["model_sha256"],
    }
    write(output, whole, grid, facts=sidecar)
    means = found[:, volumes.mask].mean(axis=1)
    shares = means / means.sum() if means.sum() else np.full(len(means), np.nan)
    about = {"participant_id": participant, "session_id": session, "experiment": experiment, "fold": fold}
    rows = [
        about | {"kind": kind, "input": name, "mean": float(mean), "share": float(share)}
        for name, mean, share in zip(inputs, means, shares, strict=True)
    ]
    tables.write(table, COLUMNS, rows)
    print(f"{kind}:", ", ".join(f"{row['input']} {row['share']:.1%}" for row in rows))


def differences(module: ModuleType, model: Model, volumes: Volumes, recipe: Recipe, run: Run) -> np.ndarray:
    """How far the prediction moves without each input, float32, shape (contrasts, x, y, z); 0 outside the mask.

    An input is left out in the method's own way where it has one. In a network's images, its mean takes its place
    after they have been normalised: the session's own scales stay those of the input.
    """
    volumes = replace(volumes, target=None)
    # What fuses any subset of its inputs has nothing left without its only one.
    fuses = recipes.load(module.__name__.rpartition(".")[2]).subsets
    several = sum(bool(image[volumes.mask].any()) for image in volumes.inputs) > 1  # absent ones are 0
    if hasattr(module, "without") and (several or not fuses):
        whole = module.predict(model, volumes, recipe, run)
        made = (module.without(model, volumes, number, recipe, run) for number in range(len(volumes.inputs)))
    elif hasattr(module, "applied"):
        applied = partial(
            module.applied, model, volumes, recipe, run
        )  # anew each time: noise is seeded there
        whole, count = applied().predict(), len(applied().inputs)  # some methods see the first inputs alone
        made = (_averaged(applied(), volumes.mask, number) for number in range(count))
    else:
        whole = module.predict(model, volumes, recipe, run)
        made = (module.predict(model, one, recipe, run) for one in _with_means(volumes))
    return np.stack([np.where(volumes.mask, np.abs(one - whole), 0) for one in made]).astype(np.float32)


def _averaged(applied: "Applied", mask: np.ndarray, number: int) -> np.ndarray:
    """The prediction with the mean of one normalised image in its place; what a method has emptied stays empty."""
    image, inside = applied.inputs[number], applied.inputs.new_tensor(mask).bool()
    emptied = not image[~inside].any()
    image[inside if emptied else ...] = image[inside].mean()
    return applied.predict()


def _with_means(volumes: Volumes) -> Iterator[Volumes]:
    """A session as often as it has inputs, each time with the mean of another in its place."""
    for number, image in enumerate(volumes.inputs):
        inputs = volumes.inputs.copy()
        inputs[number] = image[volumes.mask].mean()
        yield replace(volumes, inputs=inputs)
