"""Lesions in numbers on the pages: everybody counts once, and a session has its own."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from recontrast import tables
from recontrast.columns import SCORES
from recontrast.lesion_words import given
from recontrast.report.lesions import lesion_section, session_lesions
from recontrast.report.session_page import session_page


def scores(path: Path, rows: list[tuple[str, str, str, float]]) -> Path:
    """Rows of participant, session, metric and value, in mixed order, of acquired against manual masks.

    There are ratios of acquired FLAIR in the lesions found on it, too, which are no comparison of lesions.
    """
    about = {"experiment": "acquired", "fold": "1", "region": "manual"}
    rows = [dict(zip(("participant_id", "session_id", "metric", "value"), row, strict=True)) for row in rows]
    own = {"region": "acquired", "metric": "lesion_volume", "value": 5.0}
    lines = [about | row for row in rows] + [about | row | own for row in rows[:1]]
    tables.write(path, SCORES, lines)
    return path


def test_the_figure_of_volumes_has_one_point_for_a_participant(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        "recontrast.report.figures.agreement", lambda path, pairs: drawn.update(pairs), raising=True
    )
    rows = [
        ("sub-02", "n/a", "lesion_true_volume", 7.0),
        ("sub-01", "ses-1", "lesion_volume", 1.0),
        ("sub-01", "ses-2", "lesion_volume", 3.0),
        ("sub-01", "ses-2", "lesion_true_volume", 6.0),
        ("sub-01", "ses-1", "lesion_true_volume", 4.0),
        ("sub-02", "n/a", "lesion_volume", 8.0),
    ]
    summary = tmp_path / "summary.tsv"
    tables.write(summary, ("experiment", "region", "load", "metric", "n", "mean", "sd"), [])
    section = lesion_section(scores(tmp_path / "lesions.tsv", rows), summary, tmp_path)
    assert {title: sorted(pairs) for title, pairs in drawn.items()} == {
        "acquired − given mask": [(2, 5), (8, 7)]
    }
    assert section["loads"] == "none no lesion, small under 5 ml, medium 5 to 15 ml, large 15 ml or more"


def test_a_session_has_its_comparisons_and_its_regions(tmp_path):
    table = scores(tmp_path / "c.tsv", [("sub-01", "n/a", "lesion_dice", 0.75)])
    tables.write(
        tmp_path / "l.tsv",
        ("region", "number", "volume", "largest"),
        [{"region": "all", "number": 3, "volume": 2.5, "largest": 1.0}],
    )
    found = session_lesions([table], ["acquired", "manual"], [tmp_path / "l.tsv"])
    assert found["rows"] == [{"experiment": "acquired", "region": "manual", "cells": {"lesion_dice": "0.75"}}]
    assert found["regions"] == ["all"]
    (place,) = found["places"]
    assert (place["source"], place["cells"][0]["number"]) == ("acquired", "3")
    with pytest.raises(ValueError, match="zip"):
        session_lesions([], ["acquired", "Fcn"], [tmp_path / "l.tsv"])


def test_the_page_of_a_session_shows_them(tmp_path):
    draw = np.random.default_rng(1)
    inside = np.zeros((24, 24, 24), np.uint8)
    inside[4:20, 4:20, 4:20] = 1
    lesion = inside * 0
    lesion[10:13, 10:13, 10:13] = 1
    for name, data in {
        "flair": 1000.0 * inside * draw.random(inside.shape),
        "mask": inside,
        "l": lesion,
    }.items():
        nib.save(nib.Nifti1Image(data, np.diag([4.0, 4.0, 4.0, 1.0])), tmp_path / f"{name}.nii.gz")
    columns = ("region", "number", "volume", "largest")
    places = [dict(zip(columns, (name, 7, 2.5, 1.0), strict=True)) for name in ("all", "juxtacortical")]
    tables.write(tmp_path / "l.tsv", columns, places)
    session_page(
        session="sub-01",
        page=tmp_path / "sub-01.html",
        contrasts=["FLAIR"],
        images=[tmp_path / "flair.nii.gz"],
        mask=tmp_path / "mask.nii.gz",
        lesions=[tmp_path / "l.nii.gz"],
        lesion_sources=["acquired"],
        lesion_scores=[scores(tmp_path / "c.tsv", [("sub-01", "n/a", "lesion_dice", 0.8125)])],
        lesion_tables=[tmp_path / "l.tsv"],
    )
    text = (tmp_path / "sub-01.html").read_text()
    assert "juxtacortical</th>" in text
    assert '7 <span class="soft">(2.500)</span>' in text
    assert ">0.812<" in text or ">0.813<" in text
    assert '<th scope="row">acquired</th><td>given mask</td>' in text
    assert "by hand" not in text


def test_masks_are_manual_only_where_a_name_of_theirs_says_so():
    assert given("drawn", {"label": "lesion", "description": None}) == "given masks"
    assert given("drawn", {"label": "lesion", "description": "manual1"}) == "manual masks"
    assert given("manualLesions", {"label": "lesion"}) == "manual masks"
