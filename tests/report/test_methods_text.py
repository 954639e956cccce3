"""The methods section prints what ran, and nothing else."""

import json

import pytest
from recontrast.errors import RecontrastError
from recontrast.methods import recipes
from recontrast.report.methods_text import methods_section, sentences, steps_that_ran


@pytest.fixture
def plan(finished):
    return json.loads(json.dumps(finished(3, volumes=False)))


def test_steps_methods_and_their_references(plan):
    paragraphs, references = methods_section(plan, ["psnr", "ssim"])
    text = " ".join(paragraphs)
    for words in (
        "N4 (Tustison et al. 2010; antspyx 0.6.3)",
        "6 degrees",
        "2 folds",
        "Wang et al. 2004",
        "(1)",
    ):
        assert words in text
    assert recipes.load("fcn3d").citation in references
    assert any(reference.startswith("Tustison NJ, Avants") for reference in references)
    assert len(set(references)) == len(references)
    assert "{" not in text
    assert "scipy" not in text


def test_only_what_ran_is_cited(plan):
    plan["study"]["prepare"], plan["backends"] = "none", {}
    del plan["experiments"]["fcn"]
    paragraphs, references = methods_section(plan, ["psnr"])
    text = " ".join([*paragraphs, *references])
    assert "already prepared" in text
    for absent in ("Fonov", "N4", "BET", "median inside", "Wei", "Wang"):
        assert absent not in text


def test_only_the_registration_of_what_is_only_registered(plan):
    plan["study"]["prepare"] = "register"
    assert list(steps_that_ran(plan)) == ["register"]
    assert "6 degrees" in methods_section(plan, [])[0][0]


def test_maps_are_told_where_they_were_made(plan):
    plan["study"] |= {"diffusion": {"motion": "keep", "fit": "wls", "highest_b": 1200.0}}
    plan["study"] |= {"relaxometry": {"images": {"suffix": "MESE"}}}
    for step, tool in (("correct_motion", "antspyx"), ("fit_tensor", "dipy")):
        plan["backends"][f"diffusion {step}"] = {"backend": "embedded", "tools": {tool: "1.12"}}
    paragraphs, references = methods_section(plan, [])
    assert "weighted least squares to volumes up to b = 1200 s/mm² (dipy 1.12)" in paragraphs[0]
    assert "gradient directions" not in paragraphs[0]
    assert {r.split()[0] for r in references} >= {"Basser", "Garyfallidis", "Warntjes"}


def test_leaks_and_other_grids_are_told(plan):
    plan["experiments"]["fcn"]["settings"]["leaks"] = True
    plan["sessions"][0]["reference"] = "FLAIR"
    text = " ".join(methods_section(plan, [])[0])
    assert "leaks: true" in text
    assert "without T1w (1)" in text


@pytest.mark.parametrize("method", recipes.available())
def test_every_method_can_be_described_by_its_recipes(plan, method):
    for recipe in recipes.load(method).recipes:
        settings = recipes.resolve(method, recipe)
        plan["experiments"]["fcn"] |= {"method": method, "recipe": recipe, "settings": settings}
        assert recipes.load(method).citation in methods_section(plan, [])[1]


def test_a_sentence_that_asks_for_too_much_names_its_file(plan):
    plan["experiments"]["fcn"]["settings"] = {}
    with pytest.raises(RecontrastError, match=r"fcn3d\.yaml: describes"):
        methods_section(plan, [])


def test_every_reference_that_a_sentence_needs_exists():
    text = sentences()
    needed = [key for step in text["steps"].values() for key in step["references"]]
    needed += text["relaxometry"]["references"]
    needed += [key for keys in text["tools"].values() for key in keys]
    assert set(needed) <= set(text["references"])
