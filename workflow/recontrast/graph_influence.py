"""The part of the graph that measures what synthetic images hang on."""

from . import layout
from .fingerprint import closure, fingerprint
from .layout import fill
from .options import options


class InfluenceJobs:
    """What the rules `explain` and `summarize_influence` ask; a part of `Graph`."""

    def influences(self, w=None) -> list[str]:
        """The tables of all maps of influence that the study asks for and that can be made."""
        asked = self.study.influence
        failed = {(failure.session, failure.item) for failure in self.plan.failures}
        return [
            fill(
                layout.INFLUENCE_TABLE,
                planned.session,
                reference=planned.reference,
                experiment=name,
                kind=kind,
            )
            for label, planned in self.plan.sessions.items()
            for name, prediction in planned.predictions.items()
            for kind in asked.kinds
            if name in asked.experiments
            and self._possible(kind, name, prediction.acquired)
            and (label, f"influence-{name}-{kind}") not in failed
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

    def _possible(self, kind: str, experiment: str, acquired: bool) -> bool:
        method = self.study.experiments[experiment].method
        has_gradient = "recontrast.trainer.applied" in closure(f"recontrast.methods.{method}")
        return kind == "without" or (has_gradient and (acquired or kind != "p3s"))
