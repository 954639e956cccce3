"""Whether the paper recipes learn: on digital heads, out of fold, beside a linear regression of the same inputs.

Run as a script. Prints one row a method, in Markdown: the share of the recipe's epochs (or iterations) that was asked
for, the updates made, the mean gain in PSNR and SSIM over the regression, and CPU seconds of training and predictions.
The heads are those of `tests/methods/test_learning.py`: four to train, one to validate, two held out.

`--seconds` is a budget for each training, in CPU seconds where there is no GPU: all lengths of a recipe are multiplied
by the share that fits into it, so that every phase has its part. With 0 recipes run to their end, as on a GPU they can.
"""

import argparse
import contextlib
import io
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from measuring import LENGTHS, add_device, device_of, machine, seconds
from recontrast.models import recipes
from recontrast.models.interface import Cohort, Model, Run, Volumes, method_module
from recontrast.models.recipes import Recipe
from recontrast.models.volumes import cropped
from torch.optim.optimizer import register_optimizer_step_post_hook

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import phantom_heads

CONVENTIONAL = ("T1w", "T2w", "PDw")
INPUTS = {"pixel_gan": phantom_heads.RAW, "bloch": tuple(phantom_heads.MAPS)}
UNIT = 20  # iterations: the epochs of pixel_gan, whose recipe has a thousand in one


def cohort(method: str, recipe: Recipe) -> tuple[Cohort, list[Volumes]]:
    """Sessions to learn from and those held out, cut to what the method looks at."""
    margin = method_module(method).margin(recipe)
    heads = [cropped(head, margin)[0] for head in phantom_heads.heads(INPUTS.get(method, CONVENTIONAL))]
    return Cohort(heads[:4], heads[4:5]), heads[5:]


def shortened(method: str, recipe: Recipe, learned: Cohort, run: Run, budget: float) -> tuple[Recipe, float]:
    """The recipe with all lengths multiplied by one share, so that it takes about as long as it may."""
    lengths = {key: recipe[key] for key in LENGTHS if recipe.get(key)}
    if not budget or not lengths:
        return recipe, 1.0
    unit = UNIT if "iterations_per_epoch" in recipe else 1
    recipe = recipe | ({"iterations_per_epoch": unit} if unit > 1 else {})
    fit = method_module(method).fit
    clock = time.perf_counter if run.device == "cuda" else time.process_time
    took = seconds(lambda: fit(learned, recipe | dict.fromkeys(lengths, unit), run), clock)[1] / len(lengths)
    share = min(1.0, budget / (took * sum(lengths.values()) / unit))
    return recipe | {key: max(unit, round(length * share)) for key, length in lengths.items()}, share


def counted(method: str, recipe: Recipe, learned: Cohort, run: Run) -> tuple[Model, int]:
    """The trained model, and how often its optimizer (of several: the busiest) made a step."""
    steps: dict[int, int] = {}

    def count(optimizer: torch.optim.Optimizer, *_: object) -> None:
        steps[id(optimizer)] = steps.get(id(optimizer), 0) + 1

    hook = register_optimizer_step_post_hook(count)
    try:
        return method_module(method).fit(learned, recipe, run), max(steps.values(), default=0)
    finally:
        hook.remove()


def row(method: str, recipe: Recipe, run: Run, budget: float) -> str:
    """One line of the table."""
    learned, held_out = cohort(method, recipe)
    recipe, share = shortened(method, recipe, learned, run, budget)
    begun = time.process_time()
    model, updates = counted(method, recipe, learned, run)
    module = method_module(method)
    made = [module.predict(model, replace(one, target=None), recipe, run) for one in held_out]
    busy = time.process_time() - begun
    decibels, ssim = phantom_heads.gains(made, learned.training + learned.validation, held_out)
    asked = sum(recipe[key] for key in LENGTHS if "iterations_per_epoch" not in recipe and key in recipe)
    stopped = f", stopped after {len(model.losses)} epochs" if 0 < len(model.losses) < asked else ""
    said = "to the end" if share == 1 else f"{share:.2%}"
    cells = [f"`{method}`", said + stopped, f"{updates or '–'}", f"{decibels:+.2f} dB, {ssim:+.3f}"]
    return "| " + " | ".join([*cells, f"{busy:.0f}"]) + " |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=recipes.available())
    parser.add_argument("--recipe", default="paper")
    parser.add_argument("--seconds", type=float, default=120, help="for each training; 0: to its end")
    parser.add_argument("--voxel", type=float, default=phantom_heads.VOXEL, help="mm, of the heads")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    add_device(parser)
    options = parser.parse_args()
    device = device_of(options.device)
    run = Run(seed=options.seed, threads=options.threads, device=device)
    phantom_heads.VOXEL = options.voxel
    torch.set_num_threads(options.threads)
    print(f"{machine(options.threads, device)}. ", end="")
    print(f"Recipe {options.recipe}, heads of {options.voxel:g} mm, seed {options.seed}.\n")
    print("| method | share of the recipe | updates | gain over linear regression | CPU seconds |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    for name in options.methods:
        with contextlib.redirect_stdout(io.StringIO()):
            line = row(name, recipes.resolve(name, options.recipe), run, options.seconds)
        print(line, flush=True)


if __name__ == "__main__":
    main()
