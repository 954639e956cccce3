"""Marks of significance in a table: which comparisons it makes, and each family of them corrected by itself."""

from dataclasses import dataclass
from itertools import combinations

from .. import tables
from .grid import Cell, Context

LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
DAGGER = "†"

Pair = frozenset[str]


@dataclass(frozen=True)
class Family:
    """Comparisons that a table makes of one metric: of experiments in one region, or regions of one experiment.

    Attributes:
        p: of each pair, corrected for the number of pairs if the table asks for it.
        n: participants; of the pair that has most of them.
    """

    p: dict[Pair, float]
    n: int

    def smallest(self, corrected: bool) -> float:
        """The smallest p that so many participants can reach in this family, whatever they are like."""
        return min(1.0, 2 / 2**self.n * (len(self.p) if corrected else 1))


def families(grid: list[list[Cell]], marks: dict, context: Context) -> dict[tuple[str, str, str], Family]:
    """The families by metric, what is compared (`experiments` or `regions`), and the region or experiment.

    Only means over all folds are compared, and only with what stands in the table or is named by `against`: the
    rest of the study adds nothing to a family.
    """
    means = [
        (str(cell["metric"]), str(cell["experiment"]), str(cell["region"]))
        for line in grid
        for cell in line
        if cell["value"] == "mean" and cell["fold"] == tables.MISSING
    ]
    wanted: dict[tuple[str, str, str], set[Pair]] = {}
    for metric, experiment, region in means:
        if (against := marks.get("against")) and experiment != against:
            wanted.setdefault((metric, "experiments", region), set()).add(frozenset((experiment, against)))
        # The region of the study contains the others: there is nothing to compare it with.
        if marks.get("regions") and region != context.region:
            others = {r for m, e, r in means if (m, e) == (metric, experiment)} - {context.region}
            pairs = {frozenset(pair) for pair in combinations(others, 2)}
            wanted.setdefault((metric, "regions", experiment), set()).update(pairs)
    known = {
        ((row["metric"], row["between"], row["within"]), frozenset((row["a"], row["b"]))): row
        for row in context.comparisons
    }
    found = {}
    for key, pairs in wanted.items():
        rows = {pair: known[key, pair] for pair in sorted(pairs, key=sorted) if (key, pair) in known}
        if rows:
            p = [tables.number(row["p"]) for row in rows.values()]
            corrected = p if marks.get("correction") == "none" else _holm(p)
            found[key] = Family(
                dict(zip(rows, corrected, strict=True)), max(int(row["n"]) for row in rows.values())
            )
    return found


def mark(grid: list[list[Cell]], marks: dict, families: dict[tuple[str, str, str], Family]) -> None:
    """Add p values and marks to the means over all folds."""
    for cell in (cell for line in grid for cell in line):
        if cell["value"] != "mean" or cell["fold"] != tables.MISSING:
            continue
        metric, experiment, region = cell["metric"], cell["experiment"], cell["region"]
        compared = families.get((metric, "experiments", region))
        pair = frozenset((experiment, marks.get("against")))
        if compared and pair in compared.p:
            cell["p"] = compared.p[pair]
            cell["marks"] += next((stars for bound, stars in LEVELS if cell["p"] < bound), "")
        within = families.get((metric, "regions", experiment))
        found = [value for pair, value in within.p.items() if region in pair] if within else []
        if found and all(value < LEVELS[-1][0] for value in found):
            cell["marks"] += DAGGER


def _holm(p: list[float]) -> list[float]:
    from .statistics import holm  # scipy and statsmodels take a while to load: not for --help

    return holm(p)
