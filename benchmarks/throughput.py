"""How fast every method trains and predicts with its paper recipe, as a table in Markdown.

Run as a script; takes some ten minutes on two CPU cores. A training is stopped after some updates. Forests grow a few
trees. On a CPU the volume that is predicted has an eighth of the voxels of a brain at 1 mm; what that brain would take
stands beside the time as measured, computed by what the method does (`growth`). Where there is a GPU, it is used.
"""

import argparse
import contextlib
import io
import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import torch
from measuring import BRAIN, LENGTHS, Shape, cube, head, machine, seconds
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Model, Run, Volumes, method_module
from recontrast.models.recipes import Recipe
from torch.optim.optimizer import register_optimizer_step_post_hook

UPDATES = 6  # the first is not counted
LIMIT = 25.0  # seconds of a training, after which it is stopped earlier
TREES = 4  # grown to be timed
#: what does not change the speed of an update, but needs images that a random head does not have
CHANGES: dict[str, Recipe] = {"pixel_gan": {"start": "acquired"}}
#: what the random head is multiplied by, whose values are about 1000: relaxation rates are about 1
UNITS = {"bloch": 1e-3}
#: trees as large as the paper's that grow in seconds, for the prediction
FASTER: Recipe = {"feature_share": 0.03}
#: slices that are resized, or filled up, to the same number of pixels whatever the image
FIXED = ("pix2pix", "unet2d")
#: one update, as the paper recipes have it
UPDATE = {
    "patch_to_voxel": "100 voxels",
    "fcn3d": "1 volume",
    "unet3d": "1 volume",
    "voxel_mlp": "1 volume",
    "random_forest": "1 tree",
    "replica": "1 tree a level",
    "pixel_gan": "15 patches of 128²",
    "cc_dnn": "4 slices",
    "multimodal": "16 slices",
    "pix2pix": "1 slice",
    "unet2d": "32 slices of 224²",
}
WEI = (
    1000 * 19
)  # at most: our limit of epochs, 24 people less a fold of five; the paper has a stopping rule alone
KIM = 216  # slices at most: nine people of 24, of whom some validate
#: updates of a whole training by the paper recipe on the paper's data
ALL: dict[str, int] = {
    "patch_to_voxel": 500 * 20,  # epochs, of 2,000 voxels in batches of 100
    "pixel_gan": 100_000 + 100_000,  # iterations of both steps
    "fcn3d": WEI,
    "unet3d": WEI,
    "voxel_mlp": WEI,
    "random_forest": 60,
    "cc_dnn": 400 * KIM // 4,  # epochs of both phases, batches of 4 [inferred]
    # Systems that Kim 2020 compares with, on its slices; that paper names no epochs, these are their authors'.
    "multimodal": 100 * -(-KIM // 16),  # at most, batches of 16
    "pix2pix": 200 * KIM,
    "replica": 60,
    # 305 people with about 100 slices in batches of 32, 120 epochs at most; the paper prints 4,320.
    "unet2d": 120 * -(-305 * 100 // 32),
}
PAPERS = {
    "fcn3d": "1.5 days of training; 1.34 s an image of 208x256x40 (TITAN X)",
    "cc_dnn": "0.14 s a slice (GTX 1080 Ti)",
    "unet2d": "34 h of training; under 1 min a volume of 155 slices (CPU, i5)",
}


class _EnoughError(Exception):
    """The training has been timed."""


def seconds_an_update(fit: Callable[[], object], device: str) -> float:
    """Median time from one optimizer step to the next, all steps of an adversarial turn together."""
    steps: dict[torch.optim.Optimizer, list[float]] = {}
    begun = time.perf_counter()

    def record(optimizer: torch.optim.Optimizer, *_: object) -> None:
        if device == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        own = steps.setdefault(optimizer, [])
        own.append(now)
        if len(own) > UPDATES or (len(own) > 1 and now - begun > LIMIT):
            raise _EnoughError

    hook = register_optimizer_step_post_hook(record)
    try:
        fit()
    except _EnoughError:
        pass
    finally:
        hook.remove()
    own = max(steps.values(), key=len)
    return statistics.median(later - earlier for earlier, later in itertools.pairwise(own))


def training(
    name: str, module: ModuleType, cohort: Cohort, recipe: Recipe, run: Run, device: str
) -> float | None:
    """Seconds of one update or tree; None where nothing is trained."""
    if "trees" in recipe:
        few = recipe | {"trees": TREES}
        return seconds(lambda: module.fit(cohort, few, run))[1] / TREES
    if name not in UPDATE:
        return None
    return seconds_an_update(lambda: module.fit(cohort, recipe, run), device)


def untrained(module: ModuleType, cohort: Cohort, recipe: Recipe, run: Run) -> Model:
    """A model that takes as long to predict as a trained one: a network after a training of no length."""
    changes = {key: 0 for key in LENGTHS if key in recipe} | (FASTER if "trees" in recipe else {})
    return module.fit(cohort, recipe | changes, run)


def row(name: str, shape: Shape, edge: int, run: Run, device: str) -> str:
    """One line of the table."""
    facts, module = recipes.load(name), method_module(name)
    recipe = recipes.resolve(name) | CHANGES.get(name, {})
    unit = np.float32(UNITS.get(name, 1))

    def scaled(volumes: Volumes) -> Volumes:
        return replace(volumes, inputs=volumes.inputs * unit)

    cohort = Cohort([scaled(head(shape, len(facts.inputs), seed)) for seed in (1, 2)])
    update = training(name, module, cohort, recipe, run, device)
    model = untrained(module, cohort, recipe, run)
    volume = scaled(cube(edge, len(facts.inputs)))
    predicted = seconds(lambda: module.predict(model, volume, recipe, run))[1]
    known = update and name in ALL
    cells = [
        f"`{name}`",
        str(len(facts.inputs)),
        UPDATE.get(name, "–"),
        f"{1 / update:.3g}" if update else "–",
        _duration(update * ALL[name]) if known else "–",
        *(
            f"{s:.2g}" if s < 10 else f"{s:.0f}"
            for s in (predicted, predicted * growth(name, module, recipe, edge))
        ),
        PAPERS.get(name, "–"),
    ]
    return "| " + " | ".join(cells) + " |"


def growth(name: str, module: ModuleType, recipe: Recipe, edge: int) -> float:
    """How much longer a brain at 1 mm takes than the volume that is predicted."""
    if name in FIXED:
        return BRAIN / edge  # as many slices more

    def read(side: int) -> int:
        """Voxels that go through a network in slabs, those of their halos included."""
        blocks = module.blocks((side,) * 3, recipe) if hasattr(module, "blocks") else [(slice(0, side),)]
        return side**2 * sum(seen.stop - seen.start for seen, *_ in blocks)

    return read(BRAIN) / read(edge)


def _duration(length: float) -> str:
    return f"{length / 3600:.1f} h" if length >= 3600 else f"{length / 60:.1f} min"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--methods", nargs="+", default=recipes.available())
    parser.add_argument(
        "--shape", type=int, nargs=3, help="of the training volumes; Wei 2019's on a GPU, a quarter on a CPU"
    )
    parser.add_argument("--edge", type=int, help=f"of the predicted volume; {BRAIN}: as a brain at 1 mm")
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    shape = tuple(options.shape or ((208, 256, 40) if device == "cuda" else (104, 128, 40)))
    edge = options.edge or (BRAIN if device == "cuda" else BRAIN // 2)
    run = Run(threads=options.threads, device=device)
    print(
        f"{machine(options.threads, device)}. Training volumes of {'x'.join(map(str, shape))} voxels; predicted: "
    )
    print(f"a ball of {edge} voxels in a cube.\n")
    predicted = "prediction, s | of a brain at 1 mm, computed"
    print(f"| method | inputs | one update | updates a second | all updates | {predicted} | the paper |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for name in options.methods:
        with contextlib.redirect_stdout(io.StringIO()):
            line = row(name, shape, edge, run, device)
        print(line, flush=True)


if __name__ == "__main__":
    main()
