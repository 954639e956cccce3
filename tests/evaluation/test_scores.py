"""The steps from images to the summary table."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from recontrast import images
from recontrast.errors import RecontrastError
from recontrast.evaluation.collect import collect
from recontrast.evaluation.columns import COLUMNS
from recontrast.evaluation.metrics import METRICS, compare
from recontrast.evaluation.score import score
from recontrast.evaluation.summarize import over_participants, summarize


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(1)
    acquired = random.uniform(500, 1500, (12, 11, 10)).astype(np.float32)
    mask = np.zeros(acquired.shape, np.uint8)
    mask[2:10, 2:9, 2:8] = 1
    like = nib.Nifti1Image(acquired, np.diag([2, 2, 3, 1]))
    volumes = {"acquired": acquired, "synthetic": (acquired * 1.05 + 20) * mask, "mask": mask}
    for name, volume in volumes.items():
        images.write(tmp_path / f"{name}.nii.gz", volume, like)
    return {name: tmp_path / f"{name}.nii.gz" for name in volumes}, volumes


def test_score_writes_one_row_per_metric(files, tmp_path):
    paths, volumes = files
    score(**paths, output=tmp_path / "s.tsv", participant="01", session="2", experiment="fcn", fold="3")
    table = pd.read_csv(tmp_path / "s.tsv", sep="\t", dtype={"fold": str}, keep_default_na=False)
    first = table.iloc[0]
    assert (first.participant_id, first.session_id, first.fold, first.region) == (
        "sub-01",
        "ses-2",
        "3",
        "brain",
    )
    expected = compare(volumes["acquired"], volumes["synthetic"], volumes["mask"], list(METRICS))
    assert dict(zip(table.metric, table.value, strict=True)) == pytest.approx(expected, rel=1e-6)
    score(
        **paths,
        output=tmp_path / "n.tsv",
        participant="01",
        session="n/a",
        experiment="fcn",
        fold="3",
        metrics=["mae"],
    )
    assert (tmp_path / "n.tsv").read_text().splitlines()[1].startswith("sub-01\tn/a\tfcn\t3\tbrain\tmae\t")


def test_score_names_the_file_that_is_wrong(files, tmp_path):
    paths, volumes = files
    settings = {"output": tmp_path / "s.tsv", "participant": "01", "experiment": "fcn", "fold": "3"}
    like = images.read_header(paths["acquired"])
    images.write(tmp_path / "empty.nii.gz", volumes["mask"] * 0, like)
    with pytest.raises(RecontrastError, match=r"empty\.nii\.gz: the mask is empty"):
        score(**paths | {"mask": tmp_path / "empty.nii.gz"}, **settings)
    images.write(tmp_path / "moved.nii.gz", volumes["mask"], nib.Nifti1Image(volumes["mask"], np.eye(4)))
    with pytest.raises(RecontrastError, match=r"moved\.nii\.gz: lies on another grid"):
        score(**paths | {"mask": tmp_path / "moved.nii.gz"}, **settings)
    images.write(tmp_path / "flat.nii.gz", 1.0 - volumes["mask"], like)
    with pytest.raises(
        RecontrastError, match=r"flat\.nii\.gz: the acquired image is constant inside the mask"
    ):
        score(**paths | {"acquired": tmp_path / "flat.nii.gz"}, **settings)
    with pytest.raises(RecontrastError, match=r"^unknown metric 'sim'; use ssim"):
        score(**paths, **settings, metrics=["sim"])
    assert not (tmp_path / "s.tsv").exists()


def scores(*rows):
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_summary_counts_participants_not_sessions():
    rows = scores(
        ("sub-01", "ses-1", "fcn", "1", "brain", "ssim", "0.8"),
        ("sub-01", "ses-2", "fcn", "1", "brain", "ssim", "0.6"),
        ("sub-02", "ses-1", "fcn", "2", "brain", "ssim", "0.9"),
        ("sub-03", "ses-1", "fcn", "2", "brain", "ssim", "n/a"),
    )
    (summary,) = over_participants(rows.to_dict("records"))
    expected = {"n": 2, "mean": 0.8, "sd": 0.2 / np.sqrt(2), "median": 0.8, "min": 0.7, "max": 0.9}
    assert {name: summary[name] for name in expected} == pytest.approx(expected)


def test_collect_and_summarize(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("02", "01"):
        rows = [(f"sub-{name}", "n/a", "fcn", "1", "brain", m, v) for m, v in (("psnr", 20.5), ("ssim", 0.9))]
        scores(*rows).to_csv(f"{name}.tsv", sep="\t", index=False)
    (tmp_path / "list.tsv").write_text("file\n02.tsv\n01.tsv\n")
    collect(scores=tmp_path / "list.tsv", output=tmp_path / "metrics.tsv")
    joined = (tmp_path / "metrics.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in joined] == [
        "participant_id",
        "sub-01",
        "sub-01",
        "sub-02",
        "sub-02",
    ]
    assert joined[1].endswith("psnr\t20.5")
    summarize(metrics=tmp_path / "metrics.tsv", table=tmp_path / "summary.tsv")
    table = pd.read_csv(tmp_path / "summary.tsv", sep="\t")
    assert table["n"].to_list() == [2, 2]
    assert list(json.loads((tmp_path / "summary.json").read_text())) == list(table.columns)


def test_no_scores_make_empty_tables(tmp_path):
    (tmp_path / "list.tsv").write_text("file\n")
    collect(scores=tmp_path / "list.tsv", output=tmp_path / "metrics.tsv")
    summarize(metrics=tmp_path / "metrics.tsv", table=tmp_path / "summary.tsv")
    assert (
        tmp_path / "summary.tsv"
    ).read_text() == "experiment\tregion\tmetric\tn\tmean\tsd\tmedian\tmin\tmax\n"


def test_collect_names_a_table_that_is_missing(tmp_path):
    (tmp_path / "list.tsv").write_text(f"file\n{tmp_path}/gone.tsv\n")
    with pytest.raises(RecontrastError, match=r"gone\.tsv: does not exist"):
        collect(scores=tmp_path / "list.tsv", output=tmp_path / "metrics.tsv")
