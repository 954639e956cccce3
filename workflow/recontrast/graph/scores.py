"""The part of the graph that judges: what is measured, where, and along which lines."""

import json

from .. import layout
from ..layout import fill
from ..options import options
from ..plan import PlannedSession


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
        """What a threshold finds or was outlined, as JSON."""
        found = {
            name: structure.model_dump(exclude_defaults=True)
            | {"within": self.study.region if structure.within == "region" else structure.within}
            for name, structure in self.study.evaluation.structures.items()
        }
        return json.dumps(found, sort_keys=True)

    @property
    def targets(self) -> list[str]:
        """The target of each experiment of the study."""
        return [experiment.target for experiment in self.study.experiments.values()]

    def metric(self, w) -> str:
        """The metric that a map shows, as the study writes it."""
        return w.measure.replace("hagiwara", "hagiwara_")

    def metric_maps(self, planned: PlannedSession) -> list[tuple[str, str, str]]:
        """Experiment, metric and file of every map of a metric that a session has."""
        found = []
        for name, prediction in planned.predictions.items():
            for metric in self.study.evaluation.maps if prediction.acquired else ():
                where = {"experiment": name, "measure": metric.replace("_", "")}
                path = fill(layout.METRIC_MAP, planned.session, reference=planned.reference, **where)
                if not self._failed(planned, "map-{experiment}-{measure}".format(**where)):
                    found.append((name, metric, path))
        return found

    def profiled(self, w) -> dict[str, list[str]]:
        """The acquired targets of a session, and the experiments that make them, with their files."""
        planned = self._session(w)
        made = [p for p in planned.predictions.values() if p.acquired]
        contrasts = list(dict.fromkeys(p.target for p in made))
        return {
            "contrasts": contrasts,
            "acquired": [self._fill(layout.PREPROC, planned, contrast) for contrast in contrasts],
            "experiments": [p.experiment for p in made],
            "targets": [p.target for p in made],
            "synthetic": [self._synthetic(planned, p.experiment) for p in made],
        }

    def profile_images(self, w) -> list[str]:
        """The images that a line runs through."""
        found = self.profiled(w)
        return [*found["acquired"], *found["synthetic"]]

    def profile_line(self, w) -> str:
        """Where the line runs, as options."""
        given = self.study.evaluation.profiles[w.line]
        ends = {name: end for name in ("start", "end") if (end := getattr(given, name))}
        return options(along=given.along, **ends)

    def profiles(self, planned: PlannedSession) -> list[str]:
        """The tables of intensities along lines of a session."""
        if not any(p.acquired for p in planned.predictions.values()):
            return []
        return [
            fill(layout.PROFILE, planned.session, line=line)
            for line in self.study.evaluation.profiles
            if not self._failed(planned, f"line-{line}")
        ]
