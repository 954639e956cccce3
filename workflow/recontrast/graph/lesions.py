"""The part of the graph that finds lesions, on acquired and synthetic FLAIR, and judges them."""

import json

from .. import layout, lesion_plan, lesion_words
from ..layout import TISSUES, fill
from ..lesion_plan import ACQUIRED
from ..lesion_settings import beside
from ..options import options
from ..plan import PlannedSession

MANUAL = "manual"
NOTHING = "(?!)"  # a pattern that no name has


class LesionJobs:
    """What the rules of lesions ask; a part of `Graph`."""

    def by(self, method: str) -> str:
        """The wildcard pattern of what a method segments: everything, or nothing if the study has another."""
        return r"[A-Za-z0-9]+" if self.study.lesions.method == method else NOTHING

    # --- what is learned from given masks ---

    @property
    def given_lesions(self) -> str:
        """What the masks are called that came with the cohort."""
        name = self.study.lesions.manual
        return lesion_words.given(name, self.study.masks[name].model_dump() if name else None)

    def lesion_training(self, w) -> list[str]:
        """Every image that coefficients, kappa or a network are learned from."""
        found = []
        for row in self.lesion_rows(w.heldout):
            found += [file for name, file in row.items() if not name.endswith("_id") and file != "n/a"]
        return found

    def lesion_rows(self, heldout: str) -> list[dict[str, str]]:
        """The rows of the table that the steps read."""
        return [self._lesion_row(planned) for planned in lesion_plan.teachers(self.plan, heldout)]

    def lesion_list(self, w) -> str:
        """That table; its rows are inputs of the job one by one."""
        return fill(layout.LESION_LIST, heldout=w.heldout)

    def lesion_groups(self) -> list[str]:
        """Who is held out of what is learned from given masks, group by group; none where nobody has any."""
        return lesion_plan.groups(self.plan)

    @property
    def held_out(self) -> str:
        """The wildcard pattern of these groups: no rule makes what a run on a part of the cohort has to keep."""
        return "|".join(self.lesion_groups()) or NOTHING

    # --- what is segmented ---

    def lesion_flair(self, w) -> str:
        """The acquired FLAIR of a session, or the synthetic one of an experiment."""
        planned = self._session(w)
        if w.source == ACQUIRED:
            return self._fill(layout.PREPROC, planned, self.study.lesions.flair)
        return self._synthetic(planned, w.source)

    def lesion_tissue(self, w) -> list[str]:
        """Maps of CSF, GM and WM, if there are any: what is learned from given masks is learned with them too."""
        return self._tissue_maps(self._session(w)) if self.segments_tissue else []

    def lesion_t1w(self, w) -> list[str]:
        """The prepared T1w, where lesions are found on it too."""
        planned, name = self._session(w), self.study.lesions.t1w
        return [self._fill(layout.PREPROC, planned, name)] if name in planned.images else []

    def lesion_template(self, w) -> list[str]:
        """The transform to the template, and what bends the template's maps before it, if the way bends.

        None for prepared images that, as the study says, lie in its space.
        """
        files = self._template_files(self._session(w))
        return [files[name] for name in ("transform", "inverse_warp") if name in files]

    def lesion_model(self, w) -> list[str]:
        """What was learned without a person: coefficients and spatial effect, kappa, or a network and its card.

        None where the study or the product gives it.
        """
        planned = self._session(w)
        if not lesion_plan.learned(self.plan, planned):
            return []
        heldout = lesion_plan.held_out(self.plan, planned)
        return [fill(pattern, heldout=heldout) for pattern in lesion_plan.LEARNED[self.study.lesions.method]]

    def lesion_command(self, w) -> str:
        """The command of a user's tool and how its result is read, as options.

        Asked for by a function, or its places would pass for wildcards.
        """
        asked = self.study.lesions
        return options(command=asked.command, result=asked.result or [], labels=asked.labels)

    def lesion_kappa(self, w) -> str:
        """Kappa, as an option, where the study gives it."""
        kappa = self.study.lesions.kappa
        return options(kappa=[kappa] if kappa else [])

    def lesion_images(self, w=None) -> list[str]:
        """What a network sees, as the columns of the list of sessions."""
        return ["flair", *(["t1w"] if self.study.lesions.network.t1w else [])]

    def lesion_other_images(self, w) -> list[str]:
        """The prepared images that a network or a user's tool sees beside FLAIR."""
        planned = self._session(w)
        return [self._fill(layout.PREPROC, planned, name) for name in beside(self.study.lesions)]

    def lesion_network(self, w=None) -> str:
        """The settings of a network, as JSON."""
        return json.dumps(self.study.lesions.network.model_dump(exclude={"t1w"}))

    def lesion_network_code(self, w=None) -> str:
        """The fingerprint of training a network; constant unless the study trains again when code changes."""
        return self.code("lesions", "train_network") if self.study.training.retrain else "kept"

    # --- how it is judged ---

    def lesion_masks(self, w=None) -> list[str]:
        """Every lesion mask that the study asks for."""
        return self._of_every_source(layout.LESION_MASK)

    def lesion_truth(self, w) -> str:
        """The mask that another is judged by: a given one, or that found on the acquired image."""
        planned = self._session(w)
        if w.truth == MANUAL:
            return self._given_mask(planned, self.study.lesions.manual)
        return self._lesion_mask(planned, ACQUIRED)

    def lesion_fold(self, w) -> str:
        """The fold whose model made an image; of an acquired one, that in which models are tested on the person."""
        planned = self._session(w)
        if w.source != ACQUIRED:
            return planned.predictions[w.source].fold
        return planned.fold if planned.fold.isdecimal() else "n/a"

    def lesion_contrast(self, w) -> str:
        """FLAIR and white matter, for the contrast of lesions in the image on which they were found."""
        planned = self._session(w)
        if not self.segments_tissue:
            return ""
        return options(flair=[self.lesion_flair(w)], wm=[self._tissue_maps(planned)[2]])

    def lesion_compared(self, w) -> list[str]:
        """The images behind `lesion_contrast`."""
        return [self.lesion_flair(w), self._tissue_maps(self._session(w))[2]] if self.segments_tissue else []

    def lesion_scores(self, w=None) -> list[str]:
        """The tables of every two masks of a session that are compared; of all sessions in rules without one."""
        chosen = [self._session(w)] if hasattr(w, "session") else self.plan.sessions.values()
        return [
            fill(
                layout.LESION_SCORES,
                planned.session,
                reference=planned.reference,
                source=source,
                truth=truth,
            )
            for planned in chosen
            for source, truth in self._lesion_pairs(planned)
        ]

    def lesion_descriptions(self, w=None) -> list[str]:
        """The tables of lesions of every mask; of all sessions in rules without one."""
        return self._of_every_source(layout.LESION_TABLE, w)

    def lesion_targets(self, w=None) -> list[str]:
        """Everything of this stage that the study asks for."""
        if not self.study.lesions.method:
            return []
        return [*self.lesion_masks(), *self.lesion_descriptions(), *self.lesion_tables()]

    def lesion_tables(self, w=None) -> list[str]:
        """The long table of comparisons and its summary, where there is anything to compare."""
        return [layout.LESION_METRICS, layout.LESION_SUMMARY] if self.lesion_scores() else []

    def tissue_image(self, w) -> str:
        """What tissue is told apart on: T1w, its lesions painted over where the study asks for that."""
        planned = self._session(w)
        wanted = self.study.lesions.fill and self.study.lesions.manual in planned.masks
        if wanted and self.tissue_suffix(w) == "T1w" and not self._failed(planned, "desc-filled"):
            return self._fill(layout.FILLED, planned, self.brain_source(planned))
        return self.tissue_source(w)

    def filled_mask(self, w) -> str:
        """The lesions that are painted over."""
        return self._given_mask(self._session(w), self.study.lesions.manual)

    # --- inside ---

    def _of_every_source(self, pattern: str, w=None) -> list[str]:
        chosen = [self._session(w)] if hasattr(w, "session") else self.plan.sessions.values()
        return [
            fill(pattern, planned.session, reference=planned.reference, source=source)
            for planned in chosen
            for source in lesion_plan.sources(self.plan, planned)
        ]

    def _lesion_row(self, planned: PlannedSession) -> dict[str, str]:
        asked = self.study.lesions
        row = {
            "participant_id": planned.participant,
            "session_id": planned.session_id,
            "flair": self._fill(layout.PREPROC, planned, asked.flair),
            "mask": self._brain(planned),
            "manual": self._given_mask(planned, asked.manual),
        }
        if asked.method == "network":
            others = [self._fill(layout.PREPROC, planned, name) for name in beside(self.study.lesions)]
            return row | dict(zip(self.lesion_images()[1:], others, strict=True))
        row |= self._template_files(planned) or {"transform": "n/a"}
        if self.segments_tissue:
            row |= dict(zip(("csf", "gm", "wm"), self._tissue_maps(planned), strict=True))
        return row

    def _template_files(self, planned: PlannedSession) -> dict[str, str]:
        """The files that say how a session lies to the template."""
        anatomy, found = self.study.anatomy, {}
        if anatomy.template:
            found["transform"] = layout.TEMPLATE_TRANSFORM
        if anatomy.warp:
            found |= {"warp": layout.TEMPLATE_WARP, "inverse_warp": layout.INVERSE_WARP}
        where = {"reference": planned.reference}
        return {name: fill(pattern, planned.session, **where) for name, pattern in found.items()}

    def _lesion_pairs(self, planned: PlannedSession) -> list[tuple[str, str]]:
        sources = lesion_plan.sources(self.plan, planned)
        given = [MANUAL] if self.study.lesions.manual in planned.masks else []
        acquired = [ACQUIRED] if ACQUIRED in sources else []
        # With no given mask in the study, the brightness of lesions in the acquired image itself is that of those
        # found on it: the ground truth of their contrast in synthetic images.
        alone = len(sources) > 1 and self.segments_tissue and lesion_plan.truth(self.plan) == ACQUIRED
        return [
            (source, truth)
            for source in sources
            for truth in (*given, *(acquired if source != ACQUIRED or alone else []))
            if not self._failed(planned, f"lesions-{source}-{truth}")
        ]

    def _lesion_mask(self, planned: PlannedSession, source: str) -> str:
        return fill(layout.LESION_MASK, planned.session, reference=planned.reference, source=source)

    def _tissue_maps(self, planned: PlannedSession) -> list[str]:
        where = {"reference": planned.reference}
        return [fill(layout.TISSUE, planned.session, tissue=tissue, **where) for tissue in TISSUES]
