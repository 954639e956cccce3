"""The typed study: defaults, and all mistakes at once with the nearest valid name."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from recontrast.config import Study, load
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
