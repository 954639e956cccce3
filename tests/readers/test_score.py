"""Answers whose means, winners and agreement are known."""

import pandas as pd
import pytest
from recontrast import tables
from recontrast.errors import RecontrastError
from recontrast.readers.make import KEY_COLUMNS
from recontrast.readers.score import ALL, ANSWER_COLUMNS, score

SESSIONS = [f"sub-{number:02d}" for number in range(1, 9)]
CATEGORIES = ("Lesions: borders", "Tissue: cortex")


@pytest.fixture
def study(tmp_path):
    """Eight sessions, two experiments, two readers: Patch is one better than Forest, reader B one stricter."""
    key, codes = [], {}
    for session in SESSIONS:
        for experiment in ("Forest", "Patch"):
            codes[session, experiment] = f"{len(key):04d}"
            key.append(
                {
                    "code": codes[session, experiment],
                    "session": session,
                    "experiment": experiment,
                    "form": "x",
                }
            )
    tables.write(tmp_path / "key.tsv", KEY_COLUMNS, key)
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
    assert tests.loc[ALL, "difference"] == pytest.approx(-1)
    assert tests.loc[ALL, "p"] == tests.loc[ALL, "smallest_p"] == pytest.approx(2 / 2**8)
    assert tests.loc[ALL, "p_holm"] == pytest.approx(3 * 2 / 2**8)
    # One reader a point below the other everywhere: absolute agreement is not perfect, and the same for both.
    agreement = table(study / "out/agreement.tsv")
    assert agreement["icc"].nunique() == 1
    assert 0 < agreement["icc"][0] < 1
    pairs = table(study / "out/pairs.tsv").iloc[0]
    assert (pairs["experiment"], pairs["first"], pairs["second"], pairs["neither"]) == ("Forest", 14, 0, 2)
    assert pairs["p"] == pytest.approx(2 / 2**14)
    text = (study / "out/scores.md").read_text()
    assert f"{expected + 1:.2f} ± " in text
    assert r"\toprule" in (study / "out/scores.tex").read_text()


def test_answers_of_another_study_are_refused(study):
    (study / "A.tsv").write_text((study / "A.tsv").read_text().replace("\t0000\t", "\t9999\t"))
    with pytest.raises(RecontrastError, match="does not have"):
        score(study / "key.tsv", [study / "A.tsv"], study / "out")


def test_one_reader_has_scores_but_no_agreement(study):
    score(study / "key.tsv", [study / "A.tsv"], study / "out")
    assert table(study / "out/agreement.tsv")["icc"].isna().all()
