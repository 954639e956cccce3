"""The part of the graph that makes tables: comparisons over the cohort, and the study's own."""

import json

from .. import layout, lesion_plan, published
from ..layout import fill
from ..options import options


class TableJobs:
    """What the rules of tables ask; a part of `Graph`."""

    def table_metrics(self, w) -> list[str]:
        """The long tables of scores that a table is made of."""
        return [layout.METRICS, *self._of_lesions(w, layout.LESION_METRICS)]

    def table_statistics(self, w) -> list[str]:
        """The comparisons of each."""
        return [layout.STATISTICS, *self._of_lesions(w, layout.LESION_STATISTICS)]

    def table_cards(self, w) -> list[str]:
        """The cards of models that a table tells of; to count parameters one fold of each will do."""
        table = self.study.tables[w.table]
        models = [key for key in self.plan.models if key[0] in table.experiments]
        if not any(part.candidate for part in table.parts):
            counted = any(part.value == "parameters" for part in table.parts)
            models = list(dict(models).items()) if counted else []
        return [fill(layout.MODEL_CARD, experiment=name, fold=fold) for name, fold in models]

    def table_times(self, w) -> list[str]:
        """How long predictions of one session take, where a table shows it: of the first session of each experiment."""
        table = self.study.tables[w.table]
        if not any(part.value == "seconds" for part in table.parts):
            return []
        first = {name: label for label, s in reversed(self.plan.sessions.items()) for name in s.predictions}
        return [
            fill(layout.TIME, session=first[name], experiment=name)
            for name in sorted(table.experiments & first.keys())
        ]

    def lesion_experiments(self, w=None) -> str:
        """The experiments on whose images lesions are found, as options."""
        names = lesion_plan.sought_on(self.study)
        return options(experiments=names, targets=[self.study.lesions.flair] * len(names))

    def table_specification(self, w) -> str:
        """All that a table says, with its published values, as JSON."""
        table = self.study.tables[w.table]
        content = {
            "table": table.model_dump(mode="json", exclude_none=True),
            "published": published.load(table.published) if table.published else None,
            "region": self.study.region,
            "truth": lesion_plan.truth(self.plan),
            "given": self.given_lesions,
            "by_slice": self.study.evaluation.by_slice,
            "inputs": {name: self.study.experiments[name].inputs for name in sorted(table.experiments)},
        }
        return json.dumps(content)

    def tables(self, w=None) -> list[str]:
        """Comparisons over the cohort, and the study's own tables."""
        return [layout.SUMMARY, layout.STATISTICS, layout.RANKS, *self.own_tables()]

    def own_tables(self, w=None) -> list[str]:
        """The study's own tables."""
        return [fill(layout.TABLE, table=name) for name in self.study.tables]

    def own_notes(self, w=None) -> list[str]:
        """What their columns are, and what stands below them."""
        return [fill(layout.TABLE_NOTES, table=name) for name in self.study.tables]

    def _of_lesions(self, w, path: str) -> list[str]:
        """A table about lesions, where one of the study shows them and there are any to judge."""
        return [path] if self.study.tables[w.table].shows_lesions and self.lesion_scores() else []
