"""The typed study: defaults, and all mistakes at once with the nearest valid name."""

import copy
import re
from pathlib import Path

import hypothesis
import pytest
import yaml
from hypothesis import strategies
from recontrast.config import Study, load, load_file, parse
from recontrast.errors import RecontrastError

DEFAULT = Path(__file__).parents[1] / "config.yaml"


@pytest.fixture
def config() -> dict:
    return yaml.safe_load(DEFAULT.read_text())


def keys(model: type, content: dict, place: str = "") -> set[str]:
    """The keys of a section that a configuration lacks."""
    lacking = set()
    for name, field in model.model_fields.items():
        if name not in content:
            lacking.add(f"{place}{name}")
        elif hasattr(field.annotation, "model_fields") and isinstance(content[name], dict):
            lacking |= keys(field.annotation, content[name], f"{place}{name}.")
    return lacking


def test_the_default_study_is_valid_and_holds_every_key(config: dict) -> None:
    assert load(copy.deepcopy(config)).experiments.keys() == {"PatchToVoxel", "Fcn3d"}
    assert keys(Study, config) == set()


def test_settings_to_choose_from_are_checked_like_overrides(config: dict) -> None:
    config["experiments"]["Fcn3d"]["choose"] = [{"filters": 8}, {"filtres": 16}]
    config["splits"]["validation"] = 0
    with pytest.raises(RecontrastError) as caught:
        load(config)
    assert re.search(r"Fcn3d: .*unknown key filtres \(did you mean filters", caught.value.problem)
    assert "Fcn3d.choose: needs participants to choose by" in caught.value.problem


def test_the_default_study_says_the_defaults(config: dict) -> None:
    study = load(config)
    for name, field in Study.model_fields.items():
        if name not in ("output", "datasets", "contrasts", "reference", "experiments", "splits"):
            assert getattr(study, name) == field.default, name


def test_every_mistake_is_listed_with_the_nearest_name(config: dict) -> None:
    config |= {"spilts": {}, "prepare": "ful", "reference": "T1"}
    config["datasets"][0]["pth"] = "x"
    config["splits"]["folds"] = "many"
    config["experiments"]["Fcn3d"] |= {"methd": "x", "overrides": {"epoch": 3}}
    config["experiments"]["PatchToVoxel"]["method"] = "fcn3"
    with pytest.raises(RecontrastError) as caught:
        load(config)
    lines = caught.value.problem.splitlines()
    expected = {
        "spilts": "splits",
        "prepare": "full",
        "reference": "T1w",
        "datasets.0.pth": "path",
        "splits.folds": "integer",
        "experiments.Fcn3d.methd": "method",
        "experiments.Fcn3d:": "epochs",
        "experiments.PatchToVoxel.method": "fcn3d",
    }
    assert len(lines) == len(expected)
    for start, hint in expected.items():
        assert any(line.startswith(start) and hint in line for line in lines), start


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"prepare": "none"}, "foreground"),
        ({"datasets": [{"path": "a"}, {"path": "b"}]}, "prefix"),
        (
            {"contrasts": {"T1w": {"suffix": "T1w"}, "T2w": {"suffix": "T1w"}, "FLAIR": {"suffix": "FLAIR"}}},
            "same suffix",
        ),
        ({"experiments": {"A": {"method": "fcn3d", "inputs": ["FA"], "target": "FLAIR"}}}, "diffusion.dwi"),
        ({"diffusion": {"dwi": {"suffix": "dwi"}}, "reference": "FA"}, "reference: no contrast 'FA'"),
        ({"splits": {"validation": 1.5}}, "splits.validation: .*a share of them below 1"),
        ({"splits": {"validation": -1}}, "splits.validation: .*a number of participants"),
        ({"evaluation": {"profiles": {"a": {"start": [0, 0, 0]}}}}, r"profiles\.a: .*give start and end"),
        (
            {
                "relaxometry": {
                    "bloch": {"FLAIR": {"repetition_time": 9, "echo_time": 1, "inversion_times": [9]}}
                }
            },
            "relaxometry.bloch.FLAIR: no sequence has TR 9, TE 1 and TI 9 ms",
        ),
        (
            {"report": {"figures": {"Figure 4": {"shows": "difference", "experiments": ["Nobody"]}}}},
            r"report\.figures\.Figure 4: no experiment 'Nobody'",
        ),
        ({"report": {"curves": {"Depth": ["Nobody"]}}}, r"report\.curves\.Depth: no experiment 'Nobody'"),
        (
            {
                "diffusion": {"dwi": {}},
                "contrasts": {n: {"suffix": n} for n in ("T1w", "T2w", "FLAIR", "MD")},
            },
            "contrasts.MD",
        ),
    ],
)
def test_contradictions(config: dict, change: dict, hint: str) -> None:
    with pytest.raises(RecontrastError, match=hint):
        load(config | change)


@pytest.mark.parametrize(
    ("method", "overrides", "hint"),
    [
        ("fcn3d", {"crop": 8, "rim": 4}, "a cube of 8 voxels consists of rim only"),
        ("voxel_mlp", {"crop": 0, "batch": 2}, "batch is 2 with crop 0"),
        ("unet2d", {"size": 100}, "slices of 100 pixels cannot be halved 4 times"),
        (
            "unet2d",
            {"intensity": "z-score"},
            "the output tanh is limited to values between -1 and 1, but z-scores are not",
        ),
        ("bloch", {}, "bloch was given 1 inputs; give the three maps of relaxometry"),
        ("pixel_gan", {}, "pixel_gan was given 1 inputs; give the eight raw images"),
    ],
)
def test_what_a_training_would_refuse_is_found_by_the_plan(config, method, overrides, hint):
    config["experiments"] = {
        "A": {"method": method, "inputs": ["T1w"], "target": "FLAIR", "overrides": overrides}
    }
    config["report"] = {}
    with pytest.raises(RecontrastError, match=f"experiments.A: {hint}"):
        load(config)


def test_sets_of_inputs_to_fall_back_to_are_checked_like_inputs(config: dict) -> None:
    asked = {"method": "bloch", "inputs": ["T1w", "T2w", "PDw"], "target": "FLAIR"}
    config["experiments"], config["report"] = {"A": asked}, {}
    config["contrasts"]["PDw"] = {"suffix": "PDw"}
    load(copy.deepcopy(config))
    asked["fallback"] = [["T1w", "T2w"]]
    with pytest.raises(RecontrastError, match=r"experiments\.A: bloch was given 2 inputs"):
        load(config)


EXPERIMENT = {"method": "fcn3d", "inputs": ["T1w"], "target": "FLAIR"}


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (
            {"experiments": {"my-exp": EXPERIMENT}, "reference": "T1"},
            [
                "experiments.my-exp: string should be letters and digits only, got 'my-exp' (did you mean 'myexp'?)",
                "reference: no contrast 'T1' is defined under contrasts (did you mean 'T1w'?)",
            ],
        ),
        (
            {"masks": {"a lesion": {"off": "T1w"}}},
            [
                "masks.a lesion: string should be letters and digits only, got 'a lesion' (did you mean 'alesion'?)",
                "masks.a lesion.of: is missing",
                "masks.a lesion.off: unknown key (did you mean 'of'?)",
            ],
        ),
        (
            {"relaxometry": {"bloch": {"T1w_SE": {"repetition_time": 500, "echo_time": 10}}}},
            [
                "relaxometry.bloch.T1w_SE: string should be letters and digits only, "
                "got 'T1w_SE' (did you mean 'T1wSE'?)",
            ],
        ),
        (
            {"experiments": {"A": EXPERIMENT | {"target": "T1w-post"}, 5: EXPERIMENT}},
            [
                "experiments.A.target: string should be letters and digits only, "
                "got 'T1w-post' (did you mean 'T1wpost'?)",
                "experiments.5: a name has to be text; write it in quotes",
            ],
        ),
        ({"backends": {"registr": "fsl"}}, ["backends.registr: unknown key (did you mean 'register'?)"]),
        ({3: 4}, ["3: unknown key"]),
        (
            {"tables": {"A": {"rows": ["Fcn 3d"], "columns": ["mse"]}}},
            [
                "tables.A.rows.0.experiment: string should be letters and digits only, got 'Fcn 3d' "
                "(did you mean 'Fcn3d'?)",
            ],
        ),
        (
            {"report": {"curves": {"a-b": "Fcn3d", "c": ["Fcn3d", "x y"]}}},
            [
                "report.curves.a-b: string should be letters and digits only, got 'a-b' (did you mean 'ab'?)",
                "report.curves.a-b: input should be a valid tuple, got 'Fcn3d'",
                "report.curves.c.1: string should be letters and digits only, got 'x y' (did you mean 'xy'?)",
            ],
        ),
        (
            {"conversion": {"rules": [{"name": "x", "te": [1], "suffx": "T1w"}, {"name": "y", "tr": [2]}]}},
            [
                "conversion.rules.0.te.1: is missing",
                "conversion.rules.0.suffx: unknown key (did you mean 'suffix'?)",
                "conversion.rules.1.tr.1: is missing",
            ],
        ),
        (
            {"conversion": {"rules": [{"name": "x", "description": "(", "series": "a{99999999999}"}]}},
            [
                "conversion.rules.0.description: is not a regular expression "
                "(missing ), unterminated subpattern at position 0), got '('",
                "conversion.rules.0.series: is not a regular expression "
                "(the repetition number is too large), got 'a{99999999999}'",
            ],
        ),
        (
            {"anatomy": {"raw": ["T-1", "T-2"]}, "evaluation": {"pairs": [["a", "b"], ["c"], ["d"]]}},
            [
                "anatomy.raw.0: string should be letters and digits only, got 'T-1' (did you mean 'T1'?)",
                "anatomy.raw.1: string should be letters and digits only, got 'T-2' (did you mean 'T2'?)",
                "evaluation.pairs.1.1: is missing",
                "evaluation.pairs.2.1: is missing",
            ],
        ),
    ],
)
def test_names_and_lists_that_are_wrong_take_a_line_each(
    config: dict, change: dict, lines: list[str]
) -> None:
    assert sorted(parse(config | change)[1]) == sorted(lines)


def test_all_kinds_of_value_that_a_key_may_have_are_one_mistake(config: dict) -> None:
    config["contrasts"]["T1w"]["run"] = {"first": 1}
    (line,) = parse(config)[1]
    assert line.startswith("contrasts.T1w.run: input should be a valid integer; or ")
    assert "'first' or 'last', got {'first': 1}" in line


def test_what_comes_of_a_mistake_is_no_further_mistake(config: dict) -> None:
    del config["experiments"]["Fcn3d"]["target"]
    config["experiments"]["PatchToVoxel"]["method"] = 3
    config["diffusion"] = {"dwi": "dwi"}
    config["experiments"]["WithFA"] = EXPERIMENT | {"inputs": ["FA"]}
    config["report"] = {"curves": {"both": ["Fcn3d", "PatchToVoxel", "Fcn2d"]}}
    study, lines = parse(config)
    assert [line.split(":")[0] for line in lines] == [
        "experiments.PatchToVoxel.method",
        "experiments.Fcn3d.target",
        "diffusion.dwi",
        "report.curves.both",
    ]
    assert "no experiment 'Fcn2d'" in lines[-1]
    assert list(study.experiments) == ["WithFA"]


def test_nothing_is_made_by_half_of_what_is_asked_of_it(config: dict) -> None:
    config["datasets"] = [{"path": "bids", "phantom": {"voxl": 8}}]
    assert parse(config) == (None, ["datasets.0.phantom.voxl: unknown key (did you mean 'voxel'?)"])


NAMED = {  # sections whose keys are names that the user chooses, with what may stand there
    "contrasts": {"suffix": "T1w"},
    "masks": {"of": "T1w"},
    "experiments": EXPERIMENT,
    "tables": {"rows": ["mse"], "columns": ["Fcn3d"]},
    "report curves": ["Fcn3d"],
    "evaluation profiles": {},
    "evaluation structures": {"above": 1},
    "relaxometry bloch": {"repetition_time": 500, "echo_time": 10},
    "splits": 3,
    "": {},
}


@hypothesis.given(
    section=strategies.sampled_from(list(NAMED)),
    bad=strategies.one_of(
        strategies.text().filter(lambda name: not re.fullmatch("[A-Za-z0-9]+", name)),
        strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats(),
    ),
    nested=strategies.booleans(),
)
def test_any_key_that_is_no_name_is_told_on_one_line(section: str, bad: object, nested: bool) -> None:
    config = yaml.safe_load(DEFAULT.read_text())
    inside = config
    for part in section.split():
        inside = inside.setdefault(part, {})
    inside[bad] = [{bad: NAMED[section]}] if nested else NAMED[section]
    _, lines = parse(config)
    shown = " ".join(f"{'.'.join([*section.split(), str(bad)])}:".split())
    assert any(line.startswith(shown) for line in lines), lines
    assert all(len(line.splitlines()) == 1 for line in lines)


def test_a_missing_key_is_named(config: dict) -> None:
    del config["reference"]
    with pytest.raises(RecontrastError, match="reference: is missing"):
        load(config)


def test_an_experiment_may_not_be_named_like_a_prepared_image(config: dict) -> None:
    config["experiments"]["preproc"] = config["experiments"]["Fcn3d"]
    with pytest.raises(RecontrastError, match=r"experiments\.preproc"):
        load(config)


@pytest.mark.parametrize("file", sorted((DEFAULT.parent / "studies").glob("*.yaml")), ids=lambda f: f.stem)
def test_studies_that_ship_are_valid(file: Path) -> None:
    load(yaml.safe_load(file.read_text()))


def test_a_key_that_stands_twice_and_what_is_no_yaml_take_one_line(tmp_path):
    file = tmp_path / "study.yaml"
    for text, words in (
        ("output: a\noutput: b\n", "the key 'output' occurs twice.*line 2"),
        ("output: [a\n", "is not YAML"),
        ("output: {{DIR}}\n", "is not YAML"),
    ):
        file.write_text(text)
        with pytest.raises(RecontrastError, match=words) as error:
            load_file(file)
        assert len(str(error.value).splitlines()) == 1


def test_no_experiment_is_called_as_a_model_of_another() -> None:
    first = {"method": "fcn3d", "inputs": ["T1w", "T2w"], "target": "FLAIR", "fallback": [["T1w"]]}
    second = {"method": "fcn3d", "inputs": ["T1w"], "target": "FLAIR"}
    names = {name: {"suffix": name} for name in ("T1w", "T2w", "FLAIR")}
    config = {"output": "out", "datasets": [{"path": "bids"}], "contrasts": names, "reference": "T1w"}
    with pytest.raises(RecontrastError, match=r"experiments\.FFromT1w: is also the name of a model of F"):
        load(config | {"experiments": {"F": first, "FFromT1w": second}})
    load(config | {"experiments": {"F": first, "FFromT2w": second}})


@pytest.mark.parametrize("name", ["WM", "region", "image", "tissue"])
def test_no_mask_is_called_as_a_place_of_scores(name: str) -> None:
    names = {one: {"suffix": one} for one in ("T1w", "FLAIR")}
    config = {"output": "out", "datasets": [{"path": "bids"}], "contrasts": names, "reference": "T1w"}
    with pytest.raises(RecontrastError, match=f"masks.{name}: is a reserved name"):
        load(config | {"masks": {name: {"of": "FLAIR"}}})
