"""The methods section of a study, from what ran: sentences with their values filled in, and references."""

from functools import cache
from pathlib import Path

import yaml

from ..errors import RecontrastError
from ..models import recipes
from . import methods_judged
from .methods_software import software

FILE = Path(__file__).with_name("methods_text.yaml")

# What a study asks for by a key of its anatomy.
TEMPLATE_STEPS = {"register_template": "template", "warp_template": "warp"}
Part = tuple[list[str], list[str]]  # sentences of one paragraph, and the references that they need


@cache
def sentences() -> dict:
    """The sentences and references of `methods_text.yaml`."""
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def methods_section(plan: dict, metrics: list[str], people: int) -> tuple[list[str], list[str]]:
    """Paragraphs of a methods section and the references they need, in the order of mention.

    Args:
        plan: the plan of the study, as `index` reads it.
        metrics: names of the metrics that were computed.
        people: how many participants the metrics are over at most.
    """
    text = sentences()
    statistics = methods_judged.statistics(text, plan, metrics, people)
    parts = [
        _preparation(plan),
        *[_experiments(plan, names) for names in _alike(plan["experiments"])],
        _validation(plan),
        methods_judged.influence(text, plan),
        methods_judged.lesions(text, plan),
        methods_judged.evaluation(text, plan, metrics, people),
        statistics,
        software(text, plan, metrics, steps_that_ran(plan), tested=bool(statistics[0])),
        (
            [text["workflow"].format(recontrast=plan["versions"]["recontrast"])],
            [text["references"]["molder2021"]],
        ),
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
        if study.get("lesions", {}).get("method"):  # sought along the way to the template
            kept |= {step for step, key in TEMPLATE_STEPS.items() if anatomy.get(key)}
        return {step: used for step, used in ran.items() if step in kept}
    optional = {"segment_tissue": "tissues"} | TEMPLATE_STEPS
    return {step: used for step, used in ran.items() if anatomy.get(optional.get(step, ""), True)}


def _preparation(plan: dict) -> Part:
    text, study = sentences(), plan["study"]
    anatomy, diffusion = study.get("anatomy", {}), study.get("diffusion", {})
    values = {"reference": study["reference"], "region": study["region"], "dof": anatomy.get("dof", 6)}
    values |= {"fit": text["fits"].get(diffusion.get("fit")), "highest_b": diffusion.get("highest_b")}
    ran = steps_that_ran(plan)
    part, needed = [], []
    if plan["ran"]["converted"]:
        part.append(text["conversion"]["sentence"])
        needed += text["conversion"]["references"]
    if study["prepare"] in text["prepare"]:
        part.append(text["prepare"][study["prepare"]])
    for name, entries in text["steps"].items():
        if name in ran:
            entry = entries.get(ran[name]["backend"], entries["any"])
            tools = {tool: version for tool, version in ran[name]["tools"].items() if tool in text["tools"]}
            listed = ", ".join(f"{tool} {version}" for tool, version in tools.items())
            # Tools that conda brings are not known before they run.
            said = entry["sentence"].format(tools=listed, **values)
            part.append(said.replace("; )", ")").replace(" ()", ""))
            needed += entry["references"] + [key for tool in tools for key in text["tools"][tool]]
    if study.get("relaxometry", {}).get("images"):
        part.append(text["relaxometry"]["sentence"].format(**values))
        needed += text["relaxometry"]["references"]
    if masks := [
        f"{name}: {count} session{'s' * (count > 1)}" for name, count in plan["ran"]["masks"].items() if count
    ]:
        part.append(text["masks"].format(masks=", ".join(masks), **values))
    if study["region"] != "brain":
        kind = "region_foreground" if study["region"] == "foreground" else "region_mask"
        part.append(text[kind].format(**values))
    others = sum(session["reference"] != study["reference"] for session in plan["sessions"])
    if others:
        part.append(text["fallback"].format(count=others, **values))
    if study["prepare"] != "none" and anatomy.get("intensity") == "median":
        part.append(text["intensity"].format(**values))
    if study["prepare"] != "none" and anatomy.get("raw"):
        part.append(text["raw"].format(suffixes=", ".join(anatomy["raw"])))
    return part, [text["references"][key] for key in needed]


def _alike(experiments: dict[str, dict]) -> list[list[str]]:
    """The names of experiments that differ in nothing but inputs, target and folds, group by group."""
    groups: dict[str, list[str]] = {}
    for name, experiment in experiments.items():
        same = [experiment["method"], experiment["recipe"], experiment["settings"], experiment.get("choose")]
        groups.setdefault(repr(same), []).append(name)
    return list(groups.values())


def _experiments(plan: dict, names: list[str]) -> Part:
    """One paragraph for experiments of one method and recipe."""
    text, first = sentences(), plan["experiments"][names[0]]
    facts = recipes.load(first["method"])
    try:
        described = recipes.describe(first["method"], _in_prose(first["settings"]))
    except KeyError as error:
        raise RecontrastError(
            f"describes {error}, which its recipe does not have",
            file=f"{first['method']}.yaml",
            remedy="add it to the recipe or fix the sentence",
        ) from error
    shown = [
        f"{name} ({', '.join(plan['experiments'][name]['inputs'])} to {plan['experiments'][name]['target']})"
        for name in names
    ]
    part = [f"Experiment{'s' if len(names) > 1 else ''} {methods_judged.listed(shown)}: {described}"]
    published = facts.recipes["paper"]
    own = published | facts.recipes[first["recipe"]]
    changes: dict[str, list[str]] = {"departs": [], "overrides": []}
    for key, value in first["settings"].items():
        if key in published and value != own[key]:
            changes["overrides"].append(_change(key, value, own[key]))
        elif key in published and value != published[key]:
            changes["departs"].append(_change(key, value, published[key]))
    for kind, found in changes.items():
        if found:
            part.append(text[kind].format(recipe=first["recipe"], changes=methods_judged.listed(found)))
    if choose := first.get("choose"):
        keys = ", ".join(dict.fromkeys(key for chosen in choose for key in chosen))
        part.append(text["choose"].format(keys=keys, count=len(choose)))
    part += _limits(plan, names)
    if first["settings"].get("leaks"):
        part.append(text["leaks"])
    return part, [facts.citation]


def _in_prose(settings: dict) -> dict:
    values = sentences()["values"]
    return {
        key: values.get(value, value) if isinstance(value, str) else value for key, value in settings.items()
    }


def _change(key: str, value: object, other: object) -> str:
    return f"{key.replace('_', ' ')} ({_said(value)} instead of {_said(other)})"


def _said(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _limits(plan: dict, names: list[str]) -> list[str]:
    """Experiments of some folds only, and sessions that had fewer inputs."""
    text, said, folds = sentences(), [], {}
    asked = plan["study"].get("experiments", {})
    for name in names:
        if only := asked.get(name, {}).get("folds"):
            folds.setdefault(", ".join(f"fold {fold}" for fold in only), []).append(name)
    said += [text["one_fold"].format(experiments=methods_judged.listed(n), folds=f) for f, n in folds.items()]
    for name in names:
        fewer = sum(
            name in session["experiments"]
            and set(session["experiments"][name]["inputs"]) != set(plan["experiments"][name]["inputs"])
            for session in plan["sessions"]
        )
        if fewer:
            said.append(text["fewer"].format(experiment=name, count=fewer))
    return said


def _validation(plan: dict) -> Part:
    text, splits = sentences(), plan["study"].get("splits", {})
    if not plan["experiments"] or splits.get("scheme") not in text["splits"]:
        return [], []
    folds = plan["ran"].get("folds") or splits.get("folds")  # fewer people make fewer than the study asks for
    said = text["splits"]["named" if splits.get("test") else splits["scheme"]]
    part = [said.format(**splits | {"folds": folds})]
    judged = {
        name
        for name, experiment in plan["experiments"].items()
        if any(roles["validation"] for roles in experiment["folds"].values())
    }
    if (share := splits.get("validation")) and judged:
        part.append(
            text["validation"].format(validation=f"a fraction of {share:g}" if share < 1 else f"n = {share}")
        )
        if others := [name for name in plan["experiments"] if name not in judged]:
            part.append(text["not_validated"].format(experiments=methods_judged.listed(others)))
    if splits.get("never_train"):
        part.append(text["never_train"].format(count=len(splits["never_train"])))
    imputed = sum(
        any(not done["acquired"] for done in session["experiments"].values()) for session in plan["sessions"]
    )
    if imputed:
        part.append(text["imputed"].format(count=imputed))
    return part, []
