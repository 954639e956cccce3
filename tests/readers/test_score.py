"""Answers whose means, winners and agreement are known."""

import json
from statistics import stdev

import pandas as pd
import pytest
from recontrast import tables
from recontrast.errors import RecontrastError
from recontrast.readers.forms import Form, load
from recontrast.readers.make import KEY
from recontrast.readers.ratings import ALL, preferences
from recontrast.readers.ratings import tests as compare_experiments
from recontrast.readers.score import ANSWER_COLUMNS, score

SESSIONS = [f"sub-{number:02d}" for number in range(1, 9)]
CATEGORIES = ("Lesions: borders", "Tissue: cortex")
FORM = {
    "title": "x",
    "scale": {1: "bad", 2: "poor", 3: "fair", 4: "good", 5: "excellent"},
    "categories": [{"group": "Lesions", "name": "borders"}, {"group": "Tissue", "name": "cortex"}],
    "pairs": [{"name": "swelling", "question": "Which?"}],
}


def write_key(folder, rows, experiments, form):
    tables.write(folder / "key.tsv", list(KEY), rows)
    about = {"Study": "s", "Form": form.model_dump(mode="json"), "Experiments": experiments}
    (folder / "key.json").write_text(json.dumps(about))


@pytest.fixture
def study(tmp_path):
    """Eight sessions, two experiments, two readers: Patch is one better than Forest, reader B one stricter."""
    key, codes = [], {}
    for session in SESSIONS:
        for experiment in ("Forest", "Patch"):
            codes[session, experiment] = f"{len(key):04d}"
            key.append({"code": codes[session, experiment], "session": session, "experiment": experiment})
    write_key(tmp_path, key, ["Patch", "Forest"], Form.model_validate(FORM))
    for reader, strictness in (("A", 0), ("B", 1)):
        rows = []
        for number, session in enumerate(SESSIONS):
            for experiment, better in (("Forest", 0), ("Patch", 1)):
                for category in CATEGORIES:
                    answer = 2 + number % 3 + better - strictness
                    rows.append((codes[session, experiment], "n/a", category, answer))
            pair = codes[session, "Forest"], codes[session, "Patch"]
            rows.append((*pair, "swelling", pair[0] if number < 7 else "neither"))
        named = [dict(zip(ANSWER_COLUMNS, ("s", reader, *row), strict=True)) for row in rows]
        tables.write(tmp_path / f"{reader}.tsv", ANSWER_COLUMNS, named)
    return tmp_path


def table(path):
    return pd.read_csv(path, sep="\t", na_values="n/a")


def test_means_tests_agreement_and_pairs(study):
    score(study / "key.tsv", [study / "A.tsv", study / "B.tsv"], study / "out", against="Patch")
    means = table(study / "out/scores.tsv").set_index(["category", "experiment"])
    expected = sum(2 + number % 3 - 0.5 for number in range(8)) / 8
    assert means.loc[(ALL, "Forest"), "mean"] == pytest.approx(expected)
    assert means.loc[(ALL, "Patch"), "mean"] == pytest.approx(expected + 1)
    assert means.loc[(CATEGORIES[0], "Patch"), "n"] == 16
    tests = table(study / "out/tests.tsv").set_index("category")
    # In the order of the study, and corrected within a category: here one pair.
    assert tests.loc[ALL, ["experiment", "other"]].to_list() == ["Patch", "Forest"]
    assert tests.loc[ALL, "difference"] == pytest.approx(1)
    assert tests.loc[ALL, "p"] == tests.loc[ALL, "smallest_p"] == pytest.approx(2 / 2**8)
    assert tests.loc[ALL, "p_holm"] == tests.loc[ALL, "p"]
    # One reader a point below the other everywhere: absolute agreement is not perfect, and the same for both.
    agreement = table(study / "out/agreement.tsv")
    assert agreement["icc"].nunique() == 1
    assert 0 < agreement["icc"][0] < 1
    # Two readers of a session have one vote.
    pairs = table(study / "out/pairs.tsv").iloc[0]
    assert pairs[["experiment", "other", "first", "second", "neither"]].to_list() == [
        "Patch",
        "Forest",
        0,
        7,
        1,
    ]
    assert pairs[["answers_first", "answers_second", "answers_neither"]].to_list() == [0, 14, 2]
    assert pairs["p"] == pytest.approx(2 / 2**7)
    lines = (study / "out/scores.md").read_text().splitlines()
    assert "|  | Patch | Forest | P |" in lines
    spread = stdev(2 + number % 3 - strict for number in range(8) for strict in (0, 1))
    borders = next(line for line in lines if line.startswith("| Lesions: borders"))
    assert (
        borders
        == f"| Lesions: borders | **{expected + 1:.2f} ± {spread:.2f}** | {expected:.2f} ± {spread:.2f}\\*\\* | 0.008 |"
    )
    assert any("against Patch: exact Wilcoxon" in line and "one comparison a row" in line for line in lines)
    assert r"\toprule" in (study / "out/scores.tex").read_text()
    assert f"| ICC | {agreement['icc'][0]:.2f} (" in (study / "out/agreement.md").read_text()


def answers(folder, reader, given):
    named = [dict(zip(ANSWER_COLUMNS, ("s", reader, *row), strict=True)) for row in given]
    tables.write(folder / f"{reader}.tsv", ANSWER_COLUMNS, named)
    return folder / f"{reader}.tsv"


def test_the_tables_of_hagiwaras_reader(tmp_path):
    """Beside the printed ones; fewer artefacts are better, and no mean goes over several scales."""
    form, experiments = load("hagiwara2019"), ["Bloch", "DlFlair"]
    codes = {(session, e): f"{i}{e[0]}" for i, session in enumerate(SESSIONS) for e in experiments}
    write_key(
        tmp_path,
        [{"code": c, "session": s, "experiment": e} for (s, e), c in codes.items()],
        experiments,
        form,
    )
    given = [
        (code, "n/a", category.label, 2 if experiment == "DlFlair" else 4)
        for (_, experiment), code in codes.items()
        for category in form.categories
    ]
    files = [answers(tmp_path, reader, given) for reader in ("A", "B")]
    score(tmp_path / "key.tsv", files, tmp_path / "out")
    lines = (tmp_path / "out/scores.md").read_text().splitlines()
    shown = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    assert shown[0] == ["", "Synthetic FLAIR", "DL-FLAIR", "P"]
    assert [row[0] for row in shown[2:]] == [
        "Lesion conspicuity", "Surface hyperintensity", "Granular artifacts", "Other artifacts",
    ]  # fmt: skip
    assert shown[2][1:] == ["**4.00 ± 0.00** [3.8 ± 0.40]", "2.00 ± 0.00 [3.7 ± 0.46]", "0.008 [.59]"]
    assert shown[4][1:] == ["4.00 ± 0.00 [4 ± 1.1]", "**2.00 ± 0.00** [2.3 ± 0.90]", "0.008 [.003]"]
    assert any("Granular artifacts: 1 none" in line and "lower is better" in line for line in lines)
    for name in ("scores", "tests", "agreement"):
        assert ALL not in set(table(tmp_path / f"out/{name}.tsv")["category"])
    assert "ICC(2,1) over images that" in (tmp_path / "out/agreement.md").read_text()


def test_stars_are_corrected_for_the_comparisons_of_a_row(tmp_path):
    """Four experiments, three comparisons with one: six pairs would be too many for eight sessions."""
    experiments = ["D", "C", "B", "A"]
    key = [
        {"code": f"{i}{e}", "session": s, "experiment": e}
        for i, s in enumerate(SESSIONS)
        for e in experiments
    ]
    write_key(tmp_path, key, experiments, Form.model_validate(FORM))
    given = [
        (row["code"], "n/a", c, 1 + experiments.index(row["experiment"])) for row in key for c in CATEGORIES
    ]
    score(tmp_path / "key.tsv", [answers(tmp_path, "A", given)], tmp_path / "out", against="A")
    text = (tmp_path / "out/scores.md").read_text()
    assert r"| Tissue: cortex | 1.00 ± 0.00\* | 2.00 ± 0.00\* | 3.00 ± 0.00\* | **4.00 ± 0.00** |" in text
    assert "Holm's correction over the 3 comparisons of a row" in text
    tests = table(tmp_path / "out/tests.tsv")
    assert set(tests["p_holm"].round(6)) == {round(6 * 2 / 2**8, 6)}


def test_readers_who_disagree_leave_a_session_undecided():
    rows = [("s1", "X"), ("s1", "Y"), ("s2", "X"), ("s2", "X"), ("s2", "Y")]
    paired = pd.DataFrame(rows, columns=["session", "named"]).assign(question="q", experiment="Y", other="X")
    found = preferences(paired, ["X", "Y"]).iloc[0]
    assert found[["experiment", "first", "second", "neither"]].to_list() == ["X", 1, 0, 1]
    assert found[["answers_first", "answers_second", "answers_neither", "p"]].to_list() == [3, 2, 0, 1]


def test_answers_of_another_study_are_refused(study):
    (study / "A.tsv").write_text((study / "A.tsv").read_text().replace("\t0000\t", "\t9999\t"))
    with pytest.raises(RecontrastError, match="does not have"):
        score(study / "key.tsv", [study / "A.tsv"], study / "out")


def test_answers_that_bear_another_study_are_refused(study):
    rows = [row | {"study": "t"} for row in tables.read(study / "A.tsv", ANSWER_COLUMNS)]
    tables.write(study / "A.tsv", ANSWER_COLUMNS, rows)
    with pytest.raises(RecontrastError, match="answers another study"):
        score(study / "key.tsv", [study / "A.tsv"], study / "out")


def test_sessions_of_one_person_count_once():
    """Three visits of each of three people: with three people no p is below .25."""
    rows = [
        (f"sub-{who}_ses-{visit}", name, "c", value)
        for who in range(3)
        for visit in range(3)
        for name, value in (("X", 2), ("Y", 4 + visit / 3))
    ]
    rated = pd.DataFrame(rows, columns=["session", "experiment", "category", "score"])
    (row,) = compare_experiments(rated, ["c"], ["X", "Y"]).to_dict("records")
    assert (row["n"], row["p"]) == (3, 0.25)
    paired = rated[rated["experiment"] == "X"].assign(question="q", other="Y", named="X")
    assert preferences(paired, ["X", "Y"]).iloc[0][["first", "p"]].to_list() == [3, 0.25]


def test_one_reader_has_scores_but_no_agreement(study):
    score(study / "key.tsv", [study / "A.tsv"], study / "out")
    assert table(study / "out/agreement.tsv")["icc"].isna().all()


def test_answers_to_other_questions_and_a_key_without_its_form_are_refused(study):
    (study / "A.tsv").write_text((study / "A.tsv").read_text().replace("Tissue: cortex", "Tissue: skull"))
    with pytest.raises(RecontrastError, match="does not ask"):
        score(study / "key.tsv", [study / "A.tsv"], study / "out")
    (study / "key.json").unlink()
    with pytest.raises(RecontrastError, match=r"key.json: does not exist"):
        score(study / "key.tsv", [study / "B.tsv"], study / "out")
