"""The methods section of a study, from what ran: sentences with their values filled in, and references."""

from functools import cache
from pathlib import Path

import yaml

from ..errors import RecontrastError
from ..methods import recipes

FILE = Path(__file__).with_name("methods_text.yaml")

Part = tuple[list[str], list[str]]  # sentences of one paragraph, and the references that they need


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
    parts = [
        _preparation(plan),
        *[_experiment(name, experiment) for name, experiment in plan["experiments"].items()],
        _validation(plan),
        _evaluation(plan, metrics),
    ]
    references = [reference for _, needed in parts for reference in needed]
    return [" ".join(part) for part, _ in parts if part], list(dict.fromkeys(references))


def steps_that_ran(plan: dict) -> dict[str, dict]:
    """The steps with a backend that the study needs, by name: their backend and its tools."""
    study = plan["study"]
    anatomy = study.get("anatomy", {})
    ran = {step.rpartition(" ")[2]: used for step, used in plan["backends"].items()}
    if study.get("diffusion", {}).get("motion") == "keep":
        ran.pop("correct_motion", None)
    if study["prepare"] != "full":
        kept = {"correct_motion", "fit_tensor"} | ({"register"} if study["prepare"] == "register" else set())
        return {step: used for step, used in ran.items() if step in kept}
    optional = {"segment_tissue": "tissues", "register_template": "template"}
    return {step: used for step, used in ran.items() if anatomy.get(optional.get(step, ""), True)}


def _preparation(plan: dict) -> Part:
    text, study = sentences(), plan["study"]
    anatomy = study.get("anatomy", {})
    values = {"reference": study["reference"], "dof": anatomy.get("dof", 6)}
    diffusion = study.get("diffusion", {})
    values |= {"fit": text["fits"].get(diffusion.get("fit")), "highest_b": diffusion.get("highest_b")}
    ran = steps_that_ran(plan)
    part, needed = [], []
    if study["prepare"] in text["prepare"]:
        part.append(text["prepare"][study["prepare"]])
    for name, entry in text["steps"].items():
        if name in ran:
            tools = {tool: version for tool, version in ran[name]["tools"].items() if tool in text["tools"]}
            listed = ", ".join(f"{tool} {version}" for tool, version in tools.items())
            part.append(entry["sentence"].format(tools=listed, **values))
            needed += entry["references"] + [key for tool in tools for key in text["tools"][tool]]
    if study.get("relaxometry", {}).get("images"):
        part.append(text["relaxometry"]["sentence"].format(**values))
        needed += text["relaxometry"]["references"]
    others = sum(session["reference"] != study["reference"] for session in plan["sessions"])
    if others:
        part.append(text["fallback"].format(count=others, **values))
    if study["prepare"] != "none" and anatomy.get("intensity") == "median":
        part.append(text["intensity"].format(region=study["region"]))
    return part, [text["references"][key] for key in needed]


def _experiment(name: str, experiment: dict) -> Part:
    facts = recipes.load(experiment["method"])
    try:
        described = facts.describes.format(**experiment["settings"])
    except KeyError as error:
        raise RecontrastError(
            f"describes {error}, which its recipe does not have",
            file=f"{experiment['method']}.yaml",
            remedy="add it to the recipe or mend the sentence",
        ) from error
    inputs, target, recipe = ", ".join(experiment["inputs"]), experiment["target"], experiment["recipe"]
    part = [f"Experiment {name} ({inputs} to {target}, recipe {recipe}): {described}"]
    if experiment["settings"].get("leaks"):
        part.append(sentences()["leaks"])
    return part, [facts.citation]


def _validation(plan: dict) -> Part:
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


def _evaluation(plan: dict, metrics: list[str]) -> Part:
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
