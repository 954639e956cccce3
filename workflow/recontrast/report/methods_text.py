"""The methods section of a study, from what ran: sentences with their values filled in, and references."""

from functools import cache
from pathlib import Path

import yaml

from ..errors import RecontrastError
from ..methods import recipes

FILE = Path(__file__).with_name("methods_text.yaml")


@cache
def sentences() -> dict:
    """The sentences and references of `methods_text.yaml`."""
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def methods_section(plan: dict, metrics: list[str]) -> tuple[list[str], list[str]]:
    """Paragraphs of a methods section and the references they need, in the order of mention.

    Args:
        plan: the plan of the study, as `index` reads it.
        metrics: names of the metrics that were computed.
    """
    paragraphs, references = [], []
    for part, needed in (
        _preparation(plan),
        _experiments(plan),
        _validation(plan),
        _evaluation(plan, metrics),
    ):
        if part:
            paragraphs.append(" ".join(part))
            references += needed
    return paragraphs, list(dict.fromkeys(references))


def _preparation(plan: dict) -> tuple[list[str], list[str]]:
    text, study = sentences(), plan["study"]
    anatomy = study.get("anatomy", {})
    values = {"reference": study["reference"], "dof": anatomy.get("dof", 6)}
    part, needed = [], []
    if study["prepare"] in text["prepare"]:
        part.append(text["prepare"][study["prepare"]])
    for name, entry in text["steps"].items():
        if name not in plan["backends"]:
            continue
        tools = plan["backends"][name]["tools"]
        part.append(entry["sentence"].format(tools=_listed(tools), **values))
        needed += entry["references"] + [key for tool in tools for key in text["tools"].get(tool, [])]
    if anatomy.get("intensity") == "median":
        part.append(text["intensity"].format(region=study["region"]))
    return part, [text["references"][key] for key in needed]


def _experiments(plan: dict) -> tuple[list[str], list[str]]:
    part, needed = [], []
    for name, experiment in plan["experiments"].items():
        facts = recipes.load(experiment["method"])
        try:
            described = facts.describes.format(**experiment["settings"])
        except KeyError as error:
            raise RecontrastError(
                f"describes {error}, which its recipe does not have",
                file=f"{experiment['method']}.yaml",
                remedy="add it to the recipe or mend the sentence",
            ) from error
        inputs = ", ".join(experiment["inputs"])
        part.append(
            f"Experiment {name} ({inputs} to {experiment['target']}, recipe {experiment['recipe']}): {described}"
        )
        if experiment["settings"].get("leaks"):
            part.append(sentences()["leaks"])
        needed.append(facts.citation)
    return part, needed


def _validation(plan: dict) -> tuple[list[str], list[str]]:
    text, splits = sentences(), plan["study"].get("splits", {})
    if not plan["experiments"] or splits.get("scheme") not in text["splits"]:
        return [], []
    part = [text["splits"][splits["scheme"]].format(**splits)]
    if splits.get("validation"):
        part.append(text["validation"].format(**splits))
    imputed = sum(
        any(not done["acquired"] for done in session["experiments"].values()) for session in plan["sessions"]
    )
    if imputed:
        part.append(text["imputed"].format(count=imputed))
    return part, []


def _evaluation(plan: dict, metrics: list[str]) -> tuple[list[str], list[str]]:
    text, part, needed = sentences(), [], []
    if metrics:
        names = ", ".join(metric.upper() for metric in metrics)
        part.append(text["evaluation"].format(region=plan["study"]["region"], metrics=names))
        if "ssim" in metrics:
            part.append(text["ssim"])
            needed.append(text["references"]["wang2004"])
        part.append(text["numbers"])
    part.append(text["workflow"].format(recontrast=plan["versions"]["recontrast"]))
    return part, [*needed, text["references"]["molder2021"]]


def _listed(tools: dict[str, str]) -> str:
    return ", ".join(f"{tool} {version}" for tool, version in tools.items())
