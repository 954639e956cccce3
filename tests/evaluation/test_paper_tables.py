"""Tables in the order of a paper: what stands in a cell, its marks, and the three forms."""

import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import yaml
from recontrast import published
from recontrast.columns import SCORES
from recontrast.config import load, load_file
from recontrast.errors import RecontrastError
from recontrast.evaluation import grid as grid_module
from recontrast.evaluation import typeset
from recontrast.evaluation.compare import compare
from recontrast.evaluation.table import table
from recontrast.places import ROOT
from recontrast.report.study_tables import study_tables
from recontrast.scoring import Table

GAINS = {"Bloch": 0, "Gan": 3}
OFFSETS = {"brain": 0, "GM": -2, "WM": -1, "CSF": 2}
PEOPLE = 10


def psnr(experiment, region):
    noise = np.linspace(-0.5, 0.5, PEOPLE) ** 3 * GAINS[experiment]
    return 30 + GAINS[experiment] + OFFSETS[region] + np.linspace(0, 1, PEOPLE) + noise


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Scores of two experiments, five people in each of two folds, with their statistics."""
    rows = [
        (f"sub-{i:02d}", "n/a", experiment, str(1 + i % 2), region, metric, value)
        for experiment in GAINS
        for region in OFFSETS
        for metric, values in (
            ("psnr", psnr(experiment, region)),
            ("mse", 10 ** (-psnr(experiment, region) / 10)),
        )
        for i, value in enumerate(values)
    ]
    folder = tmp_path_factory.mktemp("results")
    files = {name: folder / f"{name}.tsv" for name in ("metrics", "statistics", "ranks")}
    pd.DataFrame(rows, columns=list(SCORES)).to_csv(files["metrics"], sep="\t", index=False)
    compare(
        metrics=files["metrics"],
        table=files["statistics"],
        ranks=files["ranks"],
        experiments=list(GAINS),
        targets=["FLAIR", "FLAIR"],
        bootstrap=100,
    )
    return files


def make(results, folder, description, printed=None, *, by_slice=False, **further):
    """The step on a table of a study; the rows of its TSV by row and column, and the path."""
    asked_of = {name: results[name] for name in ("metrics", "statistics")}
    results = {name: given if isinstance(given, list) else [given] for name, given in asked_of.items()}
    asked = {
        "table": Table.model_validate(description).model_dump(mode="json", exclude_none=True),
        "published": printed,
        "region": "brain",
        "truth": "manual",
        "given": "manual masks",
        "by_slice": by_slice,
        "inputs": {"Bloch": ["R1", "R2"], "Gan": ["T1w"]},
    }
    output = folder / "Table1.tsv"
    table(**results, specification=json.dumps(asked), output=output, **further)
    rows = pd.read_csv(output, sep="\t", dtype={"fold": str}, keep_default_na=False, na_values=[])
    about = json.loads(output.with_suffix(".json").read_text())
    assert list(about) == [*rows, "Headings", "Notes"]
    text = output.with_suffix(".md").read_text().replace("\\", "")
    assert all(note in text for note in about["Notes"])
    return rows.set_index(["row", "column"]), output


def test_a_table_in_the_manner_of_hagiwara(results, tmp_path):
    printed = {"source": "Hagiwara et al. 2019, Table", "cells": {"GM": {"DL-FLAIR": "34.03 ± 1.33"}}}
    cells, output = make(
        results,
        tmp_path,
        {
            "title": "PSNR by tissue",
            "rows": [{"region": region} for region in ("GM", "WM", "CSF", "region")],
            "columns": [
                {"experiment": "Bloch", "label": "Synthetic"},
                {"experiment": "Gan", "label": "DL-FLAIR"},
                {"experiment": "Gan", "label": "Change", "value": "change", "against": "Bloch"},
            ],
            "cells": {"metric": "psnr"},
            "best": "rows",
            "marks": {"against": "Bloch", "regions": True},
        },
        printed=printed,
    )
    ours = psnr("Gan", "GM")
    cell = cells.loc["GM", "DL-FLAIR"]
    assert float(cell["number"]) == pytest.approx(ours.mean())
    assert float(cell["sd"]) == pytest.approx(ours.std(ddof=1))
    assert cell["text"] == f"{ours.mean():.2f} ± {ours.std(ddof=1):.2f}"
    # The smallest p of ten people, and one pair in its family; of regions three.
    assert (float(cell["p"]), cell["marks"], cell["best"], cell["n"]) == (2 / 2**10, "**†", 1, 10)
    assert cell["published"] == "34.03 ± 1.33"
    change = (100 * (ours / psnr("Bloch", "GM") - 1)).mean()
    assert cells.loc["GM", "Change"]["text"] == f"{change:+.2f} %"
    assert cells.loc["region", "DL-FLAIR"]["marks"] == "**"
    assert cells.loc["GM", "Synthetic"]["marks"] == "†"
    markdown = output.with_suffix(".md").read_text().splitlines()
    assert markdown[0] == "**PSNR by tissue**"
    lines = [line.split(" | ") for line in markdown if line.startswith("| ")]
    assert [line[0] for line in lines[2:]] == ["| GM", "| WM", "| CSF", "| region"]
    assert lines[2][2] == rf"**{cell['text']}**\*\*† [34.03 ± 1.33]"
    text = output.with_suffix(".md").read_text()
    assert "n = 10" in text
    test = "exact Wilcoxon signed-rank test, Holm's correction over the"
    assert (
        "against Bloch: exact Wilcoxon signed-rank test, one comparison for each metric and region." in text
    )
    assert f"region of the table: {test} 3 comparisons of this table for each metric and experiment." in text
    assert "Hagiwara et al. 2019, Table; values from a different cohort" in text


@pytest.mark.parametrize(("by_slice", "where"), [(True, "within slices"), (False, "in three dimensions")])
def test_a_note_says_where_the_windows_of_ssim_lie(results, tmp_path, by_slice, where):
    rows = [{"experiment": name} for name in GAINS]
    _, output = make(results, tmp_path, {"rows": rows, "columns": ["ssim"]}, by_slice=by_slice)
    assert where in output.with_suffix(".md").read_text()


def test_rows_and_columns_of_one_label_stay_apart(results, tmp_path):
    metrics = [{"label": "PSNR", "metric": "psnr"}, {"label": "PSNR", "metric": "mse", "digits": 4}]
    rows = [{"label": "Ours", "experiment": name} for name in GAINS]
    _, output = make(results, tmp_path, {"rows": rows, "columns": metrics})
    [shown] = study_tables([output], {})
    assert (shown["columns"], [line["labels"] for line in shown["rows"]]) == (["PSNR"] * 2, [["Ours"]] * 2)
    texts = [cell["text"] for line in shown["rows"] for cell in line["cells"]]
    assert len(set(texts)) == 4


def test_folds_in_rows_and_methods_in_columns(results, tmp_path):
    cells, output = make(
        results,
        tmp_path,
        {
            "rows": [{"fold": "each"}, {"label": "Average"}],
            "columns": ["Bloch", {"experiment": "Gan", "label": "Our method"}],
            "cells": {"metric": "mse", "scale": 1000, "digits": 3},
            "spread": "brackets",
            "best": "rows",
        },
    )
    assert list(dict.fromkeys(cells.index.get_level_values("row"))) == ["Fold 1", "Fold 2", "Average"]
    values = 1000 * 10 ** (-psnr("Gan", "brain") / 10)
    first = cells.loc["Fold 1", "Our method"]
    assert first["text"] == f"{values[::2].mean():.3f} ({values[::2].std(ddof=1):.3f})"
    assert (first["n"], first["fold"]) == (5, "1")
    assert cells.loc["Average", "Our method"]["n"] == 10
    # Lower is better.
    assert cells["best"].to_list() == [0, 1] * 3
    assert "folds 1, 2" in output.with_suffix(".md").read_text()


def test_people_in_no_fold_have_columns_of_their_own_and_change_no_average(results, tmp_path):
    rows = pd.read_csv(results["metrics"], sep="\t", dtype=str, keep_default_na=False)
    alone = rows[rows["participant_id"] == "sub-01"].assign(participant_id="sub-99", fold="all", value="99")
    pd.concat([rows, alone]).to_csv(tmp_path / "metrics.tsv", sep="\t", index=False)
    asked = {
        "rows": ["Gan"],
        "columns": [{"fold": "each"}, {"label": "Average"}, {"fold": "all", "label": "Patient"}],
        "cells": {"metric": "psnr"},
    }
    before, _ = make(results, tmp_path, asked)
    cells, _ = make(results | {"metrics": tmp_path / "metrics.tsv"}, tmp_path, asked)
    assert list(cells.loc["Gan"].index) == ["Fold 1", "Fold 2", "Average", "Patient"]
    assert float(before.loc["Gan", "Average"]["number"]) == cells.loc["Gan", "Average"]["number"]
    assert (cells.loc["Gan", "Patient"]["number"], cells.loc["Gan", "Patient"]["n"]) == (99, 1)


def test_an_ablation_on_one_fold_is_said_to_be_one(results, tmp_path):
    rows = pd.read_csv(results["metrics"], sep="\t", dtype=str, keep_default_na=False)
    rows = rows[(rows["experiment"] == "Bloch") | (rows["fold"] == "1")]
    rows.to_csv(tmp_path / "metrics.tsv", sep="\t", index=False)
    cells, output = make(
        results | {"metrics": tmp_path / "metrics.tsv"}, tmp_path, {"rows": list(GAINS), "columns": ["psnr"]}
    )
    assert set(cells["marks"]) == {"n/a"}
    assert cells["n"].to_list() == [10, 5]
    text = output.with_suffix(".md").read_text()
    assert "n = 5 to 10" in text
    assert "Gan: fold 1 of 2 only." in text
    assert "Bloch: fold" not in text


def test_a_table_of_ablations_alone_says_that_they_ran_on_one_fold(results, tmp_path):
    """As table 4 of Wei: the study's other experiments, which this table does not show, ran on all folds."""
    rows = pd.read_csv(results["metrics"], sep="\t", dtype=str, keep_default_na=False)
    ablations = [
        rows[(rows["experiment"] == "Gan") & (rows["fold"] == "1")].assign(experiment=n) for n in "AB"
    ]
    pd.concat([rows, *ablations]).to_csv(tmp_path / "metrics.tsv", sep="\t", index=False)
    cells, output = make(
        results | {"metrics": tmp_path / "metrics.tsv"},
        tmp_path,
        {
            "rows": [{"fold": "each"}, {"label": "Average"}],
            "columns": ["A", "B"],
            "cells": {"metric": "psnr"},
        },
        printed={"source": "A paper", "cells": {"Average": {"A": "30.1"}}},
    )
    assert cells["n"].to_list() == ["5", "5", "n/a", "n/a", "5", "5"]
    notes = json.loads(output.with_suffix(".json").read_text())["Notes"]
    assert notes[0] == "Mean and standard deviation over participants, n = 5; folds 1."
    assert notes[1:4] == [
        "A, B: fold 1 of 2 only.",
        "Their averages are over the folds that ran, not over all folds.",
        "The published values alongside are over all folds of the paper.",
    ]


def test_a_note_tells_one_participant_of_a_table_from_one_of_each_fold(results, tmp_path):
    rows = pd.read_csv(results["metrics"], sep="\t", dtype=str, keep_default_na=False)
    rows = rows[rows["participant_id"].isin(["sub-00", "sub-01"])]
    rows = pd.concat([rows, rows[rows["participant_id"] == "sub-00"].assign(participant_id="s", fold="all")])
    rows.to_csv(tmp_path / "metrics.tsv", sep="\t", index=False)
    for fold, said in (
        ("each", "one participant each, n = 1; folds 1, 2."),
        ("all", "one participant, n = 1; the "),
    ):
        asked = {"rows": [{"fold": fold}], "columns": ["Bloch"], "cells": {"metric": "psnr"}}
        _, output = make(results | {"metrics": tmp_path / "metrics.tsv"}, tmp_path, asked)
        note = json.loads(output.with_suffix(".json").read_text())["Notes"][0]
        assert note.startswith(f"Values of {said}")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Five experiments of six people, of which four are better than the first in everyone."""
    folder = tmp_path_factory.mktemp("many")
    gains = {"Base": 0, "B": 1, "C": 2, "D": 3, "E": 4}
    rows = [
        (f"sub-{i}", "n/a", name, "1", "brain", "psnr", 30 + gain + 0.1 * i * gain)
        for name, gain in gains.items()
        for i in range(6)
    ]
    files = {name: folder / f"{name}.tsv" for name in ("metrics", "statistics", "ranks")}
    pd.DataFrame(rows, columns=list(SCORES)).to_csv(files["metrics"], sep="\t", index=False)
    who = {"experiments": list(gains), "targets": ["FLAIR"] * 5, "bootstrap": 100}
    compare(metrics=files["metrics"], table=files["statistics"], ranks=files["ranks"], **who)
    return files


def test_only_what_a_table_compares_is_in_its_family(many, tmp_path):
    """Ten pairs of the study would leave no star; one of two experiments, shown by themselves, has one."""
    described = {"rows": ["Base", "B"], "columns": ["psnr"], "marks": {"against": "Base"}}
    cells, _ = make(many, tmp_path, described)
    assert cells["p"].to_list() == ["n/a", "0.03125"]
    assert cells["marks"].to_list() == ["n/a", "*"]
    study = pd.read_csv(many["statistics"], sep="\t")
    assert (study["p_holm"] > 0.05).all()


def test_experiments_of_few_people_do_not_add_to_the_family_of_the_others(tmp_path):
    """Base and B have six people: 2 / 2^6. C, in two of them, has a family of its own: 2 / 2^2."""
    gains = {"Base": range(6), "B": range(6), "C": range(2)}
    rows = [
        (f"sub-{i}", "n/a", name, "1", "brain", "psnr", 30 + k + 0.1 * i * k)
        for k, (name, who) in enumerate(gains.items())
        for i in who
    ]
    files = {name: tmp_path / f"{name}.tsv" for name in ("metrics", "statistics", "ranks")}
    pd.DataFrame(rows, columns=list(SCORES)).to_csv(files["metrics"], sep="\t", index=False)
    who = {"experiments": list(gains), "targets": ["FLAIR"] * 3, "bootstrap": 100}
    compare(metrics=files["metrics"], table=files["statistics"], ranks=files["ranks"], **who)
    described = {"rows": list(gains), "columns": ["psnr"], "marks": {"against": "Base"}}
    cells, output = make(files, tmp_path, described)
    assert cells["p"].to_list() == ["n/a", "0.03125", "0.5"]
    assert cells["marks"].to_list() == ["n/a", "*", "n/a"]
    notes = json.loads(output.with_suffix(".json").read_text())["Notes"]
    assert any("signed-rank test, one comparison for each metric and region." in note for note in notes), (
        notes
    )


@pytest.mark.parametrize(
    ("correction", "p", "note"),
    [
        (
            "holm",
            0.125,
            "With n = 6 and Holm's correction for 4 comparisons, the smallest possible p is 0.125, so no * can appear.",
        ),
        ("none", 0.03125, "against Base: exact Wilcoxon signed-rank test, not corrected."),
    ],
)
def test_a_family_that_few_people_cannot_mark_is_said_to_be_one(many, tmp_path, correction, p, note):
    marks = {"against": "Base", "correction": correction}
    cells, output = make(many, tmp_path, {"rows": list("BCDE"), "columns": ["psnr"], "marks": marks})
    assert set(cells["p"]) == {p}
    assert set(cells["marks"]) == {"n/a" if p > 0.05 else "*"}
    assert any(note in said for said in json.loads(output.with_suffix(".json").read_text())["Notes"])


def test_what_a_study_and_a_paper_say_of_a_table_stands_below_it(results, tmp_path):
    printed = {
        "source": "A paper",
        "legend": "a: P < .001",
        "cells": {"T1 → T2 | Theirs": {"PSNR (dB)": "**30.1**"}, "T1 → T2 | Ours": {"PSNR (dB)": "29 a"}},
    }
    described = {
        "note": "Peak & range differ.",
        "headings": ["Translation", "Study"],
        "rows": [
            {"label": "T1 → T2 | Theirs"},
            {"label": "T1 → T2 | Ours", "experiment": "Gan"},
            {"label": "T2 → T1 | Ours", "experiment": "Bloch"},
        ],
        "columns": ["psnr"],
    }
    cells, output = make(results, tmp_path, described, printed=printed)
    assert cells["published"].to_list() == ["30.1", "29 a", "n/a"]
    assert cells["published_best"].to_list() == [1, 0, 0]
    about = json.loads(output.with_suffix(".json").read_text())
    assert about["Notes"][0] == "Peak & range differ."
    assert "a: P < .001" in about["Notes"]
    assert about["Headings"] == ["Translation", "Study"]
    markdown, latex = (output.with_suffix(suffix).read_text() for suffix in (".md", ".tex"))
    labels = [line.split(" | ")[:3] for line in markdown.splitlines() if line.startswith("| ")]
    assert labels[0] == ["| Translation", "Study", "PSNR (dB) |"]
    assert labels[2] == ["| T1 → T2", "Theirs", "[**30.1**] |"]
    assert labels[3][:2] == ["| ", "Ours"]
    assert labels[4][:2] == ["| T2 → T1", "Ours"]
    assert r"T1 \ensuremath{\rightarrow} T2 & Theirs & [\textbf{30.1}] \\" in latex
    assert r"\footnotesize Peak \& range differ." in latex
    (table,) = study_tables([output], {})
    assert table["notes"] == about["Notes"]
    assert table["headings"] == ["Translation", "Study"]
    assert [row["labels"] for row in table["rows"]] == [
        ["T1 → T2", "Theirs"],
        ["", "Ours"],
        ["T2 → T1", "Ours"],
    ]


def test_inputs_parameters_ranks_and_words(results, tmp_path):
    card, time = tmp_path / "models/Gan/fold-1/model.json", tmp_path / "time.json"
    card.parent.mkdir(parents=True)
    card.write_text(json.dumps({"parameters": 2562}))
    about = {"device": "cpu", "threads": 1, "voxels": 1000}
    time.write_text(json.dumps({"experiment": "Gan", "seconds": 0.716} | about))
    cells, output = make(
        results,
        tmp_path,
        {
            "rows": ["Bloch", "Gan", {"label": "Another | study"}],
            "columns": [
                {"input": "R1"},
                {"label": "Parameters", "value": "parameters"},
                {"label": "Inference time (s)", "value": "seconds"},
                {"label": "Rank", "metric": "psnr", "value": "rank"},
                "psnr",
                {"label": "Where", "text": "50 % & more_"},
            ],
            "spread": "none",
            "best": "columns",
        },
        cards=[card],
        times=[time],
        printed={"source": "A paper", "cells": {"Another | study": {"PSNR (dB)": "30.1"}}},
    )
    assert cells["text"].to_list() == [
        *("included", "–", "–", "2.00", f"{psnr('Bloch', 'brain').mean():.2f}", "50 % & more_"),
        *("omitted", "2,562", "0.72", "1.00", f"{psnr('Gan', 'brain').mean():.2f}", "50 % & more_"),
        *("–", "–", "–", "–", "–", "50 % & more_"),
    ]
    assert cells.loc["Gan", "Rank"]["best"] == 1
    assert r"| Another \| study |" in output.with_suffix(".md").read_text()
    assert " [30.1] " in output.with_suffix(".md").read_text()
    assert (
        "(cpu, threads: 1, voxels in the bounding box of the mask: 1,000)"
        in output.with_suffix(".md").read_text()
    )
    latex = output.with_suffix(".tex").read_text()
    assert r"50 \% \& more\_" in latex
    assert r"Another \ensuremath{|} study" in latex


def test_lesions_stand_beside_those_of_the_acquired_image(results, tmp_path):
    """As table 3 of Wei: ratios of ground truth and methods; participants who only train have no ground truth."""
    truth = np.linspace(1.5, 1.8, PEOPLE)
    ratios = {"Bloch": truth - 0.3, "Gan": truth - 0.1, "acquired": truth}
    rows = [
        (f"sub-{i:02d}", "n/a", name, str(1 + i % 2), "manual", "lesion_ratio1", value)
        for name, values in ratios.items()
        for i, value in enumerate(values)
    ]
    rows.append(("sub-99", "n/a", "acquired", "n/a", "manual", "lesion_ratio1", 9.0))
    rows += [
        (f"sub-{i:02d}", "n/a", "Gan", str(1 + i % 2), "acquired", "lesion_dice", i / 10)
        for i in range(PEOPLE)
    ]
    files = {name: tmp_path / f"{name}.tsv" for name in results}
    pd.DataFrame(rows, columns=list(SCORES)).to_csv(files["metrics"], sep="\t", index=False)
    who = {"experiments": list(GAINS), "targets": ["FLAIR"] * 2, "bootstrap": 100}
    compare(metrics=files["metrics"], table=files["statistics"], ranks=files["ranks"], **who)
    description = {
        "rows": ["lesion_ratio1", {"metric": "lesion_dice", "region": "acquired"}, "psnr"],
        "columns": [*GAINS, {"label": "Ground truth", "experiment": "acquired"}],
        "best": "rows",
        "marks": {"against": "Gan"},
    }
    cells, output = make({name: [path, files[name]] for name, path in results.items()}, tmp_path, description)
    ratio = cells.loc["Ratio 1"]
    assert ratio["number"].astype(float).to_list() == pytest.approx([1.35, 1.55, 1.65])
    assert (ratio["n"].to_list(), ratio["best"].to_list()) == (["10"] * 3, [0, 1, 0])
    assert ratio["marks"].to_list() == ["**", "n/a", "n/a"]
    assert cells.loc["acquired"]["text"].to_list() == ["–", "0.45 ± 0.30", "–"]
    assert cells.loc["PSNR (dB)", "Gan"]["n"] == "10"
    assert (
        "True lesions: manual masks and those found on the acquired image."
        in output.with_suffix(".md").read_text()
    )


def test_candidates_stand_with_their_validation_errors(results, tmp_path):
    cards = []
    for fold, errors in (("1", {1: 0.5, 3: 0.25}), ("2", {1: 0.125, 2: 0.5, 3: 0.25})):
        cards.append(tmp_path / f"models/Gan/fold-{fold}/model.json")
        listed = [{"number": n, "settings": {}, "validation_mse": error} for n, error in errors.items()]
        chosen = {"number": min(errors, key=errors.get), "candidates": listed}
        cards[-1].parent.mkdir(parents=True)
        cards[-1].write_text(json.dumps({"parameters": 1, "chosen": chosen}))
    rows = [{"label": f"k = {k}", "candidate": n} for n, k in ((1, 3), (2, 5), (3, 7))]
    description = {"rows": rows, "columns": [{"fold": "each"}], "cells": {"experiment": "Gan"}}
    cells, output = make(results, tmp_path, description, cards=cards)
    assert cells["text"].to_list() == ["0.5", "0.125", "–", "0.5", "0.25", "0.25"]
    assert cells["best"].to_list() == [0, 1, 0, 0, 1, 0]
    assert "the selected settings are in bold" in output.with_suffix(".md").read_text()


def test_a_quotient_is_taken_person_by_person(results, tmp_path):
    column = {"label": "Ratio", "metric": "psnr", "value": "quotient", "over": "mse"}
    cells, _ = make(results, tmp_path, {"rows": ["Gan"], "columns": [column]})
    ours = psnr("Gan", "brain") / 10 ** (-psnr("Gan", "brain") / 10)
    assert float(cells.loc["Gan", "Ratio"]["number"]) == pytest.approx(ours.mean())


def test_ranks_are_those_among_the_experiments_of_the_table(tmp_path):
    """Ablations on two of six people, in no row, take no place and nobody out; they are not ranked at all."""
    gains = {"Base": 0, "Short1": 1, "B": 2, "Short2": 3, "C": 4}
    rows = [
        (f"sub-{i}", "n/a", name, "1", "brain", "psnr", 30 + gain)
        for name, gain in gains.items()
        for i in range(2 if name.startswith("Short") else 6)
    ]
    files = {name: tmp_path / f"{name}.tsv" for name in ("metrics", "statistics", "ranks")}
    pd.DataFrame(rows, columns=list(SCORES)).to_csv(files["metrics"], sep="\t", index=False)
    who = {"experiments": list(gains), "targets": ["FLAIR"] * 5, "bootstrap": 100}
    compare(metrics=files["metrics"], table=files["statistics"], ranks=files["ranks"], **who)
    placed = pd.read_csv(files["ranks"], sep="\t").set_index("experiment")
    assert placed["mean_rank"].to_dict() == {"Base": 3, "B": 2, "C": 1}
    assert set(placed["n"]) == {6}
    column = {"label": "Rank", "metric": "psnr", "value": "rank"}
    cells, output = make(files, tmp_path, {"rows": ["B", "Base", "Short1"], "columns": ["psnr", column]})
    text = output.with_suffix(".md").read_text()
    assert "n = 2 to 6." in text
    assert "Ranks are means over participants with a value for all ranked experiments, n = 2." in text
    cells, _ = make(files, tmp_path, {"rows": ["B", "Base"], "columns": [column]})
    assert cells["number"].astype(float).to_list() == [1, 2]
    assert cells["n"].astype(int).to_list() == [6, 6]


def test_what_text_fonts_lack_is_typeset_as_mathematics(results, tmp_path):
    row = {"label": "MSE (× 10⁻³)", "metric": "mse"}
    note = "`structures: {NAME: {drawn: MASK}}`, T2-FLAIR; −1 and -2, in mm²/s"
    _, output = make(results, tmp_path, {"rows": [row], "columns": list(GAINS), "note": note})
    text = output.with_suffix(".tex").read_text()
    assert r"MSE (\ensuremath{\times} 10\ensuremath{^{-3}})" in text
    assert (
        r"\texttt{structures: \{NAME: \{drawn: MASK\}\}}, T2-FLAIR; \ensuremath{-}1 and \ensuremath{-}2"
        in text
    )
    assert r"mm\ensuremath{^{2}}/s" in text
    assert text.isascii()


def test_everything_that_studies_print_is_plain_latex():
    files = [*(ROOT / "studies").glob("*.yaml"), *(ROOT / "studies/published").glob("*.yaml")]
    printed = " ".join(str(yaml.safe_load(file.read_text())) for file in files)
    assert {"±", "→"} <= set(printed)
    assert typeset._escape(printed).isascii()


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="LaTeX is not installed")
def test_latex_compiles(results, tmp_path):
    _, output = make(results, tmp_path, {"title": "A & B", "rows": list(GAINS), "columns": ["psnr", "mse"]})
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{Table1}\end{document}"
    (tmp_path / "all.tex").write_text(document)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0, output


def test_a_cohort_without_scores_has_a_table_all_the_same(tmp_path):
    files = {name: tmp_path / f"{name}.tsv" for name in ("metrics", "statistics", "ranks")}
    files["metrics"].write_text("\t".join(SCORES) + "\n")
    compare(metrics=files["metrics"], table=files["statistics"], ranks=files["ranks"])
    cells, _ = make(files, tmp_path, {"rows": list(GAINS), "columns": ["psnr"]})
    assert set(cells["text"]) == {"–"}


@pytest.fixture
def study():
    return load_file(ROOT / "config.yaml")


def test_a_study_with_tables_is_checked_as_a_whole(study):
    study["evaluation"] = {
        "metrics": ["psnr", "cnr", "dice"],
        "regions": ["region", "tissue"],
        "pairs": [["WM", "GM"]],
        "structures": {"bright": {"above": 0.9}},
    }
    study["tables"] = {
        "Table1": {
            "rows": ["Fcn3d", {"experiment": "PatchToVoxel", "region": "GM"}],
            "columns": ["psnr", {"metric": "cnr", "region": "WM-GM"}, {"metric": "dice", "region": "bright"}],
            "published": "kim2020/1",
        }
    }
    assert load(study).tables["Table1"].columns[0].metric == "psnr"


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"evaluation": {"metrics": ["pnsr"]}}, "evaluation.metrics.0.*did you mean 'psnr'"),
        ({"evaluation": {"regions": ["tissue"]}}, "must include region"),
        ({"evaluation": {"regions": ["region", "lesion"]}}, "'lesion' is none of region, tissue"),
        ({"evaluation": {"pairs": [["WM", "GM"]]}}, "evaluation.pairs: '[WG]M' is none of"),
        ({"evaluation": {"metrics": ["cnr"]}}, "need evaluation.pairs"),
        ({"evaluation": {"metrics": ["dice"]}}, "needs evaluation.structures"),
        ({"evaluation": {"structures": {"a": {}}}}, "has no bounds"),
        ({"evaluation": {"structures": {"a": {"above": 1, "drawn": {"A": "b"}}}}}, "give only one of these"),
        ({"evaluation": {"structures": {"a": {"drawn": {"Z": "b"}}}}}, "no experiment 'Z'"),
        ({"evaluation": {"structures": {"a": {"drawn": {"A": "b"}}}}}, r"drawn: 'b' is none of"),
        (
            {"evaluation": {"regions": ["region", "tissue"]}, "prepare": "none", "region": "foreground"},
            "tissue needs prepare: full",
        ),
        ({"tables": {"A": {"rows": ["Fcn"], "columns": ["psnr"]}}}, "tables.A: no experiment 'Fcn'"),
        ({"tables": {"A": {"rows": ["Fcn3d"], "columns": ["cnr"]}}}, "cnr is not among evaluation.metrics"),
        ({"tables": {"A": {"rows": ["Fcn3d"], "columns": [{"region": "GM"}]}}}, "'GM' is none of brain"),
        ({"tables": {"A": {"rows": ["Fcn3d"]}}}, "tables.A.columns: is missing"),
        (
            {"tables": {"A": {"rows": ["Fcn 3d"], "columns": ["psnr"]}}},
            "^tables.A.rows.0.experiment: string should",
        ),
        (
            {"tables": {"A": {"rows": ["Fcn3d"], "columns": ["lesion_dice"]}}},
            "tables.A: shows lesions, which needs",
        ),
        ({"evaluation": {"metrics": ["lesion_dice"]}}, "evaluation.metrics.0"),
        (
            {"tables": {"A": {"rows": ["Fcn3d"], "columns": [{"metric": "psnr", "value": "quotient"}]}}},
            "needs over",
        ),
        (
            {"tables": {"A": {"rows": ["Fcn3d"], "columns": ["psnr"], "headings": ["Method", "Year"]}}},
            "must have one part per heading",
        ),
        ({"tables": {"summary": {"rows": ["Fcn3d"], "columns": ["psnr"]}}}, "is always made"),
        (
            {"tables": {"A": {"rows": ["Fcn3d"], "columns": ["psnr"], "published": "kim2020/9"}}},
            "tables.A.published: .*kim2020.yaml: has no table '9'",
        ),
    ],
)
def test_mistakes_in_evaluation_and_tables_are_named(study, change, hint):
    with pytest.raises(RecontrastError) as caught:
        load(study | change)
    assert re.search(hint, caught.value.problem), caught.value.problem


@pytest.mark.parametrize(
    "file", sorted((ROOT / "studies/published").glob("*.yaml")), ids=lambda file: file.stem
)
def test_published_values_are_text_in_full_tables(file):
    for name in yaml.safe_load(file.read_text(encoding="utf-8"))["tables"]:
        found = published.load(f"{file.stem}/{name}")
        assert re.search(r"[Tt]able|Figure|[Tt]ext|[Ss]ection", found["source"])
        columns = {tuple(line) for line in found["cells"].values()}
        assert len(columns) == 1, f"{name} has rows of unequal length"
        assert all(text for line in found["cells"].values() for text in line.values())


def test_the_example_of_the_documentation_is_a_study(study):
    text = (ROOT / "docs/tables.md").read_text(encoding="utf-8")
    example = yaml.safe_load(re.search(r"```yaml\n(evaluation:.*?)```", text, re.S)[1])
    shared = {"inputs": ["T1w"], "target": "FLAIR", "recipe": "quick"}
    study["experiments"] = {
        name: {"method": "fcn3d"} | shared for name in ("Bloch", "Gan", "Unet3d", "Fcn3d")
    }
    loaded = load(study | example)
    for described in loaded.tables.values():
        labels = {part.label for part in described.columns}
        printed = published.load(described.published)["cells"]
        assert all(labels <= set(line) for line in printed.values())


def test_tables_of_the_papers_say_where_they_differ() -> None:
    """What a study says of a table, and a paper of its signs, is printed below it (tests/evaluation)."""
    noted = {
        name: {
            table
            for table, found in load(load_file(ROOT / f"studies/{name}.yaml")).tables.items()
            if found.note
        }
        for name in ("hagiwara2019", "kim2020", "wei2019")
    }
    assert noted == {
        "hagiwara2019": {"Table"},
        "kim2020": {"Figure7", "Figure8"},
        "wei2019": {"Table2a", "Table2b", "LesionDice", "Table4a", "Table4b", "Table4c"},
    }
    for name in ("hagiwara2019/quality", "kim2020/1", "kim2020/2", "osman2022/2", "wei2019/1"):
        assert published.load(name)["legend"]


def test_the_literature_of_osman_stands_as_printed() -> None:
    """The best of each translation in bold, in each column: ours are no part of that."""
    table = published.load("osman2022/2")
    best = [
        (row, c) for row, line in table["cells"].items() for c, text in line.items() if text.startswith("**")
    ]
    assert len(best) == 6 * 3
    for column, sign in (("PSNR (dB)", -1), ("MAE", 1), ("SSIM", -1)):
        for translation in dict.fromkeys(row.split(" | ")[0] for row in table["cells"]):
            own = {
                row: line[column].strip("*")
                for row, line in table["cells"].items()
                if row.startswith(translation)
            }
            first = min((row for row in own if own[row] != "—"), key=lambda row: sign * float(own[row]))
            assert (first, column) in best


def test_the_best_number_is_sought_among_means_over_most_people():
    cell = {"metric": "psnr", "value": "mean", "best": 0}
    line = [
        cell | {"experiment": name, "n": n, "number": number}
        for name, n, number in (("A", 15, 18.9), ("B", 15, 18.5), ("C", 3, 19.0))
    ]
    grid_module._find_best([line], "rows")
    assert [found["best"] for found in line] == [1, 0, 0]
    equal = [one | {"number": 18.9, "best": 0} for one in line]
    grid_module._find_best([equal], "rows")
    assert [found["best"] for found in equal] == [0, 0, 0]
