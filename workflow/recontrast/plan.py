"""What is done with whose images: decided before the graph, from study, manifest and past failures."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from . import lesion_plan, tables
from .cohort import exclusions, quarantine, splits
from .cohort.manifest import Image, Manifest
from .config import Experiment, Study
from .errors import RecontrastError
from .layout import ALL, Session
from .maps import UNITS
from .models import recipes

ROLES = ("training", "validation", "test")
CHECK = "cohort check"  # the step in whose name a bad raw file is recorded


@dataclass(frozen=True)
class Prediction:
    """One experiment in one session: the model that applies, and whether an acquired image can score it.

    `inputs` are those of `model_inputs` that the session has; some methods need not have all.
    """

    experiment: str
    model: str
    fold: str
    model_inputs: tuple[str, ...]
    inputs: tuple[str, ...]
    target: str
    acquired: bool


@dataclass(frozen=True)
class Model:
    """One model to train: an experiment's method on one set of inputs, without one fold's participants."""

    name: str
    fold: str
    experiment: str
    settings: Experiment
    inputs: tuple[str, ...]
    roles: dict[str, str]  # session label -> training | validation | test
    candidates: dict[int, str] = field(
        default_factory=dict
    )  # number -> name of a model that it may turn out to be


@dataclass(frozen=True)
class Trained:
    """A model that lies in the output folder already, as its card says; `saw`: the participants it learned from."""

    name: str
    fold: str
    inputs: tuple[str, ...]
    target: str
    saw: tuple[str, ...] = ()


@dataclass(frozen=True)
class Earlier:
    """What lies in the output folder already.

    Attributes:
        models: of experiments.
        lesions: who is held out of what was learned from given lesion masks.
        sessions: labels of sessions that have results, without `ses-`.
    """

    models: tuple[Trained, ...] = ()
    lesions: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()


@dataclass
class PlannedSession:
    """One session: its raw images, its reference, and what is and is not done for it.

    Attributes:
        images: by contrast.
        reference: the contrast whose grid all others take.
        sources: what maps are made of: diffusion, relaxometry.
        maps: the maps that come of that, by name: their files.
        masks: given by the user, by name.
    """

    session: Session
    images: dict[str, Image]
    reference: str
    sources: dict[str, Image] = field(default_factory=dict)
    maps: dict[str, str] = field(default_factory=dict)
    masks: dict[str, Image] = field(default_factory=dict)
    fold: str = ""
    predictions: dict[str, Prediction] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def participant(self) -> str:
        """`sub-01`."""
        return f"sub-{self.session.participant}"

    @property
    def session_id(self) -> str:
        """`ses-1`, or n/a, as BIDS tables say it."""
        return f"ses-{self.session.session}" if self.session.session else "n/a"

    def has(self, names: Iterable[str]) -> bool:
        """Whether all of some contrasts and maps are there."""
        return set(names) <= {*self.images, *self.maps}

    def of_relaxometry(self, contrast: str) -> bool:
        """Whether a contrast is one of the images that relaxation maps are made of: of one scan, in one place."""
        source = self.sources.get("relaxometry")
        return source is not None and self.images[contrast].path in (source.path, *source.others)


class Plan:
    """The plan of one study.

    Args:
        study: the typed study.
        manifest: the cohort's images as they are now.
        pinned: the splits of an earlier plan in the same output folder.
        failures: failures on record that still hold.
        earlier: what lies in the output folder already.
        excluded: (session or participant label, contrast or "") -> why; from the study's table if None.

    Attributes:
        sessions: what is worked on, by session label.
        left_out: session label -> why nothing is done for it.
        models: what is trained, by name and fold.
        problems: what the user should know before a run, whole sentences.
    """

    def __init__(
        self,
        study: Study,
        manifest: Manifest,
        pinned: splits.Splits | None = None,
        failures: Sequence[quarantine.Failure] = (),
        earlier: Earlier = Earlier(),
        excluded: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self.study = study
        self.manifest = manifest
        self.pinned = pinned
        self.earlier = earlier
        self.excluded = exclusions.read(study.exclude) if excluded is None else excluded
        self.failures = [*_bad_files(study, manifest), *failures]
        # A page that could not be made takes nothing else from its session.
        self._failed = {
            (f.session, f.item): f.reason for f in self.failures if not f.step.startswith("report")
        }
        self.sessions: dict[str, PlannedSession] = {}
        self.left_out: dict[str, str] = {}
        self.models: dict[tuple[str, str], Model] = {}
        self.problems: list[str] = [str(problem) for problem in manifest.problems]
        if not (study.include.participants or study.include.sessions):
            names = {*study.contrasts, *study.sources, *study.masks}
            self.problems += exclusions.unknown(self.excluded, manifest.sessions(), names)
        self._choose_images()
        self.splits = self._assign_folds(pinned)
        self.partial = self._is_partial()
        if self.partial and splits.dealt_anew(pinned, study.splits):
            raise RecontrastError(
                "the splits of the study have changed, which a run on part of the cohort cannot follow",
                remedy="run on everyone first, or undo the change of splits",
            )
        if study.include.sessions and pinned:  # the target may be in a session that this run leaves out
            folds = {row.participant: row.fold for row in pinned.rows}
            for planned in self.sessions.values():
                planned.fold = planned.fold or folds.get(planned.session.participant, "")
        if self.partial and (earlier.models or earlier.lesions):
            self.problems.append(
                "this run leaves out participants or sessions of the folds: existing models are applied as they are,"
                " and tables and the report cover only the others until a run includes everyone"
            )
        for planned in self.sessions.values():
            for name, experiment in study.experiments.items():
                self._choose_prediction(planned, name, experiment)
            planned.notes = _shared(planned.notes, study.experiments)
        for planned in self.sessions.values():
            planned.notes += lesion_plan.notes(self, planned)
        self.problems += lesion_plan.problems(self)

    def _choose_images(self) -> None:
        """Leave out what is excluded or has failed; give every other session its reference contrast."""
        excluded = self.excluded
        for session, images in sorted(self.manifest.sessions().items()):
            label, notes = session.label, []
            person = f"sub-{session.participant}"
            reason = excluded.get((label, "")) or excluded.get((person, ""))
            reason = f"excluded: {reason}" if reason else self._failed.get((label, ""))
            kept = {}
            for contrast, image in images.items():
                items = _items(self.study, label, image)
                failed = [self._failed[label, item] for item in items if (label, item) in self._failed]
                why = (
                    excluded.get((label, contrast))
                    or excluded.get((person, contrast))
                    or next(iter(failed), "")
                )
                if why:
                    notes.append(f"without {contrast}: {why}")
                else:
                    kept[contrast] = image
            wanted = (self.study.reference, *self.study.reference_fallback)
            sources = {name: kept.pop(name) for name in self.study.sources if name in kept}
            masks = {name: kept.pop(name) for name in self.study.masks if name in kept}
            masks = {name: mask for name, mask in masks.items() if self.study.masks[name].of in kept}
            reference = next((contrast for contrast in wanted if contrast in kept), "")
            if not reference and not reason:
                reason = "; ".join([*notes, f"no {' or '.join(wanted)} to register to"])
            if self.study.region in self.study.masks and self.study.region not in masks:
                reason = reason or "; ".join([*notes, f"no mask {self.study.region} to work in"])
            if reason:
                self.left_out[label] = reason
                continue
            if reference != self.study.reference:
                notes.append(f"no {self.study.reference}: registered to {reference}")
            made = {n: m.path(session, reference) for n, m in self.study.maps.items() if m.source in sources}
            self.sessions[label] = PlannedSession(session, kept, reference, sources, made, masks, notes=notes)

    def _assign_folds(self, pinned: splits.Splits | None) -> splits.Splits | None:
        """Pin every participant who has a target, or a given mask of lesions, to a fold."""
        targets = {experiment.target for experiment in self.study.experiments.values()}
        drawn = {self.study.lesions.manual}
        having = sorted(
            {
                s.session.participant
                for s in self.sessions.values()
                if targets & {*s.images} or drawn & {*s.masks}
            }
        )
        # Who has one that cannot be used is dealt along, and trains once it is mended.
        named = {image.participant for image in self.manifest.images if image.contrast in targets | drawn}
        if not having:
            for target in sorted(targets):
                self.problems.append(
                    f"no session has the target {target}: no model can be trained to make it"
                )
            return None
        strata = {}
        if column := self.study.splits.stratify:
            # Every row has this column, whatever its participants.tsv holds.
            rows = {image.participant: {"dataset": image.dataset} for image in self.manifest.images}
            rows = {name: row | self.manifest.participants.get(name, {}) for name, row in rows.items()}
            strata = {name: rows[name].get(column, "") for name in named}
            if not any(strata.values()):
                self.problems.append(f"splits.stratify: no participants.tsv has a column {column!r}")
            elif lacking := sorted(name for name, value in strata.items() if value in ("", tables.MISSING)):
                some = ", ".join(f"sub-{name}" for name in lacking[:5]) + (
                    ", ..." if len(lacking) > 5 else ""
                )
                self.problems.append(
                    f"splits.stratify: no {column} in participants.tsv for {some}: treated as a stratum of their own"
                )
        self._check_named(pinned)
        try:
            assigned = splits.assign(having, self.study.splits, pinned, strata, named - {*having})
        except RecontrastError as error:
            self.problems.append(str(error))
            return None
        if self.study.splits.test and not assigned.folds:
            self.problems.append(
                "splits.test: none of these participants has a target, so no model is tested"
            )
        for planned in self.sessions.values():
            planned.fold = assigned.fold.get(planned.session.participant, "")
        if late := sorted(label for label, fold in assigned.fold.items() if fold == splits.NEW):
            some = ", ".join(f"sub-{label}" for label in late[:5]) + (", ..." if len(late) > 5 else "")
            self.problems.append(
                f"{len(late)} participants with the target were added after the splits were made and are not used for"
                f" training ({some}); to use them, set splits.include_new: true"
            )
        return assigned

    def _check_named(self, pinned: splits.Splits | None) -> None:
        """Raise unless everyone whom the splits name is, or once was, in the cohort."""
        known = {one.participant for one in (*self.manifest.images, *self.manifest.cohort)}
        known |= {row.participant for row in pinned.rows} if pinned else set()
        only = self.study.include.participants
        wrong = []
        for key in ("test", "never_train"):
            for label in getattr(self.study.splits, key):
                if label not in known and (not only or label in only):
                    close = difflib.get_close_matches(label, sorted(known), n=1, cutoff=0.5)
                    near = f" (did you mean {close[0]!r}?)" if close else ""
                    wrong.append(f"splits.{key}: no participant {label!r}{near}")
        if wrong:
            raise RecontrastError("; ".join(wrong), remedy="name participants of the cohort")

    def serves(self, planned: PlannedSession, prediction: Prediction) -> bool:
        """Whether the model of a prediction lies in the output folder already, and may be applied to this person."""
        before = self._trained.get((prediction.model, prediction.fold))
        if before is None or (before.inputs, before.target) != (prediction.model_inputs, prediction.target):
            return False
        leaks = self.study.experiments[prediction.experiment].settings.get("leaks", False)
        return bool(leaks) or planned.participant not in before.saw

    @cached_property
    def _trained(self) -> dict[tuple[str, str], Trained]:
        return {(model.name, model.fold): model for model in self.earlier.models}

    def _owns(self, planned: PlannedSession, target: str) -> bool:
        """Whether a person has a target, usable or not, or may have it in what this run leaves out.

        Then the model of everyone may have seen them.
        """
        return (
            self.partial or bool(self.study.include.sessions) or planned.participant in self._owners[target]
        )

    @cached_property
    def _owners(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for image in self.manifest.images:
            found[image.contrast].add(f"sub-{image.participant}")
        return found

    def _is_partial(self) -> bool:
        """Whether the run is on a named part of a larger cohort, whose models its own must not replace."""
        only, sessions = set(self.study.include.participants), set(self.study.include.sessions)
        people = bool(only and self.pinned) and any(row.participant not in only for row in self.pinned.rows)
        return people or bool(sessions and self.pinned and {*self.earlier.sessions} - sessions)

    def _choose_prediction(self, planned: PlannedSession, name: str, experiment: Experiment) -> None:
        """The model that predicts an experiment's target in a session, if any can."""
        sets = [experiment.inputs, *experiment.fallback]
        inputs = next((s for s in sets if planned.has(s)), None)
        present = {*planned.images, *planned.maps}
        if inputs is None and recipes.load(experiment.method).suffice(present, experiment.inputs):
            inputs = experiment.inputs
        there = tuple(contrast for contrast in inputs or () if planned.has([contrast]))
        if not there:
            lacking = [c for c in experiment.inputs if not planned.has([c])]
            planned.notes.append(f"{name}: not possible without {', '.join(lacking)}")
            return
        # A name for each input set: the models of two sets must not share a folder.
        model = name if inputs == experiment.inputs else f"{name}From{''.join(inputs)}"
        acquired = experiment.target in planned.images
        owner = self._owns(planned, experiment.target)  # who has another target of the study is in a fold too
        fold = planned.fold if planned.fold.isdecimal() and owner else ALL
        if fold == ALL and planned.fold == splits.TRAINING and owner:
            planned.notes.append(f"{name}: used for training only (other participants are held out)")
            return
        if experiment.folds and (fold == ALL or int(fold) not in experiment.folds):
            return  # an ablation: where it is not asked for there is nothing to tell
        for unit in ((planned.session.label, f"desc-{name}"), ("", f"{model}_fold-{fold}")):
            if unit in self._failed:
                planned.notes.append(f"{name}: {self._failed[unit]}")
                return
        prediction = Prediction(name, model, fold, inputs, there, experiment.target, acquired)
        serves = self.serves(planned, prediction)
        if self.partial and (model, fold) in self._trained and not serves:
            planned.notes.append(
                f"{name}: the model that is there has other inputs or another target, or saw this participant; run on"
                " everyone first"
            )
            return
        if (model, fold) not in self.models and not (self.partial and serves):
            roles = self._roles(experiment, inputs, fold)
            if "training" in roles.values() and ("validation" in roles.values() or not experiment.choose):
                self._add_model(Model(model, fold, name, experiment, inputs, roles))
            elif not serves:
                who = "too few others have" if roles else "no other participant has"
                to = "for training and validation" if roles else "for training"
                planned.notes.append(f"{name}: {who} {', '.join(inputs)} and {experiment.target} {to}")
                return
        if {*experiment.inputs} - {*there} - {*recipes.load(experiment.method).aids}:
            planned.notes.append(f"{name}: from {', '.join(there)} only")
        if not acquired:
            planned.notes.append(f"{name}: no {experiment.target}, imputed")
        planned.predictions[name] = prediction

    def _add_model(self, model: Model) -> None:
        """Plan a model and, where the study leaves settings to be chosen, those that it is chosen from."""
        settings, candidates = model.settings, {}
        for number, chosen in enumerate(settings.choose, 1):
            name = f"{model.name}Candidate{number}"
            if ("", f"{name}_fold-{model.fold}") not in self._failed:
                given = {"overrides": settings.overrides | chosen, "choose": ()}
                candidate = replace(model, name=name, settings=settings.model_copy(update=given))
                self.models[name, model.fold] = candidate
                candidates[number] = name
        self.models[model.name, model.fold] = replace(model, candidates=candidates)

    def _roles(self, experiment: Experiment, inputs: tuple[str, ...], fold: str) -> dict[str, str]:
        """Who trains, who validates and, where the recipe leaks as its paper did, who is tested.

        Where nothing is decided by validation, those sessions train.
        """
        if self.splits is None:
            return {}
        complete = {
            label: planned
            for label, planned in self.sessions.items()
            if planned.has([*inputs, experiment.target]) and planned.fold
        }
        among = {planned.session.participant for planned in complete.values()}
        training = set(self.splits.training(fold, among))
        validation = set(self.splits.validation(fold, among))
        if not experiment.validates:
            training |= validation
        roles = {}
        for label, planned in complete.items():
            if planned.session.participant in training:
                roles[label] = "training"
            elif planned.session.participant in validation:
                roles[label] = "validation"
            elif experiment.settings.get("leaks") and planned.fold == fold:
                roles[label] = "test"
        return roles


def _shared(notes: list[str], experiments: Iterable[str]) -> list[str]:
    """Notes of a session, with one for all experiments that have the same."""
    found: dict[str, list[str]] = {}
    for note in notes:
        name, _, what = note.partition(": ")
        if name in experiments:
            found.setdefault(what, []).append(name)
        else:
            found[note] = []
    return [f"{', '.join(names)}: {what}" if names else what for what, names in found.items()]


def _bad_files(study: Study, manifest: Manifest) -> list[quarantine.Failure]:
    """Raw images that cannot be used, as failures of the check; their state is their content."""
    return [
        quarantine.Failure(
            session.label,
            _items(study, session.label, image)[0],
            CHECK,
            f"{image.path}: {image.problem}",
            image.sha256,
        )
        for session, images in manifest.sessions().items()
        for image in images.values()
        if image.problem
    ]


def _items(study: Study, label: str, image: Image) -> list[str]:
    """The items of a session whose failure costs an image, that of a bad raw file first."""
    own = [path.name.split(".")[0].removeprefix(f"{label}_") for path in (image.path, *image.others)]
    if image.contrast in study.masks:
        return [f"mask-{image.contrast}", *own]
    if image.contrast in UNITS:
        return list(dict.fromkeys((*UNITS[image.contrast], *own)))
    return list(dict.fromkeys((study.contrasts[image.contrast].label, *own, f"from-{image.contrast}")))
