"""Marks of significance in a table: which comparisons it makes, and each family of them corrected by itself."""

from dataclasses import dataclass
from itertools import combinations, product

from .. import tables
from .compare import FEW, MOST
from .grid import Cell, Context

LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
DAGGER = "†"

Pair = frozenset[str]
# Metric, `experiments` or `regions`, and the region or experiment in which they are.
Key = tuple[str, str, str]


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


Families = dict[tuple[Key, str], Family]


def families(grid: list[list[Cell]], marks: dict, context: Context) -> Families:
    """The families by what is compared where, and by `MOST` or `FEW` participants, as in `compare`.

    Only means over all folds are compared, and only with what stands in the table or is named by `against`: the
    rest of the study adds nothing to a family.
    """
    means = [
        (str(cell["metric"]), str(cell["experiment"]), str(cell["region"]))
        for line in grid
        for cell in line
        if cell["value"] == "mean" and cell["fold"] == tables.MISSING
    ]
    wanted: dict[Key, set[Pair]] = {}
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
    for key, group in product(wanted, (MOST, FEW)):
        rows = {pair: known[key, pair] for pair in sorted(wanted[key], key=sorted) if (key, pair) in known}
        rows = {pair: row for pair, row in rows.items() if row["family"] == group}
        if rows:
            p = [tables.number(row["p"]) for row in rows.values()]
            corrected = p if marks.get("correction") == "none" else _holm(p)
            found[key, group] = Family(
                dict(zip(rows, corrected, strict=True)), max(int(row["n"]) for row in rows.values())
            )
    return found


def mark(grid: list[list[Cell]], marks: dict, families: Families) -> None:
    """Add p values and marks to the means over all folds."""
    for cell in (cell for line in grid for cell in line):
        if cell["value"] != "mean" or cell["fold"] != tables.MISSING:
            continue
        metric, experiment, region = cell["metric"], cell["experiment"], cell["region"]
        pair = frozenset((experiment, marks.get("against")))
        compared = _corrected(families, (metric, "experiments", region))
        if pair in compared:
            cell["p"] = compared[pair]
            cell["marks"] += next((stars for bound, stars in LEVELS if cell["p"] < bound), "")
        within = _corrected(families, (metric, "regions", experiment))
        found = [value for pair, value in within.items() if region in pair]
        if found and all(value < LEVELS[-1][0] for value in found):
            cell["marks"] += DAGGER


def _corrected(families: Families, key: Key) -> dict[Pair, float]:
    """The p value of every pair, whichever family it is in."""
    return {
        pair: p
        for group in (MOST, FEW)
        if (key, group) in families
        for pair, p in families[key, group].p.items()
    }


def _holm(p: list[float]) -> list[float]:
    from .statistics import holm  # scipy and statsmodels take a while to load: not for --help

    return holm(p)
