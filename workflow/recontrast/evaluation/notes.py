"""What stands below a printed table."""

from .. import tables
from ..layout import ALL
from ..measures import MEASURES, define
from .grid import Cell, Context
from .marks import DAGGER, LEVELS, Families


def notes(
    table: dict, grid: list[list[Cell]], context: Context, families: Families, published: dict | None = None
) -> list[str]:
    """What a reader of the printed table must know, one sentence or more each: what the study says of it first."""
    everything = [cell for line in grid for cell in line]
    said = [table["note"]] if table.get("note") else []
    counted = [cell for cell in everything if isinstance(cell["n"], int)]
    numbers = [cell for cell in counted if cell["value"] != "rank"]
    if numbers:
        counts = sorted({cell["n"] for cell in numbers})
        used = {str(cell["fold"]) for cell in numbers} - {tables.MISSING}
        folds = sorted(used - {ALL}, key=lambda f: f.zfill(4))
        n = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
        # One person has no spread.
        spread = " and standard deviation" if table.get("spread") != "none" and counts[-1] > 1 else ""
        # Each fold has its own.
        one = f"Values of one participant{' each' if len(used) > 1 else ''}"
        what = f"Mean{spread} over participants" if counts[-1] > 1 else one
        models = [f"folds {', '.join(folds)}"] * bool(folds) + ["the model of everyone"] * (ALL in used)
        said.append("; ".join([f"{what}, {n}", *models]) + ".")
        if len(counts) > 1 and any(cell["best"] == 1 for cell in everything):
            said.append("The best value is determined among those with the most participants.")
    if placed := sorted({cell["n"] for cell in counted if cell["value"] == "rank"}):
        n = " to ".join(str(count) for count in dict.fromkeys((placed[0], placed[-1])))
        said.append(f"Ranks are means over participants with a value for all ranked experiments, n = {n}.")
    said += _single_folds(everything, context)
    said += _significance(everything, table.get("marks", {}), families)
    if any(cell["published"] != tables.MISSING for cell in everything):
        said.append(f"In square brackets: {published['source']}; values from a different cohort.")
        said += [published["legend"]] if published.get("legend") else []
    said += _seconds(everything, context) + _candidates(everything)
    metrics = dict.fromkeys(cell["metric"] for cell in everything if cell["metric"] in MEASURES)
    return said + _truths(everything, context) + [_define(name, context.by_slice) for name in metrics]


def _single_folds(everything: list[Cell], context: Context) -> list[str]:
    """Which experiments of a table ran on some folds of the study only, as ablations may."""
    folds = [fold for fold in context.values if fold.isdigit()]
    alike: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys(str(cell["experiment"]) for cell in everything):
        ran = tuple(fold for fold in folds if any(key[0] == name for key in context.values[fold]))
        if 0 < len(ran) < len(folds):
            alike.setdefault(ran, []).append(name)
    said = [
        f"{', '.join(names)}: fold {' and '.join(ran)} of {len(folds)} only." for ran, names in alike.items()
    ]
    partial = {name for names in alike.values() for name in names}
    averages = [c for c in everything if c["experiment"] in partial and c["fold"] == tables.MISSING]
    averages = [c for c in averages if c["value"] in ("mean", "median")]
    if averages and any(cell["fold"] != tables.MISSING for cell in everything):
        said.append("Their averages are over the folds that ran, not over all folds.")
    if any(cell["published"] != tables.MISSING for cell in averages):
        said.append("The published values alongside are over all folds of the paper.")
    return said


def _significance(everything: list[Cell], marks: dict, families: Families) -> list[str]:
    """What the marks mean, by which test over which family; or why there can be none."""
    kinds = {
        "experiments": ("*", f"* p < .05, ** p < .01, *** p < .001 against {marks.get('against')}", "region"),
        "regions": (DAGGER, f"{DAGGER} p < .05 against every other region of the table", "experiment"),
    }
    corrected = marks.get("correction") != "none"
    said = []
    for kind, (sign, meaning, place) in kinds.items():
        found = [family for (key, _), family in families.items() if key[1] == kind]
        if not found:
            continue
        sizes = sorted({len(family.p) for family in found})
        pairs = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else str(sizes[0])
        pairs += " comparison" if sizes == [1] else " comparisons"
        family = min(found, key=lambda one: one.smallest(corrected))
        if (smallest := family.smallest(corrected)) >= LEVELS[-1][0]:
            holm = f" and Holm's correction for {pairs}" if corrected and sizes != [1] else ""
            said.append(
                f"With n = {family.n}{holm}, the smallest possible p is {smallest:.3g}, so no {sign} can appear."
            )
        elif any(sign in str(cell["marks"]) for cell in everything):
            how = f"Holm's correction over the {pairs} of this table for each metric and {place}"
            if sizes == [1]:
                how = f"one comparison for each metric and {place}"
            said.append(
                f"{meaning}: exact Wilcoxon signed-rank test, {how if corrected else 'not corrected'}."
            )
    return said


def _seconds(everything: list[Cell], context: Context) -> list[str]:
    """On what the time of a prediction was taken."""
    timed = [
        context.times[c["experiment"]] for c in everything if c["value"] == "seconds" and c["number"] > 0
    ]
    return [
        f"Time to predict one session ({where}); it varies between runs."
        for where in dict.fromkeys(
            f"{t['device']}, threads: {t['threads']}, voxels in the bounding box of the mask: {t['voxels']:,}"
            for t in timed
        )
    ]


def _candidates(everything: list[Cell]) -> list[str]:
    if not any(cell["value"] == "candidate" for cell in everything):
        return []
    return ["Mean squared error on the fold's validation participants; the selected settings are in bold."]


def _truths(everything: list[Cell], context: Context) -> list[str]:
    """What lesions are judged by."""
    words = {"manual": f"{context.given}", "acquired": "those found on the acquired image"}
    used = dict.fromkeys(
        c["region"] for c in everything if c["metric"] in MEASURES and _of_lesions(c["metric"])
    )
    return [f"True lesions: {' and '.join(words[name] for name in used)}."] if used else []


def _of_lesions(metric: str) -> bool:
    return MEASURES[metric].scope == "lesions"


def _define(metric: str, by_slice: bool) -> str:
    measure = MEASURES[metric]
    source = f" ({measure.source})" if measure.source else ""
    return f"{measure.title}, {metric}{source}: {define(metric, by_slice)}."
