"""The studies that ship: each loads, plans its experiments on the cohort it asks for, and has the paper's tables."""

from dataclasses import replace
from pathlib import Path

import pytest
from recontrast import published
from recontrast.choice import Choice
from recontrast.cohort import manifest, splits
from recontrast.config import Phantom, Study, load, load_file
from recontrast.errors import RecontrastError
from recontrast.evaluation.grid import Context, cells
from recontrast.phantom import knee
from recontrast.phantom.cohort import person
from recontrast.phantom.protocols import PROTOCOLS
from recontrast.places import ROOT
from recontrast.plan import Plan
from recontrast.readers import forms
from recontrast.studies import assemble

STUDIES = sorted(path.stem for path in (ROOT / "studies").glob("*.yaml"))
# experiments, models in all (the quick recipe trains ablations on one fold), participants predicted in each fold
EXPECTED = {
    "build-a-flair": (16, 16, [1]),
    "compare": (11, 33, [2, 2, 2]),
    "compare-pairs": (66, 66, [2]),
    "compare-t1w": (11, 55, [2, 2, 2, 2, 2]),
    "hagiwara2019": (2, 2, [3]),
    "kim2020": (9, 5 * (4 + 4) + 5, [3, 3, 3, 3]),  # of CcDnn also four candidates; all but the patient
    "kim2020-simulation": (10, 10, [1]),
    "osman2022": (12, 12, [2]),
    "wei2019": (24, 5 * 5 + 19, [2, 2, 1, 1, 1]),
}
# What stands in tables of kim2020-simulation, and what readers have to say (tests/readers).
ELSEWHERE = {"kim2020/simulation", "kim2020/losses"}
ELSEWHERE |= {name for form in ("kim2020", "hagiwara2019") for _, name in forms.load(form).published if name}


def names(phantom: Phantom, number: int) -> list[str]:
    """The files of one participant of a phantom, as BIDS calls them."""
    if phantom.knee:
        own = [f"{p.images[0].entities}_{p.suffix}" for p in knee.CONTRASTS.values()]
        for variant, (noise, _) in knee.VARIANTS.items() if phantom.variants else ():
            own += [
                f"{p.images[0].entities or '_acq-'}{variant}_{p.suffix}"
                for name, p in knee.CONTRASTS.items()
                if noise or name != knee.TARGET
            ]
        masks = [*knee.MASKS, *(["oedema"] if number > phantom.participants - phantom.oedema else [])]
        protocols, found = (), [f"anat/sub-{number:02d}{name}.nii.gz" for name in own]
        found += [f"../derivatives/truth/sub-{number:02d}/anat/sub-{number:02d}_label-{name}_mask.nii.gz"
                  for name in masks]  # fmt: skip
    else:
        label = f"sub-{number:02d}"
        protocols = [PROTOCOLS[name] for name in phantom.contrasts]
        found = [f"../derivatives/truth/{label}/anat/{label}_space-FLAIR_label-lesion_mask.nii.gz"]
    return found + [
        f"{protocol.folder}/sub-{number:02d}{image.entities}_{protocol.suffix}.nii.gz"
        for protocol in protocols
        for image in protocol.images
    ]


def plan(study: Study, folder: Path) -> Plan:
    """The plan of a study on a cohort of empty files with the names that its phantom would have."""
    (dataset,) = study.datasets
    rows = ["participant_id\tgroup"]
    for number in range(1, dataset.phantom.participants + 1):
        rows.append(f"sub-{number:02d}\t{'patient' if number % 4 else 'control'}")
        for name in names(dataset.phantom, number):
            path = (folder / f"sub-{number:02d}" / name).resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n")
    found = manifest.build(
        [dataset.model_copy(update={"path": folder})],
        study.contrasts,
        study.include,
        cache=None,
        jobs=1,
        sources=study.sources,
        masks=study.masks,
    )
    # Empty files are no images, which is not the question here; a contrast that is not found is another matter.
    assert all(image.path.is_file() for image in found.images)
    found.images = [replace(image, problem="") for image in found.images]
    return Plan(study, found)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_study_plans_all_its_experiments_on_the_cohort_it_makes(name: str, tmp_path: Path) -> None:
    study = load(load_file(ROOT / f"studies/{name}.yaml"))
    planned = plan(study, tmp_path)
    assert planned.problems == []
    assert planned.left_out == {}
    assert [
        session.notes for session in planned.sessions.values() if session.notes and session.fold.isdecimal()
    ] == []
    experiments, models, held_out = EXPECTED[name]
    assert len(study.experiments) == experiments
    assert {model.experiment for model in planned.models.values()} == set(study.experiments)
    assert len(planned.models) == models
    folds = [session.fold for session in planned.sessions.values()]
    assert [folds.count(fold) for fold in planned.splits.folds] == held_out
    assert all(experiment.recipe in ("quick", "brief") for experiment in study.experiments.values())


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_takes_the_recipes_of_the_papers_on_all_folds(name: str) -> None:
    study = load(assemble(Path("bids"), Path("out"), Choice(study=name, recipe="paper")))
    assert study.datasets[0].phantom is None
    assert {experiment.recipe for experiment in study.experiments.values()} == {"paper"}
    assert not any(experiment.folds for experiment in study.experiments.values())
    for table in study.tables.values():
        assert not any(
            part.fold not in (None, "each", "all") for part in (*table.rows, *table.columns, table.cells)
        )


def shown(study: Study) -> dict[str, list[tuple[str, str]]]:
    """By published table: the cells of it that the tables of a study show, row by row."""
    nothing = {"": {}} | {str(fold): {} for fold in range(1, study.splits.folds + 1)}
    context = Context(nothing, [], {}, {}, {}, study.region)
    found: dict[str, list[tuple[str, str]]] = {}
    for table in study.tables.values():
        printed = published.load(table.published) if table.published else None
        grid = cells(table.model_dump(mode="json", exclude_none=True), context, printed)
        labels = [line[0]["row"] for line in grid]
        assert len(set(labels)) == len(labels)
        for cell in (cell for line in grid for cell in line if printed):
            if cell["published_source"] != "n/a":
                found.setdefault(table.published, []).append((cell["row"], cell["column"]))
    return found


@pytest.mark.parametrize("paper", ["build-a-flair", "hagiwara2019", "kim2020", "osman2022", "wei2019"])
def test_every_published_number_stands_in_a_table(paper: str) -> None:
    """In the paper's own order of rows and columns, by its own labels."""
    printed = load_file(ROOT / f"studies/published/{paper}.yaml")["tables"]
    study = load(load_file(ROOT / f"studies/{paper}.yaml"))
    found = shown(study)
    assert set(found) == {f"{paper}/{name}" for name in printed} - ELSEWHERE
    for name, places in found.items():
        wanted = published.load(name)["cells"]
        assert places == [(row, column) for row, line in wanted.items() for column in line]


def test_the_simulation_has_its_own_study() -> None:
    found = shown(load(load_file(ROOT / "studies/kim2020-simulation.yaml")))
    for name in ("kim2020/simulation", "kim2020/losses"):
        wanted = published.load(name)["cells"]
        assert found[name] == [(row, column) for row, line in wanted.items() for column in line]


def test_the_ablations_of_wei_leave_out_what_they_say() -> None:
    study = load(load_file(ROOT / "studies/wei2019.yaml"))
    everything = set(study.experiments["Fcn"].inputs)
    left_out = {
        name: everything - set(e.inputs) for name, e in study.experiments.items() if name.startswith("No")
    }
    assert left_out == {
        "NoT1": {"T1w"},
        "NoT1SE": {"T1SE"},
        "NoT2": {"T2w"},
        "NoPD": {"PDw"},
        "NoDIR": {"DIR"},
    }


def test_build_a_flair_has_the_inputs_of_the_papers_table() -> None:
    study = load(load_file(ROOT / "studies/build-a-flair.yaml"))
    wanted = ["T2w", "T1w", "MD FA S0", "T2w T1w", "T1w MD FA S0", "T1w MD S0", "T2w MD FA S0", "T2w MD S0",
              "T2w T1w MD FA S0", "T2w T1w MD S0"]  # fmt: skip
    rows = study.tables["Table1"].rows
    assert [" ".join(study.experiments[row.experiment].inputs) for row in rows] == wanted


def test_the_lesion_of_build_a_flair_is_in_the_one_who_is_held_out(tmp_path: Path) -> None:
    study = load(load_file(ROOT / "studies/build-a-flair.yaml"))
    planned = plan(study, tmp_path)
    (held_out,) = (session for session in planned.sessions.values() if session.fold == "1")
    assert held_out.session.participant == study.splits.test[0]
    assert "drawn" in held_out.masks
    everyone = study.datasets[0].phantom.participants
    lesions = {f"{n:02d}": person(study.datasets[0].phantom.seed, n).lesions for n in range(1, everyone + 1)}
    assert lesions[study.splits.test[0]] > 10  # ml


def test_the_patient_of_kim_is_predicted_by_models_of_everyone_else(tmp_path: Path) -> None:
    study = load(load_file(ROOT / "studies/kim2020.yaml"))
    planned = plan(study, tmp_path)
    (patient,) = (session for session in planned.sessions.values() if session.fold == "never")
    assert "oedema" in patient.masks
    methods = [column.experiment for column in study.tables["Figure6"].columns]
    assert {name: p.fold for name, p in patient.predictions.items()} == dict.fromkeys(methods, "all")
    assert not any(patient.session.label in model.roles for model in planned.models.values())


def test_shares_give_the_papers_numbers_on_cohorts_of_any_size() -> None:
    for name, shares in {"osman2022": (0.64, 0.16, 0.20), "kim2020-simulation": (0.7, 0.2, 0.1)}.items():
        asked = load(load_file(ROOT / f"studies/{name}.yaml")).splits
        for size in (10, 50, 100):
            made = splits.assign([f"{n:03d}" for n in range(size)], asked)
            counts = [len(made.training("1")), len(made.validation("1"))]
            assert [*counts, size - sum(counts)] == pytest.approx(
                [share * size for share in shares], abs=0.51
            )


def test_of_equal_experiments_one_is_trained() -> None:
    """The paper's recipe has 64 filters, which the quick one narrows."""
    for recipe, stands in {"paper": "Fcn", "quick": "Filters64"}.items():
        study = load(assemble(None, None, Choice(study="wei2019", recipe=recipe)))
        assert [row.experiment for row in study.tables["Table1"].rows] == ["Filters32", stands, "Filters96"]
        assert [row.label for row in study.tables["Table1"].rows][1] == "F1 = F2 = F3 = 64"
        assert ("Filters64" in study.experiments) == (recipe == "quick")
        settings = [
            str((e.method, e.inputs, e.target, e.settings, e.folds)) for e in study.experiments.values()
        ]
        assert len(set(settings)) == len(settings)
        assert study.report.curves["Figure3"] == ("Layers2", "Fcn", "Layers4", "Layers6")


def test_people_whom_a_study_names_are_those_of_its_demo_cohort(tmp_path: Path) -> None:
    assert load(assemble(None, None, Choice(study="kim2020"))).splits.never_train == ("13",)
    assert load(assemble(Path("bids"), None, Choice(study="kim2020"))).splits.never_train == ()
    copy = tmp_path / "kim2020.yaml"
    copy.write_text((ROOT / "studies/kim2020.yaml").read_text())
    assert load(assemble(Path("bids"), None, Choice(study=str(copy)))).splits.never_train == ("13",)


def test_a_study_in_parts_says_where_the_others_are(capsys: pytest.CaptureFixture) -> None:
    assemble(None, None, Choice(study="kim2020"))
    said = "studies beside kim2020: kim2020-simulation (STIR of simulated knees, section 3.1 of Kim et al. 2020)\n"
    assert capsys.readouterr().err == said
    assemble(None, None, Choice(study="kim2020-simulation"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", ["is not a JSON object of contrasts"]),
        ('{"T1w": "x"}', ["T1w is 'x', not a JSON object of entities"]),
        ('{"T1w": {"acquisitoin": "a", "tracer": 1}}', ["T1w.acquisitoin: unknown entity; did you mean acquisition?",
                                                        "T1w.tracer: unknown entity; use suffix, acquisition"]),
        ('{"T1w": {"session": "1", "run": null}}', ["use --session-label", "T1w.run is null"]),
        ('{"T3w": {}, "flair": {"run": [1, 2]}}', ["has 'T3w', which is not a contrast", "flair.run is [1, 2]"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_filter_file_is_named_at_once(
    tmp_path: Path, content: str, words: list[str]
) -> None:
    file = tmp_path / "filters.json"
    file.write_text(content)
    with pytest.raises(RecontrastError) as caught:
        assemble(None, None, Choice(study="wei2019", bids_filter_file=file))
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        "experiments:",
        "experiments: {A: fcn3d}",
        "experiments: {A: {folds: 1}}",
        "tables:",
        "tables: {T: {rows: }}",
        "experiments: {A: {method: [fcn3d], recipe: quick}}",
        "contrasts: {T1w: T1w}",
        "contrasts:",
    ],
)
def test_a_study_that_is_wrong_is_told_so_with_a_recipe_or_a_filter_too(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "study.yaml").write_text(f"output: out\n{wrong}\n")
    (tmp_path / "filters.json").write_text('{"T1w": {"run": 1}}')
    for more in ({"recipe": "paper"}, {"bids_filter_file": tmp_path / "filters.json"}):
        config = assemble(tmp_path, None, Choice(study=str(tmp_path / "study.yaml"), **more))
        with pytest.raises(RecontrastError):
            load(config)


def test_a_filter_file_may_say_what_follows_from_the_suffix(tmp_path: Path) -> None:
    file = tmp_path / "filters.json"
    file.write_text('{"T1w": {"datatype": "anat", "extension": ".nii.gz", "run": 2}}')
    config = assemble(None, None, Choice(study="wei2019", bids_filter_file=file))
    assert config["contrasts"]["T1w"] == {"suffix": "T1w", "run": 2}
