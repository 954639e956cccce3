"""Which lesion jobs a study asks for: sources, truths, and who is learned from for whom."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from recontrast import layout
from recontrast.cohort.quarantine import Failure
from recontrast.config import load
from recontrast.errors import RecontrastError
from recontrast.freeze import states
from recontrast.graph import Graph
from recontrast.lesion_plan import LEARNED, held_out, on_disk
from recontrast.plan import Earlier, Plan
from recontrast.preview import print_plan
from test_plan import cohort, study

LESIONS = {
    "masks": {"drawn": {"of": "FLAIR", "label": "lesion"}},
    "lesions": {"method": "lpa", "manual": "drawn", "coefficients": "manual"},
}
PEOPLE = {f"s0{number}": "T1w T2w FLAIR drawn" for number in range(1, 4)} | {"s04": "T1w T2w"}


def names(paths: list[str]) -> set[str]:
    return {path.rpartition("/")[2] for path in paths}


def test_every_source_against_every_truth() -> None:
    graph = Graph(Plan(study(**LESIONS), cohort(**PEOPLE)))
    own = {name for name in names(graph.lesion_scores()) if name.startswith("sub-01_")}
    assert own == {
        "sub-01_space-T1w_found-acquired_truth-manual_lesions.tsv",
        "sub-01_space-T1w_found-Fcn_truth-manual_lesions.tsv",
        "sub-01_space-T1w_found-Fcn_truth-acquired_lesions.tsv",
    }
    # As the rules ask: of the whole cohort, and for the page of one session.
    assert graph.lesion_scores(SimpleNamespace()) == graph.lesion_scores()
    assert names(graph.lesion_scores(SimpleNamespace(session="sub-01"))) == own
    assert names(graph.lesion_descriptions(SimpleNamespace(session="sub-04"))) == {
        "sub-04_space-T1w_label-lesion_desc-Fcn_lesions.tsv"
    }
    assert {name for name in names(graph.lesion_masks()) if name.startswith("sub-04_")} == {
        "sub-04_space-T1w_label-lesion_desc-Fcn_mask.nii.gz"
    }


def test_acquired_lesions_are_measured_themselves_where_nobody_has_a_mask() -> None:
    graph = Graph(Plan(study(**LESIONS), cohort(**DRAWN_BY_NOBODY)))
    assert {name for name in names(graph.lesion_scores()) if name.startswith("sub-01_")} == {
        "sub-01_space-T1w_found-acquired_truth-acquired_lesions.tsv",
        "sub-01_space-T1w_found-Fcn_truth-acquired_lesions.tsv",
    }
    assert graph.ran()["lesion_pairs"] == [
        "those found on synthetic images against those found on the acquired image"
    ]


@pytest.mark.parametrize(("name", "called"), [("drawn", "given masks"), ("manualLesions", "manual masks")])
def test_masks_that_came_with_the_cohort_are_called_by_what_their_name_says(name: str, called: str) -> None:
    asked = {"masks": {name: LESIONS["masks"]["drawn"]}, "lesions": LESIONS["lesions"] | {"manual": name}}
    people = {label: images.replace("drawn", name) for label, images in PEOPLE.items()}
    shown = {"rows": ["Fcn"], "columns": ["ssim"]}
    asked |= {"tables": {"Table1": shown}, "evaluation": {"by_slice": True}}
    graph = Graph(Plan(study(**asked), cohort(**people)))
    specified = json.loads(graph.table_specification(SimpleNamespace(table="Table1")))
    assert (specified["given"], specified["by_slice"]) == (called, True)
    ran = graph.ran()
    assert ran["lesions_given"] == called
    assert any(called in pair for pair in ran["lesion_pairs"])


def test_lesions_are_sought_on_the_images_of_named_experiments_only() -> None:
    named = study(**LESIONS)
    other = named.experiments["Fcn"]
    experiments = {name: other.model_dump(mode="json") for name in ("Fcn", "Other")}
    changed = {"experiments": experiments, "lesions": LESIONS["lesions"] | {"experiments": ["Other"]}}
    graph = Graph(Plan(load(named.model_dump(mode="json") | changed), cohort(**PEOPLE)))
    assert {name.split("desc-")[1] for name in names(graph.lesion_masks())} == {
        "acquired_mask.nii.gz",
        "Other_mask.nii.gz",
    }
    assert "Other" in graph.lesion_experiments()
    assert "Fcn" not in graph.lesion_experiments()


@pytest.mark.parametrize("splits", [{"folds": 3}, {"scheme": "holdout", "holdout": 0.4}])
def test_nobody_is_segmented_by_what_was_learned_from_them(splits: dict) -> None:
    plan = Plan(study(**LESIONS, splits=splits), cohort(**PEOPLE))
    graph = Graph(plan)
    for label, planned in plan.sessions.items():
        (file, _) = graph.lesion_model(SimpleNamespace(session=label, source="acquired"))
        group = file.split("/")[2].removeprefix("without-")
        learned = {row["participant_id"] for row in graph.lesion_rows(group)}
        assert learned
        assert planned.participant not in learned


def test_a_run_on_one_person_learns_nothing_and_applies_what_was_learned_from_all(tmp_path: Path) -> None:
    whole = Plan(study(**LESIONS), cohort(**PEOPLE))
    taught = {held_out(whole, planned): planned for planned in whole.sessions.values()}
    fold = held_out(whole, whole.sessions["sub-01"])
    asked = study(**LESIONS, include={"participants": ["01"]})
    for group in taught:
        path = tmp_path / layout.fill(layout.LESION_COEFFICIENTS, heldout=group)
        path.parent.mkdir(parents=True)
        path.touch()
    found = on_disk(asked.model_copy(update={"output": tmp_path}))
    assert found == {*taught}
    earlier = Earlier(lesions=tuple(found))
    part = Plan(asked, cohort(s01=PEOPLE["s01"]), whole.splits, earlier=earlier)
    graph = Graph(part)
    files = graph.lesion_model(SimpleNamespace(session="sub-01", source="acquired"))
    assert files == [layout.fill(one, heldout=fold) for one in LEARNED["lpa"]]
    assert graph.lesion_groups() == []  # so no rule makes them anew, and their lists stay
    assert not re.fullmatch(graph.held_out, fold)
    assert not any("with the coefficients supplied" in note for note in part.sessions["sub-01"].notes)
    assert any("applied as they are" in problem for problem in part.problems)
    # What is not there is learned by whoever can teach: here nobody else.
    lacking = Graph(Plan(asked, cohort(s01=PEOPLE["s01"]), whole.splits))
    assert lacking.lesion_model(SimpleNamespace(session="sub-01", source="acquired")) == []


def sought(**lesions: object) -> dict:
    return LESIONS | {"lesions": {"manual": "drawn"} | lesions}


def about_lesions(plan: Plan) -> dict[str, list[str]]:
    return {
        label: [note for note in planned.notes if note.startswith("lesions")]
        for label, planned in plan.sessions.items()
    }


DRAWN_BY_NOBODY = {label: "T1w T2w FLAIR" for label in ("s01", "s02", "s03")}
TWO = {"s01": "T1w T2w FLAIR drawn", "s02": "T1w T2w FLAIR"}  # nobody can teach for the first


@pytest.mark.parametrize(
    ("lesions", "said"),
    [
        (
            {"method": "lpa", "coefficients": "manual"},
            "lesions: with the coefficients supplied, as {who} has the mask drawn and FLAIR to fit new ones",
        ),
        (
            {"method": "lga"},
            "lesions: with the default κ of 0.1, as {who} has the mask drawn and FLAIR and T1w to select it",
        ),
        (
            {"method": "network"},
            "lesions: not segmented, as {who} has the mask drawn and FLAIR to train a network",
        ),
    ],
)
def test_who_has_nobody_to_learn_from_is_told_what_stands_in(lesions: dict, said: str) -> None:
    plan = Plan(study(**sought(**lesions)), cohort(**DRAWN_BY_NOBODY))
    assert Graph(plan).lesion_groups() == []
    assert plan.problems[-1].startswith(said.format(who="no participant"))
    assert about_lesions(plan) == {
        label: [said.format(who="no other participant")] for label in plan.sessions
    }
    two = Plan(study(**sought(**lesions), splits={"folds": 2}), cohort(**TWO))
    assert about_lesions(two) == {"sub-01": [said.format(who="no other participant")], "sub-02": []}
    assert not any("lesions" in problem for problem in two.problems)
    ran = Graph(two).ran()
    # A network finds nothing where it could not be trained; the others have something to stand in.
    assert (ran["lesions_learned"], ran["lesions_untaught"]) == (1, int(lesions["method"] != "network"))


def test_a_kappa_without_any_masks_named_is_a_default_that_is_said() -> None:
    plan = Plan(study(lesions={"method": "lga"}), cohort(**DRAWN_BY_NOBODY))
    assert "default κ of 0.1, as no participant has a lesion mask and FLAIR and T1w" in plan.problems[-1]
    assert "set lesions.manual or lesions.kappa" in plan.problems[-1]
    given = Plan(study(lesions={"method": "lga", "kappa": 0.2}), cohort(**DRAWN_BY_NOBODY))
    assert not given.problems
    assert not any(about_lesions(given).values())


def test_the_preview_says_what_stands_in(capsys: pytest.CaptureFixture) -> None:
    print_plan(Graph(Plan(study(lesions={"method": "lga"}), cohort(**DRAWN_BY_NOBODY))))
    assert "default κ of 0.1" in capsys.readouterr().out


def test_where_lesions_are_not_sought_the_session_says_why() -> None:
    people = {"s01": "T1w T2w FLAIR drawn", "s02": "T2w FLAIR", "s03": "T1w", "s04": "T1w T2w FLAIR drawn"}
    by_growth = study(**sought(method="lga"), reference_fallback=["T2w"])
    plan = Plan(by_growth, cohort(**people))
    assert about_lesions(plan)["sub-02"] == ["lesions: not segmented without T1w"]
    assert about_lesions(plan)["sub-03"] == [
        "lesions: not segmented, as there is no FLAIR, acquired or synthetic"
    ]
    assert about_lesions(plan)["sub-01"] == []
    tool = {"method": "external", "command": "tool {flair} {t1w} {output}"}
    outside = Plan(study(**sought(**tool), reference_fallback=["T2w"]), cohort(**people))
    assert about_lesions(outside)["sub-02"] == ["lesions: not segmented without T1w"]
    assert {name[:6] for name in names(Graph(outside).lesion_masks())} == {"sub-01", "sub-04"}


def test_what_failed_is_a_note_of_its_sessions() -> None:
    plan = Plan(study(**LESIONS), cohort(**PEOPLE))
    group = f"fold{plan.sessions['sub-01'].fold}"
    failures = [
        Failure("", f"lesions_without-{group}", "lesions fit_lesions", "one peak", "state"),
        Failure("sub-04", "lesions-Fcn", "lesions predict_lesions", "no fluid", "state"),
    ]
    again = about_lesions(Plan(study(**LESIONS), cohort(**PEOPLE), plan.splits, failures))
    assert again["sub-01"] == [
        "lesions: not segmented, as training on the other participants failed (one peak)"
    ]
    assert again["sub-04"] == ["lesions on Fcn: no fluid"]


def test_acquired_and_synthetic_images_meet_the_same_frozen_model() -> None:
    graph = Graph(Plan(study(**LESIONS), cohort(**PEOPLE)))
    for label in ("sub-01", "sub-02", "sub-03"):
        acquired, synthetic = (SimpleNamespace(session=label, source=s) for s in ("acquired", "Fcn"))
        assert graph.lesion_model(acquired) == graph.lesion_model(synthetic) != []
        assert graph.lesion_flair(acquired) != graph.lesion_flair(synthetic)
    for group in graph.lesion_groups():
        learned_from = graph.lesion_training(SimpleNamespace(heldout=group))
        assert learned_from
        assert not any("desc-Fcn" in path for path in learned_from)
    assert any("desc-Fcn" in path for path in graph.lesion_masks())


def test_lesions_are_sought_in_the_brain_whatever_the_region_is() -> None:
    asked = study(**LESIONS, region="drawn", anatomy={"template": True, "tissues": True})
    graph = Graph(Plan(asked, cohort(**{label: "T1w T2w FLAIR drawn" for label in ("s01", "s02", "s03")})))
    w = SimpleNamespace(session="sub-01", source="acquired")
    assert graph.mask(w) == "sub-01/anat/sub-01_space-T1w_desc-drawn_mask.nii.gz"
    brain = "sub-01/anat/sub-01_space-T1w_desc-brain_mask.nii.gz"
    assert graph.brain(w) == brain
    others = {row["mask"] for group in graph.lesion_groups() for row in graph.lesion_rows(group)}
    assert brain in others
    assert not any("drawn" in path for path in others)


@pytest.mark.parametrize(("region", "brain"), [("drawn", "foreground"), ("own", "own")])
def test_the_brain_of_prepared_images_is_the_region_unless_that_is_the_lesions(
    region: str, brain: str
) -> None:
    masks = LESIONS["masks"] | {"own": {"of": "T1w", "label": "brain"}}
    people = {label: f"{contrasts} own" for label, contrasts in PEOPLE.items()}
    asked = study(**LESIONS | {"masks": masks}, prepare="none", region=region)
    graph = Graph(Plan(asked, cohort(**people)))
    w = SimpleNamespace(session="sub-01", source="acquired")
    assert graph.brain(w) == f"sub-01/anat/sub-01_space-T1w_desc-{brain}_mask.nii.gz"


def test_prepared_images_lie_in_the_template_only_if_the_study_says_so() -> None:
    w, found = SimpleNamespace(session="sub-01", source="acquired"), {}
    for template in (True, False):
        asked = study(**LESIONS, prepare="none", region="foreground", anatomy={"template": template})
        graph = Graph(Plan(asked, cohort(**PEOPLE)))
        found[template] = graph.lesion_template(w)
        rows = [row for group in graph.lesion_groups() for row in graph.lesion_rows(group)]
        assert {row["transform"] == "n/a" for row in rows} == {not template}
    assert [len(found[True]), found[False]] == [1, []]


def test_who_does_not_train_teaches_nothing_about_lesions() -> None:
    asked = study(**LESIONS, splits={"folds": 2, "never_train": ["03"]})
    first = Plan(asked, cohort(**PEOPLE))
    later = Plan(asked, cohort(**PEOPLE, s05="T1w T2w FLAIR drawn"), pinned=first.splits)
    rows = [row for group in Graph(later).lesion_groups() for row in Graph(later).lesion_rows(group)]
    assert {row["participant_id"] for row in rows} == {"sub-01", "sub-02"}


def test_lesions_that_cannot_be_painted_over_cost_no_more_than_that() -> None:
    asked = study(**LESIONS | {"lesions": LESIONS["lesions"] | {"fill": True}})
    w = SimpleNamespace(session="sub-01")
    failure = Failure("sub-01", "desc-filled", "lesions fill_lesions", "lies elsewhere", "state")
    graph = Graph(Plan(asked, cohort(**PEOPLE), failures=[failure]))
    assert graph.tissue_image(w) == graph.tissue_source(w)
    assert "lesions: not filled in T1w (lies elsewhere)" in graph.plan.sessions["sub-01"].notes
    assert "desc-filled" in Graph(Plan(asked, cohort(**PEOPLE))).tissue_image(w)


def test_tissue_maps_for_prediction_are_those_of_a_t1w() -> None:
    asked = LESIONS | {"lesions": LESIONS["lesions"] | {"features": "tissue"}}
    plan = Plan(study(**asked, reference_fallback=["FLAIR"]), cohort(**PEOPLE, s05="T2w FLAIR"))
    assert "lesions: not segmented without T1w" in plan.sessions["sub-05"].notes


def test_no_rule_of_lesions_takes_the_region_for_the_brain() -> None:
    for file in (Path(__file__).parents[1] / "rules").glob("lesions*.smk"):
        assert "graph.mask" not in file.read_text()


def test_only_tables_about_lesions_wait_for_lesions() -> None:
    tables = {
        "Images": {"rows": ["Fcn"], "columns": ["psnr"]},
        "Lesions": {"rows": ["Fcn", "acquired"], "columns": ["lesion_ratio1"]},
        "Times": {"rows": ["Fcn"], "columns": [{"value": "seconds"}]},
    }
    graph = Graph(Plan(study(**LESIONS, tables=tables), cohort(**PEOPLE)))
    needs = {
        name: [*graph.table_metrics(w), *graph.table_statistics(w), *graph.table_times(w)]
        for name in tables
        for w in [SimpleNamespace(table=name)]
    }
    own = ["evaluation/metrics.tsv", "evaluation/statistics.tsv"]
    assert needs == {
        "Images": own,
        "Lesions": [own[0], "evaluation/lesions.tsv", own[1], "evaluation/lesion_statistics.tsv"],
        "Times": [*own, "evaluation/times/sub-01_desc-Fcn_time.json"],
    }


def test_a_tool_depends_on_t1w_only_if_its_command_names_it() -> None:
    session = SimpleNamespace(session="sub-01")
    for command, files in (("tool {flair} {output}", 0), ("tool {flair} {t1w} {output}", 1)):
        asked = study(masks=LESIONS["masks"], **external(command))
        graph = Graph(Plan(asked, cohort(**PEOPLE)))
        assert len(graph.lesion_other_images(session)) == files


def test_what_failed_without_a_tool_is_tried_again_when_it_is_there(tmp_path: Path, monkeypatch) -> None:
    def state(stage: str) -> str:
        asked = study(masks=LESIONS["masks"], **external("segmenter {flair} {output}"))
        return states(Graph(Plan(asked, cohort(**PEOPLE))))[stage]["sub-01"]

    monkeypatch.setenv("PATH", str(tmp_path))
    before, other = state("lesions"), state("anatomy")
    (tmp_path / "segmenter").touch(mode=0o755)
    assert state("lesions") != before
    assert state("anatomy") == other


def test_what_failed_by_a_mask_or_by_filling_is_tried_again_when_these_change() -> None:
    def state(stage: str, of: str = "FLAIR", fill: bool = False) -> str:
        masks = {"drawn": {"of": of, "label": "lesion"}}
        asked = study(masks=masks, lesions=LESIONS["lesions"] | {"fill": fill})
        return states(Graph(Plan(asked, cohort(**PEOPLE))))[stage]["sub-01"]

    assert state("anatomy") == state("anatomy")
    assert len({state("anatomy"), state("anatomy", of="T1w"), state("anatomy", fill=True)}) == 3


def external(command: str, **more: object) -> dict:
    return {"lesions": {"method": "external", "command": command} | more}


def test_a_tool_gets_its_command_and_how_its_result_is_read() -> None:
    settings = {"result": "seg.mgz", "labels": [99, 77]}
    asked = study(**external("tool {flair} {folder}", **settings))
    graph = Graph(Plan(asked, cohort(**DRAWN_BY_NOBODY)))
    assert graph.lesion_command(None) == "--command 'tool {flair} {folder}' --result seg.mgz --labels 99 77"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"lesions": {"method": "lpa", "manual": "nobody"}}, "no mask 'nobody'"),
        ({"lesions": {"method": "lpa", "coefficients": "manual"}}, "needs lesions.manual"),
        ({"lesions": {"method": "external"}}, "lesions.command"),
        ({"lesions": {"method": "lpa", "experiments": ["Nobody"]}}, "no experiment 'Nobody' makes FLAIR"),
        ({"lesions": {"method": "lga"}, "anatomy": {"tissues": False}}, "needs tissue maps"),
        ({"lesions": {"method": "lpa", "flair": "DIR"}}, "no contrast 'DIR'"),
        ({"lesions": {"method": "lpa", "features": "lst"}}, "lst needs coefficients: manual"),
        ({"lesions": {"method": "lpa", "features": "tissue"}}, "those supplied are for extended"),
        (external("tool {flair}"), "does not say where to write"),
        (external("tool {image} {output}"), "unknown placeholder {image}"),
        (external("tool {flair} {folder}"), "lesions.result"),
        (external("tool {output}", result="x.nii.gz"), "lesions.result"),
        (external("tool {folder}", result="../x.nii.gz"), "must be a file name inside {folder}"),
        (external("tool {t1w} {output}", t1w="MPRAGE"), "lesions.t1w: no contrast 'MPRAGE'"),
    ],
)
def test_contradictions_are_named(changes: dict, problem: str) -> None:
    with pytest.raises(RecontrastError, match=problem):
        load(study().model_dump(mode="json") | changes)


def test_every_rule_that_may_compute_on_a_gpu_asks_for_one() -> None:
    rules = [
        rule
        for file in (Path(__file__).parents[1] / "rules").glob("*.smk")
        for rule in file.read_text().split("\n\n\n")
        if "--device {params.device}" in rule
    ]
    assert {"train_network", "segment_lesions", "synthesize"} <= {
        name for rule in rules for name in re.findall(r"^rule (\w+):", rule, re.M)
    }
    assert [rule for rule in rules if "gpu=" not in rule] == []


@pytest.mark.parametrize(("device", "gpus"), [("auto", 1), ("cpu", 0)])
def test_a_prediction_asks_for_a_gpu_where_its_method_can_use_it(device: str, gpus: int) -> None:
    graph = Graph(Plan(study(training={"device": device}), cohort(**DRAWN_BY_NOBODY)))
    assert graph.prediction_gpus(SimpleNamespace(experiment="Fcn")) == gpus


def test_where_the_way_to_the_template_bends_lesions_are_sought_and_learned_along_it() -> None:
    found = {}
    for warp in (False, True):
        asked = study(**LESIONS, anatomy={"template": True, "tissues": True, "warp": warp})
        graph = Graph(Plan(asked, cohort(**PEOPLE)))
        files = graph.lesion_template(SimpleNamespace(session="sub-01"))
        rows = [row for group in graph.lesion_groups() for row in graph.lesion_rows(group)]
        assert all(
            {row.get("warp"), row.get("inverse_warp")} <= {None, *graph.prepared_targets()} for row in rows
        )
        assert {"warp" in row for row in rows} == {warp}
        assert ("anatomy warp_template" in graph.tools()) == warp
        found[warp] = names(files)
    assert found[True] - found[False] == {
        "sub-01_from-MNI152NLin2009aSym_to-T1w_mode-image_desc-warp_xfm.nii.gz"
    }


def test_a_backend_that_cannot_bend_is_named_only_where_it_would_have_to() -> None:
    for anatomy in ({"template": True}, {"template": True, "warp": True}):
        asked = study(**LESIONS, anatomy={"tissues": True} | anatomy, backends={"warp_template": "fsl"})
        graph = Graph(Plan(asked, cohort(**PEOPLE)))
        if "warp" in anatomy:
            with pytest.raises(RecontrastError, match=r"fsl.*warp_template.*embedded, ants"):
                graph.tools()
        else:
            graph.tools()
