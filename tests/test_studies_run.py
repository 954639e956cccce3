"""The studies that ship, from their demo cohorts to the report, in quick recipes: up to 40 minutes each."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from recontrast.config import Study, load, load_file
from recontrast.places import ROOT

STUDIES = sorted(path.stem for path in (ROOT / "studies").glob("*.yaml"))
HEADS = (
    "--participants",
    "10",
    "--voxel",
    "3",
    "--contrasts",
    "T1w",
    "--contrasts",
    "T2w",
    "--contrasts",
    "FLAIR",
)
NUMBERS = {"mean", "median", "change", "quotient", "rank", "parameters", "seconds", "candidate"}


def recontrast(folder: Path, *arguments: object) -> None:
    command = [sys.executable, "-c", "from recontrast.cli import main; main()", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def empty_cells(study: Study, out: Path) -> list[str]:
    """The cells of the study's tables that show no number although their experiment ran in their fold."""
    scores = pd.read_csv(out / "evaluation/metrics.tsv", sep="\t", dtype=str)
    ran = {(name, fold) for name, fold in zip(scores["experiment"], scores["fold"], strict=True)}
    ran |= {(name, "n/a") for name, _ in ran} | {("acquired", "n/a")}
    found = []
    for name in study.tables:
        table = pd.read_csv(out / f"tables/{name}.tsv", sep="\t", dtype=str, keep_default_na=False)
        for cell in table.to_dict("records"):
            ours = (cell["experiment"], cell["fold"]) in ran and cell["value"] in NUMBERS
            if ours and (cell["number"] == "n/a" or cell["text"] == "–"):
                found.append(f"{name}: {cell['row']}, {cell['column']}")
    return found


def test_an_empty_cell_of_an_experiment_that_ran_is_found(tmp_path: Path) -> None:
    study = load(load_file(ROOT / "studies/compare.yaml"))
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "tables").mkdir()
    (tmp_path / "evaluation/metrics.tsv").write_text("experiment\tfold\nFcn3d\t1\n")
    head = "row\tcolumn\texperiment\tfold\tvalue\tnumber\ttext\n"
    full = "a\tfull\tFcn3d\tn/a\tmean\t1\t1\n"
    others = "b\tother fold\tFcn3d\t2\tmean\tn/a\t–\nc\tliterature\tn/a\tn/a\tmean\tn/a\t–\n"
    for name in study.tables:
        (tmp_path / f"tables/{name}.tsv").write_text(head + full + others)
    assert empty_cells(study, tmp_path) == []
    (first, *_) = study.tables
    (tmp_path / f"tables/{first}.tsv").write_text(head + full + "d\tempty\tFcn3d\t1\tmean\tn/a\t–\n")
    assert empty_cells(study, tmp_path) == [f"{first}: d, empty"]


@pytest.mark.full
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_runs_to_its_end_and_fills_its_tables(name: str, tmp_path: Path) -> None:
    study = load(load_file(ROOT / f"studies/{name}.yaml"))
    out = tmp_path / study.output
    if study.datasets[0].phantom:
        recontrast(tmp_path, "run", "--study", name)
    else:  # one to start from, for a cohort of one's own
        recontrast(tmp_path, "phantom", "heads", *HEADS)
        recontrast(tmp_path, "run", "heads", out, "group", "--study", name)

    for table in study.tables:
        assert all((out / f"tables/{table}.{kind}").stat().st_size for kind in ("tsv", "json", "md", "tex"))
    for table in ("tables/summary.tsv", "evaluation/statistics.tsv", "evaluation/ranks.tsv"):
        assert (out / table).stat().st_size
    assert (out / "report/index.html").stat().st_size
    assert (
        not (out / "cohort/quarantine.tsv").exists()
        or len((out / "cohort/quarantine.tsv").read_text().splitlines()) < 2
    )

    scores = pd.read_csv(out / "evaluation/metrics.tsv", sep="\t", dtype=str)
    assert set(scores["experiment"]) == set(study.experiments)
    people = pd.read_csv(out / "cohort/manifest.tsv", sep="\t", dtype=str)["participant_id"].unique()
    pages = {page.stem for page in (out / "report/sessions").glob("*.html")}
    assert all(any(page.startswith(person) for page in pages) for person in people)
    assert empty_cells(study, out) == []
