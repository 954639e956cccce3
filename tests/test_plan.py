"""The plan: what is done with whose images, on cohorts that exist only in memory."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from recontrast.apply import DEFAULT
from recontrast.cohort.manifest import Image, Manifest
from recontrast.cohort.quarantine import Failure
from recontrast.config import Study, load
from recontrast.errors import RecontrastError
from recontrast.freeze import states
from recontrast.graph import Graph
from recontrast.plan import Earlier, Plan, Trained


def study(**changes: object) -> Study:
    """A study of one experiment, T1w and T2w to FLAIR."""
    experiment = {"method": "fcn3d", "inputs": ["T1w", "T2w"], "target": "FLAIR", "recipe": "quick"}
    config = {
        "output": "out",
        "datasets": [{"path": "bids"}],
        "contrasts": {name: {"suffix": name} for name in ("T1w", "T2w", "FLAIR")},
        "reference": "T1w",
        "experiments": {"Fcn": experiment | changes.pop("experiment", {})},
        "splits": {"folds": 3},
    }
    return load(config | changes)


def cohort(**sessions: str) -> Manifest:
    """A manifest from labels and contrasts: `cohort(s01="T1w FLAIR", s02_2="T1w")`; `!` marks a bad file."""
    images = []
    for label, contrasts in sessions.items():
        participant, _, session = label.removeprefix("s").partition("_")
        for contrast in contrasts.split():
            name = contrast.removesuffix("!")
            problem = "is not a readable NIfTI image" if contrast.endswith("!") else ""
            path = Path(f"/bids/{label}_{name}.nii.gz")
            images.append(Image(participant, session, name, path, f"hash of {path.name}", problem))
    return Manifest(images)


def trained(name: str, fold: str, inputs: tuple[str, ...] = ("T1w", "T2w"), target: str = "FLAIR") -> Trained:
    return Trained(name, fold, inputs, target)


FULL = "T1w T2w FLAIR"
FOUR = {"s01": FULL, "s02": FULL, "s03": FULL, "s04": FULL}


def test_everyone_with_the_target_is_predicted_out_of_fold() -> None:
    plan = Plan(study(), cohort(**FOUR))
    for label, planned in plan.sessions.items():
        prediction = planned.predictions["Fcn"]
        assert prediction.acquired
        assert label not in plan.models["Fcn", prediction.fold].roles
    assert {fold for _, fold in plan.models} == {"1", "2", "3"}


def test_folds_are_alike_in_the_data_sets_of_their_participants() -> None:
    manifest = cohort(**FOUR, s05=FULL, s06=FULL)
    small = {"02", "05", "06"}
    manifest.images = [
        replace(i, dataset="/small" if i.participant in small else "/large") for i in manifest.images
    ]
    plan = Plan(study(splits={"folds": 3, "stratify": "dataset"}), manifest)
    assert not plan.problems
    folds = {
        frozenset(s.session.participant for s in plan.sessions.values() if s.fold == fold) for fold in "123"
    }
    assert all(len(fold & small) == 1 for fold in folds)


def test_who_has_no_value_to_stratify_by_is_named() -> None:
    manifest = cohort(**FOUR)
    manifest.participants = {"01": {"group": "a"}, "02": {"group": "b"}, "03": {"group": "n/a"}}
    plan = Plan(study(splits={"folds": 2, "stratify": "group"}), manifest)
    assert plan.problems == [
        "splits.stratify: no group in participants.tsv for sub-03, sub-04: treated as a stratum of their own"
    ]


def test_an_ablation_is_trained_and_predicted_on_its_folds_alone() -> None:
    ablation = {"method": "fcn3d", "inputs": ["T1w"], "target": "FLAIR", "folds": [1]}
    asked = study(experiments={"Fcn": ablation | {"folds": []}, "Ablation": ablation})
    plan = Plan(asked, cohort(**FOUR, s05="T1w T2w"))
    assert {fold for name, fold in plan.models if name == "Ablation"} == {"1"}
    assert {fold for name, fold in plan.models if name == "Fcn"} == {"1", "2", "3", "all"}
    predicted = {label for label, s in plan.sessions.items() if "Ablation" in s.predictions}
    assert predicted == {label for label, s in plan.sessions.items() if s.fold == "1"}


CHOICE = {"choose": [{"filters": 8}, {"filters": 16}, {"filters": 32}]}


def test_every_candidate_is_trained_and_one_that_failed_is_no_choice() -> None:
    asked, failed = study(experiment=CHOICE), Failure("", "FcnCandidate2_fold-1", "training train", "why", "")
    plan = Plan(asked, cohort(**FOUR), failures=[failed])
    assert plan.models["Fcn", "2"].candidates == {1: "FcnCandidate1", 2: "FcnCandidate2", 3: "FcnCandidate3"}
    assert plan.models["Fcn", "1"].candidates == {1: "FcnCandidate1", 3: "FcnCandidate3"}
    assert ("FcnCandidate2", "1") not in plan.models
    candidate = plan.models["FcnCandidate3", "1"]
    assert candidate.settings.settings == asked.experiments["Fcn"].settings | {"filters": 32}
    assert candidate.roles == plan.models["Fcn", "1"].roles
    assert {p.model for s in plan.sessions.values() for p in s.predictions.values()} == {"Fcn"}
    graph, w = Graph(plan), SimpleNamespace(experiment="Fcn", fold="1")
    assert [path.split("/")[1] for path in graph.candidates(w)] == ["FcnCandidate1", "FcnCandidate3"]
    assert json.loads(graph.candidate_settings(w)) == {"1": {"filters": 8}, "3": {"filters": 32}}
    # By the validation people alone: two images and a mask of each.
    (validation,) = [label for label, role in candidate.roles.items() if role == "validation"]
    assert len(graph.choice_images(w)) == 4
    assert all(validation in path for path in graph.choice_images(w))
    assert (graph.chosen(), graph.trained()) == ("Fcn", "FcnCandidate1|FcnCandidate2|FcnCandidate3")


def test_without_validation_people_nothing_is_chosen() -> None:
    plan = Plan(study(experiment=CHOICE, splits={"folds": 2}), cohort(s01=FULL, s02=FULL))
    assert plan.models == {}
    note = "Fcn: too few others have T1w, T2w and FLAIR for training and validation"
    assert all(note in planned.notes for planned in plan.sessions.values())


@pytest.mark.parametrize(
    ("experiment", "validates"),
    [
        ({}, True),
        ({"method": "random_forest"}, False),
        ({"method": "random_forest", "choose": [{"trees": 5}, {"trees": 9}]}, True),
        ({"method": "pix2pix", "recipe": "paper"}, False),
        ({"method": "pix2pix", "recipe": "quick"}, True),
    ],
)
def test_where_nothing_is_decided_by_validation_its_people_train(experiment: dict, validates: bool) -> None:
    plan = Plan(study(experiment=experiment), cohort(**FOUR))
    roles = list(plan.models["Fcn", "1"].roles.values())
    assert roles.count("validation") == validates
    assert roles.count("training") == len(roles) - validates


def test_who_cannot_be_used_at_first_trains_when_mended() -> None:
    damaged = FOUR | {"s04": "T1w T2w FLAIR!"}
    first = Plan(study(), cohort(**damaged))
    assert "sub-04" not in {label for model in first.models.values() for label in model.roles}
    second = Plan(study(), cohort(**FOUR), pinned=first.splits)
    assert (second.sessions["sub-04"].fold.isdecimal(), second.problems) == (True, [])
    folds = {fold for (_, fold), model in second.models.items() if "sub-04" in model.roles}
    assert folds == {"1", "2", "3"} - {second.sessions["sub-04"].fold}


def test_some_methods_need_not_have_all_inputs() -> None:
    people = FOUR | {"s04": "T2w FLAIR", "s05": "T2w"}
    asked = {"reference_fallback": ["T2w"], "experiment": {"method": "multimodal"}}
    plan = Plan(study(**asked), cohort(**people))
    prediction = plan.sessions["sub-05"].predictions["Fcn"]
    assert (prediction.model, prediction.fold, prediction.inputs) == ("Fcn", "all", ("T2w",))
    assert "Fcn: from T2w only" in plan.sessions["sub-05"].notes
    assert not any({"sub-04", "sub-05"} & {*model.roles} for model in plan.models.values())
    w = SimpleNamespace(session="sub-05", experiment="Fcn")
    (image,) = Graph(plan).synthesis_images(w)
    assert Graph(plan).listed_images(w) == ["n/a", image]
    other = Plan(study(reference_fallback=["T2w"]), cohort(**people))
    assert other.sessions["sub-05"].predictions == {}


def test_maps_that_only_training_looks_at_are_missed_in_no_prediction() -> None:
    raw = [f"S{number}" for number in range(1, 9)]
    whole = " ".join([*raw, "T1w FLAIR relaxometry"])
    people = dict.fromkeys(("s01", "s02", "s03", "s04"), whole)
    people |= {"s05": whole.replace(" relaxometry", ""), "s06": whole.replace("S3 ", "")}
    asked = study(
        contrasts={name: {"suffix": name} for name in ("T1w", "FLAIR", *raw)},
        relaxometry={"images": {"suffix": "MESE"}},
        experiment={"method": "pixel_gan", "inputs": [*raw, "R1", "R2", "PD"]},
    )
    sessions = Plan(asked, cohort(**people)).sessions
    assert sessions["sub-05"].predictions["Fcn"].inputs == tuple(raw)
    assert sessions["sub-05"].notes == []
    assert sessions["sub-06"].predictions == {}


def test_newcomers_are_named_as_they_do_not_train() -> None:
    first = Plan(study(), cohort(s01=FULL, s02=FULL))
    second = Plan(study(), cohort(**FOUR), pinned=first.splits)
    assert second.problems == [
        "2 participants with the target were added after the splits were made and are not used for training"
        " (sub-03, sub-04); to use them, set splits.include_new: true"
    ]


def test_a_person_alone_gets_the_model_that_never_saw_them() -> None:
    whole = Plan(study(), cohort(**FOUR))
    fold = whole.sessions["sub-01"].fold
    earlier = Earlier(tuple(trained("Fcn", one) for one in (fold, "all")))
    alone = Plan(study(), cohort(s01=FULL), pinned=whole.splits, earlier=earlier)
    prediction = alone.sessions["sub-01"].predictions["Fcn"]
    assert (prediction.fold, prediction.acquired) == (fold, True)


def test_a_run_on_named_people_replaces_no_model_of_the_cohort() -> None:
    whole = Plan(study(), cohort(**FOUR))
    earlier = Earlier((trained("Fcn", "1"), trained("Fcn", "all")))
    some = study(include={"participants": ["01", "02", "03"]})
    part = Plan(some, cohort(s01=FULL, s02=FULL, s03=FULL), pinned=whole.splits, earlier=earlier)
    assert set(part.models) == {("Fcn", "2"), ("Fcn", "3")}  # those that are not there yet
    assert all("Fcn" in planned.predictions for planned in part.sessions.values())
    assert any("applied as they are" in problem for problem in part.problems)
    # A study of these people alone has pinned nobody else, and trains as ever.
    own = Plan(some, cohort(s01=FULL, s02=FULL, s03=FULL))
    again = Plan(some, cohort(s01=FULL, s02=FULL, s03=FULL), pinned=own.splits, earlier=earlier)
    assert set(again.models) == set(own.models)


def test_a_run_on_some_sessions_replaces_no_model_of_the_cohort() -> None:
    both = cohort(s01_1=FULL, s01_2=FULL, s02_1=FULL, s02_2=FULL)
    whole = Plan(study(splits={"folds": 2}), both)
    models = tuple(trained(*model) for model in whole.models)
    only = study(splits={"folds": 2}, include={"sessions": ["1"]})
    first = cohort(s01_1=FULL, s02_1=FULL)
    part = Plan(only, first, whole.splits, earlier=Earlier(models, sessions=("1", "2")))
    assert not part.models
    assert all("Fcn" in planned.predictions for planned in part.sessions.values())
    # Where there never was another session, models are trained as ever, when the cohort grows too.
    assert set(Plan(only, first, whole.splits, earlier=Earlier(models, sessions=("1",))).models) == {
        *whole.models
    }


def test_a_part_of_the_cohort_can_be_run_by_the_models_that_are_there() -> None:
    whole = Plan(study(), cohort(**FOUR))
    there = Earlier(tuple(trained(*model) for model in whole.models))
    some = study(include={"participants": ["sub-01"]})
    part = Plan(some, cohort(s01=FULL), whole.splits, earlier=there)
    assert (part.partial, part.models) == (True, {})
    Graph(part).require("group")
    assert Graph(part).participant_targets()[-1].endswith("desc-Fcn_FLAIR.nii.gz")
    with pytest.raises(RecontrastError, match="no model can be trained"):
        Graph(Plan(some, cohort(s01="T1w T2w"))).require("group")
    # Everyone named, with or without their prefix, is no part.
    named = study(include={"participants": ["sub-01", "02", "03", "sub-04"], "sessions": ["ses-1"]})
    assert named.include.sessions == ("1",)
    assert not Plan(named, cohort(**FOUR), whole.splits, earlier=there).partial


def test_models_of_other_contrasts_are_not_taken_for_those_of_the_study() -> None:
    whole = Plan(study(), cohort(**FOUR))
    some = study(include={"participants": ["01"]})
    for there in (trained("Fcn", "1", ("T1w", "PDw")), trained("Fcn", "1", target="PDw")):
        earlier = Earlier(
            tuple(Trained("Fcn", f, there.inputs, there.target) for f in ("1", "2", "3", "all"))
        )
        part = Plan(some, cohort(s01=FULL), whole.splits, earlier=earlier)
        assert not part.sessions["sub-01"].predictions
        assert Graph(part).participant_targets() == Graph(part).prepared_targets()


@pytest.mark.parametrize(
    "changed",
    [{"folds": 3, "seed": 2}, {"folds": 2}, {"scheme": "leave-one-out"}],
    ids=["seed", "folds", "scheme"],
)
def test_a_part_of_the_cohort_is_not_dealt_anew(changed: dict) -> None:
    whole = Plan(study(), cohort(**FOUR))
    part = study(splits=changed, include={"participants": ["01", "03"]})
    with pytest.raises(RecontrastError, match="splits of the study have changed"):
        Plan(part, cohort(s01=FULL, s03=FULL), whole.splits)


def test_nobody_is_predicted_by_a_model_that_is_there_and_saw_them() -> None:
    """Whatever has happened to the splits since: the card of a model says whom it learned from."""
    whole = Plan(study(), cohort(**FOUR))
    fold = whole.sessions["sub-01"].fold
    models = [trained(*model) for model in whole.models]
    some = study(include={"participants": ["01"]})
    for saw, predicted in ((("sub-02",), True), (("sub-01", "sub-02"), False)):
        earlier = Earlier(tuple(replace(m, saw=saw) if m.fold == fold else m for m in models))
        part = Plan(some, cohort(s01=FULL), whole.splits, earlier=earlier)
        assert bool(part.sessions["sub-01"].predictions) == predicted
        assert not part.models
        assert any("saw this participant" in note for note in part.sessions["sub-01"].notes) != predicted
        # Applying what is there needs the same.
        everyone = Plan(study(), cohort(**FOUR), whole.splits, earlier=earlier)
        made = {Path(path).name for path in Graph(everyone).participant_targets()}
        assert ("sub-01_space-T1w_desc-Fcn_FLAIR.nii.gz" in made) == predicted
        # A paper's recipe that leaks, leaks.
        leaking = study(experiment={"overrides": {"leaks": True}}, include={"participants": ["01"]})
        assert Plan(leaking, cohort(s01=FULL), whole.splits, earlier=earlier).sessions["sub-01"].predictions
    # Where nobody is left to train on, such a model is no way out.
    alone = Plan(study(), cohort(s01=FULL), whole.splits, earlier=earlier)
    assert not alone.sessions["sub-01"].predictions


@pytest.mark.parametrize("splits", [{"folds": 3}, {"scheme": "holdout", "holdout": 0.4}])
def test_who_has_one_target_of_two_is_imputed_for_the_other_by_the_model_of_everyone(splits: dict) -> None:
    asked = study(splits=splits).model_dump(mode="json")
    other = asked["experiments"]["Fcn"] | {"inputs": ["T1w", "FLAIR"], "target": "T2w"}
    both = load(asked | {"experiments": asked["experiments"] | {"Other": other}})
    plan = Plan(both, cohort(**FOUR, s05="T1w FLAIR"))
    assert plan.sessions["sub-05"].fold != ""
    assert plan.sessions["sub-05"].predictions["Other"].fold == "all"
    assert "sub-05" not in plan.models["Other", "all"].roles


def test_whose_target_is_in_a_session_that_a_run_leaves_out_keeps_the_model_that_never_saw_them() -> None:
    visits = {f"s0{n}_{visit}": FULL if visit == 2 else "T1w T2w" for n in (1, 2, 3) for visit in (1, 2)}
    whole = Plan(study(), cohort(**visits))
    first = {label: images for label, images in visits.items() if label.endswith("_1")}
    there = Earlier(tuple(trained(*model) for model in whole.models), sessions=("1", "2"))
    part = Plan(study(include={"sessions": ["1"]}), cohort(**first), whole.splits, earlier=there)
    folds = {label: planned.predictions["Fcn"].fold for label, planned in part.sessions.items()}
    assert folds == {label: whole.sessions[label].fold for label in folds}
    assert "all" not in folds.values()


def test_who_lacks_the_target_is_imputed_by_the_model_of_everyone() -> None:
    plan = Plan(study(), cohort(**FOUR, s05="T1w T2w"))
    prediction = plan.sessions["sub-05"].predictions["Fcn"]
    assert (prediction.fold, prediction.acquired) == ("all", False)
    assert set(plan.models["Fcn", "all"].roles) == {"sub-01", "sub-02", "sub-03", "sub-04"}
    assert "Fcn: no FLAIR, imputed" in plan.sessions["sub-05"].notes


def test_experiments_with_the_same_note_share_it() -> None:
    other = study().experiments["Fcn"]
    both = study().model_copy(update={"experiments": {"Fcn": other, "Wide": other}})
    plan = Plan(both, cohort(**FOUR, s05="T1w T2w"))
    assert plan.sessions["sub-05"].notes == ["Fcn, Wide: no FLAIR, imputed"]


NAMED = {"scheme": "holdout", "test": ["sub-02"], "never_train": ["04"]}


def test_people_named_in_the_splits_are_tested_or_only_predicted() -> None:
    plan = Plan(study(splits=NAMED), cohort(**FOUR))
    found = {
        label: planned.predictions["Fcn"] for label, planned in plan.sessions.items() if planned.predictions
    }
    assert {label: (p.fold, p.acquired) for label, p in found.items()} == {
        "sub-02": ("1", True),
        "sub-04": ("all", True),
    }
    assert set(plan.models["Fcn", "1"].roles) == {"sub-01", "sub-03"}
    assert set(plan.models["Fcn", "all"].roles) == {"sub-01", "sub-02", "sub-03"}


def test_people_named_in_the_splits_whom_nobody_knows() -> None:
    said = (
        r"splits.test: no participant '022' \(did you mean '02'\?\); splits.never_train: no participant 'x'"
    )
    wrong = study(splits=NAMED | {"test": ["022"], "never_train": ["x"]})
    with pytest.raises(RecontrastError, match=said):
        Plan(wrong, cohort(**FOUR))
    # Of a part of the cohort only those are asked for who belong to it.
    part = study(splits=NAMED, include={"participants": ["01", "03"]})
    plan = Plan(part, cohort(s01=FULL, s03=FULL))
    assert plan.problems == ["splits.test: none of these participants has a target, so no model is tested"]
    with pytest.raises(
        RecontrastError, match=r"splits.test: naming participants to hold out .*never_train: 02 is also in"
    ):
        study(splits={"test": ["02"], "never_train": ["02"]})


def test_a_visit_without_the_target_is_predicted_by_a_model_that_left_the_person_out() -> None:
    plan = Plan(study(), cohort(**FOUR, s05_1=FULL, s05_2="T1w T2w"))
    prediction = plan.sessions["sub-05_ses-2"].predictions["Fcn"]
    assert prediction.fold == plan.sessions["sub-05_ses-1"].fold != "all"
    assert "sub-05_ses-1" not in plan.models["Fcn", prediction.fold].roles


def test_a_missing_input_is_said_and_a_fallback_has_a_model_of_its_own() -> None:
    plan = Plan(study(), cohort(**FOUR, s05="T1w"))
    assert plan.sessions["sub-05"].predictions == {}
    assert "Fcn: not possible without T2w" in plan.sessions["sub-05"].notes
    plan = Plan(study(experiment={"fallback": [["T1w"]]}), cohort(**FOUR, s05="T1w"))
    prediction = plan.sessions["sub-05"].predictions["Fcn"]
    assert (prediction.model, prediction.inputs) == ("FcnFromT1w", ("T1w",))
    assert plan.models["FcnFromT1w", "all"].inputs == ("T1w",)


def test_the_reference_falls_back_where_the_study_says_so() -> None:
    sessions = cohort(**FOUR, s05="T2w FLAIR")
    plan = Plan(study(), sessions)
    assert "no T1w to register to" in plan.left_out["sub-05"]
    plan = Plan(study(reference_fallback=["FLAIR"]), sessions)
    assert plan.sessions["sub-05"].reference == "FLAIR"
    assert "no T1w: registered to FLAIR" in plan.sessions["sub-05"].notes


def test_a_bad_file_costs_no_more_than_itself() -> None:
    plan = Plan(study(), cohort(**FOUR, s05="T1w T2w! FLAIR", s06="T1w! T2w FLAIR"))
    assert set(plan.sessions["sub-05"].images) == {"T1w", "FLAIR"}
    assert "sub-06" in plan.left_out
    assert {(f.session, f.item) for f in plan.failures} == {("sub-05", "T2w"), ("sub-06", "T1w")}
    assert all("sub-05" not in model.roles for model in plan.models.values())


@pytest.mark.parametrize(
    ("failure", "left"),
    [
        (("sub-01", "T2w", "anatomy correct_bias"), {"T1w", "FLAIR"}),
        (("sub-01", "from-T2w", "anatomy register"), {"T1w", "FLAIR"}),
        (("sub-01", "", "report session_page"), {"T1w", "T2w", "FLAIR"}),
    ],
)
def test_a_failure_on_record_costs_its_image(failure: tuple[str, str, str], left: set[str]) -> None:
    plan = Plan(study(), cohort(**FOUR), failures=[Failure(*failure, "reason", "state")])
    assert set(plan.sessions["sub-01"].images) == left


def test_a_failed_session_a_failed_prediction_and_a_failed_model() -> None:
    plan = Plan(study(), cohort(**FOUR), failures=[Failure("sub-01", "", "anatomy carry_mask", "why", "")])
    assert plan.left_out == {"sub-01": "why"}
    plan = Plan(
        study(), cohort(**FOUR), failures=[Failure("sub-01", "desc-Fcn", "synthesis synthesize", "why", "")]
    )
    assert [label for label, s in plan.sessions.items() if not s.predictions] == ["sub-01"]
    fold = plan.sessions["sub-01"].fold
    plan = Plan(
        study(), cohort(**FOUR), failures=[Failure("", f"Fcn_fold-{fold}", "training train", "why", "")]
    )
    assert ("Fcn", fold) not in plan.models
    assert not plan.sessions["sub-01"].predictions


def test_a_model_that_failed_is_tried_again_when_someone_is_left_out(tmp_path: Path) -> None:
    def state(**changes: object) -> str:
        return states(Graph(Plan(study(**changes), cohort(**FOUR))))["training"]["Fcn_fold-1"]

    table = tmp_path / "exclude.tsv"
    table.write_text("participant_id\treason\n04\tmoved\n")
    assert state() == state()
    assert len({state(), state(exclude=table), state(splits={"folds": 3, "never_train": ["04"]})}) == 3

    def images(stage: str, **changes: object) -> str:
        return states(Graph(Plan(study(**changes), cohort(**FOUR))))[stage]["sub-01"]

    # So is what its images could not be used for; what is done to each person by themselves is not.
    assert images("synthesis") != images("synthesis", exclude=table)
    assert images("evaluation") != images("evaluation", exclude=table)
    assert images("anatomy") == images("anatomy", exclude=table)


def test_exclusions_by_participant_session_and_contrast(tmp_path: Path) -> None:
    table = tmp_path / "exclude.tsv"
    rows = ["sub-01\tn/a\tn/a\tmoved", "sub-05\tses-2\tn/a\tfell asleep", "sub-02\tn/a\tT2w\tspoilt"]
    rows += ["05\t\tFLAIR\tnoisy", "5\t\tFLAIR\tnoisy", "sub-7\t\t\tgone"]
    table.write_text("participant_id\tsession_id\tcontrast\treason\n" + "\n".join(rows) + "\n")
    plan = Plan(study(exclude=table), cohort(**FOUR, s05_1=FULL, s05_2=FULL))
    assert plan.left_out == {"sub-01": "excluded: moved", "sub-05_ses-2": "excluded: fell asleep"}
    assert set(plan.sessions["sub-02"].images) == {"T1w", "FLAIR"}
    assert "without T2w: spoilt" in plan.sessions["sub-02"].notes
    assert set(plan.sessions["sub-05_ses-1"].images) == {"T1w", "T2w"}
    assert [line for line in plan.problems if line.startswith("exclusions")] == [
        "exclusions: sub-5 FLAIR is not in the cohort; check the label",
        "exclusions: sub-7 is not in the cohort; check the label",
    ]


MAPS = {
    "diffusion": {"dwi": {"suffix": "dwi"}},
    "relaxometry": {"images": {"suffix": "MESE"}},
    "experiment": {
        "inputs": ["T1w", "T2w", "MD", "FA", "S0"],
        "fallback": [["R1", "BlochFLAIR"], ["T1w", "T2w"]],
    },
}
WITH_MAPS = f"{FULL} diffusion relaxometry"


def test_maps_are_inputs_where_there_is_what_they_are_made_of() -> None:
    sessions = FOUR | {"s01": WITH_MAPS, "s02": WITH_MAPS, "s03": f"{FULL} relaxometry", "s04": FULL}
    plan = Plan(study(**MAPS), cohort(**sessions))
    model = {label: planned.predictions["Fcn"].model for label, planned in plan.sessions.items()}
    assert model == {
        "sub-01": "Fcn",
        "sub-02": "Fcn",
        "sub-03": "FcnFromR1BlochFLAIR",
        "sub-04": "FcnFromT1wT2w",
    }
    assert {label for (name, _), m in plan.models.items() if name == "Fcn" for label in m.roles} == {
        "sub-01",
        "sub-02",
    }
    fold = plan.sessions["sub-01"].fold
    (row,) = Graph(plan).training_rows(plan.models["Fcn", fold])
    assert row["MD"] == "sub-02/dwi/sub-02_space-T1w_model-DTI_param-MD_dwimap.nii.gz"
    assert set(plan.sessions["sub-03"].images) == {"T1w", "T2w", "FLAIR"}
    # Pages show what something was predicted from, S0 and R1 too.
    shown = {label: Graph(plan).contrasts(SimpleNamespace(session=label)) for label in plan.sessions}
    assert set(shown["sub-01"]) == {"T1w", "T2w", "FLAIR", "FA", "MD", "S0"}
    assert set(shown["sub-03"]) == {"T1w", "T2w", "FLAIR", "R1", "BlochFLAIR"}


def test_images_of_one_scan_take_the_transform_of_their_maps() -> None:
    # T1w and T2w stand for two of the multi-delay multi-echo images.
    scan = [Path(f"/bids/s01_{name}.nii.gz") for name in ("T1w", "T2w")]
    source = Image("01", "", "relaxometry", scan[0], "hash of both", others=(scan[1],))
    manifest = Manifest([*cohort(**FOUR).images, source])

    def transforms(reference: str, *failures: Failure) -> dict[str, list[str]]:
        graph = Graph(Plan(study(**MAPS, reference=reference), manifest, failures=failures))
        wildcards = [SimpleNamespace(session="sub-01", contrast=name) for name in FULL.split()]
        return {w.contrast: graph.transform(w) for w in wildcards}

    together = ["work/sub-01/anat/sub-01_from-relaxometry_to-FLAIR_mode-image_xfm.txt"]
    assert transforms("FLAIR") == {"T1w": together, "T2w": together, "FLAIR": []}
    own = {
        name: [f"sub-01/anat/sub-01_from-{name}_to-T1w_mode-image_xfm.txt"] if name == "FLAIR" else []
        for name in FULL.split()
    }
    assert transforms("T1w") == own
    # Where the maps could not be registered each image tries by itself.
    failed = transforms("FLAIR", Failure("sub-01", "from-relaxometry", "anatomy register", "reason", "state"))
    assert failed["T2w"] == ["sub-01/anat/sub-01_from-T2w_to-FLAIR_mode-image_xfm.txt"]


@pytest.mark.parametrize(
    ("bad", "failure", "left"),
    [
        ("T1w T2w FLAIR diffusion! relaxometry", None, {"R1", "R2", "PD", "BlochFLAIR", "BlochT1w"}),
        ("T1w T2w FLAIR diffusion relaxometry!", None, {"FA", "MD", "MO", "S0"}),
        (WITH_MAPS, ("sub-01", "dwi", "diffusion fit_tensor"), {"R1", "R2", "PD", "BlochFLAIR", "BlochT1w"}),
        (WITH_MAPS, ("sub-01", "from-dwi", "anatomy register"), {"R1", "R2", "PD", "BlochFLAIR", "BlochT1w"}),
        (WITH_MAPS, ("sub-01", "relaxometry", "relaxometry fit_relaxation"), {"FA", "MD", "MO", "S0"}),
        (WITH_MAPS, ("sub-01", "R2map", "anatomy resample"), {"FA", "MD", "MO", "S0"}),
    ],
)  # fmt: skip
def test_bad_images_cost_no_more_than_their_maps(bad: str, failure: tuple | None, left: set[str]) -> None:
    failures = [Failure(*failure, "reason", "state")] if failure else []
    plan = Plan(study(**MAPS), cohort(**FOUR | {"s01": bad}), failures=failures)
    planned = plan.sessions["sub-01"]
    assert set(planned.images) == {"T1w", "T2w", "FLAIR"}
    assert set(planned.maps) == left
    assert any("without" in note for note in planned.notes)
    assert {f.session for f in plan.failures} == {"sub-01"}


def test_the_jobs_of_maps_are_asked_for_only_by_studies_that_name_their_images() -> None:
    sessions = cohort(s01=WITH_MAPS, s02=WITH_MAPS, s03=WITH_MAPS)
    asked = Graph(Plan(study(**MAPS), sessions))
    assert {"diffusion", "relaxometry"} < set(asked.stages)
    assert "sub-01/anat/sub-01_space-T1w_desc-bloch_FLAIR.nii.gz" in asked.participant_targets()
    assert not {"diffusion", "relaxometry"} & set(Graph(Plan(study(), cohort(**FOUR))).stages)


def test_a_target_that_nobody_has() -> None:
    plan = Plan(study(), cohort(s01="T1w T2w", s02="T1w T2w"))
    assert plan.models == {}
    assert any("no session has the target FLAIR" in problem for problem in plan.problems)


def test_a_model_that_is_there_already_needs_nobody_to_train_on() -> None:
    plan = Plan(study(), cohort(s01="T1w T2w"), earlier=Earlier((trained("Fcn", "all"),)))
    assert plan.sessions["sub-01"].predictions["Fcn"].fold == "all"
    assert plan.models == {}


def test_the_paper_that_leaks_gets_its_test_sessions() -> None:
    leaky = {"recipe": "paper", "overrides": {"leaks": True}}
    plan = Plan(study(experiment=leaky), cohort(**FOUR))
    for (_, fold), model in plan.models.items():
        tested = {label for label, role in model.roles.items() if role == "test"}
        assert tested == {label for label, planned in plan.sessions.items() if planned.fold == fold}
    assert "test" not in {r for m in Plan(study(), cohort(**FOUR)).models.values() for r in m.roles.values()}


def test_images_whose_ratios_count_are_registered_and_nothing_else():
    graph = Graph(Plan(study(anatomy={"raw": ["T2w"], "shrink": 3}), cohort(**FOUR)))
    raw, other = SimpleNamespace(suffix="T2w"), SimpleNamespace(suffix="T1w")
    assert (graph.shrink(raw), graph.intensity(raw)) == (0, "keep")
    assert (graph.shrink(other), graph.intensity(other)) == (3, "median")
    assert {name: graph.preparation()["kinds"][name] for name in ("T1w", "T2w")} == {
        "T1w": "image",
        "T2w": "raw",
    }


def test_brain_extraction_takes_the_threshold_of_its_contrast_where_the_study_has_one() -> None:
    graph = Graph(Plan(study(anatomy={"brain_threshold": {"T1w": 0.3}}), cohort(**FOUR)))
    thresholds = [graph.brain_threshold(SimpleNamespace(suffix=suffix)) for suffix in ("T1w", "FLAIR")]
    assert thresholds == ["--threshold 0.3", ""]
    assert graph.preparation()["brain_threshold"] == {"T1w": 0.3}


def test_cards_state_whatever_synthesis_outside_the_study_asks_them_for() -> None:
    asked = {"reference": "T1w", "reference_fallback": ["T2w"], "region": "foreground", "prepare": "none"}
    stated = Graph(Plan(study(**asked), cohort(**FOUR))).preparation()
    assert {name: stated[name] for name in asked} == asked
    assert DEFAULT.keys() <= stated.keys()
