"""What lies on top of images: maps, lesions and lines, each where it is and in its colour."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from recontrast import images, tables
from recontrast.report import figures, overlays, pictures
from recontrast.report.gallery import Gallery
from recontrast.report.lesion_examples import lesion_examples

AFFINE = np.diag([4.0, 4, 4, 1])
SHAPE = (30, 32, 24)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """A session with a T1w, a FLAIR and one synthetic FLAIR; every voxel is inside the mask."""
    like = nib.Nifti1Image(np.zeros(SHAPE), AFFINE)
    random = np.random.default_rng(1)
    for name in ("T1w", "FLAIR", "made"):
        images.write(tmp_path / f"{name}.nii.gz", random.random(SHAPE), like)
    images.write(tmp_path / "mask.nii.gz", np.ones(SHAPE, np.uint8), like)
    (tmp_path / "page").mkdir()
    shown = Gallery(tmp_path / "page", tmp_path / "mask.nii.gz", viewers=False, lesions={})
    shown.contrasts({name: tmp_path / f"{name}.nii.gz" for name in ("T1w", "FLAIR")}, "T1w")
    shown.experiment("Fcn", "FLAIR", tmp_path / "made.nii.gz")
    return shown


def colours(gallery: Gallery, address: str) -> np.ndarray:
    return np.asarray(Image.open(gallery.folder.parent / address).convert("RGB")).astype(int)


def put(gallery: Gallery, name: str, data: np.ndarray, facts: dict | None = None) -> Path:
    file = gallery.folder.parent / f"{name}.nii.gz"
    images.write(file, data, nib.Nifti1Image(np.zeros(SHAPE), AFFINE), facts=facts)
    return file


def test_maps_are_as_bright_as_their_values(gallery):
    half = np.zeros(SHAPE, np.float32)
    half[: SHAPE[0] // 2] = 1
    for kind, grey in (("ssim", True), ("nrmse", False)):
        drawn = overlays.draw_map(gallery, "Fcn", kind, put(gallery, kind, half))
        levels = colours(gallery, drawn["pictures"][0]["picture"])[: gallery.view.panels[0][0]]
        dark, bright = np.array_split(levels, 2, axis=1)  # the person's right, x 0, is on the left
        bright, dark = (dark, bright) if dark.mean() > bright.mean() else (bright, dark)
        assert np.median(bright) > 150
        assert np.median(dark) < 10
        assert (np.ptp(levels, axis=2).max() < 40) == grey


def test_influence_has_a_picture_for_each_input_on_one_scale(gallery):
    both = np.stack([np.full(SHAPE, 3.0), np.full(SHAPE, 1.0)], axis=-1).astype(np.float32)
    drawn = overlays.draw_map(gallery, "Fcn", "p3s", put(gallery, "p3s", both, {"Volumes": ["T1w", "T2w"]}))
    assert [part["name"] for part in drawn["pictures"]] == ["T1w", "T2w"]
    assert "75%" in drawn["pictures"][0]["text"]
    strong, weak = (colours(gallery, part["picture"]).mean() for part in drawn["pictures"])
    assert strong > 2 * weak
    assert drawn["top"] == "3"


def test_lesions_are_red_in_the_plane_with_most_of_them(gallery):
    lesion = np.zeros(SHAPE, np.uint8)
    lesion[5:8, 5:9, 3] = 1  # far from the middle
    masks = {"Fcn": put(gallery, "found", lesion), "acquired": put(gallery, "none", 0 * lesion)}
    drawn = overlays.draw_lesions(gallery, masks, "FLAIR")
    assert [item["source"] for item in drawn] == ["acquired", "Fcn"]
    assert [item["volume"] for item in drawn] == ["0.0", f"{12 * 64 / 1000:.1f}"]
    marks = [np.asarray(Image.open(gallery.folder.parent / i["marked"]).convert("RGBA")) for i in drawn]
    assert not marks[0][..., 3].any()
    seen = marks[1][..., 3] > 0
    assert seen.any()
    assert (marks[1][seen][:, :3] == overlays.LESION).all()
    assert marks[1].shape[:2] == colours(gallery, drawn[1]["plain"]).shape[:2]  # it lies on top


def test_lesions_drawn_by_hand_lie_on_the_acquired_image(gallery):
    lesion = np.zeros(SHAPE, np.uint8)
    lesion[5:8, 5:9, 3] = 1
    masks = {source: put(gallery, source, lesion) for source in ("manual", "acquired")}
    acquired, manual = overlays.draw_lesions(gallery, masks, "FLAIR")
    assert acquired["plain"] == manual["plain"]
    assert acquired["marked"] != manual["marked"]


def test_a_line_has_a_figure_with_a_curve_for_each_image(gallery):
    rows = [
        {"line": "across", "target": "FLAIR", "experiment": name, "x": x, "y": 60, "z": 40}
        | {"distance": x, "value": x / 10}
        for name in ("acquired", "Fcn")
        for x in range(0, 116, 2)
    ]
    tables.write(gallery.folder.parent / "line.tsv", overlays.PROFILE, rows)
    (drawn,) = overlays.draw_profiles(gallery, gallery.folder.parent / "line.tsv")
    text = (gallery.folder.parent / drawn["figure"]).read_text()
    assert "acquired" in text
    assert "Fcn" in text
    yellow = colours(gallery, drawn["picture"]) @ [0.5, 0.5, -1] > 90
    assert yellow[: gallery.view.panels[0][0]].any(axis=0).mean() > 0.8  # from side to side


def test_slices_are_shown_in_their_own_plane():
    view = pictures.View.of(np.ones((10, 60, 60)), np.diag([5.0, 1, 1, 1]))
    start, rows = view.in_slices
    montage = view.montage(np.ones((10, 60, 60), np.uint8))
    assert start + rows == len(montage)  # sagittal slices: the last plane
    assert rows == view.panels[2][0]


def test_losses_of_several_experiments_share_a_figure(tmp_path):
    rows = [{"epoch": str(n), "training": str(1 / n), "validation": str(1.1 / n)} for n in range(1, 9)]
    figures.curves(tmp_path / "curves.svg", {"Layers2": rows, "Layers3": rows})
    text = (tmp_path / "curves.svg").read_text()
    assert text.count("Layers2") == text.count("Layers3") == 1


def test_examples_are_the_highest_and_the_lowest_dice(tmp_path):
    columns = ("participant_id", "session_id", "experiment", "region", "metric", "value")
    values = {"sub-01": 0.4, "sub-02": 0.9, "sub-03": 0.1, "sub-04": 0.99, "sub-05": 1.0}
    rows = [
        dict(zip(columns, (who, "n/a", "Fcn", region, metric, value), strict=True))
        for who, dice in values.items()
        for region in ("acquired", "manual")
        # The last has no lesions, and none were found.
        for metric, value in (("lesion_dice", dice), ("lesion_true_volume", 0 if who == "sub-05" else 3))
    ]
    tables.write(tmp_path / "lesions.tsv", columns, rows)
    sessions = [{"session": who, "participant_id": who, "session_id": "n/a", "page": "p"} for who in values]
    sessions[3]["page"] = ""  # nothing to show
    folder = tmp_path / "sessions/sub-02"
    folder.mkdir(parents=True)
    for name in (
        "unmarked-acquired.webp", "lesions-acquired.png", "lesions-manual.png", "unmarked-Fcn.webp", "lesions-Fcn.png"
    ):  # fmt: skip
        (folder / name).touch()
    (example,) = lesion_examples(tmp_path / "lesions.tsv", sessions, tmp_path)
    assert [(one["session"], one["dice"]) for one in example["shown"]] == [("sub-02", 0.9), ("sub-03", 0.1)]
    best, worst = (one["pictures"] for one in example["shown"])
    assert [item["name"] for item in best] == [
        "acquired", "lesions on acquired", "given mask", "Fcn", "lesions on Fcn"
    ]  # fmt: skip
    assert [item["top"].rpartition("/")[2] for item in best if item["top"]] == [
        "lesions-acquired.png", "lesions-manual.png", "lesions-Fcn.png"
    ]  # fmt: skip
    assert worst == []


def test_pictures_that_are_too_heavy_together_become_lighter(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (400, 360), dtype=np.uint8)
    files = [tmp_path / f"{number}.webp" for number in range(4)]
    for file in files:
        Image.fromarray(noise).save(file, quality=pictures.QUALITY)
    before = sum(file.stat().st_size for file in files)
    pictures.lighten(files, before)
    assert sum(file.stat().st_size for file in files) == before
    pictures.lighten(files, int(0.8 * before))
    assert sum(file.stat().st_size for file in files) <= 0.8 * before
    assert Image.open(files[0]).size == (360, 400)
