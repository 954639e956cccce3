"""The part of the graph that shows: what the page of a session and the first page are made of."""

import json
import math
from pathlib import Path

from .. import layout, lesion_plan
from ..layout import fill
from ..lesion_plan import ACQUIRED
from ..lesions.defaults import FEATURES, KAPPA
from .lesions import MANUAL

SHIPPED_LESIONS = Path(__file__).parents[1] / "lesions/default_lpa.json"
SHOWN_MAPS = ("FA", "MD")  # on the pages of sessions, beside those that something was predicted from


class PageJobs:
    """What the rules of the report ask; a part of `Graph`."""

    def contrasts(self, w) -> list[str]:
        """What the page of a session shows: its contrasts, reference first, and maps."""
        planned = self._session(w)
        used = {name for prediction in planned.predictions.values() for name in prediction.inputs}
        return [*self.contrasts_of(planned), *(name for name in planned.maps if name in {*SHOWN_MAPS, *used})]

    def prepared(self, w) -> list[str]:
        """Their files, in that order."""
        planned = self._session(w)
        return [self._prepared(planned, name) for name in self.contrasts(w)]

    def tissue(self, w) -> list[str]:
        """The tissue labels of a session, where the study asks for them."""
        planned = self._session(w)
        return [self._segmentation(planned)] if self.segments_tissue else []

    def fibres(self, w) -> list[str]:
        """Fractional anisotropy and eigenvectors on the grid of the diffusion series, where there is one."""
        planned = self._session(w)
        parameters = ("FA", "eigenvectors") if "FA" in planned.maps else ()
        return [fill(layout.NATIVE_DWIMAP, planned.session, parameter=name) for name in parameters]

    def experiments(self, w) -> list[str]:
        """The experiments predicted in a session."""
        return list(self._session(w).predictions)

    def experiment_targets(self, w) -> list[str]:
        """Their targets."""
        return [p.target for p in self._session(w).predictions.values()]

    def synthetics(self, w) -> list[str]:
        """Their synthetic images."""
        planned = self._session(w)
        return [self._synthetic(planned, name) for name in planned.predictions]

    def maps_shown(self, w) -> list[tuple[str, str, str]]:
        """Experiment, kind and file of maps that say where an image is good, and what it hangs on."""
        planned = self._session(w)
        return [*self.metric_maps(planned), *self.influence_maps(planned)]

    def shown_files(self, w) -> list[str]:
        """The files of these maps."""
        return [file for *_, file in self.maps_shown(w)]

    def lesions_shown(self, w) -> dict[str, str]:
        """Where lesions were found in a session, and those of a given mask: source -> mask."""
        planned = self._session(w)
        masks = {
            source: self._lesion_mask(planned, source) for source in lesion_plan.sources(self.plan, planned)
        }
        if masks and self.study.lesions.manual in planned.masks:
            masks[MANUAL] = self._given_mask(planned, self.study.lesions.manual)
        return masks

    def lesion_files(self, w) -> list[str]:
        """These masks."""
        return list(self.lesions_shown(w).values())

    def profiles_shown(self, w) -> list[str]:
        """The tables of intensities along lines of a session."""
        return self.profiles(self._session(w))

    def notes(self, w) -> list[str]:
        """What a reader of a session's page should know."""
        return self._session(w).notes

    def pages(self, w=None) -> list[str]:
        """The pages of all sessions but those whose page could not be made."""
        failed = {f.session for f in self.plan.failures if f.step.startswith("report")}
        return [
            fill(layout.SESSION_PAGE, session=label) for label in self.plan.sessions if label not in failed
        ]

    def cohort_pages(self) -> list[str]:
        """The pages that list the sessions, so many on each as the study says."""
        count = math.ceil(len(self.plan.sessions) / self.study.report.sessions_per_page)
        return [fill(layout.COHORT_PAGE, number=number) for number in range(1, count + 1)]

    def losses(self, w=None) -> list[str]:
        """The loss tables of all models."""
        return [fill(layout.LOSSES, experiment=name, fold=fold) for name, fold in self.plan.models]

    def ran(self) -> dict:
        """What the methods section says and the study alone does not: what the cohort made possible."""
        sessions = self.plan.sessions.values()
        influence: dict[str, list[str]] = {}
        for name, kind, _ in (found for planned in sessions for found in self.influence_maps(planned)):
            influence.setdefault(kind, []).append(name)
        truths = {MANUAL: f"those of {self.given_lesions}", ACQUIRED: "those found on the acquired image"}
        pairs = [
            f"those found on {'the acquired' if source == ACQUIRED else 'synthetic'} images against {truths[truth]}"
            for planned in sessions
            for source, truth in self._lesion_pairs(planned)
            if source != truth
        ]
        sought = [planned for planned in sessions if lesion_plan.sources(self.plan, planned)]
        taught = [planned for planned in sought if lesion_plan.learned(self.plan, planned)]
        by_hand = list(lesion_plan.teachers(self.plan, "nobody"))
        shipped = json.loads(SHIPPED_LESIONS.read_text(encoding="utf-8"))["provenance"]
        return {
            "converted": len(self.converted()),
            "folds": len(self.plan.splits.folds) if self.plan.splits else 0,
            "masks": {name: sum(name in planned.masks for planned in sessions) for name in self.study.masks},
            "maps": sorted({metric for planned in sessions for _, metric, _ in self.metric_maps(planned)}),
            "profiles": sorted(self.study.evaluation.profiles),
            "influence": {kind: list(dict.fromkeys(names)) for kind, names in influence.items()},
            "lesions": len(self.lesion_masks()),
            "lesions_learned": len(by_hand) if taught else 0,
            "lesions_untaught": len(sought) - len(taught),
            "lesions_shipped": {
                "people": len(shipped["intensities"]),
                "places": len(shipped["places"]),
                "features": FEATURES,
                "kappa": KAPPA,
            },
            "lesions_given": self.given_lesions,
            "lesion_pairs": list(dict.fromkeys(pairs)),
        }
