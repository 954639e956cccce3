"""Answers whose means, winners and agreement are known."""

import json
from statistics import stdev

import pandas as pd
import pytest
from recontrast import tables
from recontrast.errors import RecontrastError
from recontrast.readers import dictionaries, printed
from recontrast.readers.answers import COLUMNS as ANSWER_COLUMNS
from recontrast.readers.forms import Form, load
from recontrast.readers.ratings import ALL, agreement, means, preferences
from recontrast.readers.ratings import tests as compare_experiments
from recontrast.readers.score import score

SESSIONS = [f"sub-{number:02d}" for number in range(1, 9)]
CATEGORIES = ("Lesions: borders", "Tissue: cortex")
FORM = {
    "title": "x",
    "scale": {1: "bad", 2: "poor", 3: "fair", 4: "good", 5: "excellent"},
    "categories": [{"group": "Lesions", "name": "borders"}, {"group": "Tissue", "name": "cortex"}],
    "pairs": [{"name": "swelling", "question": "Which?"}],
}


def write_key(folder, rows, experiments, form):
    tables.write(folder / "key.tsv", list(dictionaries.KEY), rows)
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


def test_answers_without_pairs_leave_no_pairs_of_others(study):
    score(study / "key.tsv", [study / "A.tsv"], study / "out")
    given = pd.read_csv(study / "A.tsv", sep="\t", dtype=str, keep_default_na=False)
    given[given["other"] == "n/a"].to_csv(study / "ratings alone.tsv", sep="\t", index=False)
    score(study / "key.tsv", [study / "ratings alone.tsv"], study / "out")
    assert not [*(study / "out").glob("pairs.*")]


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
        == f"| Lesions: borders | **{expected + 1:.2f} ± {spread:.2f}** | {expected:.2f} ± {spread:.2f}\\*\\* "
        "| 0.0078 |"
    )
    assert any("against Patch: exact Wilcoxon" in line and "one comparison per row" in line for line in lines)
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
    assert shown[2][1:] == ["**4.00 ± 0.00** [3.8 ± 0.40]", "2.00 ± 0.00 [3.7 ± 0.46]", "0.0078 [.59]"]
    assert shown[4][1:] == ["4.00 ± 0.00 [4 ± 1.1]", "**2.00 ± 0.00** [2.3 ± 0.90]", "0.0078 [.003]"]
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
    assert "Holm's correction over the 3 comparisons of each row" in text
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
    with pytest.raises(RecontrastError, match="not in the key"):
        score(study / "key.tsv", [study / "A.tsv"], study / "out")


def test_answers_that_bear_another_study_are_refused(study):
    rows = [row | {"study": "t"} for row in tables.read(study / "A.tsv", ANSWER_COLUMNS)]
    tables.write(study / "A.tsv", ANSWER_COLUMNS, rows)
    with pytest.raises(RecontrastError, match="has answers for another study"):
        score(study / "key.tsv", [study / "A.tsv"], study / "out")


def test_sessions_of_one_person_count_once():
    """Three visits of each of three people: with three people no p is below .25."""
    rows = [
        (f"sub-{who}_ses-{visit}", name, "c", value)
        for who in range(3)
        for visit in range(3)
        for name, value in (("X", 2), ("Y", 4 + visit / 3))
    ]
    rated = pd.DataFrame(rows, columns=["session", "experiment", "category", "score"]).assign(reader="A")
    (row,) = compare_experiments(rated, ["c"], ["X", "Y"]).to_dict("records")
    assert (row["n"], row["p"]) == (3, 0.25)
    paired = rated[rated["experiment"] == "X"].assign(question="q", other="Y", named="X")
    assert preferences(paired, ["X", "Y"]).iloc[0][["first", "p"]].to_list() == [3, 0.25]


def test_what_a_strict_reader_left_out_does_not_favour_the_other_experiment():
    rows = [
        (f"sub-{who}", reader, name, "c", score)
        for who in range(8)
        for reader, score in (("strict", 1), ("mild", 3 + who % 2))
        for name in ("X", "Y")
        if (reader, name) != ("strict", "Y")
    ]
    rated = pd.DataFrame(rows, columns=["session", "reader", "experiment", "category", "score"])
    (row,) = compare_experiments(rated, ["c"], ["X", "Y"]).to_dict("records")
    assert (row["n"], row["difference"], row["p"]) == (8, 0, 1)


def test_one_reader_has_scores_but_no_agreement(study):
    score(study / "key.tsv", [study / "A.tsv"], study / "out")
    assert table(study / "out/agreement.tsv")["icc"].isna().all()


def test_an_agreement_just_below_none_is_none():
    found = pd.DataFrame([{"category": "c", "experiment": "X", "icc": -0.001, "band": "poor"}])
    (((cell,),), _) = printed.agreement(load("hagiwara2019"), found, ["X"])
    assert cell["text"] == "0.00 (poor)"


def test_answers_to_other_questions_and_a_key_without_its_form_are_refused(study):
    (study / "A.tsv").write_text((study / "A.tsv").read_text().replace("Tissue: cortex", "Tissue: skull"))
    with pytest.raises(RecontrastError, match="not in the form"):
        score(study / "key.tsv", [study / "A.tsv"], study / "out")
    (study / "key.json").unlink()
    with pytest.raises(RecontrastError, match=r"key.json: does not exist"):
        score(study / "key.tsv", [study / "B.tsv"], study / "out")


def changed(study, name, change):
    """A further file of reader A: its answers, each as `change` makes it; what it drops is not answered."""
    rows = [change(row) for row in tables.read(study / "A.tsv", ANSWER_COLUMNS)]
    tables.write(study / name, ANSWER_COLUMNS, [row for row in rows if row])
    return study / name


def test_two_files_of_one_reader_may_repeat_and_add_but_not_contradict(study):
    earlier = changed(study, "earlier.tsv", lambda row: row if row["image"] < "0005" else None)
    given = [study / "A.tsv", earlier, study / "A.tsv", study / "B.tsv"]
    for order in (given, given[::-1]):
        score(study / "key.tsv", order, study / "out")
        assert len(table(study / "out/ratings.tsv")) == 2 * 16 * 2
    other = changed(study, "other.tsv", lambda row: row | {"answer": "1"} if row["image"] == "0003" else row)
    for order in ((study / "A.tsv", other), (other, study / "A.tsv")):
        with pytest.raises(RecontrastError) as caught:
            score(study / "key.tsv", [study / "B.tsv", *order], study / "out")
        said = str(caught.value)
        assert said.startswith(
            f"{order[1]}: has answers of reader 'A' that differ from those in {order[0]}, 2 in all"
        )
        assert "for image 0003; if two readers have the same name, change it in the column reader" in said
    twice = study / "twice.tsv"
    twice.write_text((study / "A.tsv").read_text() + other.read_text().partition("\n")[2])
    with pytest.raises(RecontrastError, match="differ from those in other rows, 2 in all"):
        score(study / "key.tsv", [twice], study / "out")


@pytest.mark.parametrize(
    ("image", "question", "value", "said"),
    [
        (
            "0003",
            "Tissue: cortex",
            "7",
            "has the answer '7' to 'Tissue: cortex' for image 0003; allowed are 1, 2, 3, 4, 5",
        ),
        ("0003", "Tissue: cortex", "n/a", "has the answer 'n/a' to"),
        (
            "0002",
            "swelling",
            "0005",
            "'0005' to 'swelling' for images 0002 and 0003; allowed are 0002, neither, 0003",
        ),
    ],
)
def test_answers_off_the_scale_are_refused(study, image, question, value, said):
    wrong = changed(
        study,
        "wrong.tsv",
        lambda row: row | {"answer": value} if (row["image"], row["question"]) == (image, question) else row,
    )
    with pytest.raises(RecontrastError) as caught:
        score(study / "key.tsv", [wrong], study / "out")
    assert f"{wrong}: " in str(caught.value)
    assert said in str(caught.value)


def test_a_pair_with_an_image_that_the_key_lacks_is_refused(study):
    wrong = changed(
        study, "wrong.tsv", lambda row: row | {"other": "9999"} if row["other"] == "0003" else row
    )
    with pytest.raises(RecontrastError, match=r"not in the key \(9999\)"):
        score(study / "key.tsv", [wrong], study / "out")


def test_what_is_missing_is_said(study, capsys):
    partly = changed(study, "partly.tsv", lambda row: row if row["image"] < "0006" else None)
    (study / "nothing.tsv").write_text("\t".join(ANSWER_COLUMNS) + "\n")
    score(study / "key.tsv", [partly, study / "B.tsv", study / "nothing.tsv"], study / "out")
    said = capsys.readouterr().out
    # Eight sessions have 16 images, rated in two categories, and eight pairs; A stopped after three.
    assert "A: 25 of 40 answers are missing" in said
    assert "B: 0 of 40 answers are missing" in said
    assert "nothing.tsv: no answers" in said
    note = "n = 2 readers × 16 images (Patch 8, Forest 8); 20 of 64 ratings are missing and were left out."
    for name in ("scores", "agreement"):
        assert note in (study / f"out/{name}.md").read_text()
        assert note.replace("×", r"\ensuremath{\times}") in (study / f"out/{name}.tex").read_text()
    score(study / "key.tsv", [study / "B.tsv"], study / "out")
    assert "n = 1 reader × 16 images (Patch 8, Forest 8).\n" in (study / "out/scores.md").read_text()


def test_every_column_of_every_table_is_described(study):
    score(study / "key.tsv", [study / "A.tsv", study / "B.tsv"], study / "out")
    names = {path.stem for path in (study / "out").glob("*.tsv")}
    assert names == {"ratings", "scores", "tests", "agreement", "pairs"}
    for name in names:
        about = json.loads((study / f"out/{name}.json").read_text())
        assert list(about) == list(table(study / f"out/{name}.tsv"))
        assert all(column["Description"] for column in about.values())
        assert about == getattr(dictionaries, name.upper())
    assert {path.stem for path in (study / "out").glob("*.json")} == names
    assert "Wilcoxon" in dictionaries.TESTS["p"]["Description"]
    assert "sign test" in dictionaries.PAIRS["p"]["Description"]


def test_what_is_computed_is_written(study):
    """No column of a table is dropped for want of a description."""
    rated = pd.DataFrame(
        [("A", f"sub-{n}", e, "c", n) for n in range(3) for e in "XY"],
        columns=["reader", "session", "experiment", "category", "score"],
    )
    paired = rated[rated["experiment"] == "X"].assign(question="q", other="Y", named="X")
    for made, name in (
        (means(rated, ["c"], ["X", "Y"]), "SCORES"),
        (agreement(rated, ["c"], ["X", "Y"]), "AGREEMENT"),
        (preferences(paired, ["X", "Y"]), "PAIRS"),
    ):
        assert list(made) == list(getattr(dictionaries, name))
