"""The part of the graph that trains models, chooses between them, and says which applies to whom."""

import hashlib
import json

from .. import layout
from ..fingerprint import fingerprint
from ..layout import fill
from ..maps import SOURCES
from ..options import options
from ..plan import ROLES, Model, PlannedSession
from ..tables import MISSING

NOTHING = "(?!)"  # a pattern that no name has


class ModelJobs:
    """What the rules of training and synthesis ask; a part of `Graph`."""

    def model(self, w) -> Model:
        """The model of an experiment and fold."""
        return self.plan.models[w.experiment, w.fold]

    def training_images(self, w) -> list[str]:
        """Every image and mask that a model is trained, stopped or scaled on."""
        return self._images_of(self.model(w), ROLES)

    def training_list(self, w) -> str:
        """The table of sessions that the training step reads; its content is in the params, by digest."""
        return fill(layout.TRAINING_LIST, experiment=w.experiment, fold=w.fold)

    def training_digest(self, w) -> str:
        """Changes when someone joins, leaves or changes between training and validation."""
        return _digest(self.training_rows(self.model(w)))

    def training_rows(self, model: Model) -> list[dict[str, str]]:
        """The rows of the table of sessions."""
        rows = []
        for label, role in model.roles.items():
            planned = self.plan.sessions[label]
            contrasts = (*model.inputs, model.settings.target)
            rows.append(
                {"participant_id": planned.participant, "session_id": planned.session_id, "role": role}
                | {"mask": self._mask(planned)}
                | {c: self._prepared(planned, c) for c in contrasts}
                | (
                    {"emphasised": next(iter(self._emphasised(model, planned)), "n/a")}
                    if model.settings.weight
                    else {}
                )
            )
        return rows

    def recipe(self, w) -> str:
        """The settings of a model's recipe, as JSON."""
        return json.dumps(self.model(w).settings.settings, sort_keys=True)

    def emphasis(self, w) -> str:
        """How much the voxels of the study's mask count in training, as an option."""
        weight = self.model(w).settings.weight
        return options(emphasis=[weight.factor] if weight else [])

    def training_code(self, w) -> str:
        """The fingerprint of a method's code; constant unless the study trains again when code changes."""
        return self.method_code(self.model(w).settings.method) if self.study.training.retrain else "kept"

    def synthesis_code(self, w) -> str:
        """The fingerprint of applying the method of an experiment."""
        method = self.study.experiments[w.experiment].method
        return fingerprint("recontrast.synthesis.synthesize", f"recontrast.methods.{method}")

    def timing_code(self, w) -> str:
        """The fingerprint of timing the method of an experiment."""
        method = self.study.experiments[w.experiment].method
        return fingerprint("recontrast.synthesis.time_prediction", f"recontrast.methods.{method}")

    def preparation(self) -> dict[str, object]:
        """What model cards say of the preparation of images, for those who use the models elsewhere.

        Trainings read it from a file that is none of their inputs: they run again when their images change.
        """
        study, anatomy = self.study, self.study.anatomy
        stages = ("anatomy", *SOURCES)
        return {
            "prepare": study.prepare,
            "region": study.region,
            "reference": study.reference,
            "reference_fallback": list(study.reference_fallback),
            "suffixes": {name: contrast.suffix for name, contrast in study.contrasts.items()},
            "kinds": {
                name: "raw" if contrast.suffix in anatomy.raw else "image"
                for name, contrast in study.contrasts.items()
            }
            | dict.fromkeys(study.maps, "map"),
            "brain_threshold": anatomy.brain_threshold,
            "shrink": anatomy.shrink,
            "dof": anatomy.dof,
            "interpolation": anatomy.interpolation,
            "intensity": anatomy.intensity,
            "backends": {step: used for step, used in self.tools().items() if step.split()[0] in stages},
        }

    def synthesis_model(self, w) -> list[str]:
        """The frozen model that applies to a session, and its card."""
        prediction = self._session(w).predictions[w.experiment]
        where = {"experiment": prediction.model, "fold": prediction.fold}
        return [fill(layout.MODEL, **where), fill(layout.MODEL_CARD, **where)]

    def synthesis_images(self, w) -> list[str]:
        """The prepared inputs of an experiment in a session."""
        planned = self._session(w)
        return [self._prepared(planned, c) for c in planned.predictions[w.experiment].inputs]

    def listed_images(self, w) -> list[str]:
        """The same in the order of the model, n/a for those that it does without."""
        planned = self._session(w)
        prediction = planned.predictions[w.experiment]
        return [
            self._prepared(planned, c) if c in prediction.inputs else MISSING for c in prediction.model_inputs
        ]

    # --- settings that are chosen by validation ---

    def trained(self) -> str:
        """The wildcard pattern of models that are trained."""
        return self._named(chosen=False)

    def chosen(self) -> str:
        """The pattern of those that are chosen from such."""
        return self._named(chosen=True)

    def candidates(self, w) -> list[str]:
        """What a model is chosen from."""
        return self._of_candidates(w, layout.MODEL)

    def candidate_cards(self, w) -> list[str]:
        """Their cards."""
        return self._of_candidates(w, layout.MODEL_CARD)

    def candidate_losses(self, w) -> list[str]:
        """Their losses."""
        return self._of_candidates(w, layout.LOSSES)

    def candidate_settings(self, w) -> str:
        """What sets them apart, by number, as JSON."""
        model = self.model(w)
        return json.dumps({number: model.settings.choose[number - 1] for number in model.candidates})

    def choice_images(self, w) -> list[str]:
        """Every image and mask of the sessions by which a model is chosen."""
        return self._images_of(self.model(w), ("validation",))

    # --- inside ---

    def _images_of(self, model: Model, roles: tuple[str, ...]) -> list[str]:
        """The masks and images of those sessions of a model's that have one of some roles."""
        found = []
        for planned in (self.plan.sessions[label] for label, role in model.roles.items() if role in roles):
            contrasts = (*model.inputs, model.settings.target)
            found += [self._mask(planned), *(self._prepared(planned, c) for c in contrasts)]
            found += self._emphasised(model, planned)
        return found

    def _emphasised(self, model: Model, planned: PlannedSession) -> list[str]:
        """The mask whose voxels count more, in sessions that have it."""
        weight = model.settings.weight
        return [self._given_mask(planned, weight.mask)] if weight and weight.mask in planned.masks else []

    def _named(self, chosen: bool) -> str:
        names = {model.name for model in self.plan.models.values() if bool(model.settings.choose) == chosen}
        return "|".join(sorted(names)) or NOTHING

    def _of_candidates(self, w, pattern: str) -> list[str]:
        return [fill(pattern, experiment=name, fold=w.fold) for name in self.model(w).candidates.values()]


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
