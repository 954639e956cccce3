"""The part of the methods section on the libraries that do the arithmetic of what ran."""

WITH_TEMPLATE = ("lpa", "lga")  # ways of finding lesions

Part = tuple[list[str], list[str]]  # sentences of one paragraph, and the references that they need


def software(text: dict, plan: dict, metrics: list[str], steps: dict[str, dict], *, tested: bool) -> Part:
    """Every library that some part of the study needed, with its version and its reference.

    Args:
        text: the sentences of `methods_text.yaml`.
        plan: the plan of the study.
        metrics: names of the metrics that were computed.
        steps: the steps with a backend that ran, and their tools.
        tested: whether experiments or regions were compared by tests.
    """
    lesions = plan["study"].get("lesions", {}).get("method") if plan["ran"]["lesions"] else None
    used = {"numpy", "nibabel"} | {tool for step in steps.values() for tool in step["tools"]}
    for experiment in plan["experiments"].values():
        used |= set(text["software"]["without_network"].get(experiment["method"], ["torch"]))
    used |= {"scipy", "scikit-image"} if metrics else set()
    used |= {"scipy", "statsmodels"} if tested else set()
    if lesions and lesions != "external":
        used |= {"scipy"} | ({"torch", "monai"} if lesions == "network" else set())
        used |= {"scikit-learn"} if lesions == "lpa" and plan["ran"]["lesions_learned"] else set()
    said, needed = [], []
    for library, entry in text["software"]["libraries"].items():
        if library in used:
            named = f"{entry['name']} {plan['versions'].get(library, '')}".strip()
            said.append(f"{named} ({entry['cited']}{': ' if entry['does'] else ''}{entry['does']})")
            needed.append(entry["reference"])
    part = [text["software"]["sentence"].format(libraries=f"{'; '.join(said[:-1])} and {said[-1]}")]
    if lesions in WITH_TEMPLATE:
        part.append(text["software"]["template"])
        needed += ["fonov2011", "abraham2014"]
    return part, [text["references"][key] for key in needed]
