"""The part of the methods section on how images were judged: metrics, tests, influence, lesions."""

import re

from ..measures import MEASURES
from ..models import recipes

Part = tuple[list[str], list[str]]  # sentences of one paragraph, and the references that they need


def listed(words: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def evaluation(text: dict, plan: dict, metrics: list[str], people: int) -> Part:
    """Metrics, harmonised and as printed, with their sources; where they were taken."""
    study = plan["study"]
    asked = study.get("evaluation", {})
    if not metrics:
        return [], []
    papers = {source for source, entry in text["sources"].items() if "method" in entry}
    own = [m for m in metrics if MEASURES[m].source not in papers and MEASURES[m].scope in ("mask", "region")]
    part, needed = [], []
    names = ", ".join(MEASURES[metric].title for metric in own)
    part.append(text["evaluation"].format(region=study["region"], metrics=names) if own else text["no_scale"])
    parts = {"tissue": "grey matter, white matter and cerebrospinal fluid"}
    regions = [parts.get(name, f"the mask {name}") for name in asked.get("regions", []) if name != "region"]
    if regions and own:
        part.append(text["parts"].format(parts=listed(regions)))
    for source, entry in text["sources"].items():
        used = [m for m in metrics if MEASURES[m].source == source]
        if source in papers and used:
            said = listed(list(dict.fromkeys(MEASURES[m].title for m in used)))
            known = re.sub(r" (\d{4})$", r" (\1)", source)
            part.append(text["printed"].format(source=known, metrics=said, how=entry["sentence"]))
            needed.append(recipes.load(entry["method"]).citation)
        elif used:
            part.append(entry.get("by_slice" if asked.get("by_slice") else "sentence", entry["sentence"]))
            needed += _cited(text, entry["references"])
    if asked.get("pairs") and any(MEASURES[m].scope == "pair" for m in asked["metrics"]):
        part.append(text["pairs"].format(pairs=listed([" versus ".join(pair) for pair in asked["pairs"]])))
    if asked.get("structures") and "dice" in asked["metrics"]:
        for kind, found in _structures(asked["structures"]).items():
            part += [text[kind].format(structures=listed(found))] if found else []
        needed += _cited(text, ["dice1945"])
    if maps := plan["ran"]["maps"]:
        part.append(text["maps"].format(maps=listed([MEASURES[m].title for m in maps])))
    if lines := plan["ran"]["profiles"]:
        part.append(text["profiles"].format(lines=listed(lines)))
    part.append(text["numbers" if people > 1 else "numbers_of_one"])
    return part, needed


def statistics(text: dict, plan: dict, metrics: list[str], people: int) -> Part:
    """Tests between experiments of one target, and between regions, where there were several."""
    asked = plan["study"].get("evaluation", {})
    targets = [experiment["target"] for experiment in plan["experiments"].values()]
    several = {target for target in targets if targets.count(target) > 1}
    compared = ["Experiments with the same target"] if several else []
    if len(asked.get("regions", [])) > 1 or "tissue" in asked.get("regions", []):
        compared.append("regions of the same experiment" if compared else "Regions of the same experiment")
    if not metrics or not compared or people < 2:
        return [], []
    settings = {key: asked[key] for key in ("confidence", "bootstrap", "seed")}
    part, needed = [text["statistics"]["sentence"].format(compared=listed(compared))], []
    needed += text["statistics"]["references"]
    for entry in text["statistics"]["from"]:
        if people >= entry["people"]:
            part.append(entry["sentence"].format(**settings))
            needed += entry["references"]
    part += _marks(text, plan["study"])
    if any(targets.count(target) > 2 for target in several):
        part.append(text["ranks"]["sentence"])
        needed += text["ranks"]["references"]
    return part, _cited(text, needed)


def influence(text: dict, plan: dict) -> Part:
    """Maps of what synthetic images hang on."""
    part, needed = [], []
    for kind, experiments in plan["ran"]["influence"].items():
        entry = text["influence"][kind]
        part.append(entry["sentence"].format(experiments=listed(experiments)))
        needed += _cited(text, entry.get("references", []))
        needed += [recipes.load(entry["method"]).citation] if "method" in entry else []
    return part, needed


def lesions(text: dict, plan: dict) -> Part:
    """How lesions were found, by coefficients learned from whom, and what they were compared with."""
    asked, ran = plan["study"].get("lesions", {}), plan["ran"]
    part, needed = [], []
    if ran["lesions"]:
        method, shipped = asked["method"], ran["lesions_shipped"]
        kinds = {
            "asked": text["features"][asked["features"]],
            "shipped": text["features"][shipped["features"]],
        }
        values = asked | asked.get("network", {})
        values |= {"features": kinds["asked" if ran["lesions_learned"] else "shipped"]}
        part.append(
            text["lesions"][method].format(**values) + "; " + text["lesions"]["applied"].format(**values)
        )
        needed += _cited(text, text["lesion_references"].get(method, []))
        default = shipped | {"kappa": asked.get("kappa") or shipped["kappa"], "features": kinds["shipped"]}
        default = text["default"].get(method, "").format(**default)
        if ran["lesions_learned"]:
            learned = text["learned"][method].format(count=ran["lesions_learned"], given=ran["lesions_given"])
            part.append(text["learned"]["held_out"].format(learned=learned))
            if ran["lesions_untaught"]:
                part.append(text["untaught"].format(count=ran["lesions_untaught"], default=default))
        elif default:
            part.append(f"{default[0].upper()}{default[1:]}.")
        if method == "lpa" and (ran["lesions_untaught"] or not ran["lesions_learned"]):
            needed += _cited(text, ["lesjak2018"])
        if asked.get("smallest"):
            part.append(text["lesions_smallest"].format(**asked))
        if ran["lesion_pairs"]:
            part.append(text["lesions_compared"].format(pairs=listed(ran["lesion_pairs"])))
            needed += _cited(text, ["dice1945"])
    if asked.get("fill") and ran["masks"].get(asked["manual"]):
        part.append(text["filled"].format(given=ran["lesions_given"]))
    return part, needed


def _marks(text: dict, study: dict) -> list[str]:
    """Which tables of the study mark significance with and which without correction."""
    marked: dict[str, list[str]] = {"uncorrected": [], "marked": []}
    for name, table in study["tables"].items():
        marks = table.get("marks", {})
        if marks.get("against") or marks.get("regions"):
            marked["uncorrected" if marks.get("correction") == "none" else "marked"].append(name)
    return [
        text[kind].format(tables=f"the table{'s' * (len(names) > 1)} {listed(names)}")
        for kind, names in marked.items()
        if names
    ]


def _structures(structures: dict[str, dict]) -> dict[str, list[str]]:
    """Structures in words, those that a threshold finds and those that were outlined."""
    said: dict[str, list[str]] = {"structures": [], "outlined": []}
    for name, how in structures.items():
        if drawn := how.get("drawn"):
            masks = listed([f"{mask} on the image by {experiment}" for experiment, mask in drawn.items()])
            said["outlined"].append(f"{name}: {how['within']} on the acquired image, {masks}")
            continue
        bounds = [f"{side} {how[side]:g}" for side in ("above", "below") if how.get(side) is not None]
        scale = ", on the scale of the whole acquired image" if how.get("scale") == "printed" else ""
        said["structures"].append(f"{name}: {' and '.join(bounds)} in {how['within']}{scale}")
    return said


def _cited(text: dict, keys: list[str]) -> list[str]:
    return [text["references"][key] for key in keys]
