"""What is known of a method without running it: its paper, its recipes, the sentence that describes it.

Each method has `NAME.yaml` beside `NAME.py` in `methods/`. This module reads only the former, so that a study can be
checked and a methods section written without importing torch.
"""

import difflib
import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ..errors import RecontrastError

FOLDER = Path(__file__).parents[1] / "methods"

# Of 0 of these nothing could be learned.
POSITIVE = {
    "batch", "crops_per_epoch", "epochs", "feature_share", "filters", "hidden", "iterations", "iterations_per_epoch",
    "latent", "layers", "leaf", "maps", "momentum", "neighbours", "neurons", "patches_per_epoch", "percentile",
    "quantiles", "samples", "stop_strip", "trees", "validation_voxels", "voxels_per_epoch", "window",
}  # fmt: skip

# Shares, percentiles and angles go no further, ...
HIGHEST = {
    "feature_share": 1, "momentum": 1, "water_echo": 1, "water_recovery": 1, "percentile": 100, "excitation_angle": 180,
    "saturation_angle": 180,
}  # fmt: skip
# ... and these not that far: nothing would pass a dropout of 1, and an average with a beta of 1 never moves.
BELOW = {"adversarial_beta1": 1, "beta1": 1, "dropout": 1, "start_beta1": 1}

Value = bool | int | float | str
Recipe = dict[str, Value]


@dataclass(frozen=True)
class Facts:
    """One method's `NAME.yaml`.

    Attributes:
        name: the module's name.
        title: what readers know the system as.
        citation: the paper, as a reference list has it.
        describes: a sentence for a methods section; `{key}` stands for a value of the recipe.
        further: sentences that only some settings make true: `says`, and `where` it is said.
        inputs: the contrasts that the paper used.
        target: the contrast that the paper made.
        recipes: values by recipe name; `paper` is complete, the others say what they change.
        choices: the allowed values of those keys that have only a few.
        leaking: values that `leaks: true` changes too, unless the study sets them.
        weights: whether voxels of a mask may count more than others in training.
        subsets: whether some of the inputs are enough for a prediction.
        aids: inputs, by name, that only training looks at.
        validates: whether it looks at validation sessions at all.
        reshaped: keys before which its models had another form. Models that were trained before a method got any
            other key are what the paper's value of that makes them: a new key whose paper value changes what a
            trained model predicts belongs here.
    """

    name: str
    title: str
    citation: str
    describes: str
    inputs: list[str]
    target: str
    recipes: dict[str, Recipe]
    choices: dict[str, list[Value]]
    further: list[dict] = field(default_factory=list)
    leaking: Recipe = field(default_factory=dict)
    weights: bool = False
    subsets: bool = False
    aids: tuple[str, ...] = ()
    validates: bool = True
    reshaped: tuple[str, ...] = ()

    def suffice(self, there: Iterable[str], inputs: Iterable[str]) -> bool:
        """Whether what is there of a model's inputs is enough for a prediction."""
        found, needed = {*there} & {*inputs}, {*inputs} - {*self.aids}
        return needed <= found or (self.subsets and bool(found))


def available() -> list[str]:
    """The names of all methods, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@functools.cache
def load(method: str) -> Facts:
    """The facts of one method.

    Raises:
        RecontrastError: there is no such method.
    """
    if method not in available():
        raise _unknown("method", method, available())
    content = yaml.safe_load((FOLDER / f"{method}.yaml").read_text(encoding="utf-8"))
    return Facts(name=method, choices=content.pop("choices", {}), **content)


def resolve(method: str, recipe: str = "paper", overrides: Recipe | None = None) -> Recipe:
    """Every value that a run uses: the paper's, changed by the recipe, by leaks, and by the study.

    Args:
        method: name of the method.
        recipe: one of its recipes.
        overrides: values that the study sets itself.

    Raises:
        RecontrastError: no such method or recipe; or all unknown keys and impossible values at once.
    """
    facts = load(method)
    if recipe not in facts.recipes:
        raise _unknown(f"recipe of {method}", recipe, list(facts.recipes))
    paper = facts.recipes["paper"]
    resolved = paper | facts.recipes[recipe]
    problems = []
    for key, given in (overrides or {}).items():
        value = _number(given) if isinstance(paper.get(key), float) else given
        if key not in paper:
            problems.append(f"unknown key {key}{_nearest(key, list(paper))}")
        elif key in POSITIVE and value == 0:
            problems.append(f"{key}: is 0")
        elif problem := _problem_of(value, paper[key], facts.choices.get(key)) or _beyond(key, value):
            problems.append(f"{key}: {value!r} {problem}")
        else:
            resolved[key] = value
    if problems:
        raise RecontrastError(
            f"recipe {recipe} of {method}: " + "; ".join(problems),
            remedy=f"valid keys are {', '.join(paper)}",
        )
    if resolved.get("leaks"):
        resolved |= {key: value for key, value in facts.leaking.items() if key not in (overrides or {})}
    return resolved


def complete(method: str, recipe: Recipe) -> Recipe:
    """The recipe of a model that may be older than some of the keys of its method.

    Raises:
        RecontrastError: there is no such method, or its models had another form then.
    """
    facts = load(method)
    if lacking := [key for key in facts.reshaped if key not in recipe]:
        raise RecontrastError(
            f"{method} had no {', '.join(lacking)} in the version of this model, and a different model format"
        )
    return facts.recipes["paper"] | recipe


def describe(method: str, recipe: Recipe) -> str:
    """The method's sentences with the values of a resolved recipe filled in, those that are true of it."""
    facts = load(method)
    said = [facts.describes]
    said += [one["says"] for one in facts.further if any(_holds(every, recipe) for every in one["where"])]
    return " ".join(sentence.format(**recipe) for sentence in said)


def validates(method: str, recipe: Recipe) -> bool:
    """Whether a training of a resolved recipe looks at validation sessions, to stop or to choose an epoch by."""
    decides = recipe.get("keep") != "last" or recipe.get("stop_rises", 0) > 0
    return load(method).validates and decides


def _holds(conditions: Recipe, recipe: Recipe) -> bool:
    """Whether every condition holds: a word is part of the value, or, of true, the value is not 0."""
    return all(
        wanted in str(recipe[key]) if isinstance(wanted, str) else bool(recipe[key]) == wanted
        for key, wanted in conditions.items()
    )


def _number(value: Value) -> Value:
    """A float where there can be one: YAML reads 100 as an integer and 1e-4 as text."""
    if isinstance(value, bool):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _problem_of(value: Value, model: Value, choices: list[Value] | None) -> str:
    """What is wrong with a value, or nothing; `model` is the paper's value, whose type is the right one."""
    if choices is not None:
        return "" if value in choices and type(value) is type(model) else f"is not one of {choices}"
    if type(value) is not type(model):
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        return f"is not {words[type(model)]}"
    if isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
        return "is not zero or more"
    return ""


def _beyond(key: str, value: Value) -> str:
    """How a number exceeds what its key allows, or nothing."""
    if key in HIGHEST and value > HIGHEST[key]:
        return f"is above {HIGHEST[key]}"
    if key in BELOW and value >= BELOW[key]:
        return f"is not below {BELOW[key]}"
    return ""


def _nearest(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f" (did you mean {near[0]}?)" if near else ""


def _unknown(kind: str, name: str, names: list[str]) -> RecontrastError:
    return RecontrastError(
        f"unknown {kind} {name}{_nearest(name, names)}", remedy=f"use one of {', '.join(names)}"
    )
