"""The part of the graph that measures what synthetic images hang on."""

from .. import layout
from ..fingerprint import closure, fingerprint
from ..layout import fill
from ..options import options
from ..plan import PlannedSession


class InfluenceJobs:
    """What the rules `explain` and `summarize_influence` ask; a part of `Graph`."""

    def influences(self, w=None) -> list[str]:
        """The tables of all maps of influence."""
        return [
            fill(layout.INFLUENCE_TABLE, planned.session, reference=planned.reference, **which)
            for planned in self.plan.sessions.values()
            for which in self._influences(planned)
        ]

    def influence_maps(self, planned: PlannedSession) -> list[tuple[str, str, str]]:
        """Experiment, kind and file of every map of influence of a session."""
        where = {"reference": planned.reference}
        return [
            (*which.values(), fill(layout.INFLUENCE_MAP, planned.session, **which, **where))
            for which in self._influences(planned)
        ]

    def influence_target(self, w) -> str:
        """The acquired target where a map needs it, as an option."""
        return options(target=[self.acquired(w)] if w.kind == "p3s" else [])

    def influence_images(self, w) -> list[str]:
        """What a map of influence is made from, beside the model."""
        return [*self.synthesis_images(w), *([self.acquired(w)] if w.kind == "p3s" else [])]

    def influence_code(self, w) -> str:
        """The fingerprint of explaining the method of an experiment."""
        method = self.study.experiments[w.experiment].method
        return fingerprint("recontrast.synthesis.explain", f"recontrast.methods.{method}")

    def influence_targets(self, w=None) -> list[str]:
        """The cohort's table, where the study asks for one."""
        return [layout.INFLUENCE] if self.influences() else []

    def _influences(self, planned: PlannedSession) -> list[dict[str, str]]:
        """The maps that the study asks for and that can be made, as wildcards."""
        asked = self.study.influence
        return [
            {"experiment": name, "kind": kind}
            for name, prediction in planned.predictions.items()
            for kind in asked.kinds
            if name in asked.experiments
            and prediction.inputs == prediction.model_inputs
            and self._possible(kind, name, prediction.acquired)
            and not self._failed(planned, f"influence-{name}-{kind}")
        ]

    def _possible(self, kind: str, experiment: str, acquired: bool) -> bool:
        method = self.study.experiments[experiment].method
        has_gradient = "recontrast.trainer.applied" in closure(f"recontrast.methods.{method}")
        return kind == "without" or (has_gradient and (acquired or kind != "p3s"))
