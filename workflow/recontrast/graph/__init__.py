"""The plan as the rules see it: paths and settings of a job by its wildcards, and the targets of a run.

A rule names these methods as its inputs and params; those with a parameter `w` take Snakemake's wildcards.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from snakemake.io import ancient

from .. import layout
from ..cohort import quarantine
from ..conversion.planned import Job
from ..errors import RecontrastError
from ..layout import TISSUES, Session, fill
from ..plan import Plan, PlannedSession
from .code import JobCode
from .influence import InfluenceJobs
from .lesions import LesionJobs
from .maps import MapJobs
from .models import ModelJobs
from .pages import PageJobs
from .scores import ScoreJobs
from .tables import TableJobs


class Graph(MapJobs, ModelJobs, LesionJobs, ScoreJobs, TableJobs, InfluenceJobs, PageJobs, JobCode):
    """Answers the rules' questions from one plan.

    Args:
        plan: what is done with whose images.
        jobs: path of each raw image that is converted from DICOM -> how.
        tools: backends and versions as `tools` gave them where the study was planned; looked for here if None.
        codes: fingerprints as `codes` gave them there; made here if None.
    """

    def __init__(
        self,
        plan: Plan,
        jobs: Mapping[str, Job] | None = None,
        tools: Mapping[str, dict] | None = None,
        codes: Mapping[str, str] | None = None,
    ) -> None:
        self.plan = plan
        self.jobs = jobs or {}
        self._tools = tools or {}
        self._codes = codes or {}
        self.study = plan.study
        self._names = {contrast.label: name for name, contrast in plan.study.contrasts.items()}

    # --- conversion of DICOM ---

    def series(self, w) -> str:
        """The list of a series that one raw image is made from; it lies with the key, outside the results."""
        return os.path.relpath(self._job(w).list, self.study.output)

    def series_content(self, w) -> str:
        """The hash over the files of that series."""
        return self._job(w).sha256

    def converted(self, w=None) -> list[str]:
        """Every image that a series of the study's sessions becomes, those that are known to fail left out."""
        sessions = {session.label for session in self.plan.manifest.sessions()}
        failed = {(f.session, f.item) for f in self.plan.failures}
        units = {path: quarantine.split(Path(path).name.split(".")[0]) for path in self.jobs}
        return [path for path, unit in units.items() if unit[0] in sessions and unit not in failed]

    # --- raw images and their preparation ---

    def raw(self, w):
        """A raw image. Its content hash decides about reruns, so its time must not."""
        return self._raw(self._image(w).path)

    def content(self, w) -> str:
        """The content hash of the raw image."""
        return self._image(w).sha256

    def shrink(self, w) -> int:
        """How coarsely the shading of a raw image is estimated; 0: it stays."""
        return 0 if w.suffix in self.study.anatomy.raw else self.study.anatomy.shrink

    def brain_threshold(self, w) -> str:
        """How the brain of a contrast is told from the rest, where the study says so."""
        return self._threshold(w.suffix)

    def dwi_threshold(self, w) -> str:
        """The same for diffusion images."""
        return self._threshold("dwi")

    def _threshold(self, suffix: str) -> str:
        threshold = self.study.anatomy.brain_threshold.get(suffix)
        return "" if threshold is None else f"--threshold {threshold:g}"

    def intensity(self, w) -> str:
        """What becomes of the intensities of a contrast."""
        return "keep" if w.suffix in self.study.anatomy.raw else self.study.anatomy.intensity

    def native(self, w):
        """A contrast on its own grid."""
        return self._native(self._session(w), self._contrast(w))

    def moving(self, w):
        """The contrast that a transform starts from, on its own grid."""
        return self._native(self._session(w), w.contrast)

    def reference(self, w):
        """The reference contrast on its own grid, which is the grid of everything."""
        planned = self._session(w)
        return self._native(planned, planned.reference)

    def native_content(self, w) -> list[str]:
        """Content hashes of raw images that a job reads without a bias correction between."""
        if self.study.prepare == "full":
            return []
        planned = self._session(w)
        return sorted(
            planned.images[c].sha256 for c in {self._contrast(w) or planned.reference, planned.reference}
        )

    def brain_source(self, planned: PlannedSession) -> str:
        """The contrast that shows the brain best: T1w where there is one, else the reference."""
        suffixes = {self.study.contrasts[c].suffix: c for c in reversed([planned.reference, *planned.images])}
        return (
            planned.reference
            if self._suffix(planned.reference) == "T1w"
            else suffixes.get("T1w", planned.reference)
        )

    def native_mask(self, w) -> str:
        """The brain mask on the grid of the contrast that it was made from."""
        planned = self._session(w)
        return self._fill(layout.NATIVE_MASK, planned, self.brain_source(planned))

    def moving_mask(self, w) -> list[str]:
        """The brain in the moving image, where it was made there."""
        if self.study.prepare == "full" and w.contrast == self.brain_source(self._session(w)):
            return [self.native_mask(w)]
        return []

    def reference_mask(self, w) -> list[str]:
        """The brain on the reference grid, for every contrast but the one that carries it there."""
        if self.study.prepare == "full" and w.contrast != self.brain_source(self._session(w)):
            return [self.brain(w)]
        return []

    def mask_transform(self, w) -> list[str]:
        """How the brain mask comes onto the reference grid, if it was not made there."""
        planned = self._session(w)
        return self._transform(planned, self.brain_source(planned))

    def transform(self, w) -> list[str]:
        """A contrast's transform to the reference; none for the reference and for registered images."""
        return self._transform(self._session(w), self._contrast(w))

    def given_mask(self, w):
        """A mask that the user has, on the grid on which it was drawn."""
        return ancient(str(self._session(w).masks[w.region].path))

    def given_mask_content(self, w) -> list[str]:
        """Its content hash, and those of raw images that the job reads."""
        return [self._session(w).masks[w.region].sha256, *self.native_content(w)]

    def given_mask_transform(self, w) -> list[str]:
        """How that mask comes onto the reference grid, if it does not lie there."""
        return self._transform(self._session(w), self.study.masks[w.region].of)

    def mask(self, w) -> str:
        """The region mask of a session on its reference grid."""
        return self._mask(self._session(w))

    def brain(self, w) -> str:
        """The brain on the reference grid: by it images are aligned, and in it lesions are sought and judged.

        Of images that come prepared it is the study's own region, unless that is its lesions, or the foreground.
        """
        return self._brain(self._session(w))

    def tissue_source(self, w) -> str:
        """The prepared contrast that tissue is segmented on."""
        planned = self._session(w)
        return self._fill(layout.PREPROC, planned, self.brain_source(planned))

    def tissue_suffix(self, w) -> str:
        """The BIDS suffix of that contrast."""
        return self._suffix(self.brain_source(self._session(w)))

    def prepared_reference(self, w) -> str:
        """The reference contrast, prepared."""
        planned = self._session(w)
        return self._fill(layout.PREPROC, planned, planned.reference)

    # --- scores ---

    def acquired(self, w) -> str:
        """The acquired image of an experiment's target."""
        planned = self._session(w)
        return self._fill(layout.PREPROC, planned, planned.predictions[w.experiment].target)

    def synthetic(self, w) -> str:
        """The synthetic image of an experiment in a session."""
        return self._synthetic(self._session(w), w.experiment)

    def fold(self, w) -> str:
        """The fold that an experiment's model of a session left out."""
        return self._session(w).predictions[w.experiment].fold

    def participant(self, w) -> str:
        """`sub-01`."""
        return self._session(w).participant

    def session_id(self, w) -> str:
        """`ses-1`, or n/a."""
        return self._session(w).session_id

    def scores(self, w=None) -> list[str]:
        """The score tables of every prediction that has an acquired image."""
        return [
            fill(layout.SCORES, session=label, experiment=p.experiment)
            for label, planned in self.plan.sessions.items()
            for p in planned.predictions.values()
            if p.acquired
        ]

    def session_scores(self, w) -> list[str]:
        """The score tables of one session."""
        return [path for path in self.scores() if path.startswith(f"evaluation/sessions/{w.session}_desc-")]

    def contrasts_of(self, planned: PlannedSession) -> list[str]:
        """The contrasts of a planned session, reference first, then as the study names them."""
        return sorted(
            planned.images, key=lambda c: (c != planned.reference, list(self.study.contrasts).index(c))
        )

    # --- targets and provenance ---

    def prepared_targets(self, w=None) -> list[str]:
        """Everything that preparation makes."""
        found = []
        for planned in self.plan.sessions.values():
            found += [self._fill(layout.PREPROC, planned, c) for c in planned.images] + [self._mask(planned)]
            found += planned.maps.values()
            found += [self._given_mask(planned, name) for name in planned.masks]
            where = {"reference": planned.reference}
            if self.segments_tissue:
                found += [fill(layout.TISSUE, planned.session, tissue=t, **where) for t in TISSUES]
                found.append(self._segmentation(planned))
            if self.study.prepare == "full":
                found += self._template_files(planned).values()
        return found

    def participant_targets(self, w=None) -> list[str]:
        """Preparation, and every synthetic image whose model is there already."""
        return self.prepared_targets() + [
            self._synthetic(planned, p.experiment)
            for planned in self.plan.sessions.values()
            for p in planned.predictions.values()
            if self.plan.serves(planned, p)
        ]

    def group_targets(self, w=None) -> list[str]:
        """Everything: preparation, synthesis for everyone, tables and the report."""
        converted = self.converted()
        synthetic = [s for label in self.plan.sessions for s in self._synthetics(label)]
        made = [*synthetic, *self.lesion_targets(), *self.tables(), *self.influence_targets()]
        return [*converted, *self.prepared_targets(), *made, layout.REPORT]

    def require(self, level: str) -> None:
        """Raise if a run of this level would have nothing to do, with all that the plan knows about why."""
        if not self.plan.sessions:
            reasons = [f"{label}: {reason}" for label, reason in self.plan.left_out.items()]
            raise RecontrastError("\n".join([*self.plan.problems, *reasons, "no session can be worked on"]))
        predicted = any(planned.predictions for planned in self.plan.sessions.values())
        if level == "group" and self.study.experiments and not (self.plan.models or predicted):
            notes = {note for planned in self.plan.sessions.values() for note in planned.notes}
            raise RecontrastError("\n".join([*self.plan.problems, *sorted(notes), "no model can be trained"]))

    @property
    def segments_tissue(self) -> bool:
        """Whether the study has tissue maps."""
        return self.study.prepare == "full" and self.study.anatomy.tissues

    # --- inside ---

    def _session(self, w) -> PlannedSession:
        return self.plan.sessions[w.session]

    def _failed(self, planned: PlannedSession, item: str) -> bool:
        return any((f.session, f.item) == (planned.session.label, item) for f in self.plan.failures)

    def _contrast(self, w) -> str:
        if hasattr(w, "contrast"):
            return w.contrast
        return self._names.get(f"{getattr(w, 'entities', '')}_{getattr(w, 'suffix', '')}".lstrip("_"), "")

    def _suffix(self, contrast: str) -> str:
        return self.study.contrasts[contrast].suffix

    def _image(self, w):
        return self._session(w).images[self._contrast(w)]

    def _fill(self, pattern: str, planned: PlannedSession, contrast: str, **more: str) -> str:
        chosen = self.study.contrasts[contrast]
        more |= {"entities": chosen.entities, "suffix": chosen.suffix, "reference": planned.reference}
        return fill(pattern, planned.session, **more)

    def _prepared(self, planned: PlannedSession, name: str) -> str:
        """A contrast or a map on the reference grid."""
        return planned.maps.get(name) or self._fill(layout.PREPROC, planned, name)

    def _native(self, planned: PlannedSession, contrast: str):
        if self.study.prepare == "full":
            return self._fill(layout.CORRECTED, planned, contrast)
        return self._raw(planned.images[contrast].path)

    def _job(self, w) -> Job:
        where = {"datatype": getattr(w, "datatype", "dwi"), "suffix": getattr(w, "suffix", "dwi")}
        return self.jobs[fill(layout.RAW, Session.from_label(w.session), entities=w.entities, **where)]

    def _raw(self, path: Path):
        """A raw image: converted from DICOM, or as it was given, whose time does not matter then."""
        return str(path) if str(path) in self.jobs else ancient(str(path))

    def _mask(self, planned: PlannedSession) -> str:
        return fill(layout.MASK, planned.session, reference=planned.reference, region=self.study.region)

    def _brain(self, planned: PlannedSession) -> str:
        region = "brain" if self.study.prepare == "full" else self.study.region
        region = "foreground" if region == self.study.lesions.manual else region
        return fill(layout.MASK, planned.session, reference=planned.reference, region=region)

    def _given_mask(self, planned: PlannedSession, name: str) -> str:
        return fill(layout.MASK, planned.session, reference=planned.reference, region=name)

    def _segmentation(self, planned: PlannedSession) -> str:
        return fill(layout.SEGMENTATION, planned.session, reference=planned.reference)

    def _transform(self, planned: PlannedSession, contrast: str) -> list[str]:
        if contrast == planned.reference or self.study.prepare == "none":
            return []
        if planned.of_relaxometry(contrast):
            # One scan, so one transform: their ratios count, and what lies between them is noise of registration.
            together = planned.of_relaxometry(planned.reference)
            where = {"reference": planned.reference}
            return [] if together else [fill(layout.RELAXATION_TRANSFORM, planned.session, **where)]
        return [fill(layout.TRANSFORM, planned.session, contrast=contrast, reference=planned.reference)]

    def _synthetic(self, planned: PlannedSession, experiment: str) -> str:
        target = planned.predictions[experiment].target
        return self._fill(layout.SYNTHETIC, planned, target, experiment=experiment)

    def _synthetics(self, label: str) -> list[str]:
        planned = self.plan.sessions[label]
        return [self._synthetic(planned, name) for name in planned.predictions]
