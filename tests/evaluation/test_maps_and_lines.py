"""Maps of metrics and intensities along lines, beside known answers."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from recontrast import images, tables
from recontrast.errors import RecontrastError
from recontrast.evaluation.map_metric import map_metric
from recontrast.evaluation.metrics import METRICS
from recontrast.evaluation.pair import Pair
from recontrast.evaluation.trace_profile import DICTIONARY, trace_profile

AFFINE = np.array([[-2.0, 0, 0, 30], [0, 2, 0, -40], [0, 0, 3, 10], [0, 0, 0, 1]])
SHAPE = (20, 22, 18)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """An acquired image that is its own left-right coordinate, a noisy synthetic one, and a mask."""
    x = AFFINE[0, 0] * np.indices(SHAPE)[0] + AFFINE[0, 3]
    noisy = x + np.random.default_rng(1).normal(size=SHAPE)
    mask = np.zeros(SHAPE, np.uint8)
    mask[4:15, 3:18, 2:15] = 1
    like = nib.Nifti1Image(x, AFFINE)
    made = {}
    for name, data in (("acquired", x + 100), ("synthetic", (noisy + 110) * mask), ("mask", mask)):
        made[name] = tmp_path / f"{name}.nii.gz"
        images.write(made[name], data, like)
    return made


@pytest.mark.parametrize("metric", ["ssim", "nrmse", "hagiwara_nrmse"])
def test_a_map_holds_what_its_metric_averages(files, tmp_path, metric):
    map_metric(metric=metric, output=tmp_path / "map.nii.gz", **files)
    reference, prediction, mask = (nib.load(files[n]).get_fdata() for n in ("acquired", "synthetic", "mask"))
    values, inside = nib.load(tmp_path / "map.nii.gz").get_fdata(), mask > 0
    averaged = values[inside].mean() if metric == "ssim" else np.sqrt((values[inside] ** 2).mean())
    # The harmonised NRMSE is on a scale that begins at the darkest voxels; the printed one is in units.
    assert averaged == pytest.approx(METRICS[metric](Pair(reference, prediction, mask), inside), rel=1e-5)
    assert not values[~inside].any()


def trace(files: dict[str, Path], **settings) -> list[tables.Row]:
    output = files["mask"].with_name("line.tsv")
    trace_profile(
        line="across",
        mask=files["mask"],
        output=output,
        participant="sub-01",
        session="n/a",
        contrasts=["FLAIR"],
        acquired=[files["acquired"]],
        experiments=["Fcn"],
        targets=["FLAIR"],
        synthetic=[files["synthetic"]],
        **settings,
    )
    return tables.read(output, DICTIONARY)


def test_the_line_through_the_middle_ends_where_the_region_ends(files):
    rows = trace(files)
    acquired = [row for row in rows if row["experiment"] == "acquired"]
    assert {row["experiment"] for row in rows} == {"acquired", "Fcn"}
    assert [float(acquired[0]["x"]), float(acquired[-1]["x"])] == [30 - 2 * 14, 30 - 2 * 4]
    assert {(row["y"], row["z"]) for row in rows} == {("-20", "34")}  # the middle voxel is 10 and 8
    for row in acquired:
        assert float(row["value"]) == pytest.approx(float(row["x"]) + 100, abs=1e-4)
        assert float(row["distance"]) == pytest.approx(float(row["x"]) - 2, abs=1e-6)


def test_the_columns_of_a_profile_are_described(files):
    (row, *_) = trace(files)
    about = json.loads(files["mask"].with_name("line.json").read_text())
    assert list(about) == list(row)
    assert about["distance"]["Units"] == "mm"


def test_a_line_between_points_has_nothing_outside_the_image(files):
    rows = trace(files, start=[-40.0, -20.0, 34.0], end=[20.0, -20.0, 34.0])
    outside = [row["value"] == "n/a" for row in rows if row["experiment"] == "acquired"]
    assert outside[0]
    assert not outside[-1]
    with pytest.raises(RecontrastError, match="lies outside"):
        trace(files, start=[500.0, 0.0, 0.0], end=[600.0, 0.0, 0.0])
