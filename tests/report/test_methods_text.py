"""The methods section prints what ran, and nothing else."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
from recontrast.errors import RecontrastError
from recontrast.fingerprint import closure
from recontrast.models import recipes
from recontrast.report.methods_text import methods_section, sentences, steps_that_ran


@pytest.fixture
def plan(finished):
    return json.loads(json.dumps(finished(3, volumes=False)))


def test_steps_methods_and_their_references(plan):
    paragraphs, references = methods_section(plan, ["psnr", "ssim"], 10)
    text = " ".join(paragraphs)
    for words in (
        "N4 (Tustison et al. 2010; antspyx 0.6.3)",
        "6 degrees",
        "2 folds",
        "Wang et al. 2004",
        "(n = 1)",
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
    paragraphs, references = methods_section(plan, ["psnr"], 10)
    text = " ".join([*paragraphs, *references])
    assert "supplied preprocessed" in text
    for absent in ("Fonov", "N4", "BET", "median within", "Wei", "Wang"):
        assert absent not in text


def test_only_the_registration_of_what_is_only_registered(plan):
    plan["study"]["prepare"] = "register"
    assert list(steps_that_ran(plan)) == ["register"]
    assert "6 degrees" in methods_section(plan, [], 10)[0][0]


def test_images_that_are_only_registered_are_told(plan):
    plan["study"]["anatomy"] = plan["study"].get("anatomy", {}) | {"raw": ["MESE"]}
    assert "MESE images were registered only" in methods_section(plan, [], 10)[0][0]


def test_maps_are_told_where_they_were_made(plan):
    plan["study"] |= {"diffusion": {"motion": "keep", "fit": "wls", "highest_b": 1200.0}}
    plan["study"] |= {"relaxometry": {"images": {"suffix": "MESE"}}}
    for step, tool in (("correct_motion", "antspyx"), ("fit_tensor", "dipy")):
        plan["backends"][f"diffusion {step}"] = {"backend": "embedded", "tools": {tool: "1.12"}}
    paragraphs, references = methods_section(plan, [], 10)
    assert "weighted least squares to volumes up to b = 1200 s/mm² (dipy 1.12)" in paragraphs[0]
    assert "gradient directions" not in paragraphs[0]
    assert {r.split()[0] for r in references} >= {"Basser", "Garyfallidis", "Warntjes"}


def test_who_stopped_by_validation_and_who_trained_on_these_people_is_told(plan):
    stopped, not_judged = "epoch that was kept", "No validation was needed for"
    assert stopped not in " ".join(methods_section(plan, [], 10)[0])  # nobody was left for it
    for roles in plan["experiments"]["fcn"]["folds"].values():
        roles["validation"] = ["sub-09"]
    text = " ".join(methods_section(plan, [], 10)[0])
    (other,) = set(plan["experiments"]) - {"fcn"}
    assert stopped in text
    assert f"{not_judged} {other}" in text


def test_leaks_and_other_grids_are_told(plan):
    plan["experiments"]["fcn"]["settings"]["leaks"] = True
    plan["sessions"][0]["reference"] = "FLAIR"
    text = " ".join(methods_section(plan, [], 10)[0])
    assert "leaks: true" in text
    assert "without a T1w image (n = 1)" in text


def test_windows_within_slices_are_told(plan):
    assert "SSIM (Wang et al. 2004) was computed in three dimensions" in " ".join(
        methods_section(plan, ["ssim"], 10)[0]
    )
    plan["study"]["evaluation"]["by_slice"] = True
    assert "SSIM (Wang et al. 2004) was computed slice by slice" in " ".join(
        methods_section(plan, ["ssim"], 10)[0]
    )


@pytest.mark.parametrize("method", recipes.available())
def test_every_method_can_be_described_by_its_recipes(plan, method):
    for recipe in recipes.load(method).recipes:
        settings = recipes.resolve(method, recipe)
        plan["experiments"]["fcn"] |= {"method": method, "recipe": recipe, "settings": settings}
        assert recipes.load(method).citation in methods_section(plan, [], 10)[1]


def test_a_sentence_that_asks_for_too_much_names_its_file(plan):
    plan["experiments"]["fcn"]["settings"] = {}
    with pytest.raises(RecontrastError, match=r"fcn3d\.yaml: describes"):
        methods_section(plan, [], 10)


def test_a_recipe_says_where_it_departs_from_the_published_one(plan):
    plan["experiments"]["fcn"]["settings"] |= {"epochs": 7}
    plan["study"]["experiments"] = {"fcn": {"folds": [1]}}
    text = " ".join(methods_section(plan, [], 10)[0])
    published = recipes.load("fcn3d").recipes["paper"]["epochs"]
    # The recipe `paper` is the published one: what differs is the user's.
    assert f"This study differed from the paper recipe in epochs (7 instead of {published})." in text
    assert "The paper recipe differed" not in text
    assert "fcn ran on fold 1 only" in text


def test_what_a_recipe_and_what_a_study_changes_is_told_apart(plan):
    settings = recipes.resolve("cc_dnn", "quick", {"loss": "c1", "then_loss": "c1"})
    plan["experiments"]["fcn"] |= {"method": "cc_dnn", "recipe": "quick", "settings": settings}
    text = " ".join(methods_section(plan, [], 10)[0])
    assert "The quick recipe differed from the published one in maps (16 instead of 64)" in text
    changed = "in loss (c1 instead of c1+c2) and then loss (c1 instead of c1+c3)."
    assert f"This study differed from the quick recipe {changed}" in text
    assert "c1 is the mean squared error." in text
    assert "network: CC-DNN" in text
    assert "closest of" not in text  # c2
    assert "local mean" not in text  # c3


def test_experiments_of_one_recipe_share_a_paragraph(plan):
    before = len(methods_section(plan, [], 10)[0])
    plan["experiments"]["other"] = plan["experiments"]["fcn"] | {"inputs": ["T2w"]}
    paragraphs = methods_section(plan, [], 10)[0]
    assert len(paragraphs) == before
    assert sum("Experiments fcn (T1w to FLAIR) and other (T2w to FLAIR): " in p for p in paragraphs) == 1


def test_each_backend_has_its_own_words(plan):
    for step in ("correct_bias", "register", "segment_tissue"):
        plan["backends"][f"anatomy {step}"] = {"backend": "fsl", "tools": {"FSL": "6.0.7", "nipype": "1.11"}}
    plan["backends"]["anatomy extract_brain"] = {"backend": "ants", "tools": {"envs/ants.yaml": "abc"}}
    paragraphs, references = methods_section(plan, [], 10)
    for words in (
        "estimated by FAST (Zhang et al. 2001; FSL 6.0.7)",
        "with FLIRT",
        "antsBrainExtraction.sh",
        "(Tustison et al. 2014)",
    ):
        assert words in paragraphs[0]
    assert "N4" not in paragraphs[0]
    assert {r.split()[0] for r in references} >= {"Zhang", "Jenkinson", "Tustison"}


def test_metrics_are_told_by_their_source(plan):
    plan["study"]["evaluation"] |= {"metrics": ["psnr", "kim_psnr", "dice"], "regions": ["region", "tissue"]}
    plan["study"]["evaluation"]["structures"] = {"dark": {"within": "WM", "below": 0.1, "above": None}}
    paragraphs, references = methods_section(plan, ["psnr", "kim_psnr", "dice"], 10)
    text = " ".join(paragraphs)
    for words in (
        "inside the brain mask (PSNR (dB))",
        "The metrics of Kim et al. (2020), PSNR (dB), were computed as published",
        "also computed in grey matter, white matter and cerebrospinal fluid",
        "(dark: below 0.1 in WM)",
        "Wilcoxon signed-rank tests",
        "Confidence intervals (95%) are percentile bootstrap intervals from 10000 resamples",
    ):
        assert words in text
    assert "SSIM (Wang" not in text
    assert "outlined" not in text
    plan["study"]["evaluation"]["structures"] = {"disc": {"within": "disc", "drawn": {"fcn": "discFcn"}}}
    said = " ".join(methods_section(plan, ["dice"], 10)[0])
    assert (
        "outlined on both images, as masks supplied with the cohort (disc: disc on the acquired image" in said
    )
    assert "by thresholds" not in said
    assert "Friedman" not in text  # two experiments have no ranks to test
    assert {"Kim", "Dice", "Holm", "Kerby"} <= {reference.split()[0] for reference in references}


LESIONS = {
    "method": "lpa", "flair": "FLAIR", "t1w": "T1w", "manual": "drawn", "coefficients": "manual", "kappa": None,
    "features": "extended", "threshold": 0.5, "smallest": 0.0, "command": None, "fill": False,
    "network": {"filters": 8, "epochs": 20},
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "learned", "words", "cited"),
    [
        ("lpa", 0, "the intensity terms to 2 participants, the spatial effect to 29", "Lesjak"),
        ("lpa", 5, "fitted to manual masks (5 sessions); for the participants of a fold", "Schmidt"),
        ("lga", 0, "κ for its seeds was 0.1", "Schmidt"),
        ("network", 5, "trained for 20 epochs", "Dice"),
        ("external", 0, "by the command lst", "Dice"),
    ],
)
def test_lesions_are_told_with_where_their_coefficients_are_from(plan, method, learned, words, cited):
    plan["study"]["lesions"] = LESIONS | {
        "method": method,
        "command": "lst" if method == "external" else None,
    }
    plan["ran"] |= {"lesions": 3, "lesions_learned": learned, "lesion_pairs": ["these against those"]}
    plan["ran"]["lesions_given"] = "manual masks"
    paragraphs, references = methods_section(plan, [], 10)
    assert words in " ".join(paragraphs)
    assert "these against those" in " ".join(paragraphs)
    assert cited in {reference.split()[0] for reference in references}
    assert ("Lesjak" in " ".join(references)) == (method == "lpa" and not learned)


@pytest.mark.parametrize(
    ("method", "stands_in"),
    [
        ("lpa", "the coefficients were those supplied with Recontrast, on the intensity relative to"),
        ("lga", "the threshold κ for its seeds was 0.1."),
    ],
)
def test_what_stands_in_where_nobody_else_has_masks_is_told(plan, method, stands_in):
    plan["study"]["lesions"] = LESIONS | {"method": method, "features": "lst"}
    plan["ran"] |= {"lesions": 3, "lesions_learned": 5, "lesions_untaught": 2}
    text = " ".join(methods_section(plan, [], 10)[0])
    assert f"no other participant had a mask to learn from (n = 2), {stands_in}" in text
    assert ("published lesion belief" in text) == (method == "lpa")
    # With nobody at all to learn from, the features that were asked for did not run.
    plan["ran"] |= {"lesions_learned": 0, "lesions_untaught": 5}
    text = " ".join(methods_section(plan, [], 10)[0])
    assert "published lesion belief" not in text
    assert stands_in[1:] in text


def test_influence_masks_and_dicom_are_told_where_they_were(plan):
    plan["ran"] |= {"converted": 4, "masks": {"drawn": 2, "none": 0}, "influence": {"p3s": ["fcn"]}}
    paragraphs, references = methods_section(plan, [], 10)
    text = " ".join(paragraphs)
    assert "dcm2niix (Li et al. 2016)" in text
    assert "(drawn: 2 sessions)" in text
    assert "P3S; Wei et al. 2019" in text
    assert "Simonyan" not in " ".join(references)


def test_libraries_are_told_and_cited_where_they_did_the_arithmetic(plan):
    paragraphs, references = methods_section(plan, ["psnr"], 10)
    cited = {reference.split()[0] for reference in references}
    for words in (
        "NumPy (Harris",
        "SciPy 1.16.0 (Virtanen",
        "scikit-image 0.26.0",
        "PyTorch 2.9.0",
        "statsmodels (",
    ):
        assert words in paragraphs[-2]
    assert cited >= {"Harris", "Brett", "Virtanen", "van", "Seabold", "Paszke", "Mölder"}
    assert not cited & {"Cardoso", "Pedregosa", "Lam", "Gorgolewski"}
    # Nothing is scored, and nothing is a network.
    plan["study"]["prepare"], plan["backends"] = "none", {}
    del plan["experiments"]["voxels"]
    plan["experiments"]["fcn"] |= {
        "method": "random_forest",
        "recipe": "quick",
        "settings": recipes.resolve("random_forest", "quick"),
    }
    cited = {reference.split()[0] for reference in methods_section(plan, [], 10)[1]}
    assert cited >= {"Harris", "Brett", "Pedregosa", "Lam"}
    assert not cited & {"Paszke", "Seabold", "van"}


@pytest.mark.parametrize(
    ("method", "learned", "cited"),
    [
        ("network", 5, {"Cardoso", "Paszke"}),
        ("lpa", 5, {"Pedregosa", "Fonov", "Abraham"}),
        ("lga", 0, {"Fonov"}),
    ],
)
def test_libraries_of_lesions_are_cited(plan, method, learned, cited):
    plan["study"]["prepare"], plan["backends"], plan["experiments"] = "none", {}, {}
    before = {reference.split()[0] for reference in methods_section(plan, [], 10)[1]}
    plan["study"]["lesions"] = LESIONS | {"method": method}
    plan["ran"] |= {"lesions": 3, "lesions_learned": learned}
    after = {reference.split()[0] for reference in methods_section(plan, [], 10)[1]}
    assert not before & cited
    assert after >= cited | {"Virtanen"}


@pytest.mark.parametrize("method", recipes.available())
def test_every_method_is_said_to_use_the_libraries_that_it_imports(method):
    words = " ".join(
        Path(importlib.util.find_spec(module).origin).read_text()
        for module in closure(f"recontrast.methods.{method}")
    )
    found = {
        library
        for library, name in {
            "torch": "torch",
            "scikit-learn": "sklearn",
            "numba": "numba",
            "scipy": "scipy",
        }.items()
        if re.search(rf"^\s*(from|import) {name}\b", words, re.MULTILINE)
    }
    said = set(sentences()["software"]["without_network"].get(method, ["torch"]))
    # Where scores are taken, scipy is cited anyway.
    assert found - {"scipy"} == said - {"scipy"}


def test_what_so_many_participants_allow_is_claimed(plan):
    plan["study"]["tables"] = {
        "Table1": {"marks": {"against": "fcn", "correction": "none"}},
        "Harmonised": {"marks": {"against": "fcn", "correction": "holm"}},
    }
    several, few, one = (" ".join(methods_section(plan, ["psnr"], n)[0]) for n in (6, 5, 1))
    assert "Significance marks in the table Table1 refer to p values that were not corrected" in several
    assert "in the table Harmonised refer to p values corrected" in several
    assert "bootstrap" in several
    assert "bootstrap" not in few
    assert "Wilcoxon" in few
    assert not {"Wilcoxon", "Shapiro", "standard deviation"} & {*one.replace("(", "").split()}
    assert "Values are those of one participant" in one


def test_every_reference_that_a_sentence_needs_exists():
    text = sentences()
    needed = [
        key for step in text["steps"].values() for entry in step.values() for key in entry["references"]
    ]
    entries = [text["conversion"], text["statistics"], *text["statistics"]["from"], text["ranks"]]
    entries += [*text["sources"].values(), *text["influence"].values()]
    needed += [key for entry in entries for key in entry.get("references", [])]
    needed += [key for keys in text["lesion_references"].values() for key in keys]
    needed += text["relaxometry"]["references"]
    needed += [entry["reference"] for entry in text["software"]["libraries"].values()]
    needed += [key for keys in text["tools"].values() for key in keys]
    assert set(needed) <= set(text["references"])


def test_an_inversion_time_is_told_of_sequences_that_have_one(plan):
    for equation in ("inversion_recovery", "spin_echo"):
        settings = recipes.resolve("bloch", "paper", {"equation": equation})
        plan["experiments"]["fcn"] |= {"method": "bloch", "settings": settings}
        text = " ".join(methods_section(plan, [], 10)[0])
        assert f"({equation.replace('_', ' ')}, TR 15000 ms" in text
        assert ("inversion time was 3000 ms" in text) == (equation == "inversion_recovery")
