"""The part of the graph that judges: regions of scores, comparisons, and the study's own tables."""

import json

from . import layout, published
from .layout import fill


class ScoreJobs:
    """What the rules of evaluation ask beside images; a part of `Graph`."""

    def score_tissue(self, w) -> list[str]:
        """The tissue labels of a session, where the study scores by tissue."""
        return [self._segmentation(self._session(w))] if "tissue" in self.study.evaluation.regions else []

    def score_names(self, w) -> list[str]:
        """The study's own masks in which a session is scored beside its region, as far as it has them."""
        return [name for name in self.study.evaluation.regions if name in self._session(w).masks]

    def score_areas(self, w) -> list[str]:
        """Their files."""
        return [self._given_mask(self._session(w), name) for name in self.score_names(w)]

    @property
    def score_pairs(self) -> list[str]:
        """Regions between which contrast-to-noise ratios are taken: `WM-GM`."""
        return ["-".join(pair) for pair in self.study.evaluation.pairs]

    @property
    def score_structures(self) -> str:
        """What a threshold finds, as JSON."""
        found = {
            name: structure.model_dump(exclude_none=True)
            | {"within": self.study.region if structure.within == "region" else structure.within}
            for name, structure in self.study.evaluation.structures.items()
        }
        return json.dumps(found, sort_keys=True)

    @property
    def targets(self) -> list[str]:
        """The target of each experiment of the study."""
        return [experiment.target for experiment in self.study.experiments.values()]

    def table_cards(self, w) -> list[str]:
        """The cards of models whose parameters a table counts: of one fold each, as they are alike."""
        table = self.study.tables[w.table]
        if not any(part.value == "parameters" for part in (*table.rows, *table.columns, table.cells)):
            return []
        folds = {name: fold for name, fold in self.plan.models if name in table.experiments}
        return [fill(layout.MODEL_CARD, experiment=name, fold=fold) for name, fold in folds.items()]

    def table_specification(self, w) -> str:
        """All that a table says, with its published values, as JSON."""
        table = self.study.tables[w.table]
        content = {
            "table": table.model_dump(mode="json", exclude_none=True),
            "published": published.load(table.published) if table.published else None,
            "region": self.study.region,
            "inputs": {name: self.study.experiments[name].inputs for name in sorted(table.experiments)},
        }
        return json.dumps(content)

    def tables(self, w=None) -> list[str]:
        """Comparisons over the cohort, and the study's own tables."""
        return [layout.SUMMARY, layout.STATISTICS, layout.RANKS, *self.own_tables()]

    def own_tables(self, w=None) -> list[str]:
        """The study's own tables."""
        return [fill(layout.TABLE, table=name) for name in self.study.tables]
