"""Recipes: complete, described, and checked before anything runs."""

import re
import subprocess
import sys

import pytest
from recontrast.errors import RecontrastError
from recontrast.models import recipes
from recontrast.models.contradictions import contradictions


@pytest.mark.parametrize("method", recipes.available())
def test_every_recipe_resolves_and_describes_itself(method):
    facts = recipes.load(method)
    assert facts.title
    assert facts.citation
    for name in facts.recipes:
        values = recipes.resolve(method, name)
        assert set(values) == set(facts.recipes["paper"])
        # Its own values, given as overrides, pass the checks.
        assert recipes.resolve(method, name, values) == values
        sentence = recipes.describe(method, values)
        assert "{" not in sentence
    for key, allowed in facts.choices.items():
        assert facts.recipes["paper"][key] in allowed
    assert {"paper", "quick"} <= set(facts.recipes)


@pytest.mark.parametrize("method", recipes.available())
def test_no_recipe_contradicts_itself(method):
    facts = recipes.load(method)
    for name in facts.recipes:
        assert contradictions(method, recipes.resolve(method, name), len(facts.inputs)) == []


@pytest.mark.parametrize(
    ("method", "recipe", "changes", "said", "unsaid"),
    [
        ("replica", "paper", {}, "coarser resolution", "averaged"),
        (
            "replica",
            "paper",
            {"scales": "average"},
            "independent, and their estimates were averaged",
            "coarser",
        ),
        ("bloch", "paper", {}, "median over the training targets", "one factor"),
        ("bloch", "paper", {"scale": "cohort"}, "one factor", "median"),
        ("pixel_gan", "quick", {}, "10 times the absolute difference", ""),
        ("pixel_gan", "paper", {}, "", "times the absolute difference"),
    ],
)
def test_the_description_follows_the_settings(method, recipe, changes, said, unsaid):
    sentence = recipes.describe(method, recipes.resolve(method, recipe, changes))
    assert said in sentence
    assert not unsaid or unsaid not in sentence


@pytest.mark.parametrize(
    ("method", "changes", "problem"),
    [
        (
            "cc_dnn",
            {"network": "unet", "patch": 16, "batch": 1},
            "one value for the U-Net's deepest normalisation",
        ),
        ("pixel_gan", {"start_iterations": 0, "adversarial_iterations": 0}, "are both 0"),
    ],
)
def test_settings_that_cannot_be_together(method, changes, problem):
    facts = recipes.load(method)
    (error,) = contradictions(method, recipes.resolve(method, "paper", changes), len(facts.inputs))
    assert problem in str(error)
    key = next(iter(changes))
    mended = recipes.resolve(method, "paper", changes | {key: facts.recipes["paper"][key]})
    assert not contradictions(method, mended, len(facts.inputs))


@pytest.mark.parametrize(
    ("method", "key"), [("cc_dnn", "patches_per_epoch"), ("patch_to_voxel", "validation_voxels")]
)
def test_of_none_nothing_could_be_learned(method, key):
    with pytest.raises(RecontrastError, match=f"{key}: is 0"):
        recipes.resolve(method, "paper", {key: 0})


def test_all_problems_at_once_with_the_nearest_names():
    wrong = {"epoch": 3, "batch": "many", "dropout": -1, "bfloat16": 1, "patch": 4, "epochs": 2.5}
    with pytest.raises(RecontrastError) as caught:
        recipes.resolve("patch_to_voxel", "quick", wrong)
    message = str(caught.value)
    assert "unknown key epoch (did you mean epochs?)" in message
    assert "batch: 'many' is not a whole number" in message
    assert "dropout: -1.0 is not zero or more" in message
    assert "bfloat16: 1 is not true or false" in message
    assert "patch: 4 is not one of [1, 3, 5, 7]" in message
    assert "epochs: 2.5 is not a whole number" in message


def test_where_a_recipe_leaks_the_last_epoch_is_kept_unless_said_otherwise():
    for method in ("fcn3d", "unet3d", "voxel_mlp"):
        assert recipes.resolve(method)["keep"] == "best"
        leaky = recipes.resolve(method, "paper", {"leaks": True})
        assert leaky["keep"] == "last"
        assert recipes.resolve(method, "paper", leaky) == leaky
        assert recipes.resolve(method, "paper", {"leaks": True, "keep": "best"})["keep"] == "best"
        # Who validates still says when to stop; where nothing stops, there is nothing to decide.
        assert recipes.validates(method, leaky)
        assert not recipes.validates(method, leaky | {"stop_rises": 0})


def test_nothing_of_something_is_refused():
    with pytest.raises(RecontrastError, match="batch: is 0; stop_strip: is 0"):
        recipes.resolve("fcn3d", "quick", {"batch": 0, "stop_strip": 0, "stop_rises": 0, "crop": 0})


@pytest.mark.parametrize(
    ("method", "key", "value", "message"),
    [
        ("patch_to_voxel", "dropout", 1, "dropout: 1.0 is not below 1"),
        ("pix2pix", "beta1", 1.5, "beta1: 1.5 is not below 1"),
        ("pixel_gan", "start_beta1", 1, "start_beta1: 1.0 is not below 1"),
        ("pixel_gan", "adversarial_beta1", 9, "adversarial_beta1: 9.0 is not below 1"),
        ("pixel_gan", "water_echo", 1.1, "water_echo: 1.1 is above 1"),
        ("pixel_gan", "water_recovery", 30, "water_recovery: 30.0 is above 1"),
        ("pixel_gan", "saturation_angle", 181, "saturation_angle: 181.0 is above 180"),
        ("pixel_gan", "excitation_angle", 900, "excitation_angle: 900.0 is above 180"),
        ("cc_dnn", "momentum", 10, "momentum: 10.0 is above 1"),
        ("random_forest", "feature_share", 33, "feature_share: 33.0 is above 1"),
        ("replica", "feature_share", 0, "feature_share: is 0"),
        ("cc_dnn", "momentum", 0, "momentum: is 0"),
        ("modality_propagation", "iterations", 0, "iterations: is 0"),
        ("unet2d", "percentile", 101, "percentile: 101.0 is above 100"),
        ("modality_propagation", "percentile", 995, "percentile: 995.0 is above 100"),
    ],
)
def test_shares_percentiles_and_angles_have_an_end(method, key, value, message):
    with pytest.raises(RecontrastError) as caught:
        recipes.resolve(method, "paper", {key: value})
    assert str(caught.value).partition(": ")[2].startswith(f"{message}; valid keys are")


def test_every_share_has_an_end():
    """What is at most 1 in every recipe of every method is a share, but for these."""
    others = re.compile("rate|weight|decay|gain")
    for method in recipes.available():
        facts = recipes.load(method)
        for key, value in facts.recipes["paper"].items():
            if isinstance(value, float) and 0 < value < 1 and not others.search(key):
                assert key in recipes.HIGHEST | recipes.BELOW, (method, key)


def test_overrides_win_and_numbers_are_understood():
    values = recipes.resolve("fcn3d", "quick", {"learning_rate": "5e-4", "filters": 32, "leaks": True})
    assert (values["learning_rate"], values["filters"], values["leaks"]) == (5e-4, 32, True)
    assert recipes.resolve("patch_to_voxel", "paper", {"percentile": 99})["percentile"] == 99.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("fcn", "paper"), "did you mean fcn3d"), (("fcn3d", "quik"), "did you mean quick")],
)
def test_unknown_names(arguments, message):
    with pytest.raises(RecontrastError, match=message):
        recipes.resolve(*arguments)


def test_recipes_are_read_without_torch():
    code = (
        "import sys; from recontrast.models import recipes; recipes.load('fcn3d');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
