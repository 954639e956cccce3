"""The steps from images to the summary table."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from recontrast import images
from recontrast.columns import SCORES
from recontrast.errors import RecontrastError
from recontrast.evaluation.cnr import cnr, cnr_as_printed
from recontrast.evaluation.collect import collect
from recontrast.evaluation.metrics import compare
from recontrast.evaluation.overlap import threshold
from recontrast.evaluation.pair import Pair
from recontrast.evaluation.profiles import profile
from recontrast.evaluation.score import score
from recontrast.evaluation.summarize import over_participants, summarize
from recontrast.masks import dice
from recontrast.measures import OF_IMAGES
from recontrast.participants import mean_and_sd


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
    assert list(json.loads((tmp_path / "s.json").read_text())) == list(table)
    first = table.iloc[0]
    assert (first.participant_id, first.session_id, first.fold, first.region) == (
        "sub-01",
        "ses-2",
        "3",
        "brain",
    )
    pair = Pair(volumes["acquired"], volumes["synthetic"], volumes["mask"])
    expected = {name: value for _, name, value in compare(pair, ["mse", "mae", "psnr", "nrmse", "ssim"])}
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


def test_score_takes_tissues_masks_pairs_and_structures(files, tmp_path):
    paths, volumes = files
    like = images.read_header(paths["acquired"])
    labels = np.zeros_like(volumes["mask"])
    labels[3:6], labels[6:9] = 1, 2  # grey and white matter; no fluid
    box = np.zeros_like(labels)
    box[4:9, 3:8, 3:7] = 1
    outlined = np.zeros_like(labels)
    outlined[5:9, 3:8, 3:7] = 1
    for name, volume in {"labels": labels, "box": box, "outlined": outlined}.items():
        images.write(tmp_path / f"{name}.nii.gz", volume, like)
    metrics = ["mse", "kim_mse", "cnr", "cnr_acquired", "kim_cnr", "dice"]
    score(
        **paths,
        output=tmp_path / "s.tsv",
        participant="01",
        experiment="fcn",
        fold="3",
        metrics=metrics,
        tissue=tmp_path / "labels.nii.gz",
        areas=[tmp_path / "box.nii.gz", tmp_path / "outlined.nii.gz"],
        names=["box", "outlined"],
        pairs=["WM-GM", "WM-absent"],
        structures=json.dumps(
            {
                "bright": {"within": "box", "above": 0.8},
                "dark": {"within": "gone", "below": 0},
                "printed": {"within": "box", "above": 0.8, "scale": "printed"},
                "drawn": {"within": "box", "drawn": {"fcn": "outlined", "gan": "box"}},
                "other": {"within": "box", "drawn": {"gan": "outlined"}},
                "lost": {"within": "box", "drawn": {"fcn": "gone"}},
                "nothing": {"within": "box", "above": 1e6},
                "nowhere": {"within": "CSF", "above": 0},
            }
        ),
    )
    rows = pd.read_csv(tmp_path / "s.tsv", sep="\t").set_index(["region", "metric"])["value"]
    pair = Pair(volumes["acquired"], volumes["synthetic"], volumes["mask"])
    a, b = pair.harmonised
    gm, wm = ((labels == value) & pair.mask for value in (1, 2))
    assert rows["GM", "mse"] == pytest.approx(((a - b)[gm] ** 2).mean(), rel=1e-6)
    assert rows["box", "mse"] == pytest.approx(((a - b)[(box > 0) & pair.mask] ** 2).mean(), rel=1e-6)
    assert np.isnan(rows["CSF", "mse"])
    expected = abs(b[wm].mean() - b[gm].mean()) / b[gm].std()
    assert rows["WM-GM", "cnr"] == pytest.approx(expected, rel=1e-6)
    assert rows["WM-GM", "cnr_acquired"] == pytest.approx(cnr(a, wm, gm), rel=1e-6)
    assert rows["WM-GM", "kim_cnr"] == pytest.approx(cnr_as_printed(pair.whole[1], wm, gm), rel=1e-6)
    assert np.isnan([rows["WM-absent", "cnr"], rows["dark", "dice"]]).all()
    within = (box > 0) & pair.mask
    one, other = (within & (image > 0.8) for image in (a, b))
    assert rows["bright", "dice"] == pytest.approx(
        2 * (one & other).sum() / (one.sum() + other.sum()), rel=1e-6
    )
    one, other = (within & (image > 0.8) for image in pair.whole)
    expected = 2 * (one & other).sum() / (one.sum() + other.sum())
    assert rows["printed", "dice"] == pytest.approx(expected, rel=1e-6) != rows["bright", "dice"]
    shared = (within & (outlined > 0)).sum()
    assert rows["drawn", "dice"] == pytest.approx(2 * shared / (within.sum() + shared), rel=1e-6)
    assert np.isnan([rows["lost", "dice"], rows["nowhere", "dice"]]).all()
    assert rows["nothing", "dice"] == 1
    assert set(rows.index) == {
        *((place, "mse") for place in ("brain", "GM", "WM", "CSF", "box", "outlined")),
        ("image", "kim_mse"),
        *((both, m) for both in ("WM-GM", "WM-absent") for m in ("cnr", "cnr_acquired", "kim_cnr")),
        ("bright", "dice"),
        *((name, "dice") for name in ("dark", "printed", "drawn", "lost", "nothing", "nowhere")),
    }


def test_contrast_to_noise_and_overlap_by_hand():
    image = np.array([10, 12, 2, 4, 6])
    top, bottom = np.array([1, 1, 0, 0, 0], bool), np.array([0, 0, 1, 1, 1], bool)
    noise = np.std([2, 4, 6])
    assert cnr(image, top, bottom) == cnr(-image, top, bottom) == pytest.approx(7 / noise)
    assert cnr_as_printed(image, top, bottom) == pytest.approx(15 / noise)
    assert np.isnan(cnr(image, top & False, bottom))
    assert cnr(np.array([1, 1, 0, 0, 0]), top, bottom) == np.inf
    assert threshold(image, image > 0, above=3, below=11).tolist() == [True, False, False, True, True]
    assert dice(top, np.array([1, 0, 1, 0, 0], bool)) == 0.5
    assert dice(top, bottom) == 0
    assert dice(top & False, top & False) == 1
    assert dice(top & False, top) == 0


def test_profile_follows_a_line_through_the_world():
    grid = np.indices((10, 8, 6)).astype(float)
    affine = np.array([[-2, 0, 0, 5], [0, 0, 3, -4], [0, 2.5, 0, 1], [0, 0, 0, 1]])
    world = np.einsum("ij,j...->i...", affine[:3, :3], grid) + affine[:3, 3].reshape(3, 1, 1, 1)
    plane = 2 * world[0] - world[1] + 0.5 * world[2]  # linear, so that interpolation is exact
    start, end = (4.0, -3.0, 2.0), (-9.0, 8.0, 12.0)
    distances, values = profile(plane, affine, start, end)
    points = np.array(start) + np.outer(distances / distances[-1], np.subtract(end, start))
    assert distances[-1] == pytest.approx(np.linalg.norm(np.subtract(end, start)))
    assert np.diff(distances).max() <= 0.5
    assert values == pytest.approx(points @ [2, -1, 0.5])
    assert np.isnan(profile(plane, affine, start, (200.0, 0, 0))[1][-1])


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
    return pd.DataFrame(rows, columns=list(SCORES))


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
    about = json.loads((tmp_path / "metrics.json").read_text())
    assert list(about) == list(SCORES)
    assert set(about["metric"]["Levels"]) == set(OF_IMAGES)


def test_one_participant_has_a_mean_and_no_spread():
    assert mean_and_sd(0.7123, float("nan"), ".3f") == "0.712"
    assert mean_and_sd(0.7123, 0.034, ".3f") == "0.712 ± 0.034"


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
