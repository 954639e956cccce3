"""What values of a recipe, each possible by itself, cannot be together, or not with so many inputs.

Needs no torch: a plan is checked by it, and a training that was started without one.
"""

from collections.abc import Callable, Iterator

from ..errors import RecontrastError
from ..signals import impossible
from .recipes import Recipe

DEEP = 16  # pixels that the U-Net of cc_dnn halves to a single one
RAW = 8  # images of a multi-delay multi-echo scan: S1 to S8, delay by delay, the shorter echo first

Found = Iterator[RecontrastError]


def contradictions(method: str, recipe: Recipe, inputs: int) -> list[RecontrastError]:
    """Everything that is wrong with a resolved recipe and a number of inputs."""
    return list(_METHODS[method](recipe, inputs)) if method in _METHODS else []


def refuse(method: str, recipe: Recipe, inputs: int) -> None:
    """Raise the first of them."""
    for error in contradictions(method, recipe, inputs):
        raise error


def of_cubes(recipe: Recipe, inputs: int = 0) -> Found:
    """Of networks on whole volumes or cubes."""
    if 0 < recipe["crop"] <= 2 * recipe["rim"]:
        yield RecontrastError(
            f"a cube of {recipe['crop']} voxels consists of rim only ({recipe['rim']} on either side)",
            remedy="make crop larger",
        )
    if not recipe["crop"] and recipe["batch"] != 1:
        yield RecontrastError(
            f"batch is {recipe['batch']} with crop 0",
            remedy="set batch to 1, as volumes differ in shape, or set crop",
        )


def _of_unet2d(recipe: Recipe, inputs: int) -> Found:
    halved = recipe["levels"] - 1
    if recipe["size"] % 2**halved:
        yield RecontrastError(
            f"slices of {recipe['size']} pixels cannot be halved {halved} times",
            remedy=f"give a size that {2**halved} divides, or 0 to take slices as they are",
        )
    if (deepest := recipe["dropout"] * (1 + halved // 2)) >= 1:
        yield RecontrastError(
            f"dropout {recipe['dropout']:g} rises to {deepest:g} in {recipe['levels']} levels",
            remedy="lower it: a dropout of 1 drops everything",
        )
    if recipe["intensity"] == "z-score" and recipe["output"] != "linear":
        reach = {"tanh": "between -1 and 1", "relu": "of 0 and above"}[recipe["output"]]
        yield RecontrastError(
            f"the output {recipe['output']} is limited to values {reach}, but z-scores are not",
            remedy="set output to linear, or intensity to unit",
        )


def _of_bloch(recipe: Recipe, inputs: int) -> Found:
    if inputs != 3:
        yield RecontrastError(
            f"bloch was given {inputs} inputs",
            remedy="give the three maps of relaxometry in this order: R1, R2, PD",
        )
    inversions = [recipe["inversion_time"]] if recipe["equation"] == "inversion_recovery" else []
    if wrong := impossible(recipe["repetition_time"], recipe["echo_time"], inversions):
        yield RecontrastError(wrong, remedy="give milliseconds")


def _of_pixel_gan(recipe: Recipe, inputs: int) -> Found:
    raw = 2 * RAW if recipe["complex"] else RAW
    if inputs not in (raw, raw + 3):
        yield RecontrastError(
            f"pixel_gan was given {inputs} inputs",
            remedy="give the eight raw images, delay by delay with the shorter echo first (with `complex: true` their "
            "real parts, then in the same order their imaginary parts), and after them R1, R2 and PD where the study "
            "has relaxometry",
        )

    if not recipe["start_iterations"] + recipe["adversarial_iterations"]:
        yield RecontrastError(
            "start_iterations and adversarial_iterations are both 0",
            remedy="give at least one of the steps iterations",
        )


def _of_cc_dnn(recipe: Recipe, inputs: int) -> Found:
    if recipe["network"] == "unet" and recipe["batch"] == 1 and 0 < recipe["patch"] <= DEEP:
        yield RecontrastError(
            f"a batch of one patch of {recipe['patch']} pixels leaves one value for the U-Net's deepest normalisation",
            remedy=f"make the batch larger, or patches larger than {DEEP}",
        )


_METHODS: dict[str, Callable[[Recipe, int], Found]] = {
    "bloch": _of_bloch,
    "cc_dnn": _of_cc_dnn,
    "fcn3d": of_cubes,
    "pixel_gan": _of_pixel_gan,
    "unet2d": _of_unet2d,
    "unet3d": of_cubes,
    "voxel_mlp": of_cubes,
}
